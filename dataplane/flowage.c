/* SPDX-License-Identifier: BSD-3-Clause */
/* How long sessions live, and how they end. */
#include "flowtable.h"

#include <rte_cycles.h>
#include <rte_branch_prediction.h>

#include "classify.h"
#include "event.h"
#include "tcp.h"

/* So many slots behind are a second. */
#define PRESSING_SLOTS (NS_PER_S >> WHEEL_SHIFT)

/* ---- the wheel ---- */

static uint32_t column_head(uint32_t segment, uint64_t slot)
{
	return WHEEL_SLOTS + segment % YIELD_COLUMNS * YIELD_SLOTS + (uint32_t)(slot % YIELD_SLOTS);
}

void flow_arm(struct worker *w, struct flow *flow)
{
	struct flow_table *table = w->flows;
	uint32_t index = flow_index(table, flow);
	uint32_t slots = flow->flags & FLOW_YIELDS ? YIELD_SLOTS : WHEEL_SLOTS;
	/* lists of the slot in hand that are done are not looked at again */
	uint64_t first = table->wheel_at + !!table->wheel_list;
	uint64_t due = flow_deadline(w, flow) >> WHEEL_SHIFT;
	uint32_t number, *head;

	/* what lies beyond the horizon, or behind a wheel that lags, is looked at early and armed anew */
	due = RTE_MIN(RTE_MAX(due, first), table->wheel_at + slots - 1);
	number = flow->flags & FLOW_YIELDS ? column_head(flow->segment[0], due)
					   : (uint32_t)(due % WHEEL_SLOTS);
	head = &table->wheel[number];
	table->cold[index].wheel_next = *head;
	table->cold[index].wheel_previous = WHEEL_HEAD | number;
	if (*head != WHEEL_NONE)
		table->cold[*head].wheel_previous = index;
	*head = index;
}

static void flow_disarm(struct flow_table *table, uint32_t index)
{
	uint32_t next = table->cold[index].wheel_next, previous = table->cold[index].wheel_previous;

	if (next != WHEEL_NONE)
		table->cold[next].wheel_previous = previous;
	if (previous & WHEEL_HEAD)
		table->wheel[previous & ~WHEEL_HEAD] = next;
	else
		table->cold[previous].wheel_next = next;
}

/* Its place in the wheel is another. */
static void rearm(struct worker *w, struct flow *flow)
{
	flow_disarm(w->flows, flow_index(w->flows, flow));
	flow_arm(w, flow);
}

void flow_set_timeout(struct worker *w, struct flow *flow, enum bh_timeout timeout)
{
	bool shorter = flow_timeout_ns(w, (uint8_t)timeout) < flow_timeout_ns(w, flow->timeout);

	flow->timeout = (uint8_t)timeout;
	if (!shorter)
		return; /* its slot comes early and arms it anew */
	rearm(w, flow);
}

static void turn_to(struct flow_table *table, uint64_t slot)
{
	table->wheel_at = slot;
	table->wheel_list = 0;
}

/* First of the slot in hand; WHEEL_NONE: all its lists are done. */
static uint32_t first_due(struct flow_table *table)
{
	for (; table->wheel_list <= YIELD_COLUMNS; table->wheel_list++) {
		uint32_t head = table->wheel_list ? column_head(table->wheel_list - 1, table->wheel_at)
						  : (uint32_t)(table->wheel_at % WHEEL_SLOTS);

		if (table->wheel[head] != WHEEL_NONE)
			return table->wheel[head];
	}
	return WHEEL_NONE;
}

/* The hand is on this session. Where that is not the one that was expected, the scout begins another list. Between two calls of
 * flow_age() sessions may have ended: then it fetches in vain. */
static void scout_ahead(const struct worker *w, uint32_t index)
{
	struct flow_table *table = w->flows;
	struct flow_scout *s = &table->scout;

	if (s->hand == s->far || s->path[++s->hand % SCOUT_LEAD] != index)
		s->path[s->far = s->hand = 0] = index;
	for (unsigned int i = 0; i < 2 && s->far - s->hand < SCOUT_LEAD - 1; i++) {
		uint32_t far = s->path[s->far % SCOUT_LEAD], next = table->cold[far].wheel_next;

		if (s->far != s->hand)
			flow_prefetch(table, flow_hash(&table->flows[far].key, w->seed));
		if (next == WHEEL_NONE)
			break;
		flow_prefetch_session(table, next);
		s->path[++s->far % SCOUT_LEAD] = next;
	}
}

bool flow_age_presses(const struct worker *w)
{
	const struct flow_table *table = w->flows;
	uint64_t now_slot = w->now_ns >> WHEEL_SHIFT;
	uint64_t behind = now_slot > table->wheel_at ? now_slot - table->wheel_at : 0;

	/* a slot's sessions are due all at once: one behind is none */
	return behind > PRESSING_SLOTS || (behind && table->count > table->capacity / 8 * 7);
}

bool flow_age(struct worker *w, uint32_t budget)
{
	struct flow_table *table = w->flows;
	uint64_t now_slot = w->now_ns >> WHEEL_SHIFT;

	if (table->wheel_at >= now_slot || unlikely(!w->policy))
		return false;
	if (!table->count) {
		turn_to(table, now_slot);
		return false;
	}
	/* after a long pause (a stunned VM): every slot once */
	if (now_slot - table->wheel_at > WHEEL_SLOTS)
		turn_to(table, now_slot - WHEEL_SLOTS);
	for (; budget && table->wheel_at < now_slot; budget--) {
		uint32_t index = first_due(table);
		struct flow *flow = &table->flows[index];

		if (index == WHEEL_NONE) {
			turn_to(table, table->wheel_at + 1);
			continue;
		}
		scout_ahead(w, index);
		if (w->now_ns >= flow_deadline(w, flow)) {
			flow_end(w, flow, BH_FLOW_END_TIMEOUT);
		} else {
			flow_disarm(table, index);
			flow_arm(w, flow);
		}
	}
	return table->wheel_at < now_slot;
}

/* ---- gauges ---- */

static void count_yielding(struct flow_table *table, uint16_t segment, int sign)
{
	struct flow_quota *quotas = table->quotas;

	quotas[segment].yielding += (uint32_t)sign;
	if (quotas[segment].yielding > quotas[table->most].yielding)
		table->most = segment;
}

void flow_gauge(struct worker *w, const struct flow *flow, int sign)
{
	struct bh_segment_counters *counters = &w->counters->segments[flow->segment[0]];
	struct flow_quota *quota = &w->flows->quotas[flow->segment[0]];

	counters->flows += (uint64_t)(int64_t)sign;
	quota->flows += (uint32_t)sign;
	if (flow->flags & FLOW_YIELDS)
		count_yielding(w->flows, flow->segment[0], sign);
	if (!(flow->flags & FLOW_EMBRYONIC))
		return;
	counters->embryonic += (uint64_t)(int64_t)sign;
	quota->embryonic += (uint32_t)sign;
}

void flow_answered(struct worker *w, struct flow *flow)
{
	if (!(flow->flags & FLOW_EMBRYONIC))
		return;
	flow->flags &= ~FLOW_EMBRYONIC;
	w->counters->cells[BH_WORKER_EMBRYONIC]--;
	w->counters->segments[flow->segment[0]].embryonic--;
	w->flows->quotas[flow->segment[0]].embryonic--;
}

void flow_initiator_moved(struct worker *w, struct flow *flow, uint16_t segment)
{
	flow_gauge(w, flow, -1);
	flow->segment[0] = segment;
	flow_gauge(w, flow, 1);
	if (flow->flags & FLOW_YIELDS)
		rearm(w, flow);
}

bool flow_is_closed(const struct flow *flow)
{
	return flow->tcp_state == BH_TCP_TIME_WAIT || flow->tcp_state == BH_TCP_CLOSED;
}

/* A refused session of which nothing passed is kept to answer cheaply. One that was let in is not given up: nobody but its
 * state knows that it is no connection under way. What was picked up under way is proven when both ends were heard. */
static bool gives_way(const struct flow *flow)
{
	if (flow_is_refused(flow))
		return !(flow->flags & FLOW_LET_IN);
	return (flow->flags & FLOW_EMBRYONIC) || flow_is_closed(flow) ||
	       ((flow->flags & FLOW_MIDSTREAM) && !(flow->packets[0] && flow->packets[1]));
}

void flow_weigh(struct worker *w, struct flow *flow)
{
	bool yields = gives_way(flow);

	if (yields == !!(flow->flags & FLOW_YIELDS))
		return;
	flow->flags ^= FLOW_YIELDS;
	count_yielding(w->flows, flow->segment[0], yields ? 1 : -1);
	rearm(w, flow);
}

void flow_unjudge(struct worker *w, struct flow *flow)
{
	if ((flow->flags & FLOW_JUDGED) && flow->verdict == BH_VERDICT_PENDING)
		w->counters->cells[BH_WORKER_PENDING]--;
	flow->flags &= ~(FLOW_JUDGED | FLOW_SETTLED);
	flow->verdict = BH_VERDICT_DENY;
}

/* ---- what the policy stage decided ---- */

void flow_refused(struct worker *w, struct flow *flow)
{
	if (flow->flags & FLOW_MONITORED)
		return;
	flow_answered(w, flow);
	if (flow->flags & FLOW_LET_IN) {
		/* It is known for what it is: it stays at least as long as its ends try again (RFC 6298 backs off up to a
		 * minute), lest it be taken for a connection under way; and a later policy may let it go on. */
		flow_set_timeout(w, flow,
				 flow->key.protocol == IPPROTO_TCP ? BH_TIMEOUT_TCP_FIN : BH_TIMEOUT_DENIED);
	} else {
		flow->tcp_state = BH_TCP_NONE;
		flow_set_timeout(w, flow, BH_TIMEOUT_DENIED);
	}
	/* nothing that could still be learned lets it pass */
	classifier_release(w, flow);
	flow->flags &= ~FLOW_RENAMED;
	flow_weigh(w, flow);
}

void flow_judged(struct worker *w, struct flow *flow)
{
	if (flow->timeout != flow_timeout_class(flow))
		flow_set_timeout(w, flow, flow_timeout_class(flow));
	flow_weigh(w, flow);
}

/* ---- the end ---- */

static void tell_end(struct worker *w, const struct flow *flow, enum bh_flow_end why)
{
	struct bh_event *event = event_begin(w, BH_EVENT_FLOW);

	if (!event)
		return;
	flow_record(w, flow, why, &event->flow);
	event_commit(w);
}

void flow_end(struct worker *w, struct flow *flow, enum bh_flow_end why)
{
	struct flow_table *table = w->flows;
	uint8_t tcp_state = flow->tcp_state;

	if (why == BH_FLOW_END_TIMEOUT && flow_is_closed(flow))
		why = BH_FLOW_END_CLOSED;
	if ((flow->flags & FLOW_JUDGED) && !(flow->flags & FLOW_SETTLED)) {
		policy_conclude(w, flow);
		flow->tcp_state = tcp_state; /* a refusal now is for the record alone */
	}
	classifier_release(w, flow);
	if (w->replay || (flow->flags & FLOW_LOG))
		tell_end(w, flow, why);
	classifier_account(w, flow);
	classifier_forget_name(w, flow);
	flow_unjudge(w, flow);
	flow_answered(w, flow);
	flow_gauge(w, flow, -1);
	w->counters->cells[BH_WORKER_FLOWS]--;
	worker_count(w, BH_WORKER_FLOWS_ENDED, 1);
	flow_disarm(table, flow_index(table, flow));
	flow_remove(table, flow, flow_hash(&flow->key, w->seed));
}

void flow_end_all(struct worker *w, enum bh_flow_end why)
{
	struct flow_table *table = w->flows;

	for (uint32_t i = 0; i < table->fresh; i++) {
		if (flow_in_use(table, i))
			flow_end(w, &table->flows[i], why);
	}
}
