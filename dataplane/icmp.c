/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP in the flow stage: the keys of queries, and errors that are related to sessions. */
#include <netinet/in.h>

#include "flowtable.h"
#include "frame.h"
#include "tcp.h"
#include "worker.h"

/* ---- queries ---- */

/*
 * Two machines may ask each other under one identifier at the same time (some stacks always use 1), and a request is
 * never the reply to another: so the key names the end that asks. Types that are neither request nor reply are
 * one-way sessions by type.
 */
static void set_asker(const struct worker *w, struct flow_key *key, uint32_t *hash, bool end)
{
	key->icmp_asker = end;
	*hash = flow_hash(key, w->seed);
}

void icmp_key(const struct worker *w, struct frame *f)
{
	bool reply = f->flags & FRAME_ICMP_REPLY;

	if (!(f->flags & (FRAME_ICMP_REQUEST | FRAME_ICMP_REPLY)))
		f->key.icmp_type = (uint8_t)(f->icmp >> 8);
	set_asker(w, &f->key, &f->hash, f->reversed != reply);
}

/* ---- errors ---- */

/* The session of the quoted packet. Of a quoted ICMP query it is not known here whether it asks or replies: it rather asks. */
static struct flow *find_quoted(struct worker *w, struct frame *f)
{
	struct flow *flow;

	if (f->key.protocol != IPPROTO_ICMP && f->key.protocol != IPPROTO_ICMPV6)
		return flow_find(w->flows, &f->key, f->hash);
	set_asker(w, &f->key, &f->hash, f->reversed);
	flow = flow_find(w->flows, &f->key, f->hash);
	if (flow)
		return flow;
	set_asker(w, &f->key, &f->hash, !f->reversed);
	return flow_find(w->flows, &f->key, f->hash);
}

/* An error goes to the quoted packet's sender and comes from the other segment of its session. */
static bool error_fits(struct worker *w, const struct flow *flow, struct frame *f, bool quoted_reverse)
{
	uint16_t home = flow->segment[quoted_reverse], other = flow->segment[!quoted_reverse];

	if (home == SEGMENT_NONE || (flow->flags & FLOW_MANY)) /* RFC 1122 3.2.2: never about multicast */
		return false;
	if (f->dest >= SEGMENT_FLOOD)
		f->dest = home;
	if (f->dest != home || f->segment == home)
		return false;
	/* from the responder's side, whose segment no reply has shown yet: one that the packet could have got to */
	return other == SEGMENT_NONE ? flow_allowed_at(w, flow, f->segment) : f->segment == other;
}

unsigned int icmp_error(struct worker *w, struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);
	struct flow *flow = find_quoted(w, f);
	bool liberal = w->policy->image.header->settings.tcp_liberal;
	bool quoted_reverse;

	if (!flow || w->now_ns >= flow_deadline(w, flow) || flow_is_refused(flow))
		return BH_DROP_ICMP_NO_SESSION;
	quoted_reverse = flow_is_reverse(flow, f);
	if (!error_fits(w, flow, f, quoted_reverse))
		return BH_DROP_ICMP_NO_SESSION;
	/* of the quoted segment; a blind attacker would have to guess it (RFC 5927) */
	if (flow->key.protocol == IPPROTO_TCP && !liberal && !tcp_plausible(flow, quoted_reverse, f->tcp_seq))
		return BH_DROP_ICMP_NO_SESSION;
	f->flow = flow;
	f->flags |= FRAME_RELATED | (quoted_reverse ? 0u : FRAME_REVERSE);
	return FLOW_PASS;
}
