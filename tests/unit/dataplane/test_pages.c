/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/pages.c */
/* The memory of the great tables: zeroed, all of it there, taken when asked for, and given back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "eal.h"
#include "pages.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* not reached: there is no frame here */
void drop_frame(struct worker *w, struct rte_mbuf *m, enum bh_drop reason)
{
	(void)w;
	(void)m;
	(void)reason;
	abort();
}

/* Pages of [region, region + size) that are in memory; -1: some are not mapped. */
static long resident(void *region, size_t size)
{
	size_t pages = (size + 4095) / 4096;
	unsigned char *in = malloc(pages);
	long count = 0;

	assert_non_null(in);
	if (mincore(region, size, in))
		count = -1;
	for (size_t i = 0; count >= 0 && i < pages; i++)
		count += in[i] & 1;
	free(in);
	return count;
}

static int start(void **state)
{
	(void)state;
	eal_start();
	return 0;
}

static void is_zero_from_end_to_end(void **state)
{
	static const size_t sizes[] = {
		1, 64, 4095, 4097, HUGE_PAGE - 1, HUGE_PAGE, HUGE_PAGE + 1, 5 * HUGE_PAGE / 2
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
		uint8_t *region = pages_new(sizes[i], SOCKET_ID_ANY, i % 2);

		assert_non_null(region);
		assert_int_equal((uintptr_t)region % RTE_CACHE_LINE_SIZE, 0);
		if (sizes[i] >= HUGE_PAGE)
			assert_int_equal((uintptr_t)region % HUGE_PAGE, 0);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(region[at], 0);
		memset(region, 0xa5, sizes[i]);
		pages_free(region, sizes[i]);
		assert_int_equal(resident(region, 4096), -1);
	}
}

static void is_taken_now_or_when_used(void **state)
{
	const size_t size = 3 * HUGE_PAGE + 4096;

	(void)state;
	uint8_t *now = pages_new(size, 0, true), *later = pages_new(size, 0, false);
	assert_non_null(now);
	assert_non_null(later);
	assert_int_equal(resident(now, size), size / 4096);
	assert_int_equal(resident(later, size), 0);
	later[0] = 1;
	assert_true(resident(later, size) > 0);
	assert_true(resident(later, size) <= (long)(HUGE_PAGE / 4096));
	pages_free(later, size);
	pages_free(now, size);
}

static void refuses_what_there_is_not(void **state)
{
	(void)state;
	assert_null(pages_new(0, SOCKET_ID_ANY, false));
	assert_null(pages_new(SIZE_MAX, SOCKET_ID_ANY, false));
	assert_null(pages_new(SIZE_MAX - 4096, SOCKET_ID_ANY, true));
	assert_null(pages_new((size_t)1 << 60, SOCKET_ID_ANY, true));
	pages_free(NULL, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_zero_from_end_to_end),
		cmocka_unit_test(is_taken_now_or_when_used),
		cmocka_unit_test(refuses_what_there_is_not),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
