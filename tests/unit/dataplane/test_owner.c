/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/owner.c dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c dataplane/drop.c dataplane/fragment.c dataplane/fragmentset.c dataplane/reassemble.c dataplane/names.c tests/unit/dataplane/no_sessions.c */
/* Who owns a flow: what we take for the device's hash is the Toeplitz hash of its key, bit by bit; whatever belongs together has one owner;
 * and the glance at a frame agrees with its parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_thash.h>

#include "dice.h"
#include "eal.h"
#include "flow.h"
#include "owner.h"
#include "parse.h"
#include "samples.h"

enum { PATTERN = 0x6d5a, ROUNDS = 2000 };

static struct rte_mempool *pool;

/* ---- the reference ---- */

/* Hash of an input as a device sees it, in words of network order, by DPDK's reference. */
static uint32_t toeplitz(const struct owners *o, const uint32_t *input, uint32_t words)
{
	uint32_t host[9], key[OWNER_KEY_LEAST / 4];

	memcpy(key, o->key, sizeof(key));

	for (uint32_t i = 0; i < words; i++)
		host[i] = rte_be_to_cpu_32(input[i]);
	return rte_softrss(host, words, (const uint8_t *)key);
}

struct ends {
	uint32_t address[2][4], ports; /* in memory order; IPv4 in address[][3] */
};

static struct ends random_ends(void)
{
	struct ends e;

	for (unsigned int i = 0; i < 8; i++)
		e.address[i / 4][i % 4] = roll(1 << 16) << 16 | roll(1 << 16);
	e.ports = roll(1 << 16) << 16 | roll(1 << 16);
	return e;
}

static uint32_t hash4(const struct owners *o, const struct ends *e, bool back, bool ports)
{
	uint32_t swapped = e->ports << 16 | e->ports >> 16;
	uint32_t input[3] = { e->address[back][3], e->address[!back][3], back ? swapped : e->ports };

	return toeplitz(o, input, ports ? 3 : 2);
}

static uint32_t hash6(const struct owners *o, const struct ends *e, bool back, bool ports)
{
	uint32_t swapped = e->ports << 16 | e->ports >> 16, input[9];

	memcpy(input, e->address[back], 16);
	memcpy(input + 4, e->address[!back], 16);
	input[8] = back ? swapped : e->ports;
	return toeplitz(o, input, ports ? 9 : 8);
}

static uint32_t index4(const struct owners *o, const struct ends *e)
{
	const uint64_t mapped = 0xffff0000u;

	return owner_index(o, 0, (uint64_t)e->address[0][3] << 32 | mapped, 0,
			   (uint64_t)e->address[1][3] << 32 | mapped);
}

static uint32_t index6(const struct owners *o, const struct ends *e)
{
	uint64_t words[4];

	memcpy(words, e->address, sizeof(words));
	return owner_index(o, words[0], words[1], words[2], words[3]);
}

/* Both ways, with and without ports, are one index: ours. A periodic key may see ports, and is not given them. */
static void agree(const struct owners *o)
{
	uint32_t mask = (1u << o->bits) - 1;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct ends e = random_ends();

		for (unsigned int way = 0; way < (o->blind ? 4 : 2); way++) {
			assert_int_equal(hash4(o, &e, way & 1, way & 2) & mask, index4(o, &e));
			assert_int_equal(hash6(o, &e, way & 1, way & 2) & mask, index6(o, &e));
		}
	}
}

static void test_own_key(void **state)
{
	(void)state;

	for (uint16_t workers = 1; workers <= BH_MAX_WORKERS; workers++)
		for (uint64_t secret = 0; secret < 4; secret++) {
			struct owners o;

			owners_init(&o, workers, (uint64_t[2]){ 0, secret }, 0);
			owners_by_key(&o);
			assert_true(o.blind);
			assert_true(workers <= 1 << o.bits);
			agree(&o);
		}
}

static void test_periodic_key(void **state)
{
	static const uint16_t patterns[] = { PATTERN, 0x0001, 0x8000, 0xfffe, 0xda24 };
	(void)state;

	for (unsigned int i = 0; i < RTE_DIM(patterns); i++) {
		struct owners o;

		assert_true(owner_pattern_good(patterns[i]));
		owners_init(&o, 3, (uint64_t[2]){ 0, 0 }, patterns[i]);
		owners_by_key(&o);
		assert_false(o.blind);
		for (unsigned int k = 0; k < OWNER_KEY_SIZE; k += 2)
			assert_int_equal(o.key[k] << 8 | o.key[k + 1], patterns[i]);
		agree(&o);
	}
	assert_false(owner_pattern_good(0));
	assert_false(owner_pattern_good(0xffff));
	assert_false(owner_pattern_good(0x6d5b));
}

/* Two processes have two keys. */
static void test_key_is_secret(void **state)
{
	struct owners a, b;
	(void)state;

	owners_init(&a, 2, (uint64_t[2]){ 0, 1 }, 0);
	owners_init(&b, 2, (uint64_t[2]){ 0, 2 }, 0);
	assert_memory_not_equal(a.key, b.key, OWNER_KEY_LEAST);
}

/* Machines that stand beside one another, as they do in a subnet, go to all workers alike, whatever the key. */
static void test_neighbours_spread(void **state)
{
	(void)state;

	for (uint16_t workers = 2; workers <= 16; workers *= 2)
		for (uint64_t secret = 0; secret < 100; secret++) {
			struct ends e = { .address = { [1] = { [3] = rte_cpu_to_be_32(0x0a0a0001) } } };
			unsigned int owned[16] = { 0 };
			struct owners o;

			owners_init(&o, workers, (uint64_t[2]){ 0, secret }, 0);
			owners_by_key(&o);
			for (uint32_t host = 0; host < 32; host++) {
				e.address[0][3] = rte_cpu_to_be_32(0x0a0a0020 + host);
				owned[o.worker[index4(&o, &e)]]++;
			}
			for (uint16_t i = 0; i < workers; i++)
				assert_int_equal(owned[i], 32 / workers);
		}
}

/* ---- frames ---- */

static struct rte_mbuf *frame_from(const struct craft *c)
{
	return eal_frame(pool, c->bytes, c->length);
}

/* The owner by the parser; the glance is of the same mind, or has none. */
static uint16_t owner_by_both(const struct owners *o, const struct craft *c, bool sure)
{
	struct rte_mbuf *m = frame_from(c);
	uint16_t glance = owner_glance(o, m), owner;

	assert_int_equal(parse_frame(m, PARSE_VERIFY), PARSED);
	owner = owner_of(o, frame_of(m));
	assert_int_equal(glance, sure ? owner : OWNER_UNSURE);
	rte_pktmbuf_free(m);
	return owner;
}

static void test_glance_agrees(void **state)
{
	static const struct {
		void (*make)(struct craft *c);
		bool sure;
	} cases[] = { { sample_tcp4, true },     { sample_udp4, true }, { sample_udp6, true },
		      { sample_arp, false },     { sample_tcp6, true }, { sample_echo4, false },
		      { sample_too_big6, false } };
	static struct craft c;
	(void)state;

	for (unsigned int key = 0; key < 2; key++)
		for (uint64_t secret = 0; secret < 64; secret++) {
			struct owners o;

			owners_init(&o, 16, (uint64_t[2]){ secret, secret }, 0);
			if (key)
				owners_by_key(&o);
			for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
				cases[i].make(&c);
				owner_by_both(&o, &c, cases[i].sure);
			}
			sample_arp(&c);
			assert_int_equal(owner_by_both(&o, &c, false), 0);
		}
}

/* The glance reads nothing that is not there. */
static void test_glance_is_bounded(void **state)
{
	static void (*const makers[])(struct craft *) = { sample_tcp4, sample_udp6 };
	static struct craft c;
	struct owners o;
	(void)state;

	owners_init(&o, 2, (uint64_t[2]){ 0, 0 }, 0);
	for (unsigned int i = 0; i < RTE_DIM(makers); i++) {
		makers[i](&c);
		for (uint16_t length = 0; length < c.length; length++) {
			uint16_t least = i ? 18 + 40 : 18 + 20;
			uint8_t *copy = malloc(length ? length : 1);
			struct rte_mbuf m = { .buf_addr = copy, .data_len = length, .pkt_len = length };

			memcpy(copy, c.bytes, length);
			if (length < least)
				assert_int_equal(owner_glance(&o, &m), OWNER_UNSURE);
			else
				assert_true(owner_glance(&o, &m) < 2);
			free(copy);
		}
	}
}

static int setup(void **state)
{
	(void)state;
	pool = eal_pool("owner", 15, 2048);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_key),       cmocka_unit_test(test_periodic_key),
		cmocka_unit_test(test_key_is_secret), cmocka_unit_test(test_neighbours_spread),
		cmocka_unit_test(test_glance_agrees), cmocka_unit_test(test_glance_is_bounded),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
