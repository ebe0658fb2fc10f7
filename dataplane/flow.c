/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow stage: finds the session of each frame, checks that the frame fits it (segments, TCP state and windows, ICMP)
 * and advances it. What finds none may begin one (flowbegin.c) or is related to one (icmp.c).
 */
#include "flow.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_tcp.h>
#include <stdatomic.h>

#include "flowtable.h"
#include "fragment.h"
#include "frame.h"
#include "mactable.h"
#include "pipeline.h"
#include "tcp.h"
#include "worker.h"

static bool is_icmp(const struct frame *f)
{
	return f->protocol == IPPROTO_ICMP || f->protocol == IPPROTO_ICMPV6;
}

void flow_account(struct flow *flow, const struct frame *f, bool reverse)
{
	flow->packets[reverse] += frame_units(f);
	flow->bytes[reverse] += f->wire_length;
}

/* ---- the end of a session in the midst of a batch ---- */

void flow_retire(struct flow_batch *b, struct flow *flow, enum bh_flow_end why)
{
	uint16_t count = 0;

	while (count < b->kept && frame_of(b->frames[count])->flow != flow)
		count++;
	if (count < b->kept) {
		count = classify_stage(b->w, b->frames, b->kept);
		if (count)
			count = policy_stage(b->w, b->frames, count);
		if (count)
			tx_stage(b->w, b->frames, count);
		b->kept = 0;
	}
	flow_end(b->w, flow, why);
}

/* ---- segments ---- */

/* Where a session will be if the frame passes. */
struct places {
	uint16_t segment[2];
	uint16_t dest;
	bool learned;
	bool moved;
};

bool flow_allowed_at(struct worker *w, const struct flow *flow, uint16_t segment)
{
	struct bh_session session;
	struct bh_answer answer;

	if (!flow_session(w, flow, w->policy, segment, &session))
		return false;
	worker_ask(w, &session, &answer);
	return answer.verdict == BH_VERDICT_ALLOW || answer.verdict == BH_VERDICT_PENDING ||
	       policy_monitors(w->policy, flow->key.network);
}

/* Did the machine move to that segment since the session began, before this frame? The frame by which it moves does not
 * count: worker 0 sees that move at once and others only when worker 0 has recorded it, and both must answer alike. */
static bool machine_moved(const struct worker *w, const struct flow *flow, const struct rte_ether_addr *mac,
			  uint16_t segment)
{
	const struct mac_entry *entry = w->macs ? mac_find(w->macs, flow->key.network, mac) : NULL;
	uint64_t moved;

	if (!entry || atomic_load_explicit(&entry->bound, memory_order_relaxed) ||
	    atomic_load_explicit(&entry->segment, memory_order_relaxed) != segment)
		return false;
	moved = atomic_load_explicit(&entry->moved_ns, memory_order_relaxed);
	return moved && moved >= flow_cold(w->flows, flow)->start_ns && moved < w->now_ns;
}

/* Would the rules let the session pass between these segments? A move that they would not is not followed: an announcement
 * can be forged, and must neither carry an allow along nor end what is live. */
static bool allowed_between(struct worker *w, struct flow *flow, const uint16_t segment[2])
{
	uint16_t from = flow->segment[0];
	bool allowed;

	flow->segment[0] = segment[0];
	allowed = segment[1] == SEGMENT_NONE || flow_allowed_at(w, flow, segment[1]);
	flow->segment[0] = from;
	return allowed;
}

/* The side that sent: it is where it was, or the first reply tells where it is, or it moved. */
static bool source_fits(struct worker *w, const struct rte_mbuf *m, struct flow *flow, bool reverse,
			struct places *p)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	if (f->segment == p->segment[reverse])
		return true;
	if (p->segment[reverse] == SEGMENT_NONE) {
		/* A reply from where the session may not go was made up: it must not become its place. */
		if ((flow->flags & FLOW_MANY) || !flow_allowed_at(w, flow, f->segment))
			return false;
		p->learned = true;
	} else {
		const uint16_t there[2] = { reverse ? p->segment[0] : f->segment,
					    reverse ? f->segment : p->segment[1] };

		if (!machine_moved(w, flow, &ether->src_addr, f->segment) || !allowed_between(w, flow, there))
			return false;
		p->moved = true;
	}
	p->segment[reverse] = f->segment;
	return true;
}

static bool destination_fits(struct worker *w, const struct rte_mbuf *m, struct flow *flow, bool reverse,
			     struct places *p)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	uint16_t known = p->segment[!reverse];

	p->dest = f->dest;
	if (f->dest == known)
		return true;
	if (f->dest >= SEGMENT_FLOOD || (flow->flags & FLOW_MANY && !reverse)) {
		/* the MAC table has forgotten it, the session has not */
		p->dest = known == SEGMENT_NONE ? SEGMENT_FLOOD : known;
		return true;
	}
	if (known == SEGMENT_NONE) {
		p->learned = true;
	} else {
		const uint16_t there[2] = { reverse ? f->dest : p->segment[0],
					    reverse ? p->segment[1] : f->dest };

		if (!machine_moved(w, flow, &ether->dst_addr, f->dest))
			return false;
		if (!allowed_between(w, flow, there)) {
			/* to where it was: there it answers, if the move was made up, and is taken back (place.c) */
			p->dest = known;
			return true;
		}
		p->moved = true;
	}
	p->segment[!reverse] = f->dest;
	return true;
}

/* May a frame enter where this one did and leave where it would? Changes nothing but *p. */
static bool places_fit(struct worker *w, const struct rte_mbuf *m, struct flow *flow, bool reverse,
		       struct places *p)
{
	*p = (struct places){ .segment = { flow->segment[0], flow->segment[1] } };
	return source_fits(w, m, flow, reverse, p) && destination_fits(w, m, flow, reverse, p) &&
	       p->dest != p->segment[reverse];
}

static void settle_places(struct worker *w, struct flow *flow, const struct places *p)
{
	if (p->moved) {
		/* judged anew at the new place: an allow is not carried along */
		flow_unjudge(w, flow);
		flow_initiator_moved(w, flow, p->segment[0]);
	}
	flow->segment[1] = p->segment[1];
	if (p->learned)
		flow->flags |= FLOW_DEST_NEW;
}

/* ---- protocols ---- */

static const unsigned int tcp_results[] = {
	[TCP_PASS] = FLOW_PASS,
	[TCP_BAD_STATE] = BH_DROP_TCP_STATE,
	[TCP_BAD_WINDOW] = BH_DROP_TCP_WINDOW,
	[TCP_BAD_RESET] = BH_DROP_TCP_RST,
	[TCP_REUSE] = FLOW_RESTART,
};

static unsigned int advance_tcp(struct worker *w, struct rte_mbuf *m, struct flow *flow, bool reverse)
{
	struct tcp_segment s;
	bool seen;
	unsigned int result;

	flow_tcp_segment(m, &s);
	seen = tcp_is_retransmit(flow, &s, reverse);
	result = tcp_results[tcp_advance(flow, &s, reverse, w->policy->image.header->settings.tcp_liberal)];
	if (result == FLOW_PASS && seen)
		frame_of(m)->flags |= FRAME_RETRANSMIT;
	return result;
}

/* Is there nothing that a frame could say about the session? It was answered, lives by the last of its timeouts and gives its place to
 * nobody. */
static inline bool is_told(const struct flow *flow, const struct frame *f)
{
	const uint32_t told = FLOW_REPLIED | FLOW_STREAM;

	return f->protocol == IPPROTO_UDP && flow->timeout == BH_TIMEOUT_UDP_STREAM &&
	       (flow->flags & (told | FLOW_EMBRYONIC | FLOW_YIELDS)) == told;
}

/* The frame passes: what it says about the session. */
static void note_reply(struct worker *w, struct flow *flow, bool reverse)
{
	bool tcp = flow->key.protocol == IPPROTO_TCP;

	if (reverse)
		flow->flags |= FLOW_REPLIED;
	if (tcp ? flow->tcp_state >= BH_TCP_ESTABLISHED : reverse)
		flow_answered(w, flow);
	if (flow->key.protocol == IPPROTO_UDP && flow->packets[0] > 1 && flow->packets[1] > 1)
		flow->flags |= FLOW_STREAM;
	bool advanced = flow->timeout != flow_timeout_class(flow);
	if (advanced)
		flow_set_timeout(w, flow, flow_timeout_class(flow));
	if (advanced || (flow->flags & FLOW_YIELDS))
		flow_weigh(w, flow);
}

/* What a protocol's own state says of a frame: FLOW_PASS, FLOW_RESTART or the reason of its drop. */
static unsigned int advance_other(struct worker *w, struct rte_mbuf *m, struct flow *flow, bool reverse)
{
	struct frame *f = frame_of(m);
	unsigned int result;

	/* another request under the same identifier: its type and code were never judged */
	if (is_icmp(f) && !reverse && f->icmp != flow_cold(w->flows, flow)->icmp)
		return FLOW_RESTART;
	if (f->protocol != IPPROTO_TCP)
		return FLOW_PASS;
	result = advance_tcp(w, m, flow, reverse);
	if (result != FLOW_PASS && result != FLOW_RESTART) {
		f->flow = flow; /* the drop is remembered at the session */
		flow_account(flow, f, reverse);
	}
	return result;
}

/* Does the frame go where the session's frames went before? Then there is nothing to settle. */
static inline bool stays(const struct flow *flow, const struct frame *f, bool reverse)
{
	return f->segment == flow->segment[reverse] && f->dest == flow->segment[!reverse] &&
	       f->dest != f->segment && f->dest < SEGMENT_FLOOD;
}

/* A session that is not refused. */
static inline unsigned int advance(struct worker *w, struct rte_mbuf *m, struct flow *flow)
{
	struct frame *f = frame_of(m);
	bool reverse = flow_is_reverse(flow, f), same = stays(flow, f, reverse);
	struct places p;

	if (unlikely(!same) && !places_fit(w, m, flow, reverse, &p))
		return BH_DROP_SESSION_SEGMENT;
	if (f->protocol != IPPROTO_UDP) {
		unsigned int result = advance_other(w, m, flow, reverse);

		if (result != FLOW_PASS)
			return result;
	}
	if (unlikely(!same)) {
		settle_places(w, flow, &p);
		f->dest = p.dest;
	}
	f->flow = flow;
	f->flags |= reverse ? FRAME_REVERSE : 0u;
	flow_account(flow, f, reverse);
	flow->last_ns = w->now_ns;
	if (!is_told(flow, f))
		note_reply(w, flow, reverse);
	return FLOW_PASS;
}

/* ---- refused sessions ---- */

/* A connection that was let in and then refused, for its application or by a reload, does not become another "connection
 * under way" by its next frame: it was seen from its start. Only a SYN begins anew. */
static bool is_interrupted(const struct flow *flow, const struct frame *f)
{
	return (flow->flags & FLOW_LET_IN) && f->protocol == IPPROTO_TCP && !tcp_begins(f->tcp_flags);
}

/* Is the refusal the answer to this frame too? A refused session protects nobody: what comes from elsewhere, goes elsewhere,
 * or begins a session of the other end's own that the rules would let in, is judged for itself. */
static bool refusal_holds(struct worker *w, const struct flow *flow, const struct frame *f, bool reverse)
{
	const struct flow_cold *cold = flow_cold(w->flows, flow);
	uint16_t out = flow->segment[!reverse];

	if (flow->generation != w->policy->generation || f->segment != flow->segment[reverse] ||
	    (f->dest != out && f->dest < SEGMENT_FLOOD))
		return false;
	if (f->protocol == IPPROTO_TCP && !tcp_begins(f->tcp_flags))
		return true;
	if (reverse) /* picked up under way, it was judged in both directions */
		return (flow->flags & FLOW_MIDSTREAM) || !flow_would_pass(w, f);
	if (is_icmp(f))
		return f->icmp == cold->icmp;
	/* a connection that was refused for what it carried may be tried again */
	return f->protocol != IPPROTO_TCP || cold->packets_to_verdict <= 1;
}

static unsigned int on_refused(struct flow_batch *b, struct rte_mbuf *m, struct flow *flow)
{
	struct frame *f = frame_of(m);
	bool reverse = flow_is_reverse(flow, f);
	unsigned int reason;

	if (refusal_holds(b->w, flow, f, reverse)) {
		if (f->dest >= SEGMENT_FLOOD && flow->segment[!reverse] != SEGMENT_NONE)
			f->dest = flow->segment[!reverse];
		f->flow = flow;
		f->flags |= reverse ? FRAME_REVERSE : 0u;
		flow_account(flow, f, reverse);
		flow->last_ns = b->w->now_ns;
		return FLOW_PASS; /* to the policy stage, which drops it under its rule */
	}
	if (is_interrupted(flow, f))
		return BH_DROP_SESSION_SEGMENT;
	reason = flow_may_begin(b->w, f);
	if (reason != FLOW_PASS)
		return reason;
	flow_retire(b, flow,
		    flow->generation == b->w->policy->generation ? BH_FLOW_END_REUSED : BH_FLOW_END_POLICY);
	return flow_begin(b, m);
}

/* ---- the stage ---- */

/* The candidate is the session, if its key is the frame's; else the whole chain is searched. */
static inline struct flow *find(struct worker *w, const struct frame *f, struct flow *candidate)
{
	if (likely(candidate && flow_key_equal(&candidate->key, &f->key)))
		return candidate;
	return flow_find(w->flows, &f->key, f->hash);
}

static inline unsigned int on_frame(struct flow_batch *b, struct rte_mbuf *m, struct flow *candidate)
{
	struct worker *w = b->w;
	struct frame *f = frame_of(m);
	struct flow *flow;
	unsigned int result;

	if (f->flags & FRAME_ICMP_ERROR)
		return icmp_error(w, m);
	flow = find(w, f, candidate);
	if (unlikely(flow && w->now_ns >= flow_deadline(w, flow))) {
		flow_retire(b, flow, BH_FLOW_END_TIMEOUT);
		flow = NULL;
	}
	if (unlikely(!flow))
		return flow_begin(b, m);
	if (unlikely(flow_is_refused(flow))) {
		if ((flow->flags & FLOW_LET_IN) && flow->generation != w->policy->generation)
			policy_judge_now(w, flow);
		if (flow_is_refused(flow))
			return on_refused(b, m, flow);
	}
	result = advance(w, m, flow);
	if (result != FLOW_RESTART)
		return result;
	flow_retire(b, flow, BH_FLOW_END_REUSED);
	return flow_begin(b, m);
}

/* Layer-2 guards judge these, or each fragment is judged for itself. */
static inline bool has_session(const struct frame *f)
{
	return f->kind <= FRAME_IPV6 && !(f->flags & (FRAME_PROTECTED | FRAME_STATELESS | FRAME_FRAGMENT));
}

/* Returns a bit for each frame that has a session or may begin one. */
static inline uint32_t prefetch(struct worker *w, struct rte_mbuf **frames, uint32_t count,
				struct flow **candidates)
{
	const struct flow_bucket *buckets[BURST];
	uint32_t sessions = 0;

	static_assert(BURST <= 32);
	for (uint32_t i = 0; i < count; i++) {
		struct frame *f = frame_of(frames[i]);

		f->flow = NULL;
		if (is_icmp(f) && has_session(f) && !(f->flags & FRAME_ICMP_ERROR))
			icmp_key(w, f);
		sessions |= (uint32_t)has_session(f) << i;
		buckets[i] = flow_prefetch(w->flows, f->hash);
	}
	for (uint32_t i = 0; i < count; i++)
		candidates[i] = flow_candidate(w->flows, buckets[i], frame_of(frames[i])->hash);
	return sessions;
}

uint16_t flow_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	struct flow_batch b = { .w = w, .frames = frames };
	struct flow *candidates[BURST];
	uint32_t sessions = prefetch(w, frames, count, candidates);

	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *m = frames[i];
		unsigned int result = FLOW_PASS;

		if (likely(sessions >> i & 1))
			result = on_frame(&b, m, candidates[i]);
		if (likely(result == FLOW_PASS))
			frames[b.kept++] = m;
		else
			drop_frame(w, m, (enum bh_drop)result);
	}
	return b.kept;
}
