/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/namepool.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "eal.h"
#include "namepool.h"

static void test_interned_once(void **unused)
{
	struct name_pool *pool = name_pool_new(4, SOCKET_ID_ANY);
	char copy[] = "shop.example";

	(void)unused;
	uint32_t a = name_pool_intern(pool, "shop.example", 7);
	assert_int_equal(name_pool_intern(pool, copy, 7), a);
	assert_int_not_equal(name_pool_intern(pool, "shop.example.", 7), a);
	assert_int_equal(name_pool_count(pool), 2);
	name_pool_release(pool, a);
	assert_string_equal(name_pool_text(pool, a), "shop.example");
	name_pool_release(pool, a);
	assert_int_equal(name_pool_count(pool), 1);
	name_pool_free(pool);
}

static void test_bounds(void **unused)
{
	struct name_pool *pool = name_pool_new(2, SOCKET_ID_ANY);
	char name[BH_SERVER_NAME_MAX + 2];

	(void)unused;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(name_pool_intern(pool, name, 0), 0); /* 80 bytes */
	assert_int_equal(name_pool_intern(pool, "", 0), 0);
	assert_null(name_pool_text(pool, 0));
	name_pool_release(pool, 0);
	uint32_t longest = name_pool_intern(pool, name + 1, 0);
	assert_string_equal(name_pool_text(pool, longest), name + 1);
	assert_int_not_equal(name_pool_intern(pool, "b", 0), 0);
	assert_int_equal(name_pool_intern(pool, "c", 0), 0);            /* full */
	assert_int_equal(name_pool_intern(pool, name + 1, 0), longest); /* what is there is found */
	name_pool_release(pool, longest);
	name_pool_release(pool, longest);
	assert_int_equal(name_pool_intern(pool, "c", 0), longest); /* its place is used again */
	assert_null(name_pool_new(0, SOCKET_ID_ANY));
	name_pool_free(pool);
}

/* Against a naive model: reference counts of 300 names in a pool of 200. */
static void test_random(void **unused)
{
	enum { NAMES = 300, CAPACITY = 200, STEPS = 100000 };
	static uint32_t id[NAMES], references[NAMES];
	struct name_pool *pool = name_pool_new(CAPACITY, SOCKET_ID_ANY);
	uint32_t state = 1, live = 0, refused = 0;
	char name[32];

	(void)unused;
	for (int step = 0; step < STEPS; step++) {
		state = state * 1664525 + 1013904223;
		uint32_t i = (state >> 8) % NAMES;
		snprintf(name, sizeof(name), "host-%u.example", i);
		if (state >> 31) {
			uint32_t got = name_pool_intern(pool, name, 3);
			assert_int_equal(got == 0, references[i] == 0 && live == CAPACITY);
			refused += !got;
			live += got && references[i] == 0;
			references[i] += got != 0;
			id[i] = got ? got : id[i];
		} else if (references[i]) {
			assert_string_equal(name_pool_text(pool, id[i]), name);
			name_pool_release(pool, id[i]);
			live -= --references[i] == 0;
		}
		assert_int_equal(name_pool_count(pool), live);
	}
	assert_true(refused > 0);
	name_pool_free(pool);
}

static int set_up(void **unused)
{
	(void)unused;
	eal_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interned_once),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
