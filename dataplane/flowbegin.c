/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that found no session: may they begin one, and which end is its initiator? */
#include <netinet/in.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_tcp.h>
#include <stdatomic.h>
#include <string.h>

#include "flowtable.h"
#include "frame.h"
#include "mactable.h"
#include "tcp.h"
#include "worker.h"

static const struct bh_settings *settings(const struct worker *w)
{
	return &w->policy->image.header->settings;
}

void flow_tcp_segment(const struct rte_mbuf *m, struct tcp_segment *s)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	uint16_t options = (uint16_t)(f->l4 + sizeof(struct rte_tcp_hdr));

	*s = (struct tcp_segment){ .seq = f->tcp_seq,
				   .ack = f->tcp_ack,
				   .payload = f->payload_length,
				   .window = f->tcp_window,
				   .flags = f->tcp_flags,
				   .scale = TCP_SCALE_NONE };
	if ((f->tcp_flags & RTE_TCP_SYN_FLAG) && f->payload > options)
		s->scale = tcp_scale_option(rte_pktmbuf_mtod_offset(m, const uint8_t *, options),
					    (uint16_t)(f->payload - options));
}

/* ---- may it begin one? ---- */

static bool begins_under_way(const struct frame *f)
{
	return f->protocol == IPPROTO_TCP && !(f->tcp_flags & RTE_TCP_SYN_FLAG);
}

static bool within_pick_up(const struct worker *w, uint64_t since_ns)
{
	return since_ns &&
	       place_since(since_ns, w->now_ns) < (uint64_t)settings(w)->midstream_pick_up * NS_PER_S;
}

/* flows.mid-stream.pick-up */
static bool pick_up_open(const struct worker *w)
{
	uint32_t seconds = settings(w)->midstream_pick_up;

	if (seconds == BH_PICK_UP_NEVER || seconds == BH_PICK_UP_ALWAYS)
		return seconds == BH_PICK_UP_ALWAYS;
	return within_pick_up(w, w->start_ns);
}

/* A frame that a connection under way may consist of. */
static bool is_under_way(const struct frame *f)
{
	const uint8_t other = RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	return f->protocol == IPPROTO_TCP && (f->tcp_flags & RTE_TCP_ACK_FLAG) && !(f->tcp_flags & other);
}

unsigned int flow_may_begin(const struct worker *w, const struct frame *f)
{
	if (f->flags & FRAME_ICMP_REPLY)
		return BH_DROP_ICMP_NO_SESSION;
	if (f->protocol != IPPROTO_TCP || tcp_begins(f->tcp_flags))
		return FLOW_PASS;
	return is_under_way(f) && pick_up_open(w) ? FLOW_PASS : BH_DROP_TCP_NO_SESSION;
}

/* ---- which end is the initiator? ---- */

static bool allowed(struct worker *w, const struct frame *f, bool swapped,
		    const struct bh_knowledge *knowledge)
{
	const struct policy *policy = w->policy;
	uint16_t from = swapped ? f->dest : f->segment, to = swapped ? f->segment : f->dest;
	struct bh_session s = {
		.from_segment = policy->segments[from].index,
		.to_segment = policy->segments[to].index,
		.protocol = f->protocol,
		.source_port = swapped ? f->destination_port : f->source_port,
		.service = f->icmp   ? f->icmp
			   : swapped ? f->source_port
				     : f->destination_port,
		.knowledge = *knowledge,
	};
	struct bh_answer answer;

	if (s.from_segment == BH_NONE || s.to_segment == BH_NONE)
		return false;
	memcpy(s.from, swapped ? frame_destination(f) : frame_source(f), sizeof(s.from));
	memcpy(s.to, swapped ? frame_source(f) : frame_destination(f), sizeof(s.to));
	worker_ask(w, &s, &answer);
	return answer.verdict == BH_VERDICT_ALLOW || answer.verdict == BH_VERDICT_PENDING;
}

bool flow_would_pass(struct worker *w, const struct frame *f)
{
	return f->dest < SEGMENT_FLOOD && allowed(w, f, false, &(struct bh_knowledge){ 0 });
}

/* A connection picked up under way: the direction with an allow is its own; if both have one, the lower port serves. If
 * neither has (or the other end's segment is not known yet), the sender counts, and the policy stage refuses it. */
static bool initiator_is_destination(struct worker *w, const struct frame *f)
{
	bool trust = settings(w)->midstream_app == BH_MIDSTREAM_TRUST, forward, backward;
	struct bh_knowledge knowledge = { .trust = trust, .app_known = !trust, .name_known = !trust };

	if (!begins_under_way(f) || f->dest >= SEGMENT_FLOOD)
		return false;
	forward = allowed(w, f, false, &knowledge);
	backward = allowed(w, f, true, &knowledge);
	if (forward && backward)
		return f->source_port < f->destination_port;
	return backward && !forward;
}

/* ---- .. of a machine that moved here ---- */

static bool newly_placed(const struct worker *w, const struct frame *f, const struct rte_ether_addr *mac,
			 uint16_t segment)
{
	const struct mac_entry *e = w->macs ? mac_find(w->macs, f->network, mac) : NULL;

	return e && atomic_load_explicit(&e->segment, memory_order_relaxed) == segment &&
	       within_pick_up(w, atomic_load_explicit(&e->placed_ns, memory_order_relaxed));
}

enum pick_up { PICK_UP_NOT, PICK_UP_FORWARD, PICK_UP_BACKWARD };

/*
 * A machine that came from another appliance, or from where Bulkhead did not see it, has connections under way that are no
 * session here; its move opens the time of `pick-up' for them. Anybody can announce a machine, or be a new one, so that
 * this gives nothing that a SYN would not give:
 *   - There is no session of these addresses and ports (flow.c asks here only then): what exists elsewhere stays there.
 *   - The application is unknown, whatever `mid-stream' trusts at a start: who may not ssh by a SYN does not by an ACK.
 *   - What the machine itself sends counts as the initiator's. To be taken for a reply, with any source port that
 *     a rule serves, would let it reach machines that it may not speak to (nmap -sA -g). That a connection to it was under
 *     way is believed only the other end, which stayed where it was.
 *   - A machine that is back where a forged announcement had taken it from did not move (learn.c).
 */
static enum pick_up follows_move(struct worker *w, const struct rte_mbuf *m)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct bh_knowledge unknown = { .app_known = true, .name_known = true };
	uint32_t seconds = settings(w)->midstream_pick_up;
	bool sender;

	if (seconds == BH_PICK_UP_NEVER || seconds == BH_PICK_UP_ALWAYS || !is_under_way(f) ||
	    f->dest >= SEGMENT_FLOOD)
		return PICK_UP_NOT;
	sender = newly_placed(w, f, &ether->src_addr, f->segment);
	if (!sender && !newly_placed(w, f, &ether->dst_addr, f->dest))
		return PICK_UP_NOT;
	if (allowed(w, f, false, &unknown))
		return PICK_UP_FORWARD;
	return !sender && allowed(w, f, true, &unknown) ? PICK_UP_BACKWARD : PICK_UP_NOT;
}

/* ---- no room ---- */

/* exceptions.flows: when the table or a quota is spent, frames are dropped or judged one by one. */
static unsigned int refuse(const struct worker *w, struct frame *f, unsigned int reason)
{
	if (settings(w)->exception_flows != BH_EXCEPTION_STATELESS)
		return reason;
	f->flags |= FRAME_STATELESS;
	return FLOW_PASS;
}

/* What can not begin a session may belong to one that was let in without state. */
static unsigned int refuse_stray(const struct worker *w, struct frame *f, unsigned int reason)
{
	if (flow_spent(w, f->segment, true) == FLOW_PASS &&
	    (f->dest >= SEGMENT_FLOOD || flow_spent(w, f->dest, true) == FLOW_PASS))
		return reason;
	return refuse(w, f, reason);
}

/* Under `stateless', what answers a session that was let in without state is none of its own: it would be judged as one that
 * the answering end begins. TCP and ICMP tell by themselves, and begin none. */
static bool answers_stateless(struct worker *w, const struct frame *f)
{
	const struct bh_knowledge nothing = { .app_known = true, .name_known = true, .risks_known = true };

	return settings(w)->exception_flows == BH_EXCEPTION_STATELESS && f->protocol != IPPROTO_TCP &&
	       f->dest < SEGMENT_FLOOD && flow_spent(w, f->dest, true) != FLOW_PASS &&
	       !flow_would_pass(w, f) && allowed(w, f, true, &nothing);
}

/* ---- the new session ---- */

/* Multicast, or the limited broadcast. The broadcast address of a subnet can not be told: nothing here knows its mask. */
static bool is_group(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t everyone[4] = { 255, 255, 255, 255 };

	if (memcmp(address, mapped, sizeof(mapped)))
		return address[0] == 0xff;
	return (address[12] & 0xf0) == 224 || !memcmp(address + 12, everyone, sizeof(everyone));
}

static void count_new(struct worker *w, struct flow *flow)
{
	w->counters->cells[BH_WORKER_FLOWS]++;
	worker_count(w, BH_WORKER_FLOWS_CREATED, 1);
	if (flow->flags & FLOW_EMBRYONIC)
		w->counters->cells[BH_WORKER_EMBRYONIC]++;
	flow_gauge(w, flow, 1);
}

static void begin_protocol(const struct rte_mbuf *m, struct flow *flow, bool swapped, bool trust)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	struct tcp_segment s;

	flow->flags |= FLOW_YIELDS | (begins_under_way(f) ? FLOW_MIDSTREAM : FLOW_EMBRYONIC);
	if (f->protocol != IPPROTO_TCP)
		return;
	flow_tcp_segment(m, &s);
	if (!begins_under_way(f)) {
		tcp_begin(flow, &s);
		return;
	}
	tcp_pick_up(flow, &s, swapped);
	if (trust)
		flow->flags |= FLOW_TRUST;
}

static void begin(struct worker *w, struct rte_mbuf *m, struct flow *flow, bool swapped, bool trust)
{
	struct frame *f = frame_of(m);
	struct flow_cold *cold = flow_cold(w->flows, flow);
	uint16_t dest = f->dest >= SEGMENT_FLOOD ? SEGMENT_NONE : f->dest;

	flow->segment[swapped] = f->segment;
	flow->segment[!swapped] = dest;
	flow->verdict = BH_VERDICT_DENY; /* until it is judged */
	flow->last_ns = cold->start_ns = w->now_ns;
	cold->icmp = f->icmp;
	if (!f->reversed == swapped)
		flow->flags |= FLOW_REVERSED;
	if (swapped)
		flow->flags |= FLOW_REPLIED;
	if (dest == SEGMENT_NONE) {
		f->dest = SEGMENT_FLOOD;
		if (is_group(frame_destination(f)))
			flow->flags |= FLOW_MANY;
	}
	begin_protocol(m, flow, swapped, trust);
	flow->timeout = (uint8_t)flow_timeout_class(flow);
	flow_arm(w, flow);
	count_new(w, flow);
	flow_account(flow, f, swapped);
	f->flow = flow;
	f->flags |= FRAME_NEW_FLOW | (swapped ? FRAME_REVERSE : 0u);
}

unsigned int flow_begin(struct flow_batch *b, struct rte_mbuf *m)
{
	struct worker *w = b->w;
	struct frame *f = frame_of(m);
	unsigned int result = flow_may_begin(w, f);
	enum pick_up moved = PICK_UP_NOT;
	struct flow *flow;
	bool swapped;

	if (result == BH_DROP_TCP_NO_SESSION)
		moved = follows_move(w, m);
	if (result != FLOW_PASS && !moved)
		return refuse_stray(w, f, result);
	if (answers_stateless(w, f))
		return refuse(w, f, BH_DROP_FLOW_FULL);
	swapped = moved ? moved == PICK_UP_BACKWARD : initiator_is_destination(w, f);
	result = flow_admit(b, swapped ? f->dest : f->segment, !begins_under_way(f));
	if (result != FLOW_PASS)
		return refuse(w, f, result);
	flow = flow_insert(w->flows, &f->key, f->hash);
	if (!flow)
		return refuse(w, f, BH_DROP_FLOW_FULL);
	begin(w, m, flow, swapped, !moved && settings(w)->midstream_app == BH_MIDSTREAM_TRUST);
	return FLOW_PASS;
}
