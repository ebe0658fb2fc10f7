/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c dataplane/drop.c dataplane/fragment.c dataplane/fragmentset.c dataplane/reassemble.c dataplane/names.c tests/unit/dataplane/no_sessions.c */
/* The short way says nothing that the long way does not say too, to the last bit; and what it is for it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sanitizer/asan_interface.h>

#include "dice.h"
#include "eal.h"
#include "flow.h"
#include "parse.h"
#include "samples.h"

#define ROUNDS 20000u

static struct rte_mempool *pool;

/* The short way; what lies behind the frame bites. */
static bool quick(struct rte_mbuf *m, bool verify)
{
	uint8_t *end = rte_pktmbuf_mtod(m, uint8_t *) + m->data_len;
	size_t behind = (size_t)((uint8_t *)m->buf_addr + m->buf_len - end);
	bool taken;

	/* left from a frame before */
	memset(frame_of(m), 0xa5, sizeof(struct frame));
	ASAN_POISON_MEMORY_REGION(end, behind);
	taken = parse_quick(&m, 1, verify);
	ASAN_UNPOISON_MEMORY_REGION(end, behind);
	return taken;
}

/* Both ways; returns whether the short one took the frame. */
static bool compare(const uint8_t *bytes, uint32_t length, uint64_t offloads, bool verify)
{
	struct rte_mbuf *m = eal_frame(pool, bytes, length);
	struct frame first;
	bool taken;

	m->ol_flags = offloads;
	m->vlan_tci = 0x2065;
	taken = quick(m, verify);
	first = *frame_of(m);
	if (taken) {
		assert_int_equal(parse_long(m, verify), PARSED);
		assert_memory_equal(&first, frame_of(m), sizeof(first));
	}
	rte_pktmbuf_free(m);
	return taken;
}

/* A SYN, as in the samples, goes the long way. */
static void under_way6(struct craft *c)
{
	craft_ip6(c, 6);
	craft_tcp(c, 40000, 443, 0x10);
	craft_finish(c);
}

static void test_takes_what_it_is_for(void **state)
{
	static void (*const usual[])(struct craft *) = { sample_tcp4, sample_udp4, under_way6, sample_udp6 };
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(usual); i++) {
		usual[i](&c);
		assert_true(compare(c.bytes, c.length, 0, true));
		assert_true(compare(c.bytes, c.length, 0, false));
		assert_true(compare(c.bytes, c.length,
				    RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD, true));
		/* cut by a byte, it is not whole */
		assert_false(compare(c.bytes, c.length - 1, 0, true));
		/* the driver took the tag off */
		memmove(c.bytes + 12, c.bytes + 16, c.length - 16);
		assert_true(compare(c.bytes, c.length - 4, RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED,
				    true));
		assert_true(compare(c.bytes, c.length - 4, 0, true));
	}
}

/* A wrong checksum anywhere is the long way's to name. */
static void test_leaves_wrong_checksums(void **state)
{
	static void (*const usual[])(struct craft *) = { sample_tcp4, sample_udp4, under_way6, sample_udp6 };
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(usual); i++) {
		usual[i](&c);
		for (uint32_t at = CRAFT_L3; at < c.length; at++) {
			bool hops = c.bytes[16] == 0x86 && (at < CRAFT_L3 + 4 || at == CRAFT_L3 + 7);

			/* not in any sum: an IPv6 packet's version, class, label and hop limit */
			if (hops)
				continue;
			c.bytes[at] ^= 0x10;
			assert_false(compare(c.bytes, c.length, 0, true));
			c.bytes[at] ^= 0x10;
		}
	}
}

/* Of every length: the right sum, which is `at`, is taken; one without the addresses, or with a bit too many anywhere, is not. */
static void check_sums(struct craft *c, uint32_t l4, uint32_t at)
{
	uint32_t length = c->length - l4;
	uint8_t right[2] = { c->bytes[at], c->bytes[at + 1] };
	uint32_t bit = roll(length * 8);

	assert_true(compare(c->bytes, c->length, 0, true));
	c->bytes[l4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
	assert_false(compare(c->bytes, c->length, 0, true));
	c->bytes[l4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
	craft_put16(c->bytes + at, 0);
	craft_put16(c->bytes + at, craft_fold(craft_sum(c->bytes + l4, length)));
	assert_false(compare(c->bytes, c->length, 0, true));
	memcpy(c->bytes + at, right, sizeof(right));
}

static void test_sums_of_every_length(void **state)
{
	static struct craft c;
	static uint8_t payload[600];

	(void)state;
	for (uint32_t length = 0; length < sizeof(payload); length++) {
		for (uint32_t i = 0; i < length; i++)
			payload[i] = (uint8_t)roll(256);
		for (unsigned int kind = 0; kind < 4; kind++) {
			uint8_t protocol = kind & 1 ? 6 : 17;
			uint32_t l4 = CRAFT_L3 + (kind & 2 ? 40 : 20), at = l4 + (protocol == 6 ? 16 : 6);

			if (kind & 2)
				craft_ip6(&c, protocol);
			else
				craft_ip4(&c, protocol);
			if (protocol == 6) {
				craft_tcp(&c, 40000, 443, 0x10);
				craft_add(&c, payload, length);
			} else {
				craft_udp(&c, 40000, 4433, payload, length);
			}
			craft_finish(&c);
			/* a datagram with this sum has 0xffff in its place, which this does not make */
			if (protocol == 17 && !(c.bytes[at] | c.bytes[at + 1]))
				continue;
			check_sums(&c, l4, at);
		}
	}
}

static void test_says_what_the_long_way_says(void **state)
{
	static const uint64_t offloads[] = {
		0,
		RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED,
		RTE_MBUF_F_RX_L4_CKSUM_GOOD,
		RTE_MBUF_F_RX_L4_CKSUM_BAD,
		RTE_MBUF_F_RX_L4_CKSUM_NONE,
		RTE_MBUF_F_RX_IP_CKSUM_GOOD,
		RTE_MBUF_F_RX_IP_CKSUM_BAD,
		RTE_MBUF_F_RX_LRO,
		RTE_MBUF_F_RX_QINQ_STRIPPED,
	};
	static struct craft c;
	uint32_t taken = 0;

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		samples[roll(RTE_DIM(samples))](&c);
		for (uint32_t n = roll(4); n; n--)
			c.bytes[roll(RTE_MIN(c.length, 80u))] =
				(uint8_t)(roll(2) ? roll(256) : 1u << roll(8));
		/* sums are seldom right any more, so mostly nobody looks at them */
		taken += compare(c.bytes, c.length - (roll(8) ? 0 : roll(c.length)),
				 offloads[roll(2) ? 0 : roll(RTE_DIM(offloads))], !roll(4));
	}
	assert_true(taken > ROUNDS / 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_what_it_is_for),
		cmocka_unit_test(test_leaves_wrong_checksums),
		cmocka_unit_test(test_sums_of_every_length),
		cmocka_unit_test(test_says_what_the_long_way_says),
	};

	pool = eal_pool("frames", 63, 9728);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
