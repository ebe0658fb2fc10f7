/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is there room for one more session: in its segment's quotas, in the table? Where there is none, a session that yields
 * (half-open, answered by nobody, refused, closed; never an established one) may give its place, those nearest to their end first and
 * handshakes that are under way last:
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
/* Sessions looked at in one search for a newcomer (he has five at most), and segments compared. */
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
	uint64_t each = worker_interval(w, NS_PER_S) / rate;
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

/* A search through a column: where it is. */
struct search {
	const struct wanted *wanted;
	struct yield_hand at;
	uint32_t looks; /* left */
};

/* Go on from where it is; NULL: none in what was looked at. The slots are in order of their time, and end with the wheel. */
static struct flow *search(const struct worker *w, struct search *s)
{
	const struct flow_table *table = w->flows;
	const uint32_t *column =
		&table->wheel[WHEEL_SLOTS + s->wanted->segment % YIELD_COLUMNS * YIELD_SLOTS];

	for (; s->at.slot < table->wheel_at + YIELD_SLOTS; s->at.slot++, s->at.index = WHEEL_NONE) {
		if (s->at.index == WHEEL_NONE)
			s->at.index = column[s->at.slot % YIELD_SLOTS];
		for (; s->at.index != WHEEL_NONE; s->at.index = table->cold[s->at.index].wheel_next) {
			if (is_wanted(w, &table->flows[s->at.index], s->wanted))
				return &table->flows[s->at.index];
			if (!--s->looks)
				return NULL;
		}
	}
	return NULL;
}

/* The one nearest to its end, by the wheel's slots; NULL: none that was looked at. */
static struct flow *first_wanted(const struct worker *w, const struct wanted *wanted, struct search *s)
{
	*s = (struct search){ wanted, { w->flows->wheel_at, WHEEL_NONE }, YIELD_LOOKS };
	return search(w, s);
}

/* Does the session that the hand points to still stand in that column? */
static bool still_there(const struct flow_table *table, const struct yield_hand *hand, uint32_t column)
{
	const struct flow *flow;

	if (hand->index >= table->fresh || !flow_in_use(table, hand->index))
		return false;
	flow = &table->flows[hand->index];
	return (flow->flags & FLOW_YIELDS) && flow->segment[0] % YIELD_COLUMNS == column;
}

/*
 * The same, where the first ones of the column may all be of those that are not wanted: many that are closed, or another
 * segment's. Then it goes on from where the last such search of the column ended (`hands`: of its kind), so that nobody can hide
 * what he holds behind them: by the N / 64th newcomer it is found, and by each that comes after.
 */
static struct flow *any_wanted(struct worker *w, const struct wanted *wanted, struct yield_hand *hands)
{
	const struct flow_table *table = w->flows;
	uint32_t column = wanted->segment % YIELD_COLUMNS;
	struct yield_hand *hand = &hands[column];
	struct search s;
	struct flow *flow = first_wanted(w, wanted, &s);

	if (flow)
		return flow;
	if (hand->slot > s.at.slot)
		s.at = (struct yield_hand){ hand->slot, WHEEL_NONE };
	if (hand->slot == s.at.slot && still_there(table, hand, column))
		s.at.index = hand->index;
	s.looks = YIELD_LOOKS;
	flow = search(w, &s);
	*hand = s.at;
	if (flow) {
		hand->index = table->cold[s.at.index].wheel_next;
		hand->slot += hand->index == WHEEL_NONE;
	} else if (s.looks) {
		*hand = (struct yield_hand){ 0, WHEEL_NONE }; /* from the front again */
	}
	return flow;
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
			struct search s;
			struct flow *flow = first_wanted(w, &wanted, &s);
			if (flow)
				return flow;
			/* and last words before a handshake, which stands before them: its timeout is shorter */
			wanted.silent = false;
			flow = any_wanted(w, &wanted, table->over_hands);
			if (flow)
				return flow;
			wanted.had_time = false;
		}
	}
	return any_wanted(w, &wanted, table->hands);
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
