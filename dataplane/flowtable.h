/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the flow table, for the files flow*.c alone; everybody else sees flow.h.
 *
 * Sessions lie in one array and never move; hash buckets of one cache line hold a byte of the hash and the
 * session's index for twelve of them, and chain to spare buckets. Chains are kept dense. A full table has ten sessions a chain,
 * of which 21 % have more than twelve: it needs a spare bucket for each 48 sessions, and there is one for each 24, and a few so
 * that small tables are as far from the end of them (nine standard deviations at 1,024). The hash is seeded, so that nobody outside
 * can make it otherwise; were it to happen, a session is refused as if the table were full.
 * Memory a session: 128 + 52, and 6.4 (a bucket for ten) + 2.7 (spares) for the hash.
 */
#ifndef DATAPLANE_FLOWTABLE_H
#define DATAPLANE_FLOWTABLE_H

#include <emmintrin.h>
#include <netinet/in.h>
#include <rte_prefetch.h>

#include "flow.h"
#include "frame.h"
#include "tcp.h"

#define BUCKET_SLOTS 12
#define SPARES_LEAST 16u
#define SPARES_EACH 24u /* sessions */
/* A look-up touches at most so many buckets. The hash is seeded: nobody outside can aim at one chain, and by chance
 * one never gets near; were it to happen, further sessions of that chain are refused as if the table were full. */
#define FLOW_CHAIN_MAX 32

struct flow_bucket {
	uint8_t tag[BUCKET_SLOTS]; /* 0: free; the used ones come first */
	uint32_t next;             /* bucket index, 0: end of the chain */
	uint32_t index[BUCKET_SLOTS];
};
static_assert(sizeof(struct flow_bucket) == 64);

/* What a segment's machines have taken of this table (limits of the policy). */
struct flow_quota {
	uint64_t until_ns; /* new-flows, as a GCRA: when the bucket will be full again */
	uint32_t flows, embryonic;
	uint32_t yielding; /* FLOW_YIELDS */
};

/* The timer wheel: slots of 2^28 ns (0.27 s), 36 minutes around. A session stands in the slot of the deadline it had when
 * it was armed; refreshing only writes last_ns, and the slot that comes due arms it anew (lazily). */
#define WHEEL_SHIFT 28
#define WHEEL_SLOTS 8192u
/* Sessions that yield stand in smaller wheels (69 s around) that turn with the great one, one for all segments of the same id
 * modulo YIELD_COLUMNS: who of a segment is nearest to its end is found without a search, and without a byte a session. */
#define YIELD_COLUMNS 32u
#define YIELD_SLOTS 256u
#define WHEEL_HEADS (WHEEL_SLOTS + YIELD_COLUMNS * YIELD_SLOTS)
#define WHEEL_NONE UINT32_MAX  /* end of a list; wheel_previous: this place is free */
#define WHEEL_HEAD 0x80000000u /* wheel_previous: | head, first of its list */
#define FLOW_CAPACITY_MAX (1u << 30)

/* Where a search of a column for one that yields ended without one: the next goes on from there. The session may be gone, or
 * stand elsewhere by now. */
struct yield_hand {
	uint64_t slot;  /* number, not modulo */
	uint32_t index; /* next to be looked at; WHEEL_NONE: the slot's first */
};

/* Goes before the hand of ageing along a list, so that what the hand will touch is there when it comes: a session, and one step behind
 * the bucket that its key leads to. Each step waits for one session at most, the one that leads to the next. */
#define SCOUT_LEAD 4u

struct flow_scout {
	uint32_t path[SCOUT_LEAD]; /* the sessions before the hand, by number modulo the lead */
	uint32_t hand, far;        /* numbers: of the session in hand, of the farthest seen */
};

struct flow_table {
	struct flow *flows;
	struct flow_cold *cold;
	struct flow_bucket *buckets; /* primary ones, then the spares */
	struct flow_quota *quotas;   /* by segment id */
	uint32_t *wheel;             /* WHEEL_HEADS: WHEEL_SLOTS, then YIELD_SLOTS for each column */
	uint64_t wheel_at;           /* number (not yet modulo) of the slot that is next to come due */
	uint32_t wheel_list; /* .. of whose lists so many are done: the great wheel's, then each column's */
	struct yield_hand hands[YIELD_COLUMNS];
	struct yield_hand over_hands[YIELD_COLUMNS]; /* .. of searches for what is over */
	uint16_t most;      /* segment that has most of those that yield, as far as was seen */
	uint16_t most_hand; /* segment that was compared with it last */
	uint32_t capacity, count;
	uint32_t fresh; /* places never used so far begin here */
	uint32_t free;  /* list of used and freed places, by wheel_next */
	uint32_t primary, spare_fresh, spare_free, spare_end;
	struct flow_scout scout;
	void *region;  /* all of the above */
	size_t memory; /* its size in bytes */
};

/* A place with this key, zeroed, not yet in the wheel; NULL: full. */
struct flow *flow_insert(struct flow_table *table, const struct flow_key *key, uint32_t hash);
/* Out of the hash and free again; it must not be in the wheel. */
void flow_remove(struct flow_table *table, struct flow *flow, uint32_t hash);
static inline uint32_t flow_chain_of(const struct flow_table *table, uint32_t hash)
{
	return (uint32_t)(((uint64_t)hash * table->primary) >> 32);
}

/* The bucket takes the high bits of the hash, the tag the low ones. */
static inline uint8_t flow_tag_of(uint32_t hash)
{
	uint8_t tag = (uint8_t)hash;

	return tag ? tag : 1;
}

/* Bit i: slot i holds this tag. Reads 16 bytes, tags and `next`. */
static inline unsigned int flow_chain_match(const struct flow_bucket *bucket, uint8_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)bucket);
	__m128i equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag));

	return (unsigned int)_mm_movemask_epi8(equal) & ((1u << BUCKET_SLOTS) - 1);
}

/* First step of prefetching: the bucket. */
static inline const struct flow_bucket *flow_prefetch(const struct flow_table *table, uint32_t hash)
{
	const struct flow_bucket *bucket = &table->buckets[flow_chain_of(table, hash)];

	rte_prefetch0(bucket);
	return bucket;
}

/* A session and its cold part, which begins anywhere in a line. */
static inline void flow_prefetch_session(const struct flow_table *table, uint32_t index)
{
	const char *flow = (const char *)&table->flows[index], *cold = (const char *)&table->cold[index];

	rte_prefetch0(flow);
	rte_prefetch0(flow + 64);
	rte_prefetch0(cold);
	rte_prefetch0(cold + sizeof(struct flow_cold) - 1);
}

/* Second step of prefetching, by the bucket that flow_prefetch() fetched: the session that is probably the one of this hash; NULL: none in
 * the first bucket. Its key is to be compared, which stays right whatever begins and ends meanwhile. */
static inline struct flow *flow_candidate(const struct flow_table *table, const struct flow_bucket *bucket,
					  uint32_t hash)
{
	unsigned int match = flow_chain_match(bucket, flow_tag_of(hash));
	struct flow *flow;

	if (!match)
		return NULL;
	flow = &table->flows[bucket->index[__builtin_ctz(match)]];
	rte_prefetch0(flow);
	rte_prefetch0((const char *)flow + 64);
	return flow;
}

static inline uint32_t flow_index(const struct flow_table *table, const struct flow *flow)
{
	return (uint32_t)(flow - table->flows);
}

static inline bool flow_in_use(const struct flow_table *table, uint32_t index)
{
	return table->cold[index].wheel_previous != WHEEL_NONE;
}

/* ---- flowage.c ---- */

static inline uint64_t flow_timeout_ns(const struct worker *w, uint8_t timeout)
{
	return (uint64_t)w->policy->image.header->settings.timeouts[timeout] * 1000000000u;
}

/* When the session is overdue, by the timeouts of the policy in force (w->policy must not be NULL). */
static inline uint64_t flow_deadline(const struct worker *w, const struct flow *flow)
{
	return worker_last(w, flow->last_ns) + flow_timeout_ns(w, flow->timeout);
}

/* Put a session in the wheel for flow_deadline(). */
void flow_arm(struct worker *w, struct flow *flow);
/* Change its class of timeout, as of w->now_ns. */
void flow_set_timeout(struct worker *w, struct flow *flow, enum bh_timeout timeout);
/* The timeout it lives by while it is not refused. */
static inline enum bh_timeout flow_timeout_class(const struct flow *flow)
{
	switch (flow->key.protocol) {
	case IPPROTO_TCP:
		return tcp_timeout(flow->tcp_state);
	case IPPROTO_UDP:
		return flow->flags & FLOW_STREAM ? BH_TIMEOUT_UDP_STREAM : BH_TIMEOUT_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return BH_TIMEOUT_ICMP;
	case IPPROTO_SCTP:
		return BH_TIMEOUT_SCTP;
	default:
		return BH_TIMEOUT_OTHER;
	}
}
/* It is no longer half-open. */
void flow_answered(struct worker *w, struct flow *flow);
/* Its verdict is void; the next frame is judged again. */
void flow_unjudge(struct worker *w, struct flow *flow);
/* Count it (sign +1) at its initiator's segment, or take that back (-1). */
void flow_gauge(struct worker *w, const struct flow *flow, int sign);
/* Its initiator is on that segment now: counted there. */
void flow_initiator_moved(struct worker *w, struct flow *flow, uint16_t segment);
/* Whether it yields may have changed: half-open, answered, refused, closed. */
void flow_weigh(struct worker *w, struct flow *flow);
/* It ended, and is kept for late frames only. */
bool flow_is_closed(const struct flow *flow);

/* ---- what becomes of a frame: a drop reason, or ---- */

enum {
	FLOW_PASS = BH_DROP_COUNT,        /* goes on */
	FLOW_RESTART = BH_DROP_COUNT + 1, /* ends the session that it found and begins one */
};

/* Whether a frame travels from the session's responder to its initiator. */
static inline bool flow_is_reverse(const struct flow *flow, const struct frame *f)
{
	static_assert(FLOW_REVERSED == 1, "a bit as wide as a bool");
	return (f->reversed ^ flow->flags) & FLOW_REVERSED;
}

/* Count a frame at its session. */
void flow_account(struct flow *flow, const struct frame *f, bool reverse);
/* Would the rules let the session pass if its responder were on that segment? */
bool flow_allowed_at(struct worker *w, const struct flow *flow, uint16_t segment);

/* The frames of a flow_stage() call: what passed so far stands in front. */
struct flow_batch {
	struct worker *w;
	struct rte_mbuf **frames;
	uint16_t kept;
};

/* End a session in the midst of a batch: frames of it that were kept go on now, judged by it and not by what takes its place. */
void flow_retire(struct flow_batch *b, struct flow *flow, enum bh_flow_end why);

/* ---- flowroom.c: quotas, and what becomes of a full table ---- */

/* Is there no room for a session of that segment? FLOW_PASS, or why. */
unsigned int flow_spent(const struct worker *w, uint16_t segment, bool embryonic);
/* Take room for one, where it must be from a session that yields. FLOW_PASS, or the reason against it. */
unsigned int flow_admit(struct flow_batch *b, uint16_t segment, bool embryonic);

/* ---- flowbegin.c: a frame that found no session ---- */

/* FLOW_PASS: it may begin one; else the reason why not. */
unsigned int flow_may_begin(const struct worker *w, const struct frame *f);
/* Would a session that this frame began be let in, as far as one can say at its first frame? One evaluation. */
bool flow_would_pass(struct worker *w, const struct frame *f);
/* Begin one (or let the frame pass without, where exceptions.flows says so); FLOW_PASS or the reason of its drop. */
unsigned int flow_begin(struct flow_batch *b, struct rte_mbuf *m);

struct tcp_segment;
/* What of a TCP frame tcp.h wants to know. */
void flow_tcp_segment(const struct rte_mbuf *m, struct tcp_segment *s);

/* ---- icmp.c ---- */

/* Complete the key of an ICMP frame that is no error: which end asks, and what. */
void icmp_key(const struct worker *w, struct frame *f);
/* An ICMP error: is it related to a session, and may it pass? FLOW_PASS with f->flow set, or the reason of its drop. */
unsigned int icmp_error(struct worker *w, struct rte_mbuf *m);

#endif
