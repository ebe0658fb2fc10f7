/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage 5: fragments wait until their packet is whole, and leave or end together. */
#include "fragment.h"

#include <string.h>

#include "fragmentset.h"
#include "frame.h"
#include "handoff.h"
#include "owner.h"
#include "parse.h"
#include "pipeline.h"
#include "reassemble.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
/* Long enough for the other uplink's copy, short enough that no identification is used again (RFC 6864). */
#define DONE_NS (100 * MS)

/* ---- what happens to the fragments of a set ---- */

/* They are no longer held: to be sent, or to be dropped. */
static void set_release(struct worker *w, struct set *set)
{
	for (uint16_t i = 0; i < set->count; i++)
		w->counters->ports[set->frames[i]->port].held--;
	w->fragments->held[set->key.segment] -= set->count;
}

static void set_drop(struct worker *w, struct set *set, enum bh_drop reason)
{
	set_release(w, set);
	for (uint16_t i = 0; i < set->count; i++)
		drop_frame(w, set->frames[i], reason);
	set->count = 0;
}

/* None of it may pass: neither what is held nor what is still to come (RFC 5722). Under the segment's quota the
 * memory of it counts as one fragment, so that one machine can not fill the table with killed sets. */
static void set_kill(struct worker *w, struct set *set, enum bh_drop reason)
{
	set_drop(w, set, reason);
	set->reason = (uint8_t)reason;
	set_finish(w, set, SET_KILLED);
	w->fragments->held[set->key.segment]++;
}

static uint64_t timeout_ns(const struct worker *w, uint8_t state)
{
	if (state == SET_DONE)
		return DONE_NS;
	return w->policy ? w->policy->image.header->settings.timeouts[BH_TIMEOUT_FRAGMENT] * SECOND
			 : 30 * SECOND;
}

static bool set_overdue(const struct worker *w, const struct set *set)
{
	return w->now_ns >= worker_last(w, set->since_ns) + timeout_ns(w, set->state);
}

static void set_expire(struct worker *w, struct set *set)
{
	if (set->state == SET_COLLECTING)
		set_drop(w, set, BH_DROP_FRAGMENT_TIMEOUT);
	set_forget(w, set);
}

/* ---- one fragment ---- */

static void set_key(struct fragment_key *key, const struct frame *f)
{
	memcpy(key->address[0], frame_source(f), 16);
	memcpy(key->address[1], frame_destination(f), 16);
	key->id = f->fragment_id;
	key->segment = f->segment;
	key->protocol = f->kind == FRAME_IPV4 ? f->protocol : 0;
	key->kind = f->kind;
	key->inner = f->inner & 0xfffu;
}

/* The same bytes at the same place? */
static bool same_data(const struct rte_mbuf *a, const struct rte_mbuf *b)
{
	const struct frame *fa = frame_of((struct rte_mbuf *)(uintptr_t)a);
	const struct frame *fb = frame_of((struct rte_mbuf *)(uintptr_t)b);
	uint8_t bytes_a[256], bytes_b[256];
	uint32_t length = fa->fragment_length;

	if ((fa->flags ^ fb->flags) & FRAME_MORE_FRAGMENTS)
		return false;
	for (uint32_t at = 0, part; at < length; at += part) {
		part = RTE_MIN(length - at, (uint32_t)sizeof(bytes_a));
		const void *in_a = rte_pktmbuf_read(a, fa->l4 + at, part, bytes_a);
		const void *in_b = rte_pktmbuf_read(b, fb->l4 + at, part, bytes_b);

		if (!in_a || !in_b || memcmp(in_a, in_b, part) != 0)
			return false;
	}
	return true;
}

/* Of a set that is done only the places are known. */
static bool is_duplicate_of_done(const struct set *set, const struct frame *f)
{
	uint32_t end = (uint32_t)f->fragment_offset + f->fragment_length;
	bool last = !(f->flags & FRAME_MORE_FRAGMENTS);

	for (uint16_t i = 0; i < set->count; i++)
		if (set->offset[i] == f->fragment_offset && set->end[i] == end && last == (end == set->total))
			return true;
	return false;
}

/* How a fragment goes with those that are held: PARSED, or the reason against it. FRAGMENT_DUPLICATE is about the
 * fragment alone, every other about the set. */
static enum bh_drop set_check(const struct set *set, const struct rte_mbuf *m)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	uint32_t end = (uint32_t)f->fragment_offset + f->fragment_length, highest = 0;

	for (uint16_t i = 0; i < set->count; i++) {
		if (set->offset[i] == f->fragment_offset && set->end[i] == end)
			return same_data(set->frames[i], m) ? BH_DROP_FRAGMENT_DUPLICATE
							    : BH_DROP_FRAGMENT_OVERLAP;
		if (set->offset[i] < end && f->fragment_offset < set->end[i])
			return BH_DROP_FRAGMENT_OVERLAP;
		highest = RTE_MAX(highest, (uint32_t)set->end[i]);
	}
	bool last = !(f->flags & FRAME_MORE_FRAGMENTS);
	/* two ends, or data behind the end */
	if (last ? set->total || highest > end : set->total && end > set->total)
		return BH_DROP_FRAGMENT_BAD;
	return set->count == FRAGMENTS_A_SET ? BH_DROP_FRAGMENT_FULL : PARSED;
}

static void set_hold(struct worker *w, struct set *set, struct rte_mbuf *m)
{
	const struct frame *f = frame_of(m);
	uint16_t i = set->count++;

	set->frames[i] = m;
	set->offset[i] = f->fragment_offset;
	set->end[i] = (uint16_t)(f->fragment_offset + f->fragment_length);
	set->bytes += f->fragment_length;
	if (!(f->flags & FRAME_MORE_FRAGMENTS))
		set->total = set->end[i];
	w->counters->ports[m->port].held++;
	w->fragments->held[set->key.segment]++;
}

static void sort_by_offset(const struct set *set, uint8_t order[FRAGMENTS_A_SET])
{
	for (uint8_t i = 0; i < set->count; i++) {
		uint8_t at = i;

		for (; at && set->offset[order[at - 1]] > set->offset[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

/* The segment's guards saw fragments only; what a DHCP server or an IPv4 router says in fragments meets its guard here. Neighbour
 * discovery does not get this far (RFC 6980). */
static enum bh_drop guard_whole(const struct worker *w, const struct frame *f)
{
	if ((f->flags & FRAME_ASSIGNED) || !w->policy || w->policy->segments[f->segment].dhcp_server)
		return PARSED;
	if (f->flags & FRAME_DHCP_SERVER)
		return BH_DROP_DHCP_GUARD;
	return f->flags & FRAME_ROUTER_ADVERT ? BH_DROP_RA_GUARD : PARSED;
}

static enum bh_drop parse_whole(struct worker *w, struct rte_mbuf *whole)
{
	struct frame *f = frame_of(whole);
	bool verify = !w->policy || !w->policy->image.header->settings.checksums_ignore;
	enum bh_drop reason = parse_reassembled(whole, verify);

	if (reason != PARSED)
		return reason;
	frame_key_place(f);
	f->hash = flow_hash(&f->key, w->seed);
	return guard_whole(w, f);
}

/* Returns the frame that stands for the complete set, or NULL if it was dropped. */
static struct rte_mbuf *set_complete(struct worker *w, struct set *set)
{
	uint8_t order[FRAGMENTS_A_SET];

	sort_by_offset(set, order);
	/* each fragment was measured by its own header, the whole has the first one's */
	const struct frame *first = frame_of(set->frames[order[0]]);
	uint32_t header = (uint32_t)(first->l4 - first->l3) - (first->kind == FRAME_IPV6 ? 48 : 0);
	if (header + set->total > UINT16_MAX) {
		set_kill(w, set, BH_DROP_FRAGMENT_BAD);
		return NULL;
	}
	struct rte_mbuf *whole = whole_packet(&w->fragments->pools, set->frames, order, set->count);
	if (!whole) {
		set_kill(w, set, BH_DROP_NO_MEMORY);
		return NULL;
	}
	set_release(w, set);
	set_finish(w, set, SET_DONE);
	enum bh_drop reason = parse_whole(w, whole);
	if (reason == PARSED)
		return whole;
	drop_frame(w, whole, reason);
	return NULL;
}

/* No room for it: dropped, or judged alone if the policy says so, by what can be known of a fragment: its
 * addresses and protocol, and the ports of a first one. Returns the frame or NULL. */
static struct rte_mbuf *without_set(struct worker *w, struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);

	if (!w->policy || w->policy->image.header->settings.exception_fragments != BH_EXCEPTION_STATELESS) {
		drop_frame(w, m, BH_DROP_FRAGMENT_FULL);
		return NULL;
	}
	f->flags |= FRAME_STATELESS;
	if (f->flags & FRAME_FIRST_FRAGMENT) {
		parse_fragment_ports(m);
		f->hash = flow_hash(&f->key, w->seed);
	}
	return m;
}

static bool over_quota(const struct worker *w, uint16_t segment)
{
	if (!w->policy || w->policy->replay_quotas_off)
		return false;
	uint32_t limit = w->policy->segments[segment].limits.fragments;

	return limit && w->fragments->held[segment] >= worker_share(w, limit);
}

/* A set to which the fragment may be added, or NULL: then *m is what goes on, if anything. */
static struct set *set_for(struct worker *w, struct rte_mbuf **m)
{
	const struct frame *f = frame_of(*m);
	struct fragment_key key = { 0 };

	set_key(&key, f);
	struct set *set = set_find(w->fragments, &key, w->seed);
	if (set && set_overdue(w, set)) {
		set_expire(w, set);
		set = NULL;
	}
	if (set && set->state == SET_DONE) {
		if (is_duplicate_of_done(set, f)) {
			drop_frame(w, *m, BH_DROP_FRAGMENT_DUPLICATE);
			*m = NULL;
			return NULL;
		}
		set_forget(w, set); /* its identification is in use again */
		set = NULL;
	}
	if (set && set->state == SET_KILLED) {
		drop_frame(w, *m, (enum bh_drop)set->reason);
		*m = NULL;
		return NULL;
	}
	bool quota = over_quota(w, key.segment);
	if (!quota && !set)
		set = set_new(w, &key);
	if (quota || !set) {
		*m = without_set(w, *m);
		return NULL;
	}
	return set;
}

/* Returns what goes on in the fragment's place, if anything. */
static struct rte_mbuf *fragment_add(struct worker *w, struct rte_mbuf *m)
{
	struct set *set = set_for(w, &m);

	if (!set)
		return m;
	enum bh_drop reason = set_check(set, m);
	if (reason != PARSED) {
		if (reason != BH_DROP_FRAGMENT_DUPLICATE)
			set_kill(w, set, reason);
		drop_frame(w, m, reason);
		return NULL;
	}
	set_hold(w, set, m);
	return set->total && set->bytes == set->total ? set_complete(w, set) : NULL;
}

/* An ICMP error belongs to the worker of the packet it quotes; in fragments it came to the one of its own addresses. */
static bool hand_on(struct worker *w, struct rte_mbuf *m)
{
	const struct frame *f = frame_of(m);
	uint16_t owner;

	if (!w->peers || !(f->flags & FRAME_REASSEMBLED))
		return false;
	owner = owner_of(w->owners, f);
	if (owner == w->id)
		return false;
	worker_wakes(w, owner);
	handoff_judged(w, w->peers[owner], m);
	return true;
}

uint16_t fragment_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	bool refused = w->policy && w->policy->image.header->settings.fragments_drop;
	uint32_t kept = 0;

	/* mostly there is none */
	while (kept < count && !(frame_of(frames[kept])->flags & FRAME_FRAGMENT))
		kept++;
	for (uint32_t i = kept; i < count; i++) {
		struct rte_mbuf *m = frames[i];

		if (likely(!(frame_of(m)->flags & FRAME_FRAGMENT))) {
			frames[kept++] = m;
			continue;
		}
		if (unlikely(frame_of(m)->segment >=
			     BH_SEGMENT_IDS)) { /* never comes from the segment stage */
			drop_frame(w, m, BH_DROP_UNKNOWN_VLAN);
			continue;
		}
		if (refused) {
			drop_frame(w, m, BH_DROP_FRAGMENT_POLICY);
			continue;
		}
		m = fragment_add(w, m);
		if (m && !hand_on(w, m))
			frames[kept++] = m;
	}
	return (uint16_t)kept;
}

/* ---- the end of sets ---- */

void fragment_set_free(struct worker *w, struct fragment_set *set)
{
	/* it lives in the whole packet's mbuf, whose end is its own; the table forgot it when it was complete */
	(void)w;
	set->count = 0;
}

bool fragments_age(struct worker *w, uint32_t budget)
{
	struct fragments *fs = w->fragments;

	for (unsigned int state = 0; state < SET_STATES; state++) {
		for (; budget && fs->lists[state].head != NO_SET; budget--) {
			struct set *set = &fs->sets[fs->lists[state].head];

			if (!set_overdue(w, set))
				break;
			set_expire(w, set);
		}
	}
	return !budget;
}

void fragments_drain(struct worker *w, enum bh_drop reason)
{
	struct fragments *fs = w->fragments;

	for (unsigned int state = 0; state < SET_STATES; state++) {
		while (fs->lists[state].head != NO_SET) {
			struct set *set = &fs->sets[fs->lists[state].head];

			if (set->state == SET_COLLECTING)
				set_drop(w, set, reason);
			set_forget(w, set);
		}
	}
}
