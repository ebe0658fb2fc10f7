/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of a session: to the world, and to the evaluator. */
#include <netinet/in.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <string.h>

#include "classify.h"
#include "flowtable.h"
#include "worker.h"

#define NS_PER_US 1000u

/* JSON readers keep 53 bits of a number. */
#define ID_MASK ((UINT64_C(1) << 53) - 1)

static bool is_icmp(const struct flow *flow)
{
	return flow->key.protocol == IPPROTO_ICMP || flow->key.protocol == IPPROTO_ICMPV6;
}

/* Index in the key of the initiator. */
static unsigned int initiator(const struct flow *flow)
{
	return flow->flags & FLOW_REVERSED ? 1 : 0;
}

/* ---- for the evaluator ---- */

bool flow_session(const struct worker *w, const struct flow *flow, const struct policy *policy,
		  uint16_t to_segment, struct bh_session *session)
{
	unsigned int from = initiator(flow);
	bool ports = !is_icmp(flow);

	if (flow->segment[0] >= BH_SEGMENT_IDS || to_segment >= BH_SEGMENT_IDS)
		return false;
	*session = (struct bh_session){
		.from_segment = policy->segments[flow->segment[0]].index,
		.to_segment = policy->segments[to_segment].index,
		.protocol = flow->key.protocol,
		.source_port = ports ? flow->key.port[from] : 0,
		.service = ports ? flow->key.port[!from] : flow_cold(w->flows, flow)->icmp,
	};
	if (session->from_segment == BH_NONE || session->to_segment == BH_NONE)
		return false;
	memcpy(session->from, flow->key.address[from], sizeof(session->from));
	memcpy(session->to, flow->key.address[!from], sizeof(session->to));
	classifier_knowledge(w, flow, policy, &session->knowledge);
	/* mid-stream `application: unknown`: its keys do not count as met, unless nDPI names it all the same */
	if ((flow->flags & (FLOW_MIDSTREAM | FLOW_TRUST)) == FLOW_MIDSTREAM &&
	    !session->knowledge.app_known) {
		session->knowledge.app_known = true;
		session->knowledge.name_known = true;
	}
	return true;
}

/* ---- for the world ---- */

/* The same in every run and on any worker, so that replays agree; nothing needs storing for it. By the workers' clock: the
 * wall clock is disciplined, and would give one session another id in each of its records. */
static uint64_t flow_id(const struct worker *w, const struct flow *flow)
{
	uint64_t words[5];

	memcpy(words, &flow->key, sizeof(words));
	uint64_t id = flow_mix(words[0], words[1]);
	id = flow_mix(id ^ words[2], words[3]);
	return flow_mix(id ^ words[4], flow_cold(w->flows, flow)->start_ns ^ w->seed) & ID_MASK;
}

static uint64_t unix_us(const struct worker *w, uint64_t ns)
{
	return ns / NS_PER_US + w->unix_offset_us;
}

static void put_name(char *text, const char *name)
{
	snprintf(text, BH_NAME_MAX + 1, "%s", name);
}

static void record_names(const struct worker *w, const struct flow *flow, struct bh_flow_record *r)
{
	const struct bh_counters *names = w->directory;
	const struct flow_cold *cold = flow_cold(w->flows, flow);
	const char *server = classifier_name(w, flow);

	if (names)
		put_name(r->network, names->networks[flow->key.network]);
	for (unsigned int i = 0; i < 2; i++) {
		uint16_t segment = flow->segment[i];

		if (segment >= BH_SEGMENT_IDS)
			continue;
		if (names)
			put_name(r->segment[i], names->segments[segment]);
		if (w->policy)
			r->vlan[i] = w->policy->segments[segment].vlan;
	}
	if (flow->flags & FLOW_JUDGED) {
		if (!flow->rule_id)
			put_name(r->rule, "default");
		else if (names)
			put_name(r->rule, names->rules[flow->rule_id]);
	}
	classifier_application(w, cold->master, cold->app, r->application, sizeof(r->application));
	classifier_category(cold->category, r->category, sizeof(r->category));
	if (server)
		snprintf(r->server_name, sizeof(r->server_name), "%s", server);
}

static void record_ends(const struct flow *flow, struct bh_flow_record *r)
{
	unsigned int from = initiator(flow);

	memcpy(r->source, flow->key.address[from], sizeof(r->source));
	memcpy(r->destination, flow->key.address[!from], sizeof(r->destination));
	r->protocol = flow->key.protocol;
	r->source_port = flow->key.port[from];
	r->destination_port = flow->key.port[!from];
	if (is_icmp(flow)) {
		r->source_port = flow->key.icmp_identifier;
		r->destination_port = 0;
	}
}

static uint32_t remaining_s(const struct worker *w, const struct flow *flow)
{
	uint64_t deadline = w->policy ? flow_deadline(w, flow) : 0;

	return deadline > w->now_ns ? (uint32_t)((deadline - w->now_ns + NS_PER_S - 1) / NS_PER_S) : 0;
}

void flow_record(const struct worker *w, const struct flow *flow, enum bh_flow_end why,
		 struct bh_flow_record *record)
{
	const struct flow_cold *cold = flow_cold(w->flows, flow);

	*record = (struct bh_flow_record){
		.id = flow_id(w, flow),
		.start_us = unix_us(w, cold->start_ns),
		.last_us = unix_us(w, flow->last_ns),
		.packets = { flow->packets[0], flow->packets[1] },
		.bytes = { flow->bytes[0], flow->bytes[1] },
		.dropped = cold->dropped,
		.pending_bytes = { cold->pending_bytes[0], cold->pending_bytes[1] },
		.risks = cold->risks,
		.icmp = cold->icmp,
		.verdict = flow->verdict,
		.settled = !!(flow->flags & FLOW_SETTLED),
		.monitored = !!(flow->flags & FLOW_MONITORED),
		.tcp_state = flow->tcp_state,
		.end = (uint8_t)why,
		.confidence = cold->confidence,
		.log = !!(flow->flags & FLOW_LOG),
		.midstream = !!(flow->flags & FLOW_MIDSTREAM),
		.name_cut = !!(flow->flags & FLOW_NAME_CUT),
		.packets_to_verdict = cold->packets_to_verdict,
		.generation = flow->generation,
		.timeout_s = why == BH_FLOW_END_LIVE ? remaining_s(w, flow) : 0,
		.ech = !!(flow->flags & FLOW_ECH),
		.changed = !!(flow->flags & FLOW_CHANGED),
		.master = cold->master,
		.app = cold->app,
		.inner_vlan = flow->key.inner,
	};
	record_ends(flow, record);
	record_names(w, flow, record);
}
