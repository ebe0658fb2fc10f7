/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP as a stateful bump in the wire sees it: RFC 9293 states of a session (both ends together), windows with RFC 7323
 * scaling, RFC 5961 for what an attacker who sees nothing might try. Pure: no clock, no table, no frame.
 */
#ifndef DATAPLANE_TCP_H
#define DATAPLANE_TCP_H

#include <rte_tcp.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow.h"

/* bits of tcp_peer.flags */
enum {
	TCP_PEER_SCALE = 1 << 0,     /* its SYN had a window-scale option */
	TCP_PEER_LOOSE = 1 << 1,     /* picked up under way: `end` is only what was seen so far */
	TCP_PEER_FIN = 1 << 2,       /* it sent FIN; `end` is past it */
	TCP_PEER_FIN_ACKED = 1 << 3, /* .. and the other end acknowledged it */
	TCP_PEER_GAP = 1 << 4,       /* something below `end` was not seen when it passed it */
};

#define TCP_SCALE_NONE 0xff
#define TCP_SCALE_MAX 14

/* What of a segment matters. */
struct tcp_segment {
	uint32_t seq, ack;
	uint32_t payload; /* bytes, not counting SYN and FIN */
	uint16_t window;  /* as in the header */
	uint8_t flags;    /* RTE_TCP_*_FLAG */
	uint8_t scale;    /* of a SYN's option, TCP_SCALE_NONE without */
};

/* What becomes of a segment. */
enum tcp_outcome {
	TCP_PASS,
	TCP_BAD_STATE,  /* drop tcp-state */
	TCP_BAD_WINDOW, /* drop tcp-window */
	TCP_BAD_RESET,  /* drop tcp-rst */
	TCP_REUSE,      /* begins a new session in the place of this one */
};

/* Do these flags begin a connection? */
static inline bool tcp_begins(uint8_t flags)
{
	const uint8_t first = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	return (flags & first) == RTE_TCP_SYN_FLAG;
}

/* The window-scale shift that the options of a SYN offer, clamped to 14 (RFC 7323 2.3); TCP_SCALE_NONE: none. Stops at
 * what is malformed; reads nothing outside options[0..length). */
uint8_t tcp_scale_option(const uint8_t *options, uint16_t length);

/* A SYN begins: the initiator's peer and SYN_SENT. */
void tcp_begin(struct flow *flow, const struct tcp_segment *s);
/* A segment with ACK under way is taken for one of an established session; windows hold only loosely. */
void tcp_pick_up(struct flow *flow, const struct tcp_segment *s, bool reverse);
/* Judge a segment and, if it passes, advance state and windows. liberal: neither windows nor RSTs are checked. */
enum tcp_outcome tcp_advance(struct flow *flow, const struct tcp_segment *s, bool reverse, bool liberal);
/* All payload of the segment was seen before. To be asked before tcp_advance(). */
bool tcp_is_retransmit(const struct flow *flow, const struct tcp_segment *s, bool reverse);
/* Is this a sequence number that the peer (0 initiator, 1 responder) may have sent a short while ago? */
bool tcp_plausible(const struct flow *flow, unsigned int peer, uint32_t seq);
/* The timeout that a state lives by. */
extern const uint8_t tcp_timeouts[BH_TCP_STATE_COUNT];
static inline enum bh_timeout tcp_timeout(uint8_t state)
{
	return (enum bh_timeout)tcp_timeouts[state];
}

#endif
