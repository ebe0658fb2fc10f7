/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is there room for one more session: in its segment's quotas, in the table? Where there is none, a session that yields
 * (half-open, answered by nobody, refused, closed; never an established one) may give its place, those nearest to their end first:
 *
 *   - A full table is made room in at the cost of the segment that has most of such sessions, if the newcomer's has fewer: who
 *     floods pays for it, whoever comes, and nobody can push out more than others have.
 *   - A segment at a quota of its own, or that has most itself, pays itself, but not with what has not yet had the time to
 *     be answered: a flood from one machine would otherwise end its neighbours' handshakes as fast as it sends. After that time
 *     the place is better given to one who may be answered than kept until the timeout.
 */
#include <rte_cycles.h>

#include "fault.h"
#include "flowtable.h"
#include "frame.h"
#include "worker.h"

/* So long an unanswered session is safe from its own segment: a first retransmission (RFC 6298) has been sent by then. */
#define ANSWER_NS 1000000000ull
/* Sessions looked at for one newcomer, and segments compared. */
#define YIELD_LOOKS 64u
#define SEGMENT_LOOKS 16u

/* ---- quotas ---- */

enum quota { QUOTA_LEFT, QUOTA_FLOWS, QUOTA_EMBRYONIC };

static enum quota quota_spent(const struct worker *w, uint16_t segment, bool embryonic)
{
	const struct bh_limits *limits = &w->policy->segments[segment].limits;
	const struct flow_quota *quota = &w->flows->quotas[segment];

	if (w->policy->replay_quotas_off)
		return QUOTA_LEFT;
	if (limits->flows && quota->flows >= worker_share(w, limits->flows))
		return QUOTA_FLOWS;
	if (embryonic && limits->embryonic && quota->embryonic >= worker_share(w, limits->embryonic))
		return QUOTA_EMBRYONIC;
	return QUOTA_LEFT;
}

unsigned int flow_spent(const struct worker *w, uint16_t segment, bool embryonic)
{
	if (w->flows->count == w->flows->capacity || fault(FAULT_FLOW))
		return BH_DROP_FLOW_FULL;
	return quota_spent(w, segment, embryonic) == QUOTA_LEFT ? FLOW_PASS : BH_DROP_FLOW_QUOTA;
}

/* new-flows: a GCRA with a burst of one second. `take': and one is begun. */
static bool within_rate(struct worker *w, uint16_t segment, bool take)
{
	uint32_t rate = w->policy->segments[segment].limits.new_flows;
	struct flow_quota *quota = &w->flows->quotas[segment];

	if (!rate || w->policy->replay_quotas_off)
		return true;
	uint64_t each = (uint64_t)NS_PER_S * (w->replay ? 1 : w->worker_count) / rate;
	uint64_t until = RTE_MAX(quota->until_ns, w->now_ns) + each;

	if (until > w->now_ns + RTE_MAX(each, (uint64_t)NS_PER_S))
		return false;
	if (take)
		quota->until_ns = until;
	return true;
}

/* ---- who gives its place ---- */

struct wanted {
	uint16_t segment;
	bool embryonic; /* only these make room */
	bool had_time;  /* only what had its time to be answered */
	bool silent;    /* .. and of what is closed, only what had its last words */
};

static bool is_wanted(const struct worker *w, const struct flow *flow, const struct wanted *wanted)
{
	if (flow->segment[0] != wanted->segment || (wanted->embryonic && !(flow->flags & FLOW_EMBRYONIC)))
		return false;
	if (wanted->silent && flow_is_closed(flow) && w->now_ns - flow->last_ns < ANSWER_NS)
		return false;
	return !wanted->had_time || flow_is_refused(flow) || flow_is_closed(flow) ||
	       w->now_ns - flow_cold(w->flows, flow)->start_ns >= ANSWER_NS;
}

/* The one nearest to its end, by the wheel's slots; NULL: none that was looked at. */
static struct flow *first_wanted(const struct worker *w, const struct wanted *wanted)
{
	const struct flow_table *table = w->flows;
	const uint32_t *column = &table->wheel[WHEEL_SLOTS + wanted->segment % YIELD_COLUMNS * YIELD_SLOTS];
	uint32_t looks = 0;

	for (uint64_t slot = table->wheel_at; slot < table->wheel_at + YIELD_SLOTS; slot++) {
		uint32_t index = column[slot % YIELD_SLOTS];

		for (; index != WHEEL_NONE; index = table->cold[index].wheel_next) {
			if (is_wanted(w, &table->flows[index], wanted))
				return &table->flows[index];
			if (++looks == YIELD_LOOKS)
				return NULL;
		}
	}
	return NULL;
}

/* `most` is right whenever its count grew; what it lost since shows as the hand goes round. */
static uint16_t most_yielding(struct flow_table *table)
{
	for (unsigned int i = 0; i < SEGMENT_LOOKS; i++) {
		table->most_hand = (uint16_t)((table->most_hand + 1u) % BH_SEGMENT_IDS);
		if (table->quotas[table->most_hand].yielding > table->quotas[table->most].yielding)
			table->most = table->most_hand;
	}
	return table->most;
}

/* A session whose end makes room for one of the segment, NULL: none. */
static struct flow *who_yields(struct worker *w, uint16_t segment, bool embryonic)
{
	struct flow_table *table = w->flows;
	enum quota quota = quota_spent(w, segment, embryonic);
	struct wanted wanted = { .segment = segment,
				 .embryonic = quota == QUOTA_EMBRYONIC,
				 .had_time = true };

	if (quota == QUOTA_LEFT) {
		uint16_t most = most_yielding(table);

		if (table->count < table->capacity)
			return NULL; /* a fault on purpose */
		if (table->quotas[most].yielding > table->quotas[segment].yielding) {
			/* a busy segment has many that are over: those before what may still be answered */
			wanted = (struct wanted){ .segment = most, .had_time = true, .silent = true };
			struct flow *flow = first_wanted(w, &wanted);
			if (flow)
				return flow;
			wanted.had_time = wanted.silent = false;
		}
	}
	return first_wanted(w, &wanted);
}

unsigned int flow_admit(struct flow_batch *b, uint16_t segment, bool embryonic)
{
	struct worker *w = b->w;
	unsigned int result = flow_spent(w, segment, embryonic);

	if (result != FLOW_PASS) {
		struct flow *flow = within_rate(w, segment, false) ? who_yields(w, segment, embryonic) : NULL;

		if (!flow)
			return result;
		flow_retire(b, flow, BH_FLOW_END_EVICTED);
		worker_count(w, BH_WORKER_FLOWS_EVICTED, 1);
		/* over two quotas after a reload: one at a time */
		result = flow_spent(w, segment, embryonic);
	}
	if (result == FLOW_PASS && !within_rate(w, segment, true))
		return BH_DROP_FLOW_QUOTA;
	return result;
}
