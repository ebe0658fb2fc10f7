/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/tcp.c */
/* TCP states, windows and resets, segment by segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_tcp.h>
#include <string.h>

#include "tcp.h"

enum {
	SYN = RTE_TCP_SYN_FLAG,
	ACK = RTE_TCP_ACK_FLAG,
	FIN = RTE_TCP_FIN_FLAG,
	RST = RTE_TCP_RST_FLAG,
	PSH = RTE_TCP_PSH_FLAG,
	TO_SERVER = 0,
	TO_CLIENT = 1,
	CLIENT = 1000,  /* the client's first sequence number */
	SERVER = 50000, /* the server's */
};

static struct flow flow;
static bool liberal;

static enum tcp_outcome send_window(int reverse, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload,
				    uint16_t window, uint8_t scale)
{
	struct tcp_segment s = {
		.seq = seq, .ack = ack, .payload = payload, .window = window, .flags = flags, .scale = scale
	};

	return tcp_advance(&flow, &s, reverse, liberal);
}

static enum tcp_outcome send_segment(int reverse, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload)
{
	return send_window(reverse, flags, seq, ack, payload, 10000, TCP_SCALE_NONE);
}

static void begin_scaled(uint32_t seq, uint32_t payload, uint16_t window, uint8_t scale)
{
	struct tcp_segment s = {
		.seq = seq, .payload = payload, .window = window, .flags = SYN, .scale = scale
	};

	liberal = false;
	memset(&flow, 0, sizeof(flow));
	tcp_begin(&flow, &s);
}

static void begin(void)
{
	begin_scaled(CLIENT, 0, 10000, TCP_SCALE_NONE);
}

static void establish(void)
{
	begin();
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_ESTABLISHED);
}

/* Bring a session into a state. */
static void reach(enum bh_tcp_state state)
{
	if (state == BH_TCP_SYN_SENT || state == BH_TCP_SYN_RECV) {
		begin();
		if (state == BH_TCP_SYN_RECV)
			send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0);
	} else {
		establish();
	}
	if (state == BH_TCP_FIN_WAIT || state == BH_TCP_CLOSING || state == BH_TCP_TIME_WAIT)
		send_segment(TO_SERVER, FIN | ACK, CLIENT + 1, SERVER + 1, 0);
	if (state == BH_TCP_CLOSE_WAIT || state == BH_TCP_CLOSING)
		send_segment(TO_CLIENT, FIN | ACK, SERVER + 1, CLIENT + 1, 0);
	if (state == BH_TCP_TIME_WAIT) {
		send_segment(TO_CLIENT, FIN | ACK, SERVER + 1, CLIENT + 2, 0);
		send_segment(TO_SERVER, ACK, CLIENT + 2, SERVER + 2, 0);
	}
	if (state == BH_TCP_CLOSED)
		send_segment(TO_SERVER, RST, CLIENT + 1, 0, 0);
	assert_int_equal(flow.tcp_state, state);
}

/* ---- the handshake ---- */

static void handshake_makes_established(void **state)
{
	(void)state;
	begin();
	assert_int_equal(flow.tcp_state, BH_TCP_SYN_SENT);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_SYN_RECV);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_ESTABLISHED);
	assert_int_equal(send_segment(TO_SERVER, ACK | PSH, CLIENT + 1, SERVER + 1, 100), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 101, 0), TCP_PASS);
}

static void server_syn_in_reply_is_refused(void **state)
{
	(void)state;
	begin();
	assert_int_equal(send_segment(TO_CLIENT, SYN, SERVER, 0, 0), TCP_BAD_STATE);
	assert_int_equal(flow.tcp_state, BH_TCP_SYN_SENT);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0), TCP_PASS);
}

static void answer_must_acknowledge_the_syn(void **state)
{
	(void)state;
	begin();
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT, 0), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 2, 0), TCP_BAD_WINDOW);
	assert_int_equal(flow.tcp_state, BH_TCP_SYN_SENT);
}

static void last_ack_must_acknowledge_the_answer(void **state)
{
	(void)state;
	reach(BH_TCP_SYN_RECV);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER, 0), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 2, 0), TCP_BAD_WINDOW);
	assert_int_equal(flow.tcp_state, BH_TCP_SYN_RECV);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 0), TCP_PASS);
}

static void retransmitted_syn_updates(void **state)
{
	(void)state;
	begin_scaled(CLIENT, 0, 1000, 7);
	assert_int_equal(send_window(TO_SERVER, SYN, CLIENT + 5, 0, 0, 2000, TCP_SCALE_NONE), TCP_PASS);
	assert_int_equal(flow.peer[0].end, CLIENT + 6);
	assert_int_equal(flow.peer[0].window, 2000);
	assert_int_equal(flow.peer[0].scale, 0);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 6, 0), TCP_PASS);
	/* once answered, only the very same one */
	assert_int_equal(send_segment(TO_SERVER, SYN, CLIENT + 5, 0, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, SYN, CLIENT + 9, 0, 0), TCP_BAD_STATE);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 6, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER + 1, CLIENT + 6, 0), TCP_BAD_STATE);
	assert_int_equal(flow.tcp_state, BH_TCP_SYN_RECV);
}

static void fast_open_data(void **state)
{
	(void)state;
	/* the server takes the data, answers it, and goes on before the client's ACK (RFC 7413) */
	begin_scaled(CLIENT, 200, 10000, TCP_SCALE_NONE);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 201, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 201, 500), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_SYN_RECV);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 201, SERVER + 1, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_ESTABLISHED);
	/* or does not take it: the client sends it again */
	begin_scaled(CLIENT, 200, 10000, TCP_SCALE_NONE);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 200), TCP_PASS);
	/* or the SYN comes again without data, and the answer is to the first */
	begin_scaled(CLIENT, 200, 10000, TCP_SCALE_NONE);
	assert_int_equal(send_segment(TO_SERVER, SYN, CLIENT, 0, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 201, 0), TCP_PASS);
}

/* ---- every pair of state, direction and flags ---- */

static void every_transition(void **state)
{
	enum { B = TCP_BAD_STATE, P = TCP_PASS, U = TCP_REUSE };
	static const uint8_t flags[] = { SYN, SYN | ACK, ACK, FIN | ACK, RST | ACK, PSH };
	/* as seen by one who sends what would fit by its numbers */
	static const struct {
		enum bh_tcp_state state;
		uint8_t expected[2][sizeof(flags)];
		uint8_t next[2][sizeof(flags)]; /* 0: unchanged */
	} rows[] = {
		{ BH_TCP_SYN_SENT,
		  { { P, B, B, B, P, B }, { B, P, B, B, P, B } },
		  { { 0, 0, 0, 0, BH_TCP_CLOSED }, { 0, BH_TCP_SYN_RECV, 0, 0, BH_TCP_CLOSED } } },
		{ BH_TCP_SYN_RECV,
		  { { P, B, P, P, P, B }, { B, P, P, B, P, B } },
		  { { 0, 0, BH_TCP_ESTABLISHED, BH_TCP_FIN_WAIT, BH_TCP_CLOSED },
		    { 0, 0, 0, 0, BH_TCP_CLOSED } } },
		{ BH_TCP_ESTABLISHED,
		  { { P, B, P, P, P, B }, { B, P, P, P, P, B } },
		  { { 0, 0, 0, BH_TCP_FIN_WAIT, BH_TCP_CLOSED },
		    { 0, 0, 0, BH_TCP_CLOSE_WAIT, BH_TCP_CLOSED } } },
		{ BH_TCP_FIN_WAIT,
		  { { U, B, P, P, P, B }, { B, B, P, P, P, B } },
		  { { 0, 0, 0, 0, BH_TCP_CLOSED }, { 0, 0, 0, BH_TCP_CLOSING, BH_TCP_CLOSED } } },
		{ BH_TCP_CLOSE_WAIT,
		  { { U, B, P, P, P, B }, { B, B, P, P, P, B } },
		  { { 0, 0, 0, BH_TCP_CLOSING, BH_TCP_CLOSED }, { 0, 0, 0, 0, BH_TCP_CLOSED } } },
		{ BH_TCP_CLOSING,
		  { { U, B, P, P, P, B }, { B, B, P, P, P, B } },
		  { { 0, 0, 0, 0, BH_TCP_CLOSED }, { 0, 0, 0, 0, BH_TCP_CLOSED } } },
		{ BH_TCP_TIME_WAIT,
		  { { U, B, P, P, P, B }, { U, B, P, P, P, B } },
		  { { 0, 0, 0, 0, BH_TCP_CLOSED }, { 0, 0, 0, 0, BH_TCP_CLOSED } } },
		{ BH_TCP_CLOSED, { { U, B, B, B, P, B }, { U, B, B, B, P, B } }, { { 0 }, { 0 } } },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned int cell = 0; cell < 2 * sizeof(flags); cell++) {
			int reverse = cell / sizeof(flags);
			unsigned int k = cell % sizeof(flags);

			reach(rows[i].state);
			const struct tcp_peer *from = &flow.peer[reverse], *to = &flow.peer[!reverse];
			uint32_t seq = from->end;

			/* what was sent already is sent again; what begins anew is above */
			if (rows[i].expected[reverse][k] == U)
				seq += 1000;
			else if (flags[k] & SYN)
				seq = rows[i].state == BH_TCP_SYN_SENT && reverse ? SERVER : from->end - 1;
			else if ((flags[k] & FIN) && (from->flags & TCP_PEER_FIN))
				seq = from->end - 1;
			assert_int_equal(send_segment(reverse, flags[k], seq, to->end, 0),
					 rows[i].expected[reverse][k]);
			assert_int_equal(flow.tcp_state,
					 rows[i].next[reverse][k] ? rows[i].next[reverse][k] : rows[i].state);
		}
	}
}

/* ---- windows ---- */

static void window_bounds(void **state)
{
	(void)state;
	establish();
	/* the server allows 10000 bytes from CLIENT + 1 */
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 10001), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 10000), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 10001, SERVER + 1, 1), TCP_BAD_WINDOW);
	/* a FIN may stand right behind a full window */
	assert_int_equal(send_segment(TO_SERVER, ACK | FIN, CLIENT + 10001, SERVER + 1, 0), TCP_PASS);
	/* acknowledging what was not sent */
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 10003, 0), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 10002, 0), TCP_PASS);
	/* or what was acknowledged ages ago */
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 10002 - 86001, 0), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 10002 - 86000, 0), TCP_PASS);
}

static void repetitions_reach_one_window_back(void **state)
{
	(void)state;
	establish();
	for (uint32_t at = 0; at < 30000; at += 10000) {
		assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1 + at, SERVER + 1, 10000), TCP_PASS);
		assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 10001 + at, 0), TCP_PASS);
	}
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 20001, SERVER + 1, 10000), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 20000, SERVER + 1, 10000), TCP_BAD_WINDOW);
	assert_int_equal(flow.peer[0].end, CLIENT + 30001);
}

static void violation_tears_nothing(void **state)
{
	(void)state;
	establish();
	struct flow before = flow;
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 500000, SERVER + 1, 10), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_SERVER, FIN | ACK, CLIENT + 500000, SERVER + 1, 10), TCP_BAD_WINDOW);
	assert_memory_equal(&before, &flow, sizeof(flow));
}

static void scaling_needs_both(void **state)
{
	(void)state;
	/* both: 200 << 3 bytes are allowed once the first scaled window was seen; that of the SYN is not scaled */
	begin_scaled(CLIENT, 0, 1000, 2);
	assert_int_equal(send_window(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0, 1600, 3), TCP_PASS);
	assert_int_equal(flow.peer[0].limit, CLIENT + 1 + 1600);
	assert_int_equal(flow.peer[1].limit, SERVER + 1 + 1000);
	assert_int_equal(send_window(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 0, 1000, TCP_SCALE_NONE),
			 TCP_PASS);
	assert_int_equal(flow.peer[1].limit, SERVER + 1 + 4000);
	assert_int_equal(send_window(TO_CLIENT, ACK, SERVER + 1, CLIENT + 1, 4001, 200, TCP_SCALE_NONE),
			 TCP_BAD_WINDOW);
	assert_int_equal(send_window(TO_CLIENT, ACK, SERVER + 1, CLIENT + 1, 4000, 200, TCP_SCALE_NONE),
			 TCP_PASS);
	/* 1600 of the SYN+ACK are kept as 200 << 3: repetitions reach no further back */
	assert_int_equal(send_window(TO_SERVER, ACK, CLIENT + 1 - 1600, SERVER + 1, 0, 1000, TCP_SCALE_NONE),
			 TCP_PASS);
	assert_int_equal(send_window(TO_SERVER, ACK, CLIENT - 1600, SERVER + 1, 0, 1000, TCP_SCALE_NONE),
			 TCP_BAD_WINDOW);
	/* one alone: neither */
	begin_scaled(CLIENT, 0, 1000, 7);
	assert_int_equal(send_window(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0, 1600, TCP_SCALE_NONE),
			 TCP_PASS);
	assert_int_equal(flow.peer[0].scale, 0);
	assert_int_equal(send_window(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 0, 1000, TCP_SCALE_NONE),
			 TCP_PASS);
	assert_int_equal(flow.peer[1].limit, SERVER + 1 + 1000);
	begin_scaled(CLIENT, 0, 1000, TCP_SCALE_NONE);
	assert_int_equal(send_window(TO_CLIENT, SYN | ACK, SERVER, CLIENT + 1, 0, 1600, 7), TCP_PASS);
	assert_int_equal(flow.peer[1].scale, 0);
}

static void sequence_numbers_wrap(void **state)
{
	const uint32_t client = UINT32_MAX - 5, server = UINT32_MAX;

	(void)state;
	begin_scaled(client, 0, 10000, TCP_SCALE_NONE);
	assert_int_equal(send_segment(TO_CLIENT, SYN | ACK, server, client + 1, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, client + 1, server + 1, 0), TCP_PASS);
	for (uint32_t at = 1; at < 100000; at += 9999) {
		assert_int_equal(send_segment(TO_SERVER, ACK, client + at, server + 1, 9999), TCP_PASS);
		assert_int_equal(send_segment(TO_SERVER, ACK, client + at + 9999, server + 1, 2),
				 TCP_BAD_WINDOW);
		assert_int_equal(send_segment(TO_CLIENT, ACK, server + 1, client + at + 9999, 0), TCP_PASS);
	}
}

static void probes_pass(void **state)
{
	(void)state;
	establish();
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 1000), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 1001, 0), TCP_PASS);
	/* keep-alive, with and without its byte of garbage */
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1000, SERVER + 1, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1000, SERVER + 1, 1), TCP_PASS);
	/* the window is used up and closed; a probe is one byte beyond it, as often as it takes */
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1001, SERVER + 1, 10000), TCP_PASS);
	assert_int_equal(send_window(TO_CLIENT, ACK, SERVER + 1, CLIENT + 11001, 0, 0, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 11001, SERVER + 1, 2), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 11001, SERVER + 1, 1), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 11001, SERVER + 1, 1), TCP_PASS);
}

static void liberal_checks_no_window(void **state)
{
	(void)state;
	establish();
	liberal = true;
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 900000, SERVER + 70000, 100), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, RST, SERVER + 80000, 0, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_CLOSED);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 80000, CLIENT, 0), TCP_BAD_STATE);
	/* the SYN+ACK fell into a hole of the capture */
	begin();
	liberal = true;
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_ESTABLISHED);
}

/* ---- resets ---- */

static void reset_must_be_exact(void **state)
{
	static const int32_t wrong[] = { -2, 2, 100, -100, 9999, INT32_MAX, INT32_MIN };

	(void)state;
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		establish();
		assert_int_equal(send_segment(TO_SERVER, RST, CLIENT + 1 + (uint32_t)wrong[i], 0, 0),
				 TCP_BAD_RESET);
		assert_int_equal(
			send_segment(TO_CLIENT, RST | ACK, SERVER + 1 + (uint32_t)wrong[i], CLIENT + 1, 0),
			TCP_BAD_RESET);
		assert_int_equal(flow.tcp_state, BH_TCP_ESTABLISHED);
	}
	for (int off = -1; off <= 1; off++) {
		establish();
		assert_int_equal(send_segment(TO_CLIENT, RST, (uint32_t)(SERVER + 1 + off), 0, 0), TCP_PASS);
		assert_int_equal(flow.tcp_state, BH_TCP_CLOSED);
	}
}

static void reset_of_a_syn_must_acknowledge_it(void **state)
{
	(void)state;
	begin();
	assert_int_equal(send_segment(TO_CLIENT, RST, 0, 0, 0), TCP_BAD_RESET);
	assert_int_equal(send_segment(TO_CLIENT, RST, 0, CLIENT + 1, 0), TCP_BAD_RESET);
	assert_int_equal(send_segment(TO_CLIENT, RST | ACK, 0, CLIENT, 0), TCP_BAD_RESET);
	assert_int_equal(send_segment(TO_CLIENT, RST | ACK, 0, CLIENT + 2, 0), TCP_BAD_RESET);
	assert_int_equal(send_segment(TO_CLIENT, RST | ACK, 0, CLIENT + 1, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_CLOSED);
	/* data after it is dropped, and picks nothing up */
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 10), TCP_BAD_STATE);
}

static void crashed_client_recovers(void **state)
{
	(void)state;
	/* RFC 9293 3.5.1: its new SYN changes nothing; the server's ACK makes it send an exact RST; then it begins anew */
	establish();
	assert_int_equal(send_segment(TO_SERVER, SYN, 777777, 0, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_ESTABLISHED);
	assert_int_equal(send_segment(TO_SERVER, SYN, 777777, 0, 20), TCP_BAD_STATE);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 1, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, RST, CLIENT + 1, 0, 0), TCP_PASS);
	assert_int_equal(send_segment(TO_SERVER, SYN, 777777, 0, 0), TCP_REUSE);
}

/* ---- the end ---- */

static void half_close(void **state)
{
	(void)state;
	establish();
	assert_int_equal(send_segment(TO_SERVER, FIN | ACK, CLIENT + 1, SERVER + 1, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_FIN_WAIT);
	for (uint32_t at = 1; at < 50001; at += 5000) {
		assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + at, CLIENT + 2, 5000), TCP_PASS);
		assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 2, SERVER + at + 5000, 0), TCP_PASS);
	}
	assert_int_equal(flow.tcp_state, BH_TCP_FIN_WAIT);
	/* who said FIN says no more */
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 2, SERVER + 50001, 10), TCP_BAD_STATE);
	assert_int_equal(send_segment(TO_CLIENT, FIN | ACK, SERVER + 50001, CLIENT + 2, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_CLOSING);
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 2, SERVER + 50002, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_TIME_WAIT);
}

static void simultaneous_close(void **state)
{
	(void)state;
	reach(BH_TCP_CLOSING); /* both FINs crossed */
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 2, SERVER + 2, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_CLOSING);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 2, CLIENT + 2, 0), TCP_PASS);
	assert_int_equal(flow.tcp_state, BH_TCP_TIME_WAIT);
}

static void time_wait_is_reused_upwards_only(void **state)
{
	(void)state;
	reach(BH_TCP_TIME_WAIT);
	assert_int_equal(send_segment(TO_SERVER, SYN, CLIENT - 100, 0, 0), TCP_BAD_STATE);
	assert_int_equal(send_segment(TO_SERVER, SYN, CLIENT + 2, 0, 0), TCP_BAD_STATE);
	assert_int_equal(send_segment(TO_SERVER, SYN, CLIENT + 3, 0, 0), TCP_REUSE);
	assert_int_equal(send_segment(TO_CLIENT, SYN, SERVER - 1, 0, 0), TCP_BAD_STATE);
	assert_int_equal(send_segment(TO_CLIENT, SYN, SERVER + 100, 0, 0), TCP_REUSE);
	reach(BH_TCP_CLOSED);
	assert_int_equal(send_segment(TO_SERVER, SYN, CLIENT - 100, 0, 0), TCP_REUSE);
}

/* ---- picked up under way, and what was seen before ---- */

static void picked_up(void **state)
{
	struct tcp_segment s = { .seq = 5000,
				 .ack = 90000,
				 .payload = 100,
				 .window = 500,
				 .flags = ACK,
				 .scale = TCP_SCALE_NONE };

	(void)state;
	memset(&flow, 0, sizeof(flow));
	liberal = false;
	tcp_pick_up(&flow, &s, false);
	assert_int_equal(flow.tcp_state, BH_TCP_ESTABLISHED);
	/* the other end had sent more before, which is acknowledged without having been seen */
	assert_int_equal(send_window(TO_SERVER, ACK, 5100, 150000, 100, 500, TCP_SCALE_NONE), TCP_PASS);
	assert_int_equal(send_window(TO_CLIENT, ACK, 150000, 5200, 60000, 500, TCP_SCALE_NONE), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, ACK, 150000 + (1u << 31), 5200, 1), TCP_BAD_WINDOW);
	assert_int_equal(send_segment(TO_CLIENT, RST, 210000, 0, 0), TCP_PASS);
}

static bool seen(int reverse, uint32_t seq, uint32_t payload)
{
	struct tcp_segment s = { .seq = seq, .payload = payload, .flags = ACK };

	return tcp_is_retransmit(&flow, &s, reverse);
}

static void retransmissions_are_known(void **state)
{
	(void)state;
	establish();
	assert_false(seen(TO_SERVER, CLIENT + 1, 100));
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 100), TCP_PASS);
	assert_true(seen(TO_SERVER, CLIENT + 1, 100));
	assert_true(seen(TO_SERVER, CLIENT + 51, 50));
	assert_false(seen(TO_SERVER, CLIENT + 51, 51));
	assert_false(seen(TO_SERVER, CLIENT + 1, 0));
	/* a gap: what comes late was never seen, until it is acknowledged */
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 201, SERVER + 1, 100), TCP_PASS);
	assert_false(seen(TO_SERVER, CLIENT + 101, 100));
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 101, SERVER + 1, 100), TCP_PASS);
	assert_int_equal(send_segment(TO_CLIENT, ACK, SERVER + 1, CLIENT + 301, 0), TCP_PASS);
	assert_true(seen(TO_SERVER, CLIENT + 101, 100));
}

static void plausible_numbers(void **state)
{
	(void)state;
	establish();
	assert_int_equal(send_segment(TO_SERVER, ACK, CLIENT + 1, SERVER + 1, 5000), TCP_PASS);
	assert_true(tcp_plausible(&flow, 0, CLIENT + 1));
	assert_true(tcp_plausible(&flow, 0, CLIENT + 5001));
	assert_false(tcp_plausible(&flow, 0, CLIENT + 5002));
	assert_false(tcp_plausible(&flow, 0, CLIENT + 5001 - 10002));
	assert_false(tcp_plausible(&flow, 0, CLIENT + (1u << 31)));
}

/* ---- options ---- */

static void scale_options(void **state)
{
	static const uint8_t usual[] = { 2, 4, 5, 180, 1, 3, 3, 7 }, large[] = { 3, 3, 200 };
	static const uint8_t ended[] = { 0, 3, 3, 7 }, zero[] = { 2, 0, 3, 3, 7 }, cut[] = { 1, 1, 3, 3 };
	static const uint8_t over[] = { 2, 9, 3, 3, 7 }, wrong[] = { 3, 4, 7, 0 };

	(void)state;
	assert_int_equal(tcp_scale_option(usual, sizeof(usual)), 7);
	assert_int_equal(tcp_scale_option(large, sizeof(large)), 14);
	assert_int_equal(tcp_scale_option(ended, sizeof(ended)), TCP_SCALE_NONE);
	assert_int_equal(tcp_scale_option(zero, sizeof(zero)), TCP_SCALE_NONE);
	assert_int_equal(tcp_scale_option(cut, sizeof(cut)), TCP_SCALE_NONE);
	assert_int_equal(tcp_scale_option(over, sizeof(over)), TCP_SCALE_NONE);
	assert_int_equal(tcp_scale_option(wrong, sizeof(wrong)), TCP_SCALE_NONE);
	for (uint16_t length = 0; length < sizeof(usual); length++) {
		uint8_t *exact = test_malloc(length + 1u); /* overruns are seen */

		memcpy(exact + 1, usual, length);
		assert_int_equal(tcp_scale_option(exact + 1, length), TCP_SCALE_NONE);
		test_free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake_makes_established),
		cmocka_unit_test(server_syn_in_reply_is_refused),
		cmocka_unit_test(answer_must_acknowledge_the_syn),
		cmocka_unit_test(last_ack_must_acknowledge_the_answer),
		cmocka_unit_test(retransmitted_syn_updates),
		cmocka_unit_test(fast_open_data),
		cmocka_unit_test(every_transition),
		cmocka_unit_test(window_bounds),
		cmocka_unit_test(repetitions_reach_one_window_back),
		cmocka_unit_test(violation_tears_nothing),
		cmocka_unit_test(scaling_needs_both),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(probes_pass),
		cmocka_unit_test(liberal_checks_no_window),
		cmocka_unit_test(reset_must_be_exact),
		cmocka_unit_test(reset_of_a_syn_must_acknowledge_it),
		cmocka_unit_test(crashed_client_recovers),
		cmocka_unit_test(half_close),
		cmocka_unit_test(simultaneous_close),
		cmocka_unit_test(time_wait_is_reused_upwards_only),
		cmocka_unit_test(picked_up),
		cmocka_unit_test(retransmissions_are_known),
		cmocka_unit_test(plausible_numbers),
		cmocka_unit_test(scale_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
