/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Learning: a worker judges what it saw by the table as it is; what changes the table goes to the writer, who judges
 * again by the same functions.
 */
#include "learn.h"

#include <string.h>

#include "bindings.h"
#include "fault.h"
#include "notice.h"

/* The same thing is not told to the writer twice within this time. */
#define REPEAT_NS 1000000ull
/* Live, workers tell the table the time no finer than this. */
#define CLOCK_NS 10000000ull

#define load(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define store(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

static struct place place_of(const struct mac_entry *e)
{
	return (struct place){
		.last_ns = load(e->last_ns),
		.moved_ns = load(e->moved_ns),
		.announced_ns = load(e->announced_ns),
		.rate_ns = load(e->rate_ns),
		.pinned_ns = load(e->pinned_ns),
		.segment = load(e->segment),
		.home = load(e->home),
	};
}

static void place_store(struct mac_entry *e, const struct place *place)
{
	store(e->last_ns, place->last_ns);
	store(e->announced_ns, place->announced_ns);
	store(e->rate_ns, place->rate_ns);
	store(e->pinned_ns, place->pinned_ns);
	store(e->home, place->home);
	store(e->segment, place->segment);
	/* last: who sees the move sees the place */
	atomic_store_explicit(&e->moved_ns, place->moved_ns, memory_order_release);
}

static bool over_limit(const struct worker *w, const struct sighting *s)
{
	uint32_t limit = w->policy->segments[s->segment].limits.macs;

	return limit && !w->policy->replay_quotas_off && load(w->macs->segment_macs[s->segment]) >= limit;
}

static enum place_verdict judge(const struct worker *w, const struct mac_entry *e, const struct sighting *s,
				struct place *place)
{
	struct mac_table *table = w->macs;
	bool known = false;

	if (e) {
		*place = place_of(e);
		place->last_ns = worker_last(w, place->last_ns);
		known = (load(e->bound) || !place_expired(place->last_ns, s->now_ns)) &&
			mac_place_stands(w->policy, s->network, place->segment);
		if (known && place->segment == s->segment)
			return PLACE_KNOWN; /* the segment stage has looked at the bindings */
	}
	struct place_room room = {
		.bound = mac_bound(w->policy, s->network, &s->mac),
		/* one that aged out and comes again takes no other's room */
		.limit = !(e && place->segment == s->segment) && over_limit(w, s),
		.full = !e && (store_count(&table->store) >= table->store.capacity || fault(FAULT_MAC)),
	};
	return place_decide(known ? place : NULL, s, &room);
}

/* ---- for show ---- */

static void show_address(struct mac_entry *e, const struct sighting *s)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t *shown = memcmp(s->address, mapped, sizeof(mapped)) == 0 ? e->address4 : e->address6;
	uint64_t old[2], new[2];

	memcpy(old, shown, sizeof(old));
	memcpy(new, s->address, sizeof(new));
	/* A router's frames have everybody's addresses; what a machine says of itself by ARP or ND is better. */
	if ((old[0] | old[1]) && !s->spoken)
		return;
	if (old[0] != new[0] || old[1] != new[1])
		memcpy(shown, new, sizeof(new));
}

static void heard(struct mac_entry *e, const struct sighting *s, const struct place *place)
{
	if (s->now_ns > place->last_ns && s->now_ns - place->last_ns >= PLACE_REFRESH_NS)
		store(e->last_ns, s->now_ns);
	if (s->announce)
		store(e->announced_ns, s->now_ns);
	if (s->claim)
		show_address(e, s);
}

/* ---- the writer ---- */

/* What was said of some machine before may not hold any more: caches ask again. After the change itself. */
static void changed(struct mac_table *table)
{
	atomic_fetch_add_explicit(&table->changes, 1, memory_order_release);
}

static void count_macs(struct worker *w, uint16_t segment, int32_t by)
{
	atomic_fetch_add_explicit(&w->macs->segment_macs[segment], (uint32_t)by, memory_order_relaxed);
	/* In replay any worker may be the writer: the sum over workers is right, modulo 2^64. */
	w->counters->segments[segment].macs += (uint64_t)(int64_t)by;
}

static void tell(struct worker *w, enum bh_notice_kind kind, const struct sighting *s, uint16_t from,
		 uint16_t to, const char *text)
{
	notice(w, kind, s->mac.addr_bytes, s->claim ? s->address : NULL, from, to, text);
}

static void start_entry(struct mac_entry *e, const struct sighting *s, bool bound)
{
	struct place place = { .last_ns = s->now_ns,
			       .announced_ns = s->announce ? s->now_ns : 0,
			       .segment = s->segment,
			       .home = SEGMENT_NONE };

	e->first_ns = s->now_ns;
	store(e->placed_ns, s->now_ns);
	memset(e->address4, 0, sizeof(e->address4));
	memset(e->address6, 0, sizeof(e->address6));
	store(e->moves, 0);
	store(e->storm_ns, 0);
	store(e->bound, bound);
	store(e->flags, s->announce ? MAC_ANNOUNCED : 0);
	place_store(e, &place);
	if (s->claim)
		show_address(e, s);
}

static void learn(struct worker *w, struct mac_entry *old, const struct sighting *s)
{
	struct mac_table *table = w->macs;
	bool bound = mac_bound(w->policy, s->network, &s->mac) == s->segment;

	if (old) {
		/* it aged out, and was not yet forgotten */
		count_macs(w, load(old->segment), -1);
		start_entry(old, s, bound);
		changed(table);
	} else {
		uint32_t record = store_take(&table->store, s->now_ns);
		if (record == STORE_NONE)
			return;
		struct mac_entry *e = &table->entries[record];
		e->mac = s->mac;
		e->network = s->network;
		start_entry(e, s, bound);
		store_publish(&table->store, record, mac_hash(table, s->network, &s->mac),
			      s->now_ns + PLACE_AGE_NS);
	}
	count_macs(w, s->segment, 1);
	worker_count(w, BH_WORKER_LEARNED, 1);
	tell(w, BH_NOTICE_MAC_LEARNED, s, s->segment, SEGMENT_NONE, "machine heard for the first time");
}

static void move(struct worker *w, struct mac_entry *e, const struct sighting *s, struct place *place,
		 enum place_verdict verdict)
{
	bool bound = mac_bound(w->policy, s->network, &s->mac) == s->segment;
	uint16_t from = place->segment;

	place_apply(place, s, verdict, bound);
	store(e->moves, load(e->moves) + 1);
	store(e->flags, s->announce ? MAC_ANNOUNCED : 0);
	store(e->bound, bound);
	store(e->placed_ns, verdict == PLACE_RETURNED ? 0 : s->now_ns);
	place_store(e, place);
	changed(w->macs);
	count_macs(w, from, -1);
	count_macs(w, s->segment, 1);
	if (s->claim)
		show_address(e, s);
	tell(w, BH_NOTICE_MAC_MOVED, s, from, s->segment,
	     verdict == PLACE_RETURNED ? "machine is still where it was announced away from"
	     : s->announce             ? "machine moved and announced itself"
				       : "machine moved: its old place is silent");
}

static void pin(struct worker *w, struct mac_entry *e, const struct sighting *s, struct place *place)
{
	place_apply(place, s, PLACE_FLAPPING, false);
	store(e->pinned_ns, place->pinned_ns);
	tell(w, BH_NOTICE_MAC_FLAPPING, s, place->segment, s->segment,
	     "machine moves too often: kept at its place for a minute");
}

static void apply_place(struct worker *w, struct mac_entry *e, const struct sighting *s,
			enum place_verdict verdict, struct place *place)
{
	if (verdict == PLACE_NEW)
		learn(w, e, s);
	else if (verdict == PLACE_MOVED || verdict == PLACE_RETURNED)
		move(w, e, s, place, verdict);
	else if (verdict == PLACE_FLAPPING)
		pin(w, e, s, place);
}

static struct mac_entry *entry_of(struct mac_table *table, const struct sighting *s)
{
	uint32_t record = mac_lookup(table, s->network, &s->mac);

	return record == STORE_NONE ? NULL : &table->entries[record];
}

void learn_apply(struct worker *w, const struct sighting *s)
{
	struct place place;

	if (!mac_place_stands(w->policy, s->network, s->segment))
		return; /* seen under an older policy */
	if (s->of_address) {
		addresses_claim(w->macs->addresses, w->policy, s);
		return;
	}
	struct mac_entry *e = entry_of(w->macs, s);
	apply_place(w, e, s, judge(w, e, s, &place), &place);
}

bool learn_drain(struct worker *w, uint16_t from_worker, uint32_t budget)
{
	struct sight_ring *ring = w->macs->rings[from_worker];
	struct sighting s;

	for (; budget && sight_ring_get(ring, &s); budget--)
		learn_apply(w, &s);
	return !budget;
}

void learn_forget(struct worker *w, uint32_t record)
{
	struct mac_entry *e = &w->macs->entries[record];

	count_macs(w, load(e->segment), -1);
	store_remove(&w->macs->store, record, mac_hash(w->macs, e->network, &e->mac), w->now_ns);
	changed(w->macs);
}

void learn_bind(struct worker *w, struct mac_entry *e, uint16_t segment)
{
	uint16_t from = load(e->segment);

	store(e->bound, segment != SEGMENT_NONE);
	if (segment == SEGMENT_NONE || segment == from)
		return;
	count_macs(w, from, -1);
	count_macs(w, segment, 1);
	store(e->home, SEGMENT_NONE);
	store(e->placed_ns, w->now_ns);
	store(e->segment, segment);
	atomic_store_explicit(&e->moved_ns, w->now_ns, memory_order_release);
	changed(w->macs);
}

/* ---- any worker ---- */

static void send(struct worker *w, const struct sighting *s)
{
	struct sight_ring *ring = w->macs->rings[w->id];
	const struct sighting *last = &ring->last;

	if (!w->replay && s->of_address == last->of_address && s->segment == last->segment &&
	    s->network == last->network && rte_is_same_ether_addr(&s->mac, &last->mac) &&
	    memcmp(s->address, last->address, sizeof(s->address)) == 0 &&
	    s->now_ns - last->now_ns < REPEAT_NS)
		return;
	worker_wakes(w, 0);
	if (!sight_ring_put(ring, s))
		worker_count(w, BH_WORKER_LEARN_LOST, 1);
	/* In replay all workers are one thread, and the next stage already is to see what this frame changed. */
	if (w->replay)
		learn_drain(w, w->id, SIGHT_RING_SLOTS);
}

void mac_table_time(struct worker *w)
{
	uint64_t told = load(w->macs->now_ns);

	if (w->now_ns > told && (w->replay || w->now_ns - told >= CLOCK_NS))
		store(w->macs->now_ns, w->now_ns);
}

enum place_verdict mac_table_see(struct worker *w, const struct sighting *s)
{
	struct mac_entry *e = entry_of(w->macs, s);
	struct place place;
	enum place_verdict verdict = judge(w, e, s, &place);

	mac_table_time(w);
	switch (verdict) {
	case PLACE_KNOWN:
		heard(e, s, &place);
		break;
	case PLACE_FULL:
		tell(w, BH_NOTICE_EXHAUSTED, s, s->segment, SEGMENT_NONE,
		     "MAC table is full: machine not learned, its frames are flooded");
		break;
	case PLACE_LIMIT:
		tell(w, BH_NOTICE_MAC_LIMIT, s, s->segment, SEGMENT_NONE,
		     "segment has as many machines as its limit allows");
		break;
	default:
		if (w->id == 0)
			apply_place(w, e, s, verdict, &place);
		else if (place_passes(verdict) || verdict == PLACE_FLAPPING)
			send(w, s);
	}
	return verdict;
}

enum claim mac_table_claim(struct worker *w, const struct sighting *s)
{
	struct sighting claim = *s;

	if (w->id == 0)
		return addresses_claim(w->macs->addresses, w->policy, s);
	enum claim verdict = addresses_judge(w->macs->addresses, w->policy, s);
	if (verdict == CLAIM_NEW || verdict == CLAIM_FOLLOWED) {
		claim.of_address = true;
		send(w, &claim);
	}
	return verdict;
}
