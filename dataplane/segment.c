/* SPDX-License-Identifier: BSD-3-Clause */
/* (port, VLAN) to segment and network, and the guards that ask nothing but the policy. */
#include "segment.h"

#include <string.h>

#include "frame.h"
#include "guard.h"
#include "loop.h"
#include "pipeline.h"
#include "worker.h"

#define VLAN_MASK 0xfffu
#define CONSUMED (BH_DROP_COUNT + 1)
#define UNTAGGED_SLOT 4095u /* of policy->by_vlan */

static inline enum bh_drop place(struct worker *w, const struct rte_mbuf *m, struct frame *f)
{
	bool tagged = f->flags & FRAME_TAGGED;
	uint16_t vlan = tagged ? f->tci & VLAN_MASK : UNTAGGED_SLOT;
	uint16_t segment = w->policy->by_vlan[m->port][vlan];

	if (unlikely(segment == SEGMENT_NONE)) {
		/* parse has dropped VLAN id 4095, so a tag can not pose as "untagged" */
		if (!tagged)
			return BH_DROP_UNTAGGED;
		w->counters->unknown_vlans[m->port][vlan]++;
		return BH_DROP_UNKNOWN_VLAN;
	}
	f->segment = segment;
	f->network = w->policy->segments[segment].network;
	return GUARD_PASS;
}

static bool many(const struct frame *f, const uint8_t address[16])
{
	static const uint8_t limited[16] = { [10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (f->kind == FRAME_ARP)
		return false; /* a broadcast that asks for one */
	return (f->flags & FRAME_BROADCAST) || address[0] == 0xff || memcmp(address, limited, 16) == 0 ||
	       (f->kind == FRAME_IPV4 && (address[12] & 0xf0) == 0xe0);
}

/* replay --assign: both segments come from the frame's addresses, and layer 2 is passed by. */
static enum bh_drop assign(struct worker *w, struct rte_mbuf *m, struct frame *f)
{
	const struct policy *p = w->policy;
	uint8_t source[16], destination[16];

	if (f->kind == FRAME_OTHER || f->kind == FRAME_RARP)
		return BH_DROP_ETHERTYPE; /* has no addresses */
	guard_addresses(m, f, source, destination);
	uint16_t from = assignment_find(w->assignment, source);
	if (from == SEGMENT_NONE || p->segments[from].index == BH_NONE)
		return BH_DROP_UNASSIGNED;
	f->segment = from;
	f->network = p->segments[from].network;
	f->flags |= FRAME_ASSIGNED;
	uint16_t to = assignment_find(w->assignment, destination);
	if (to == SEGMENT_NONE && many(f, destination)) {
		f->dest = SEGMENT_FLOOD;
		return GUARD_PASS;
	}
	if (to == SEGMENT_NONE || p->segments[to].index == BH_NONE || p->segments[to].network != f->network)
		return BH_DROP_UNASSIGNED;
	if (to == from)
		return BH_DROP_SAME_SEGMENT;
	f->dest = to;
	return GUARD_PASS;
}

/* parse has set its segment and destination to none. */
static inline enum bh_drop enter(struct worker *w, struct rte_mbuf *m, struct frame *f)
{
	enum bh_drop reason = unlikely(w->assignment) ? assign(w, m, f) : place(w, m, f);
	if (unlikely(f->segment == SEGMENT_NONE))
		return reason;

	struct bh_segment_counters *counters = &w->counters->segments[f->segment];
	counters->in++;
	counters->in_bytes += f->wire_length;
	frame_key_place(f);
	f->hash = flow_hash(&f->key, w->seed);
	if (unlikely(f->kind == FRAME_OTHER) && w->loops && loops_hear(w->loops, w, m))
		return (enum bh_drop)CONSUMED;
	if (reason == GUARD_PASS && !w->assignment && guard_asked(w->policy, f))
		reason = guard_frame(w, m, f);
	return reason;
}

uint16_t segment_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *m = frames[i];
		enum bh_drop reason = enter(w, m, frame_of(m));

		if (likely(reason == GUARD_PASS))
			frames[kept++] = m;
		else if (reason == (enum bh_drop)CONSUMED)
			consume_frame(w, m);
		else
			drop_frame(w, m, reason);
	}
	return (uint16_t)kept;
}
