/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp.h"

#include <rte_common.h>
#include <rte_tcp.h>

/* Sequence numbers are compared within half of their circle (RFC 9293 3.4). */
static bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_after(a, b) ? a : b;
}

/* ---- the transition table ---- */

enum tcp_class { CLASS_OTHER, CLASS_SYN, CLASS_SYN_ACK, CLASS_ACK, CLASS_FIN, CLASS_RST, CLASS_COUNT };

static enum tcp_class classify(uint8_t flags)
{
	if (flags & RTE_TCP_RST_FLAG)
		return CLASS_RST;
	if (flags & RTE_TCP_SYN_FLAG)
		return flags & RTE_TCP_ACK_FLAG ? CLASS_SYN_ACK : CLASS_SYN;
	if (!(flags & RTE_TCP_ACK_FLAG))
		return CLASS_OTHER;
	return flags & RTE_TCP_FIN_FLAG ? CLASS_FIN : CLASS_ACK;
}

/* A cell is the next state, or one of these. 0, what is not written, is a drop: forgetting is safe. */
enum { MOVE_REUSE = BH_TCP_STATE_COUNT, MOVE_ASIDE };

/*
 * States of the session: FIN_WAIT: the initiator sent FIN; CLOSE_WAIT: the responder did; CLOSING: both did; TIME_WAIT:
 * both were acknowledged; CLOSED: by RST. A server's SYN in answer to a SYN (simultaneous open, split handshake) has no
 * cell: only SYN, SYN+ACK, ACK makes ESTABLISHED.
 * REUSE: a SYN may begin a new session. ASIDE: passes and changes nothing: the SYN of an initiator that crashed and comes
 * back is answered by the responder's challenge ACK, and that by an exact RST (RFC 9293 3.5.1, RFC 5961 4).
 */
static const uint8_t moves[BH_TCP_STATE_COUNT][2][CLASS_COUNT] = {
	[BH_TCP_SYN_SENT] = {
		{ [CLASS_SYN] = BH_TCP_SYN_SENT, [CLASS_RST] = BH_TCP_CLOSED },
		{ [CLASS_SYN_ACK] = BH_TCP_SYN_RECV, [CLASS_RST] = BH_TCP_CLOSED },
	},
	[BH_TCP_SYN_RECV] = {
		{ [CLASS_SYN] = BH_TCP_SYN_RECV, [CLASS_ACK] = BH_TCP_ESTABLISHED,
		  [CLASS_FIN] = BH_TCP_FIN_WAIT, [CLASS_RST] = BH_TCP_CLOSED },
		/* data of a server that took a Fast Open cookie may overtake the client's ACK (RFC 7413) */
		{ [CLASS_SYN_ACK] = BH_TCP_SYN_RECV, [CLASS_ACK] = BH_TCP_SYN_RECV,
		  [CLASS_RST] = BH_TCP_CLOSED },
	},
	[BH_TCP_ESTABLISHED] = {
		{ [CLASS_SYN] = MOVE_ASIDE, [CLASS_ACK] = BH_TCP_ESTABLISHED,
		  [CLASS_FIN] = BH_TCP_FIN_WAIT, [CLASS_RST] = BH_TCP_CLOSED },
		/* SYN+ACK again: the client's ACK was lost */
		{ [CLASS_SYN_ACK] = BH_TCP_ESTABLISHED, [CLASS_ACK] = BH_TCP_ESTABLISHED,
		  [CLASS_FIN] = BH_TCP_CLOSE_WAIT, [CLASS_RST] = BH_TCP_CLOSED },
	},
	[BH_TCP_FIN_WAIT] = {
		{ [CLASS_SYN] = MOVE_REUSE, [CLASS_ACK] = BH_TCP_FIN_WAIT,
		  [CLASS_FIN] = BH_TCP_FIN_WAIT, [CLASS_RST] = BH_TCP_CLOSED },
		{ [CLASS_ACK] = BH_TCP_FIN_WAIT, [CLASS_FIN] = BH_TCP_CLOSING,
		  [CLASS_RST] = BH_TCP_CLOSED },
	},
	[BH_TCP_CLOSE_WAIT] = {
		{ [CLASS_SYN] = MOVE_REUSE, [CLASS_ACK] = BH_TCP_CLOSE_WAIT,
		  [CLASS_FIN] = BH_TCP_CLOSING, [CLASS_RST] = BH_TCP_CLOSED },
		{ [CLASS_ACK] = BH_TCP_CLOSE_WAIT, [CLASS_FIN] = BH_TCP_CLOSE_WAIT,
		  [CLASS_RST] = BH_TCP_CLOSED },
	},
	[BH_TCP_CLOSING] = {
		{ [CLASS_SYN] = MOVE_REUSE, [CLASS_ACK] = BH_TCP_CLOSING,
		  [CLASS_FIN] = BH_TCP_CLOSING, [CLASS_RST] = BH_TCP_CLOSED },
		{ [CLASS_ACK] = BH_TCP_CLOSING, [CLASS_FIN] = BH_TCP_CLOSING,
		  [CLASS_RST] = BH_TCP_CLOSED },
	},
	[BH_TCP_TIME_WAIT] = {
		{ [CLASS_SYN] = MOVE_REUSE, [CLASS_ACK] = BH_TCP_TIME_WAIT,
		  [CLASS_FIN] = BH_TCP_TIME_WAIT, [CLASS_RST] = BH_TCP_CLOSED },
		{ [CLASS_SYN] = MOVE_REUSE, [CLASS_ACK] = BH_TCP_TIME_WAIT,
		  [CLASS_FIN] = BH_TCP_TIME_WAIT, [CLASS_RST] = BH_TCP_CLOSED },
	},
	[BH_TCP_CLOSED] = {
		{ [CLASS_SYN] = MOVE_REUSE, [CLASS_RST] = BH_TCP_CLOSED },
		{ [CLASS_SYN] = MOVE_REUSE, [CLASS_RST] = BH_TCP_CLOSED },
	},
};

const uint8_t tcp_timeouts[BH_TCP_STATE_COUNT] = {
	[BH_TCP_NONE] = BH_TIMEOUT_DENIED,
	[BH_TCP_SYN_SENT] = BH_TIMEOUT_TCP_SYN,
	[BH_TCP_SYN_RECV] = BH_TIMEOUT_TCP_HANDSHAKE,
	[BH_TCP_ESTABLISHED] = BH_TIMEOUT_TCP_ESTABLISHED,
	[BH_TCP_FIN_WAIT] = BH_TIMEOUT_TCP_FIN,
	[BH_TCP_CLOSE_WAIT] = BH_TIMEOUT_TCP_FIN,
	[BH_TCP_CLOSING] = BH_TIMEOUT_TCP_CLOSING,
	[BH_TCP_TIME_WAIT] = BH_TIMEOUT_TCP_TIME_WAIT,
	[BH_TCP_CLOSED] = BH_TIMEOUT_TCP_CLOSED,
};

/* ---- windows ---- */

#define WINDOW_MAX (1u << 30) /* RFC 7323 2.3 */
#define ACK_SLACK 66000u      /* of acknowledgements that were overtaken, beside two windows */

/* Bytes that this peer has at most allowed the other to have under way; at least 1, for probes of a zero window. */
static uint32_t window_of(const struct tcp_peer *peer)
{
	uint32_t window = (uint32_t)peer->window << peer->scale;

	return RTE_MIN(RTE_MAX(window, 1u), WINDOW_MAX);
}

/* Sequence number after the segment. `fin`: count FIN too. */
static uint32_t segment_end(const struct tcp_segment *s, bool fin)
{
	uint32_t end = s->seq + s->payload;

	if (s->flags & RTE_TCP_SYN_FLAG)
		end++;
	if (fin && (s->flags & RTE_TCP_FIN_FLAG))
		end++;
	return end;
}

/*
 * RFC 9293 3.10.7.4 as it looks from between the two:
 *   - nothing beyond what the receiver has ever allowed (a FIN may stand right there), and
 *   - nothing older than one window before what was sent last: keep-alives (seq - 1) and repetitions are inside;
 *   - acknowledged is what was sent, and (RFC 5961 5) not what was acknowledged long ago.
 */
static bool in_window(const struct tcp_peer *from, const struct tcp_peer *to, const struct tcp_segment *s)
{
	uint32_t newest = to->flags & TCP_PEER_LOOSE ? to->limit : to->end;
	uint32_t oldest = RTE_MIN(2 * window_of(from) + ACK_SLACK, WINDOW_MAX);

	if (seq_after(segment_end(s, false), from->limit))
		return false;
	if (seq_before(s->seq, from->end - window_of(to)))
		return false;
	return !seq_after(s->ack, newest) && !seq_before(s->ack, to->end - oldest);
}

static void track(struct tcp_peer *from, struct tcp_peer *to, const struct tcp_segment *s)
{
	bool syn = s->flags & RTE_TCP_SYN_FLAG; /* its window is never scaled (RFC 7323 2.2) */
	uint32_t end = segment_end(s, true);
	uint32_t window = RTE_MAX(syn ? s->window : (uint32_t)s->window << from->scale, 1u);

	if (seq_after(s->seq, from->end))
		from->flags |= TCP_PEER_GAP;
	from->end = seq_max(from->end, end);
	if (s->flags & RTE_TCP_FIN_FLAG)
		from->flags |= TCP_PEER_FIN;
	if (!syn && s->window > from->window)
		from->window = s->window;
	if (to->flags & TCP_PEER_LOOSE)
		to->end = seq_max(to->end, s->ack);
	to->limit = seq_max(to->limit, s->ack + window);
	if (!seq_before(s->ack, to->end)) {
		to->flags &= (uint8_t)~TCP_PEER_GAP;
		if (to->flags & TCP_PEER_FIN)
			to->flags |= TCP_PEER_FIN_ACKED;
	}
}

static void set_scale(struct tcp_peer *peer, const struct tcp_segment *s)
{
	peer->flags &= (uint8_t)~TCP_PEER_SCALE;
	peer->scale = 0;
	if (s->scale == TCP_SCALE_NONE)
		return;
	peer->flags |= TCP_PEER_SCALE;
	peer->scale = RTE_MIN(s->scale, TCP_SCALE_MAX);
}

/* ---- the handshake ---- */

/* The window of a SYN was not scaled, those to come are: keep it in their unit, rounded up. */
static void scale_window(struct tcp_peer *peer)
{
	peer->window = (uint16_t)(((uint32_t)peer->window + (1u << peer->scale) - 1) >> peer->scale);
}

/* Until the SYN is answered, peer[0].limit is the first acknowledgement number that would answer it: with Fast Open
 * data in the SYN (RFC 7413) that need not be its end. */
void tcp_begin(struct flow *flow, const struct tcp_segment *s)
{
	flow->peer[0] = (struct tcp_peer){
		.end = s->seq + 1 + s->payload,
		.limit = s->seq + 1,
		.window = s->window,
	};
	flow->peer[1] = (struct tcp_peer){ 0 };
	set_scale(&flow->peer[0], s);
	flow->tcp_state = BH_TCP_SYN_SENT;
}

/* Sequence number after the responder's SYN; nothing but the initiator's ACK moves peer[1].limit from there. */
static uint32_t responder_first(const struct flow *flow)
{
	return flow->peer[1].limit - RTE_MAX((uint32_t)flow->peer[0].window, 1u);
}

static enum tcp_outcome answer(struct flow *flow, const struct tcp_segment *s)
{
	struct tcp_peer *client = &flow->peer[0], *server = &flow->peer[1];

	if (seq_before(s->ack, client->limit) || seq_after(s->ack, client->end))
		return TCP_BAD_WINDOW;
	*server = (struct tcp_peer){
		.end = segment_end(s, false),
		.limit = s->seq + 1 + RTE_MAX((uint32_t)client->window, 1u),
		.window = s->window,
	};
	set_scale(server, s);
	/* scaling is in force only if both offered it (RFC 7323 2.2) */
	if (!(client->flags & server->flags & TCP_PEER_SCALE))
		client->scale = server->scale = 0;
	scale_window(server);
	client->limit = seq_max(client->end, s->ack + RTE_MAX((uint32_t)s->window, 1u));
	return TCP_PASS;
}

static enum tcp_outcome on_syn(struct flow *flow, const struct tcp_segment *s)
{
	struct tcp_peer *client = &flow->peer[0];
	uint32_t end = client->end;

	if (flow->tcp_state == BH_TCP_SYN_SENT) {
		/* again, perhaps with other options, without its Fast Open data, or as a new attempt */
		bool same = s->seq + 1 == client->limit;

		tcp_begin(flow, s);
		if (same)
			client->end = seq_max(client->end, end);
		return TCP_PASS;
	}
	/* again, since the SYN+ACK was lost: it is the same, or it is not part of this handshake */
	return segment_end(s, false) == end ? TCP_PASS : TCP_BAD_STATE;
}

static enum tcp_outcome on_syn_ack(struct flow *flow, const struct tcp_segment *s, bool liberal)
{
	struct tcp_peer *client = &flow->peer[0], *server = &flow->peer[1];

	if (flow->tcp_state == BH_TCP_SYN_SENT)
		return answer(flow, s);
	if (flow->tcp_state == BH_TCP_SYN_RECV)
		return s->seq + 1 == responder_first(flow) ? TCP_PASS : TCP_BAD_STATE;
	if (!liberal && !in_window(server, client, s))
		return TCP_BAD_WINDOW;
	return seq_after(segment_end(s, false), server->end) ? TCP_BAD_STATE : TCP_PASS;
}

/* ---- everything after it ---- */

static enum tcp_outcome on_data(struct flow *flow, const struct tcp_segment *s, bool reverse, bool liberal)
{
	struct tcp_peer *from = &flow->peer[reverse], *to = &flow->peer[!reverse];

	if (!liberal) {
		if (!in_window(from, to, s))
			return TCP_BAD_WINDOW;
		/* the ACK that ends the handshake acknowledges the SYN+ACK, or was not sent by who got it */
		if (flow->tcp_state == BH_TCP_SYN_RECV && !reverse &&
		    seq_before(s->ack, responder_first(flow)))
			return TCP_BAD_WINDOW;
		if ((from->flags & TCP_PEER_FIN) && seq_after(segment_end(s, true), from->end))
			return TCP_BAD_STATE;
	}
	if (flow->tcp_state == BH_TCP_SYN_RECV && !reverse)
		scale_window(from);
	track(from, to, s);
	return TCP_PASS;
}

/* RFC 5961 3.2: only an exact RST closes at once. One beside it is a stack's peculiarity around SYN and FIN; everything else
 * is answered by nobody, so that the end itself can challenge what got lost. */
static enum tcp_outcome on_reset(const struct flow *flow, const struct tcp_segment *s, bool reverse)
{
	const struct tcp_peer *from = &flow->peer[reverse], *to = &flow->peer[!reverse];
	uint32_t off = s->seq - from->end + 1;

	if (flow->tcp_state == BH_TCP_SYN_SENT && reverse) {
		/* its sequence number means nothing yet: it must acknowledge the SYN (RFC 9293 3.10.7.3) */
		bool answers = (s->flags & RTE_TCP_ACK_FLAG) && !seq_before(s->ack, to->limit) &&
			       !seq_after(s->ack, to->end);
		return answers ? TCP_PASS : TCP_BAD_RESET;
	}
	if (flow->tcp_state == BH_TCP_SYN_SENT && s->seq == from->limit)
		return TCP_PASS;
	return off <= 2 ? TCP_PASS : TCP_BAD_RESET;
}

void tcp_pick_up(struct flow *flow, const struct tcp_segment *s, bool reverse)
{
	struct tcp_peer *from = &flow->peer[reverse], *to = &flow->peer[!reverse];
	uint32_t window = (uint32_t)UINT16_MAX << TCP_SCALE_MAX;

	*from = (struct tcp_peer){ .end = s->seq + s->payload,
				   .window = UINT16_MAX,
				   .scale = TCP_SCALE_MAX,
				   .flags = TCP_PEER_LOOSE };
	*to = *from;
	to->end = s->ack;
	from->limit = from->end + window;
	to->limit = to->end + window;
	flow->tcp_state = BH_TCP_ESTABLISHED;
}

static enum tcp_outcome reuse(const struct flow *flow, const struct tcp_segment *s, bool reverse)
{
	/* RFC 9293 3.6.1, RFC 6528: a new connection's numbers are above the old one's */
	if (flow->tcp_state == BH_TCP_CLOSED || seq_after(s->seq, flow->peer[reverse].end))
		return TCP_REUSE;
	return TCP_BAD_STATE;
}

/* `tcp: liberal` is for captures with holes: the middle of a handshake may lie in one. */
static bool bridges_hole(const struct flow *flow, enum tcp_class class)
{
	return (class == CLASS_ACK || class == CLASS_FIN) &&
	       (flow->tcp_state == BH_TCP_SYN_SENT || flow->tcp_state == BH_TCP_SYN_RECV);
}

enum tcp_outcome tcp_advance(struct flow *flow, const struct tcp_segment *s, bool reverse, bool liberal)
{
	enum tcp_class class = classify(s->flags);
	uint8_t move = moves[flow->tcp_state][reverse][class];
	enum tcp_outcome outcome = TCP_PASS;

	if (!move && liberal && bridges_hole(flow, class)) {
		tcp_pick_up(flow, s, reverse);
		move = moves[flow->tcp_state][reverse][class];
	}
	if (!move)
		return TCP_BAD_STATE;
	if (move == MOVE_ASIDE)
		return s->payload ? TCP_BAD_STATE : TCP_PASS;
	if (move == MOVE_REUSE)
		return reuse(flow, s, reverse);
	if (class == CLASS_RST)
		outcome = liberal ? TCP_PASS : on_reset(flow, s, reverse);
	else if (class == CLASS_SYN)
		outcome = on_syn(flow, s);
	else if (class == CLASS_SYN_ACK)
		outcome = on_syn_ack(flow, s, liberal);
	else
		outcome = on_data(flow, s, reverse, liberal);
	if (outcome != TCP_PASS)
		return outcome;
	flow->tcp_state = move;
	if (move == BH_TCP_CLOSING && (flow->peer[0].flags & flow->peer[1].flags & TCP_PEER_FIN_ACKED))
		flow->tcp_state = BH_TCP_TIME_WAIT;
	return TCP_PASS;
}

bool tcp_is_retransmit(const struct flow *flow, const struct tcp_segment *s, bool reverse)
{
	const struct tcp_peer *from = &flow->peer[reverse];
	uint32_t end = segment_end(s, false);

	/* of a connection picked up under way only the sender's word is known: by it everything could be said twice */
	if (!s->payload || (from->flags & (TCP_PEER_GAP | TCP_PEER_LOOSE)))
		return false;
	if (s->flags & RTE_TCP_SYN_FLAG)
		return end == from->end;
	return !seq_after(end, from->end);
}

bool tcp_plausible(const struct flow *flow, unsigned int peer, uint32_t seq)
{
	const struct tcp_peer *from = &flow->peer[peer], *to = &flow->peer[!peer];
	uint32_t newest = from->flags & TCP_PEER_LOOSE ? from->limit : from->end;

	return !seq_after(seq, newest) && !seq_before(seq, from->end - window_of(to) - 1);
}

/* ---- options ---- */

uint8_t tcp_scale_option(const uint8_t *options, uint16_t length)
{
	enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_SCALE = 3, SCALE_LENGTH = 3 };

	for (uint16_t i = 0; i < length && options[i] != OPTION_END;) {
		if (options[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= length || options[i + 1] < 2 || options[i + 1] > length - i)
			break;
		if (options[i] == OPTION_SCALE && options[i + 1] == SCALE_LENGTH)
			return RTE_MIN(options[i + 2], TCP_SCALE_MAX);
		i = (uint16_t)(i + options[i + 1]);
	}
	return TCP_SCALE_NONE;
}
