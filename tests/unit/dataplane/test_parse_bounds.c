/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c dataplane/drop.c dataplane/fragment.c dataplane/fragmentset.c dataplane/reassemble.c dataplane/names.c tests/unit/dataplane/no_sessions.c */
/* Nothing that is not there is read: every frame ends where the address sanitizer begins to bite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sanitizer/asan_interface.h>

#include "checksum.h"
#include "dice.h"
#include "eal.h"
#include "flow.h"
#include "parse.h"
#include "samples.h"

static struct rte_mempool *pool;

static void fence(struct rte_mbuf *m)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *), *buffer = m->buf_addr;

	ASAN_POISON_MEMORY_REGION(buffer, m->data_off);
	ASAN_POISON_MEMORY_REGION(data + m->data_len, (size_t)(buffer + m->buf_len - data - m->data_len));
}

static void unfence(struct rte_mbuf *m)
{
	ASAN_UNPOISON_MEMORY_REGION(m->buf_addr, m->buf_len);
}

/* `length` bytes in segments of at most `first` and then `rest` bytes */
static struct rte_mbuf *segments(const uint8_t *bytes, uint32_t length, uint32_t first, uint32_t rest)
{
	struct rte_mbuf *head = eal_frame(pool, bytes, RTE_MIN(first, length));

	for (uint32_t at = head->data_len; at < length;) {
		struct rte_mbuf *m = eal_frame(pool, bytes + at, RTE_MIN(rest, length - at));

		at += m->data_len;
		assert_int_equal(rte_pktmbuf_chain(head, m), 0);
	}
	return head;
}

/* What every later stage relies on. */
static void check_frame(const struct rte_mbuf *m)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);

	assert_in_range(f->l3, 14, m->data_len);
	assert_in_range(f->l4, f->l3, m->data_len);
	assert_in_range(f->payload, f->l4, m->data_len);
	assert_true(f->kind <= FRAME_OTHER);
	if (f->kind > FRAME_IPV6)
		return;
	assert_true(f->l3 + f->l3_length <= m->pkt_len);
	if (f->flags & FRAME_FRAGMENT) {
		assert_int_equal(f->payload_length, 0);
		assert_true(f->fragment_length > 0);
		assert_true((uint32_t)f->l4 + f->fragment_length <= f->l3 + f->l3_length);
	} else {
		assert_true((uint32_t)f->payload + f->payload_length <= f->l3 + f->l3_length);
	}
	assert_true(memcmp(f->key.address[0], f->key.address[1], 16) <= 0);
}

static enum bh_drop parse_fenced(struct rte_mbuf *m, unsigned int how)
{
	for (struct rte_mbuf *s = m; s; s = s->next)
		fence(s);
	enum bh_drop reason = parse_frame(m, how);
	for (struct rte_mbuf *s = m; s; s = s->next)
		unfence(s);
	if (reason == PARSED)
		check_frame(m);
	return reason;
}

static enum bh_drop parse_bytes(const uint8_t *bytes, uint32_t length, unsigned int how)
{
	struct rte_mbuf *m = eal_frame(pool, bytes, length);
	enum bh_drop reason = parse_fenced(m, how);

	rte_pktmbuf_free(m);
	return reason;
}

static bool has_lengths(const struct craft *c)
{
	uint16_t ethertype = read16(c->bytes + 16);

	return ethertype == 0x0800 || ethertype == 0x86dd || ethertype == 0x0806 || ethertype == 0x8035;
}

static void test_truncated_everywhere(void **state)
{
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(samples); i++) {
		samples[i](&c);
		for (uint32_t length = 0; length < c.length; length++) {
			enum bh_drop reason = parse_bytes(c.bytes, length, true);

			if (has_lengths(&c) || length < 18)
				assert_int_not_equal(reason, PARSED);
		}
	}
}

/* Behind two tags, of whichever kind the outer one is. */
static void test_truncated_behind_tags(void **state)
{
	static const uint8_t outer[] = { 0x81, 0x00, 0x88, 0xa8, 0x91, 0x00 };
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(samples); i++) {
		samples[i](&c);
		memmove(c.bytes + 16, c.bytes + 12, c.length - 12);
		c.length += 4;
		for (size_t kind = 0; kind < sizeof(outer); kind += 2) {
			memcpy(c.bytes + 12, outer + kind, 2);
			memcpy(c.bytes + 14, "\x00\x65", 2);
			for (uint32_t length = 0; length <= c.length; length++) {
				enum bh_drop reason =
					parse_bytes(c.bytes, length, PARSE_VERIFY | PARSE_INSIDE);

				if (length < 22)
					assert_int_equal(reason, BH_DROP_RUNT);
			}
		}
	}
}

/* The same with an IP length that agrees with what is left, so that the inner parsers see the end. */
static void test_truncated_inside(void **state)
{
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(samples); i++) {
		samples[i](&c);
		bool ip4 = c.bytes[16] == 8 && c.bytes[17] == 0, ip6 = c.bytes[16] == 0x86;
		uint32_t whole = c.length;

		for (uint32_t length = CRAFT_L3 + (ip6 ? 40 : 20); (ip4 || ip6) && length < whole; length++) {
			c.length = length;
			craft_lengths(&c);
			craft_header_checksum(&c);
			parse_bytes(c.bytes, length, false);
			parse_bytes(c.bytes, length, true);
		}
	}
}

/* However a driver cuts a frame: refused, or understood as the whole is. */
static void test_segments(void **state)
{
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(samples); i++) {
		samples[i](&c);
		struct rte_mbuf *one = eal_frame(pool, c.bytes, c.length);
		assert_int_equal(parse_fenced(one, true), PARSED);
		for (uint32_t first = 1; first < c.length; first++) {
			struct rte_mbuf *m = segments(c.bytes, c.length, first, 1 + first % 7);

			if (parse_fenced(m, true) == PARSED) {
				assert_memory_equal(frame_of(m), frame_of(one), sizeof(struct frame));
				/* all of it is read, so all must be there */
				assert_false(frame_of(m)->flags & FRAME_ND);
			} else
				assert_true(first <
					    18 + 40 + 44 + 24); /* the longest headers there are here */
			rte_pktmbuf_free(m);
		}
		rte_pktmbuf_free(one);
	}
}

static void test_every_bit(void **state)
{
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(samples); i++) {
		samples[i](&c);
		for (uint32_t bit = 0; bit < c.length * 8; bit++) {
			c.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			parse_bytes(c.bytes, c.length, false);
			c.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* Many changes at once, header checksum mended, lengths cut. */
static void test_noise(void **state)
{
	static struct craft c;
	uint32_t passed = 0;

	(void)state;
	for (int round = 0; round < 150000; round++) {
		samples[roll(RTE_DIM(samples))](&c);
		for (uint32_t n = 1 + roll(4); n; n--)
			c.bytes[12 + roll(c.length - 12)] = (uint8_t)roll(256);
		if (roll(2))
			c.length -= roll(RTE_MIN(c.length, 40u));
		if (c.length >= CRAFT_L4_4 && roll(4)) {
			if (roll(2))
				craft_lengths(&c);
			if ((c.bytes[CRAFT_L3] & 15u) * 4 + CRAFT_L3 <= c.length)
				craft_header_checksum(&c);
		}
		passed += parse_bytes(c.bytes, c.length, false) == PARSED;
	}
	/* noise that never gets through would test the first check only */
	assert_in_range(passed, 15000, 140000);
}

/* ---- the sums, against byte by byte ---- */

static void test_sums(void **state)
{
	static uint8_t bytes[2000];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint32_t length = roll(sizeof(bytes)), skip = roll(length + 1);

		for (uint32_t i = 0; i < length; i++)
			bytes[i] = round % 8 ? (uint8_t)roll(256) : 0xff;
		uint16_t want = (uint16_t)~craft_fold(craft_sum(bytes + skip, length - skip));
		uint16_t sum = rte_be_to_cpu_16(checksum_fold(checksum_bytes(bytes + skip, length - skip)));
		assert_int_equal(sum, want);
		struct rte_mbuf *m = segments(bytes, length, 1 + roll(300), 100 + roll(300));
		sum = rte_be_to_cpu_16(checksum_fold(checksum_frame(m, skip, length - skip)));
		assert_int_equal(sum, want);
		uint32_t crc = ~crc32c_frame(UINT32_MAX, m, skip, length - skip);
		assert_int_equal(crc, craft_crc(bytes + skip, length - skip));
		rte_pktmbuf_free(m);
	}
}

static void test_largest_sum(void **state)
{
	static uint8_t bytes[65535];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(checksum_fold(checksum_bytes(bytes, 65534)), 0xffff);
	assert_int_equal(checksum_fold(checksum_bytes(bytes, 65535)),
			 0x00ff); /* the odd byte, in memory order */
}

static int start(void **state)
{
	(void)state;
	pool = eal_pool("frames", 256, 2048);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return rte_mempool_in_use_count(pool) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated_everywhere),
		cmocka_unit_test(test_truncated_behind_tags),
		cmocka_unit_test(test_truncated_inside),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_largest_sum),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
