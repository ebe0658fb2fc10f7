/* SPDX-License-Identifier: BSD-3-Clause */
/* How long sessions live, and how they end. */
#include "flowtable.h"

#include <netinet/in.h>
#include <rte_cycles.h>
#include <rte_branch_prediction.h>

#include "classify.h"
#include "event.h"
#include "tcp.h"

/* ---- the wheel ---- */

static uint64_t timeout_ns(const struct worker *w, uint8_t timeout)
{
	return (uint64_t)w->policy->image.header->settings.timeouts[timeout] * NS_PER_S;
}

uint64_t flow_deadline(const struct worker *w, const struct flow *flow)
{
	return worker_last(w, flow->last_ns) + timeout_ns(w, flow->timeout);
}

void flow_arm(struct worker *w, struct flow *flow)
{
	struct flow_table *table = w->flows;
	uint32_t index = flow_index(table, flow);
	uint64_t due = flow_deadline(w, flow) >> WHEEL_SHIFT;
	uint32_t slot, *head;

	/* what lies beyond the horizon, or behind a wheel that lags, is looked at early and armed anew */
	due = RTE_MAX(due, table->wheel_at);
	due = RTE_MIN(due, table->wheel_at + WHEEL_SLOTS - 1);
	slot = (uint32_t)(due % WHEEL_SLOTS);
	head = &table->wheel[slot];
	table->cold[index].wheel_next = *head;
	table->cold[index].wheel_previous = WHEEL_HEAD | slot;
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

void flow_set_timeout(struct worker *w, struct flow *flow, enum bh_timeout timeout)
{
	bool shorter = timeout_ns(w, (uint8_t)timeout) < timeout_ns(w, flow->timeout);

	flow->timeout = (uint8_t)timeout;
	if (!shorter)
		return; /* its slot comes early and arms it anew */
	flow_disarm(w->flows, flow_index(w->flows, flow));
	flow_arm(w, flow);
}

void flow_age(struct worker *w, uint32_t budget)
{
	struct flow_table *table = w->flows;
	uint64_t now_slot = w->now_ns >> WHEEL_SHIFT;

	if (table->wheel_at >= now_slot || unlikely(!w->policy))
		return;
	if (!table->count) {
		table->wheel_at = now_slot;
		return;
	}
	/* after a long pause (a stunned VM): every slot once */
	if (now_slot - table->wheel_at > WHEEL_SLOTS)
		table->wheel_at = now_slot - WHEEL_SLOTS;
	for (; budget && table->wheel_at < now_slot; budget--) {
		uint32_t index = table->wheel[table->wheel_at % WHEEL_SLOTS];
		struct flow *flow = &table->flows[index];

		if (index == WHEEL_NONE) {
			table->wheel_at++;
		} else if (w->now_ns >= flow_deadline(w, flow)) {
			flow_end(w, flow, BH_FLOW_END_TIMEOUT);
		} else {
			flow_disarm(table, index);
			flow_arm(w, flow);
		}
	}
}

enum bh_timeout flow_timeout_class(const struct flow *flow)
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

/* ---- gauges ---- */

void flow_gauge(struct worker *w, const struct flow *flow, int sign)
{
	struct bh_segment_counters *counters = &w->counters->segments[flow->segment[0]];
	struct flow_quota *quota = &w->flows->quotas[flow->segment[0]];

	counters->flows += (uint64_t)(int64_t)sign;
	quota->flows += (uint32_t)sign;
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
}

void flow_judged(struct worker *w, struct flow *flow)
{
	if (flow->timeout != flow_timeout_class(flow))
		flow_set_timeout(w, flow, flow_timeout_class(flow));
}

/* ---- the end ---- */

static bool is_closed(uint8_t tcp_state)
{
	return tcp_state == BH_TCP_TIME_WAIT || tcp_state == BH_TCP_CLOSED;
}

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

	if (why == BH_FLOW_END_TIMEOUT && is_closed(tcp_state))
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
