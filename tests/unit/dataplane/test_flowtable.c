/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/flowtable.c dataplane/pages.c */
/* The hash table of sessions, against a model that cannot be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eal.h"
#include "flowtable.h"

/* not reached: the tables here are never driven by a stage */
void drop_frame(struct worker *w, struct rte_mbuf *m, enum bh_drop reason);
void drop_frame(struct worker *w, struct rte_mbuf *m, enum bh_drop reason)
{
	(void)w;
	(void)m;
	(void)reason;
	abort();
}

static uint64_t random_state;

static uint32_t random32(void)
{
	random_state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(flow_mix(random_state, ~random_state) >> 16);
}

static struct flow_key key_of(uint32_t n)
{
	struct flow_key key = { .network = 1, .protocol = 6 };

	memcpy(&key.address[0][12], &n, sizeof(n));
	return key;
}

/* The wheel is another file's: here a session counts as armed when it says so. */
static struct flow *insert(struct flow_table *table, uint32_t n, uint32_t hash)
{
	struct flow_key key = key_of(n);
	struct flow *flow = flow_insert(table, &key, hash);

	if (flow)
		flow_cold(table, flow)->wheel_previous = 0;
	return flow;
}

static struct flow *find(struct flow_table *table, uint32_t n, uint32_t hash)
{
	struct flow_key key = key_of(n);

	return flow_find(table, &key, hash);
}

static void fills_to_capacity(void **state)
{
	static const uint32_t capacities[] = { 1, 2, 11, 12, 13, 100, 1000, 50000 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(capacities); i++) {
		uint32_t capacity = capacities[i];
		struct flow_table *table = flow_table_new(capacity, SOCKET_ID_ANY, false);

		assert_non_null(table);
		for (uint32_t n = 0; n < capacity; n++) {
			struct flow_key key = key_of(n);

			assert_non_null(insert(table, n, flow_hash(&key, 7)));
		}
		assert_int_equal(flow_table_count(table), capacity);
		assert_null(insert(table, capacity, 0));
		for (uint32_t n = 0; n < capacity; n++) {
			struct flow_key key = key_of(n);
			struct flow *flow = flow_find(table, &key, flow_hash(&key, 7));

			assert_non_null(flow);
			flow_remove(table, flow, flow_hash(&key, 7));
			assert_null(flow_find(table, &key, flow_hash(&key, 7)));
		}
		assert_int_equal(flow_table_count(table), 0);
		flow_table_free(table);
	}
}

static void costs_less_than_10_bytes_a_session(void **state)
{
	const uint32_t capacity =
		200000; /* a fifth of the size to hold: fixed parts weigh five times as much */
	struct flow_table *table;
	size_t fixed = WHEEL_HEADS * sizeof(uint32_t) + BH_SEGMENT_IDS * sizeof(struct flow_quota);

	(void)state;
	table = flow_table_new(capacity, SOCKET_ID_ANY, false);
	assert_non_null(table);
	assert_true(flow_table_memory(table) - fixed <= (size_t)capacity * (128 + 52 + 10));
	assert_true(flow_table_memory(table) + (size_t)800000 * (128 + 52 + 6.4 + 64.0 / 24) <=
		    190e6); /* a million */
	flow_table_free(table);
}

/* All in one chain: its look-ups are bounded, and what it can not take is refused while others go on. */
static void one_chain_is_bounded(void **state)
{
	struct flow_table *table = flow_table_new(2000, SOCKET_ID_ANY, false);
	uint32_t taken = 0;

	(void)state;
	assert_non_null(table);
	while (taken < 2000 && insert(table, taken, 42))
		taken++;
	assert_int_equal(taken, FLOW_CHAIN_MAX * BUCKET_SLOTS);
	assert_non_null(insert(table, 5000, 0xffffffff));
	assert_non_null(find(table, 5000, 0xffffffff));
	/* removed from the front, the middle and the end, the others stay */
	for (uint32_t n = 0; n < taken; n += 3)
		flow_remove(table, find(table, n, 42), 42);
	for (uint32_t n = 0; n < taken; n++)
		assert_int_equal(find(table, n, 42) != NULL, n % 3 != 0);
	for (uint32_t n = 0; n < taken; n++)
		if (n % 3)
			flow_remove(table, find(table, n, 42), 42);
	assert_int_equal(flow_table_count(table), 1);
	/* all spare buckets came back */
	for (taken = 0; insert(table, 10000 + taken, 77 << 24); taken++)
		;
	assert_int_equal(taken, FLOW_CHAIN_MAX * BUCKET_SLOTS);
	flow_table_free(table);
}

/* What no seed does: one session more than a bucket holds in as many chains as there are. What needs a spare bucket when there is none
 * is refused and changes nothing, and a spare that comes back serves again. */
static void spares_end(void **state)
{
	enum { CAPACITY = 2000, CHAINS = 150, SPARES = CAPACITY / SPARES_EACH + SPARES_LEAST };
	struct flow_table *table = flow_table_new(CAPACITY, SOCKET_ID_ANY, false);
	uint32_t n = 0, refused = 0;

	(void)state;
	assert_non_null(table);
	static_assert(CHAINS > SPARES);
	for (uint32_t chain = 0; chain < CHAINS; chain++)
		for (unsigned int i = 0; i <= BUCKET_SLOTS; i++, n++)
			refused +=
				!insert(table, n, (uint32_t)(((uint64_t)chain << 32) / table->primary) + 1);
	assert_int_equal(refused, CHAINS - SPARES);
	assert_int_equal(flow_table_count(table), n - refused);
	flow_remove(table, find(table, 0, 1), 1);
	assert_non_null(insert(table, n, 1)); /* the place that was left */
	assert_null(insert(table, n + 1, (uint32_t)(((uint64_t)(CHAINS - 2) << 32) / table->primary) + 1));
	flow_remove(table, find(table, n, 1), 1);
	n = (CHAINS - 1) * (BUCKET_SLOTS + 1) + BUCKET_SLOTS;
	uint32_t last = (uint32_t)(((uint64_t)(CHAINS - 1) << 32) / table->primary) + 1;
	assert_null(find(table, n, last));
	assert_non_null(insert(table, n, last));
	assert_non_null(find(table, n, last));
	flow_table_free(table);
}

/* A hundred thousand random operations; hashes have few bits, so that chains and equal tags are the rule. */
static void agrees_with_a_naive_model(void **state)
{
	enum { KEYS = 3000, CAPACITY = 1500, OPERATIONS = 100000 };
	static struct flow *model[KEYS];
	struct flow_table *table = flow_table_new(CAPACITY, SOCKET_ID_ANY, false);
	uint32_t count = 0;

	(void)state;
	assert_non_null(table);
	random_state = 1;
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		uint32_t n = random32() % KEYS;
		uint32_t hash = (n * 2654435761u) & 0xff80000fu;

		assert_ptr_equal(find(table, n, hash), model[n]);
		if (!model[n]) {
			model[n] = insert(table, n, hash);
			assert_int_equal(model[n] != NULL, count < CAPACITY);
			count += model[n] != NULL;
		} else if (random32() % 2) {
			struct flow_key key = key_of(n);

			assert_true(flow_key_equal(&model[n]->key, &key));
			flow_remove(table, model[n], hash);
			model[n] = NULL;
			count--;
		}
		assert_int_equal(flow_table_count(table), count);
	}
	for (uint32_t n = 0; n < KEYS; n++)
		assert_ptr_equal(find(table, n, (n * 2654435761u) & 0xff80000fu), model[n]);
	flow_table_free(table);
}

static void count_visit(struct worker *w, struct flow *flow, void *opaque)
{
	(void)w;
	((uint8_t *)opaque)[flow->key.address[0][12]]++;
}

static void walk_visits_each_once(void **state)
{
	struct worker *w = eal_worker();
	uint8_t visits[256] = { 0 };
	uint32_t cursor = 0, calls = 1;

	(void)state;
	w->flows = flow_table_new(300, SOCKET_ID_ANY, false);
	for (uint32_t n = 0; n < 200; n++)
		assert_non_null(insert(w->flows, n, n * 2654435761u));
	for (uint32_t n = 0; n < 200; n += 2)
		flow_remove(w->flows, find(w->flows, n, n * 2654435761u), n * 2654435761u);
	while (flow_walk(w, &cursor, 16, count_visit, visits))
		calls++;
	assert_in_range(calls, 12, 13);
	for (uint32_t n = 0; n < 256; n++)
		assert_int_equal(visits[n], n < 200 && n % 2);
	flow_table_free(w->flows);
	eal_worker_free(w);
}

/* The second half of an IPv6 address must not cancel the first one (or the seed) out of the hash. */
static void chosen_addresses_do_not_collide(void **state)
{
	static const uint64_t chosen = 0xd1b54a32d192ed03u;
	uint32_t first = 0, equal = 0;

	(void)state;
	for (uint64_t prefix = 0; prefix < 1000; prefix++) {
		struct flow_key key = { .network = 1 };

		memcpy(&key.address[0][0], &prefix, sizeof(prefix));
		memcpy(&key.address[0][8], &chosen, sizeof(chosen));
		uint32_t hash = flow_hash(&key, 0x123456789abcdef0u);
		if (!prefix)
			first = hash;
		else
			equal += hash == first;
	}
	assert_int_equal(equal, 0);
}

static int start(void **state)
{
	(void)state;
	eal_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_to_capacity),
		cmocka_unit_test(costs_less_than_10_bytes_a_session),
		cmocka_unit_test(one_chain_is_bounded),
		cmocka_unit_test(spares_end),
		cmocka_unit_test(agrees_with_a_naive_model),
		cmocka_unit_test(walk_visits_each_once),
		cmocka_unit_test(chosen_addresses_do_not_collide),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
