/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/arena.c */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"

#define REGION ((size_t)1 << 20)

static uint64_t state;

static uint32_t random32(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33);
}

static struct arena *arena_make(size_t size)
{
	void *region = aligned_alloc(64, size);
	struct arena *a = region ? arena_new(region, size) : NULL;

	assert_non_null(a);
	assert_ptr_equal(a, region); /* what arena_drop() frees */
	return a;
}

static void arena_drop(struct arena *a)
{
	arena_delete(a);
	free(a);
}

static void test_too_small(void **unused)
{
	void *region = aligned_alloc(64, 4096);

	(void)unused;
	assert_null(arena_new(region, 4096));
	free(region);
}

static void test_whole_again(void **unused)
{
	struct arena *a = arena_make(REGION);
	void *blocks[64];
	size_t largest = arena_capacity(a) / 2;

	(void)unused;
	for (int i = 0; i < 64; i++)
		blocks[i] = arena_allocate(a, 1000);
	for (int i = 0; i < 64; i += 2)
		arena_release(a, blocks[i]);
	for (int i = 63; i > 0; i -= 2)
		arena_release(a, blocks[i]);
	assert_int_equal(arena_used(a), 0);
	void *large = arena_allocate(a, largest);
	assert_non_null(large);
	memset(large, 1, largest);
	arena_release(a, large);
	arena_drop(a);
}

static void test_full_is_null(void **unused)
{
	struct arena *a = arena_make(REGION);
	size_t count = 0;
	void **chain = NULL;

	(void)unused;
	for (void **block; (block = arena_allocate(a, 4096)); count++) {
		*block = chain;
		chain = block;
	}
	assert_true(count * (4096 + 16) + 8192 > arena_capacity(a));
	assert_true(arena_used(a) <= arena_capacity(a));
	assert_null(arena_allocate(a, REGION));
	assert_null(arena_allocate(a, SIZE_MAX));
	assert_non_null(arena_allocate(a, 0));
	while (chain) {
		void **next = *chain;
		arena_release(a, chain);
		chain = next;
	}
	arena_drop(a);
}

/* The largest block that nDPI asks for in a packet: a cache of 32,768 entries. */
static void test_large_block(void **unused)
{
	struct arena *a = arena_make(REGION);
	char *cache = arena_allocate(a, 262160);

	(void)unused;
	assert_non_null(cache);
	memset(cache, 0xff, 262160);
	arena_release(a, cache);
	arena_drop(a);
}

static void test_bogus_release(void **unused)
{
	struct arena *a = arena_make(REGION);
	char *p = arena_allocate(a, 100);
	int elsewhere;

	(void)unused;
	arena_release(a, p + 16);
	arena_release(a, p + 1);
	arena_release(a, p - 16);
	arena_release(a, &elsewhere);
	arena_release(a, (void *)0x10);
	assert_int_equal(arena_bogus(a), 5);
	assert_true(arena_used(a) > 0);
	arena_release(a, p);
	assert_int_equal(arena_used(a), 0);
	arena_release(a, p);
	assert_int_equal(arena_bogus(a), 6);
	arena_release(a, NULL);
	assert_int_equal(arena_bogus(a), 6);
	arena_drop(a);
}

struct held {
	uint8_t *p;
	size_t size;
	uint8_t fill;
};

static void check_and_release(struct arena *a, struct held *h)
{
	for (size_t i = 0; i < h->size; i++)
		assert_int_equal(h->p[i], h->fill);
	arena_release(a, h->p);
	h->p = NULL;
}

static size_t random_size(void)
{
	switch (random32() % 8) {
	case 0:
		return random32() % 40000;
	case 1:
	case 2:
		return random32() % 4096;
	default:
		return random32() % 300;
	}
}

/* Against a naive model: every block keeps what was written into it, nothing overlaps, all comes back. */
static void test_random(void **unused)
{
	enum { HELD = 500, STEPS = 40000 };
	static struct held held[HELD];
	struct arena *a = arena_make(REGION);
	uint32_t refused = 0;

	(void)unused;
	state = 1;
	for (int step = 0; step < STEPS; step++) {
		struct held *h = &held[random32() % HELD];
		if (h->p) {
			check_and_release(a, h);
			continue;
		}
		h->size = random_size();
		h->fill = (uint8_t)random32();
		h->p = arena_allocate(a, h->size);
		refused += !h->p;
		assert_true((uintptr_t)h->p % 16 == 0);
		if (h->p)
			memset(h->p, h->fill, h->size);
	}
	assert_in_range(refused, 1, STEPS / 4); /* both sides of full were seen */
	for (int i = 0; i < HELD; i++)
		if (held[i].p)
			check_and_release(a, &held[i]);
	assert_int_equal(arena_used(a), 0);
	assert_int_equal(arena_bogus(a), 0);
	assert_non_null(arena_allocate(a, arena_capacity(a) * 9 / 10));
	arena_drop(a);
}

/* Issue 4: at most a tenth more than what was asked for, at the sizes of TLS sessions. */
static void test_overhead(void **unused)
{
	static const size_t sizes[] = { 12, 20, 32, 64, 200, 1024, 2048, 3700, 16384 };
	struct arena *a = arena_make(REGION);
	size_t asked = 0;

	(void)unused;
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			assert_non_null(arena_allocate(a, sizes[i]));
			asked += sizes[i];
		}
	assert_true(arena_used(a) * 100 < asked * 103);
	arena_drop(a);
}

static void test_hooks(void **unused)
{
	struct arena *a = arena_make(REGION);

	(void)unused;
	void *heap = arena_hook_allocate(10);
	arena_enter(a);
	void *ours = arena_hook_allocate(10);
	assert_true(arena_used(a) > 0);
	arena_hook_release(heap); /* left alone: not of this arena */
	assert_int_equal(arena_bogus(a), 1);
	arena_leave();
	arena_hook_release(heap);
	arena_hook_release(ours); /* by way of the remote list: taken at the next allocation */
	assert_true(arena_used(a) > 0);
	arena_enter(a);
	void *next = arena_hook_allocate(100);
	arena_hook_release(next);
	arena_leave();
	assert_int_equal(arena_used(a), 0);
	arena_drop(a);
}

static void *release_all(void *blocks)
{
	for (void **p = blocks; *p; p++)
		arena_hook_release(*p);
	return NULL;
}

static void test_remote_release(void **unused)
{
	enum { COUNT = 2000 };
	static void *blocks[2][COUNT / 2 + 1];
	struct arena *a = arena_make(REGION);
	pthread_t threads[2];

	(void)unused;
	for (int i = 0; i < COUNT; i++)
		blocks[i % 2][i / 2] = arena_allocate(a, 64);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, release_all, blocks[i]), 0);
	for (int i = 0; i < 5000; i++)
		arena_release(a, arena_allocate(a, 200));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	arena_release(a, arena_allocate(a, 1));
	assert_int_equal(arena_used(a), 0);
	assert_int_equal(arena_bogus(a), 0);
	arena_drop(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_small),      cmocka_unit_test(test_whole_again),
		cmocka_unit_test(test_full_is_null),   cmocka_unit_test(test_large_block),
		cmocka_unit_test(test_bogus_release),  cmocka_unit_test(test_random),
		cmocka_unit_test(test_overhead),       cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_remote_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
