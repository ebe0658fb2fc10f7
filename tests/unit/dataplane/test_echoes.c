/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/echoes.c */
/* Second copies and reflections: what is the same frame, for how long, and from where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "echoes.h"

#include "eal.h"

#define APART 1000000000000ull
#define WEB 7
#define APP 8

static struct rte_mempool *pool;
static struct echoes *echoes;

static int setup(void **state)
{
	(void)state;
	eal_start();
	if (!pool)
		pool = eal_pool("frames", 63, 2048);
	echoes = echoes_new(0);
	return echoes ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	echoes_free(echoes);
	return 0;
}

/* A tagged frame of 60 bytes, one of which may be changed. */
static uint64_t digest_of(uint16_t vlan, uint32_t at, uint8_t value, uint32_t length, bool whole)
{
	uint8_t bytes[200] = { 2, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 1, 0x81, 0, 0, 0, 8, 0, 0x45 };

	bytes[15] = (uint8_t)vlan;
	if (at)
		bytes[at] = value;
	struct rte_mbuf *m = eal_frame(pool, bytes, length);
	*frame_of(m) = (struct frame){ .l3 = 18, .ethertype = 0x0800, .wire_length = length };
	uint64_t d = echo_digest(m, frame_of(m), 42, whole);
	rte_pktmbuf_free(m);
	return d;
}

static uint64_t digest(uint16_t vlan, uint32_t at, uint8_t value)
{
	return digest_of(vlan, at, value, 60, false);
}

/* Of datagrams without a checksum only the whole tells one from another, wherever its segments end. */
static void test_whole(void **state)
{
	struct rte_mbuf *m[2];
	uint8_t bytes[200] = { 2, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 1, 0x81, 0, 0, 0, 8, 0, 0x45 };

	(void)state;
	for (uint32_t at = 18; at < 200; at++) {
		assert_int_not_equal(digest_of(101, 0, 0, 200, true), digest_of(101, at, 0xee, 200, true));
		assert_int_equal(digest_of(101, 0, 0, 200, false) != digest_of(101, at, 0xee, 200, false),
				 at < 18 + 64);
	}
	for (uint32_t at = 100; at < 200; at += 99) {
		uint64_t d[2];

		for (int i = 0; i < 2; i++) {
			m[0] = eal_frame(pool, bytes, 90);
			m[1] = eal_frame(pool, bytes + 90, 110);
			*rte_pktmbuf_mtod_offset(m[1], uint8_t *, at - 90) = (uint8_t)i;
			assert_int_equal(rte_pktmbuf_chain(m[0], m[1]), 0);
			*frame_of(m[0]) = (struct frame){ .l3 = 18, .ethertype = 0x0800, .wire_length = 200 };
			d[i] = echo_digest(m[0], frame_of(m[0]), 42, true);
			rte_pktmbuf_free(m[0]);
		}
		assert_int_not_equal(d[0], d[1]);
	}
}

static void test_same_frame(void **state)
{
	(void)state;
	assert_int_equal(digest(101, 0, 0), digest(102, 0, 0));
	for (uint32_t at = 0; at < 60; at++)
		if (at != 14 && at != 15 && at != 12 && at != 13 && at != 16 && at != 17 && at)
			assert_int_not_equal(digest(101, 0, 0), digest(101, at, 0xee));
}

static void test_other_inner_vlan(void **state)
{
	uint8_t bytes[64] = { 0 };
	uint64_t d[2];

	(void)state;
	for (uint16_t i = 0; i < 2; i++) {
		struct rte_mbuf *m = eal_frame(pool, bytes, sizeof(bytes));

		*frame_of(m) = (struct frame){ .l3 = 22, .inner = 7 + i, .wire_length = sizeof(bytes) };
		d[i] = echo_digest(m, frame_of(m), 42, false);
		rte_pktmbuf_free(m);
	}
	assert_int_not_equal(d[0], d[1]);
}

/* As the parser leaves TCP and UDP; one byte of the frame is changed. */
static uint64_t transport_digest(uint8_t protocol, uint32_t at, uint32_t tcp_seq, uint32_t hash)
{
	uint8_t bytes[80] = { 2, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 1, 0x81, 0, 0, 101, 8, 0, 0x45 };

	bytes[18 + 20 + 7] = 0x55; /* UDP: it has a checksum */
	bytes[at] ^= at ? 0xee : 0;
	struct rte_mbuf *m = eal_frame(pool, bytes, sizeof(bytes));
	*frame_of(m) = (struct frame){ .l3 = 18,
				       .l4 = 38,
				       .ethertype = 0x0800,
				       .protocol = protocol,
				       .tcp_seq = tcp_seq,
				       .hash = hash,
				       .wire_length = sizeof(bytes) };
	uint64_t d = echo_digest(m, frame_of(m), 42, false);
	rte_pktmbuf_free(m);
	return d;
}

/* Two packets of a session differ in what the digest looks at: MACs, identification and header checksum, the transport's
 * acknowledgement, flags, window, length and checksum, and what the parser has read. */
static void test_same_packet(void **state)
{
	const uint8_t tcp = 6, udp = 17;

	(void)state;
	assert_int_equal(transport_digest(tcp, 0, 1, 2), transport_digest(tcp, 15, 1, 2)); /* another tag */
	for (uint32_t at = 1; at < 12; at++) {
		assert_int_not_equal(transport_digest(tcp, 0, 1, 2), transport_digest(tcp, at, 1, 2));
		assert_int_not_equal(transport_digest(udp, 0, 0, 2), transport_digest(udp, at, 0, 2));
	}
	for (uint32_t at = 18 + 4; at < 18 + 12; at++)
		assert_int_not_equal(transport_digest(udp, 0, 0, 2), transport_digest(udp, at, 0, 2));
	for (uint32_t at = 38; at < 38 + 8; at++)
		assert_int_not_equal(transport_digest(udp, 0, 0, 2), transport_digest(udp, at, 0, 2));
	for (uint32_t at = 38 + 8; at < 38 + 20; at++)
		assert_int_not_equal(transport_digest(tcp, 0, 1, 2), transport_digest(tcp, at, 1, 2));
	assert_int_not_equal(transport_digest(tcp, 0, 1, 2), transport_digest(tcp, 0, 2, 2));
	assert_int_not_equal(transport_digest(udp, 0, 0, 2), transport_digest(udp, 0, 0, 3));
}

/* UDP without a checksum: the payload itself counts. */
static void test_same_datagram(void **state)
{
	const uint32_t checksum = 18 + 20 + 7, payload = 18 + 40;
	uint64_t digests[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint8_t bytes[80] = { 2, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 1, 0x81, 0, 0, 101, 8, 0, 0x45 };

		bytes[checksum] = 0;
		bytes[payload] = (uint8_t)i;
		struct rte_mbuf *m = eal_frame(pool, bytes, sizeof(bytes));
		*frame_of(m) = (struct frame){
			.l3 = 18, .l4 = 38, .ethertype = 0x0800, .protocol = 17, .wire_length = sizeof(bytes)
		};
		digests[i] = echo_digest(m, frame_of(m), 42, false);
		rte_pktmbuf_free(m);
	}
	assert_int_not_equal(digests[0], digests[1]);
}

static void test_twice(void **state)
{
	uint64_t d = digest(101, 0, 0);

	(void)state;
	assert_false(echoes_note(echoes, d, WEB, APART));
	assert_true(echoes_note(echoes, d, WEB, APART + ECHO_TWICE_NS - 1));
	/* a second copy opens no new time */
	assert_false(echoes_note(echoes, d, WEB, APART + ECHO_TWICE_NS));
	assert_false(echoes_note(echoes, d, WEB, APART + 2 * ECHO_TWICE_NS));
	/* from elsewhere it is no second copy; nor is another frame */
	assert_false(echoes_note(echoes, d, APP, APART + 2 * ECHO_TWICE_NS));
	assert_false(echoes_note(echoes, digest(101, 40, 1), WEB, APART + 2 * ECHO_TWICE_NS));
}

static void test_back(void **state)
{
	uint64_t d = digest(101, 0, 0);

	(void)state;
	assert_false(echoes_back(echoes, d, APP, APART));
	echoes_note(echoes, d, WEB, APART);
	assert_true(echoes_back(echoes, d, APP, APART + ECHO_BACK_NS - 1));
	assert_false(echoes_back(echoes, d, APP, APART + ECHO_BACK_NS));
	assert_false(echoes_back(echoes, d, WEB, APART + 1));
	assert_false(echoes_back(echoes, digest(101, 40, 1), APP, APART + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_inner_vlan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_packet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_datagram, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
