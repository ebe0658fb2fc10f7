/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/bucket.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket.h"

#define SECOND 1000000000u

static void test_unlimited(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 0, 0);
	for (int i = 0; i < 1000; i++)
		assert_true(bucket_take(&b, 1u << 30, 0));
}

static void test_burst_then_rate(void **state)
{
	struct bucket b;
	uint64_t now = 5 * (uint64_t)SECOND;
	unsigned int passed = 0;

	(void)state;
	bucket_init(&b, 100, 10);
	for (int i = 0; i < 50; i++)
		passed += bucket_take(&b, 1, now);
	assert_int_equal(passed, 10);
	/* one every 10 ms, and not sooner */
	assert_false(bucket_take(&b, 1, now + 9000000));
	assert_true(bucket_take(&b, 1, now + 10000001));
	assert_false(bucket_take(&b, 1, now + 10000001));
}

static void test_long_run_rate(void **state)
{
	struct bucket b;
	uint64_t passed = 0;

	(void)state;
	bucket_init(&b, 1250000, 15000); /* 10 Mbit/s in bytes */
	for (uint64_t us = 0; us < 10000000; us += 100)
		passed += bucket_take(&b, 1000, us * 1000) ? 1000 : 0;
	assert_in_range(passed, 12400000, 12515000);
}

static void test_clock_far_ahead(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 1, 1);
	assert_true(bucket_take(&b, 1, 0));
	assert_false(bucket_take(&b, 1, 1));
	assert_true(bucket_take(&b, 1, UINT64_MAX / 2));
	/* more than the burst never passes, and takes nothing */
	assert_false(bucket_take(&b, 2, UINT64_MAX - SECOND));
	assert_true(bucket_take(&b, 1, UINT64_MAX - SECOND));
}

static void test_fast_rates_stay_limited(void **state)
{
	struct bucket b;
	unsigned int passed = 0;

	(void)state;
	bucket_init(&b, UINT64_C(1) << 60, 1500);
	for (int i = 0; i < 10; i++)
		passed += bucket_take(&b, UINT64_C(1) << 40, 0);
	assert_int_equal(passed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlimited),
		cmocka_unit_test(test_burst_then_rate),
		cmocka_unit_test(test_long_run_rate),
		cmocka_unit_test(test_clock_far_ahead),
		cmocka_unit_test(test_fast_rates_stay_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
