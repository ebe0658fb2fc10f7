/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/largepages.c */
/* EAL's memory is private afterwards, and nothing that was in it is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <rte_malloc.h>

#include "eal.h"
#include "largepages.h"

#define BYTES (3u << 20)

/* Is there a mapping that is shared with whoever opens EAL's file? */
static bool has_shared_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		found |= strstr(line, "memfd:nohuge") != NULL;
	fclose(maps);
	return found;
}

static bool kernel_can(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char words[128] = "[never]";

	if (file && !fgets(words, sizeof(words), file))
		words[0] = 0;
	if (file)
		fclose(file);
	return !strstr(words, "[never]");
}

static void test_nothing_is_lost(void **state)
{
	uint8_t *before, *after;

	(void)state;
	eal_start();
	before = rte_malloc("before", BYTES, 64);
	assert_non_null(before);
	for (uint32_t i = 0; i < BYTES; i += 61)
		before[i] = (uint8_t)(i * 7);
	assert_true(has_shared_memory());
	assert_int_equal(large_pages_take(), 0);
	if (!kernel_can()) {
		assert_true(has_shared_memory());
		skip();
	}
	assert_false(has_shared_memory());
	for (uint32_t i = 0; i < BYTES; i += 61)
		assert_int_equal(before[i], (uint8_t)(i * 7));
	/* the heap goes on: what is given out is zero where that is asked for, and comes back */
	after = rte_zmalloc("after", BYTES, 64);
	assert_non_null(after);
	for (uint32_t i = 0; i < BYTES; i++)
		assert_int_equal(after[i], 0);
	rte_free(before);
	rte_free(after);
	struct rte_mempool *pool = eal_pool("frames", 255, 2048);
	struct rte_mbuf *m = eal_frame(pool, "abc", 3);
	assert_memory_equal(rte_pktmbuf_mtod(m, char *), "abc", 3);
	rte_pktmbuf_free(m);
	/* a second time there is nothing left to do */
	assert_int_equal(large_pages_take(), 0);
	assert_int_equal(rte_mempool_avail_count(pool), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
