/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy stage: asks the evaluator for what has no verdict of this generation, keeps the answer with the session, and
 * lets frames pass or not. Flooded frames are judged once for each segment a copy could go to.
 */
#include "policy.h"

#include <rte_mbuf.h>
#include <string.h>

#include "classify.h"
#include "denials.h"
#include "event.h"
#include "flow.h"
#include "fragment.h"
#include "frame.h"
#include "layer2.h"
#include "pipeline.h"
#include "reject.h"
#include "tx.h"
#include "worker.h"

/* Copies of one flooded frame that are judged and made; a network with more segments is not flooded further. */
#define FLOOD_MAX 64

static bool passes(uint8_t verdict)
{
	return verdict == BH_VERDICT_ALLOW || verdict == BH_VERDICT_PENDING;
}

static uint32_t rule_id(const struct policy *p, uint32_t rule)
{
	return rule == BH_NONE ? 0 : p->rule_ids[rule];
}

/* ---- judging a session ---- */

static void set_pending(struct worker *w, struct flow *flow, uint8_t verdict)
{
	bool was = (flow->flags & FLOW_JUDGED) && flow->verdict == BH_VERDICT_PENDING;

	if (was != (verdict == BH_VERDICT_PENDING))
		w->counters->cells[BH_WORKER_PENDING] += was ? -1 : 1;
	flow->verdict = verdict;
}

static void tell_verdict(struct worker *w, struct flow *flow)
{
	struct bh_event *event;

	if (!passes(flow->verdict) && !denials_alone(w, flow)) {
		flow->flags |= FLOW_SUMMED;
		flow->flags &= ~FLOW_LOG;
		return;
	}
	event = event_begin(w, BH_EVENT_VERDICT);
	if (!event)
		return;
	flow_record(w, flow, BH_FLOW_END_LIVE, &event->flow);
	event_commit(w);
}

static bool logs(const struct policy *p, uint32_t rule)
{
	return rule == BH_NONE ? p->image.header->settings.default_log
			       : (p->image.RULES_[rule].flags & BH_RULE_LOG) != 0;
}

/* The rule is known for good: it counts the session, and its log, limit and mirror hold. */
static void settle(struct worker *w, struct flow *flow, const struct bh_answer *answer)
{
	const struct policy *p = w->policy;
	struct flow_cold *cold = flow_cold(w->flows, flow);
	uint32_t id = rule_id(p, answer->rule);
	bool log = logs(p, answer->rule);
	bool news = !(flow->flags & FLOW_COUNTED) || flow->rule_id != id;
	uint64_t packets = flow->packets[0] + flow->packets[1];

	flow->rule_id = id;
	if (!(flow->flags & FLOW_COUNTED))
		cold->packets_to_verdict = (uint16_t)RTE_MIN(packets, (uint64_t)UINT16_MAX);
	flow->flags &= ~(FLOW_LIMITED | FLOW_MIRRORED | FLOW_LOG |
			 (news || passes(answer->verdict) ? FLOW_SUMMED : 0u));
	flow->flags |= FLOW_SETTLED | FLOW_COUNTED | (log && !(flow->flags & FLOW_SUMMED) ? FLOW_LOG : 0u);
	if (answer->rule != BH_NONE) {
		const struct bh_rule *rule = &p->image.RULES_[answer->rule];

		cold->limit_rule = (uint16_t)answer->rule;
		flow->flags |= (rule->limit_rate ? FLOW_LIMITED : 0u) |
			       (rule->mirror != BH_NONE ? FLOW_MIRRORED : 0u);
	}
	if (!news)
		return;
	w->counters->rules[id].sessions++;
	for (uint8_t i = 0; i < answer->monitored_count; i++)
		w->counters->rules[p->rule_ids[answer->monitored[i]]].sessions++;
	if (log)
		tell_verdict(w, flow);
}

static void adopt(struct worker *w, struct flow *flow, const struct bh_answer *answer)
{
	bool monitored = !passes(answer->verdict) && policy_monitors(w->policy, flow->key.network);

	set_pending(w, flow, answer->verdict);
	flow->generation = w->policy->generation;
	flow->open = answer->open;
	/* limit and mirror are of a rule of the policy that judged before: one that is not settled has none */
	flow->flags &= ~(FLOW_RENAMED | FLOW_DEST_NEW | FLOW_SETTLED | FLOW_MONITORED | FLOW_LIMITED |
			 FLOW_MIRRORED);
	flow->flags |= FLOW_JUDGED | (monitored ? FLOW_MONITORED : 0u);
	/* A refusal is final for the frames, whichever rule it turns out to be; an allow waits for its rule. */
	if (!answer->open || !passes(answer->verdict))
		settle(w, flow, answer);
	else
		flow->rule_id = rule_id(w->policy, answer->rule);
	if (!passes(answer->verdict) && !monitored)
		flow_refused(w, flow);
	else
		flow_judged(w, flow);
}

static const struct bh_answer refused_by_default = { .verdict = BH_VERDICT_DENY, .rule = BH_NONE };

/* Judge the session for its one destination segment. */
static void judge(struct worker *w, struct flow *flow, uint16_t to_segment)
{
	struct bh_session session;
	struct bh_answer answer = refused_by_default;

	if (flow_session(w, flow, w->policy, to_segment, &session))
		worker_ask(w, &session, &answer);
	adopt(w, flow, &answer);
}

void policy_conclude(struct worker *w, struct flow *flow)
{
	if (!w->policy || (flow->flags & (FLOW_SETTLED | FLOW_MANY)))
		return;
	classifier_give_up(w, flow);
	if (flow->segment[1] != SEGMENT_NONE)
		judge(w, flow, flow->segment[1]);
}

static bool verdict_stands(const struct worker *w, struct flow *flow)
{
	if (!(flow->flags & FLOW_JUDGED) || (flow->flags & (FLOW_RENAMED | FLOW_DEST_NEW)))
		return false;
	if (flow->generation == w->policy->generation)
		return true;
	/* flows.established-on-reload: keep. Its rule may be gone, and so its limit and mirror. */
	if (w->policy->image.header->settings.keep_established && flow->verdict == BH_VERDICT_ALLOW &&
	    (flow->flags & FLOW_SETTLED)) {
		flow->generation = w->policy->generation;
		flow->flags &= ~(FLOW_LIMITED | FLOW_MIRRORED);
		return true;
	}
	return false;
}

void policy_judge_now(struct worker *w, struct flow *flow)
{
	if (flow->segment[1] != SEGMENT_NONE && !verdict_stands(w, flow))
		judge(w, flow, flow->segment[1]);
}

/* ---- one frame of a judged session ---- */

static bool within_limit(struct worker *w, struct rte_mbuf *m, struct flow *flow)
{
	struct frame *f = frame_of(m);

	if (likely(!(flow->flags & FLOW_LIMITED)) || flow->generation != w->policy->generation ||
	    bucket_take(&w->policy->limits[flow_cold(w->flows, flow)->limit_rule], f->wire_length, w->now_ns))
		return true;
	w->counters->rules[flow->rule_id].limited++;
	return policy_monitors(w->policy, flow->key.network);
}

static void mirror(struct worker *w, struct rte_mbuf *m, const struct flow *flow)
{
	const struct policy *p = w->policy;
	uint32_t index = p->image.RULES_[flow_cold(w->flows, flow)->limit_rule].mirror;

	if (index < RTE_DIM(p->mirror_port) && p->mirror_port[index] != UINT8_MAX)
		tx_mirror(w, m, p->mirror_port[index], p->image.MIRRORS_[index].vlan);
}

static inline void count_rule(struct worker *w, const struct flow *flow, const struct frame *f)
{
	struct bh_rule_counters *rule = &w->counters->rules[flow->rule_id];

	rule->packets += frame_units(f);
	rule->bytes += f->wire_length;
}

static void count_pending(struct worker *w, struct flow *flow, const struct frame *f)
{
	uint32_t *bytes = &flow_cold(w->flows, flow)->pending_bytes[!!(f->flags & FRAME_REVERSE)];

	*bytes = (uint32_t)RTE_MIN((uint64_t)*bytes + f->payload_length, (uint64_t)UINT32_MAX);
}

/* What the sender is told when its session is refused. */
static void refuse(struct worker *w, struct rte_mbuf *m, struct flow *flow)
{
	if (flow->verdict != BH_VERDICT_REJECT) {
		bool ech = (flow->flags & FLOW_ECH) && w->policy->image.header->settings.ech == BH_ECH_DENY;

		drop_frame(w, m, ech ? BH_DROP_ECH : BH_DROP_DENY);
		return;
	}
	reject_frame(w, m, flow->flags & FLOW_REPLIED);
	drop_frame(w, m, BH_DROP_REJECT);
}

/* true: the frame goes on to f->dest. */
static bool apply(struct worker *w, struct rte_mbuf *m, struct flow *flow)
{
	struct frame *f = frame_of(m);

	if (flow->flags & FLOW_SETTLED)
		count_rule(w, flow, f);
	else
		count_pending(w, flow, f);
	if (!passes(flow->verdict) && !(flow->flags & FLOW_MONITORED)) {
		refuse(w, m, flow);
		return false;
	}
	if (!within_limit(w, m, flow)) {
		drop_frame(w, m, BH_DROP_LIMIT);
		return false;
	}
	if (flow->flags & FLOW_MIRRORED)
		mirror(w, m, flow);
	/* not at the judgement: the first frame may be judged before nDPI has seen it, and refused by what that sees */
	flow->flags |= FLOW_LET_IN;
	return true;
}

/* ---- frames without a session ---- */

/* Application, name and risk of a frame that is judged alone will never be known. */
static bool stateless_session(const struct worker *w, const struct frame *f, bool reply, uint16_t to,
			      struct bh_session *s)
{
	const struct policy *p = w->policy;
	uint16_t ends[2] = { f->segment, to };
	const uint8_t *addresses[2] = { frame_source(f), frame_destination(f) };
	uint16_t ports[2] = { f->source_port, f->icmp ? f->icmp : f->destination_port };

	if (f->segment >= BH_SEGMENT_IDS || to >= BH_SEGMENT_IDS)
		return false;
	*s = (struct bh_session){
		.from_segment = p->segments[ends[reply]].index,
		.to_segment = p->segments[ends[!reply]].index,
		.protocol = f->protocol,
		.source_port = ports[reply],
		.service = ports[!reply],
		.knowledge = { .app_known = true, .name_known = true, .risks_known = true },
	};
	memcpy(s->from, addresses[reply], sizeof(s->from));
	memcpy(s->to, addresses[!reply], sizeof(s->to));
	return s->from_segment != BH_NONE && s->to_segment != BH_NONE;
}

/* `exceptions: stateless`: the frame passes if a session in either direction would, since nobody knows which it is of. */
static uint8_t judge_stateless(struct worker *w, const struct frame *f, uint16_t to, struct bh_answer *answer)
{
	struct bh_session session;

	*answer = refused_by_default;
	for (int reply = 0; reply < 2; reply++) {
		struct bh_answer one;

		if (!stateless_session(w, f, reply, to, &session))
			continue;
		worker_ask(w, &session, &one);
		if (!reply || one.verdict == BH_VERDICT_ALLOW)
			*answer = one;
		if (one.verdict == BH_VERDICT_ALLOW)
			break;
	}
	return answer->verdict;
}

static bool pass_stateless(struct worker *w, struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);
	struct bh_answer answer;

	if (judge_stateless(w, f, f->dest, &answer) == BH_VERDICT_ALLOW ||
	    policy_monitors(w->policy, f->network))
		return true;
	drop_frame(w, m, answer.verdict == BH_VERDICT_REJECT ? BH_DROP_REJECT : BH_DROP_DENY);
	return false;
}

/* ---- floods ---- */

/* What becomes of the copy for one segment: BH_VERDICT_*. `first` keeps the answer that the session is recorded with: the
 * first that lets a copy pass, else the first. */
static uint8_t judge_copy(struct worker *w, const struct frame *f, uint16_t to, struct bh_answer *first,
			  bool *have)
{
	struct bh_session session;
	struct bh_answer answer = refused_by_default;

	if (f->flags & FRAME_PROTECTED)
		return BH_VERDICT_ALLOW;
	if (!f->flow)
		return judge_stateless(w, f, to, &answer);
	if (flow_session(w, f->flow, w->policy, to, &session))
		worker_ask(w, &session, &answer);
	if (!*have || (!passes(first->verdict) && passes(answer.verdict)))
		*first = answer;
	*have = true;
	return answer.verdict;
}

static void refuse_copy(struct worker *w, struct rte_mbuf *m, uint8_t verdict)
{
	count_drop(w, m, verdict == BH_VERDICT_REJECT ? BH_DROP_REJECT : BH_DROP_DENY);
}

/* What the session is recorded with while it has no destination of its own. */
static void adopt_flood(struct worker *w, struct rte_mbuf *m, struct flow *flow,
			const struct bh_answer *answer, uint32_t allowed)
{
	adopt(w, flow, answer);
	if (flow->flags & FLOW_SETTLED)
		count_rule(w, flow, frame_of(m));
	else
		count_pending(w, flow, frame_of(m));
	if (allowed && (flow->flags & FLOW_MIRRORED))
		mirror(w, m, flow);
}

/* A frame that was handed over may find that its network went with a reload: it has no candidate. */
static const struct bh_network no_network;

/* Copies go out as they are found; the frame itself is the last one, so that nothing is copied for one destination. */
static void flood(struct worker *w, struct rte_mbuf *m)
{
	const struct policy *p = w->policy;
	struct frame *f = frame_of(m);
	uint32_t index = f->network < BH_NETWORK_IDS ? p->network_index[f->network] : BH_NONE;
	const struct bh_network *network = index == BH_NONE ? &no_network : &p->image.NETWORKS_[index];
	bool monitor = policy_monitors(p, f->network), have = false;
	struct bh_answer first = refused_by_default;
	uint32_t candidates = 0, judged = 0, allowed = 0;
	uint16_t targets[FLOOD_MAX];

	if (f->flow && !within_limit(w, m, f->flow)) {
		drop_frame(w, m, BH_DROP_LIMIT);
		return;
	}
	for (uint32_t i = 0; i < network->segment_count; i++) {
		uint16_t to = p->segment_ids[network->first_segment + i];
		uint8_t verdict;

		if (to == f->segment || ((f->flags & FRAME_PROTECTED) && !layer2_candidate(p, f, to)))
			continue;
		candidates++;
		if (judged == FLOOD_MAX) {
			count_drop(w, m, BH_DROP_FLOOD_BOUND);
			continue;
		}
		judged++;
		verdict = judge_copy(w, f, to, &first, &have);
		if (passes(verdict) || monitor)
			targets[allowed++] = to;
		else
			refuse_copy(w, m, verdict);
	}
	if (f->flow && have)
		adopt_flood(w, m, f->flow, &first, allowed);
	if (f->flow && allowed)
		f->flow->flags |= FLOW_LET_IN;
	if (!candidates) {
		drop_frame(w, m, BH_DROP_NO_DESTINATION);
		return;
	}
	w->counters->ports[m->port].copies += (uint64_t)(candidates - 1) * frame_units(f);
	for (uint32_t i = 0; i + 1 < allowed; i++)
		tx_copy(w, m, targets[i]);
	if (allowed)
		tx_frame(w, m, targets[allowed - 1]);
	else
		free_frame(w, m);
}

/* ---- the stage ---- */

/* true: on to tx */
static bool pass(struct worker *w, struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);
	struct flow *flow = f->flow;

	if (f->flags & FRAME_PROTECTED)
		return true;
	if (!flow)
		return pass_stateless(w, m);
	if (!verdict_stands(w, flow)) {
		/* an ICMP error about a session that only floods so far: icmp.c asked the rules for where it comes from,
		 * and that is no answer for the session */
		if (flow->segment[1] == SEGMENT_NONE)
			return true;
		judge(w, flow, flow->segment[1]);
	}
	return apply(w, m, flow);
}

/* What most frames are: of a session that this policy lets pass to one segment by a rule that is known for good, and has neither limit nor
 * mirror. For these pass() has only to count. */
static inline bool goes_on(const struct worker *w, const struct frame *f)
{
	const uint32_t flags = FLOW_JUDGED | FLOW_SETTLED | FLOW_LET_IN | FLOW_RENAMED | FLOW_DEST_NEW |
			       FLOW_LIMITED | FLOW_MIRRORED;
	const struct flow *flow = f->flow;

	return flow && (flow->flags & flags) == (FLOW_JUDGED | FLOW_SETTLED | FLOW_LET_IN) &&
	       flow->generation == w->policy->generation && flow->verdict == BH_VERDICT_ALLOW &&
	       f->dest != SEGMENT_FLOOD && !(f->flags & FRAME_PROTECTED);
}

/* A later frame of the batch may have told where the session's responder is: then this one goes there, by the verdict for
 * there, and what other segments' copies may do does not answer for it. */
static bool floods(struct frame *f)
{
	if (f->dest == SEGMENT_FLOOD && f->flow && f->flow->segment[1] != SEGMENT_NONE)
		f->dest = f->flow->segment[1];
	return f->dest == SEGMENT_FLOOD;
}

uint16_t policy_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *m = frames[i];
		struct frame *f = frame_of(m);

		if (likely(goes_on(w, f))) {
			count_rule(w, f->flow, f);
			frames[kept++] = m;
		} else if (floods(f)) {
			/* what came before it leaves before it */
			tx_stage(w, frames, (uint16_t)kept);
			kept = 0;
			flood(w, m);
		} else if (pass(w, m)) {
			frames[kept++] = m;
		}
	}
	return (uint16_t)kept;
}
