/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/spool.c control/record.c dataplane/names.c dataplane/dpi.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpi.h"
#include "spool.h"

#define FLOWS 64u

static struct bh_flow_record flow(uint32_t i)
{
	struct bh_flow_record record = { .id = 1000u + i * 7919u, .protocol = 17 };

	/* several begin at once: all of the key takes part */
	record.start_us = 1000000 + i / 8;
	record.last_us = record.start_us + 5;
	record.source[15] = (uint8_t)(i / 2 % 4);
	record.source_port = (uint16_t)(i % 2);
	memcpy(record.rule, "default\0garbage", 16);
	return record;
}

static char *written(const uint32_t *order, uint32_t garbage)
{
	struct spool spool;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(spool_open(&spool), 0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct bh_flow_record record = flow(order[i]);
		/* what must not be seen: ids, reserved, what stands behind texts */
		record.id += garbage;
		record.reserved0 = (uint64_t)garbage;
		record.rule[20] = (char)garbage;
		assert_int_equal(spool_add(&spool, &record, 2000000), 0);
	}
	assert_int_equal(spool.count, FLOWS);
	assert_int_equal(spool_write(&spool, out), 0);
	spool_close(&spool);
	fclose(out);
	return text;
}

static void order_of_arrival_does_not_matter(void **state)
{
	uint32_t order[FLOWS], seed = 3;

	(void)state;
	for (uint32_t i = 0; i < FLOWS; i++)
		order[i] = i;
	char *first = written(order, 0);
	for (uint32_t round = 1; round < 5; round++) {
		for (uint32_t i = FLOWS - 1; i > 0; i--) {
			seed = seed * 1664525 + 1013904223;
			uint32_t j = (seed >> 8) % (i + 1), swap = order[i];
			order[i] = order[j];
			order[j] = swap;
		}
		char *again = written(order, round);
		assert_string_equal(first, again);
		free(again);
	}
	assert_non_null(strstr(first, "\"flow_id\":1,"));
	assert_non_null(strstr(first, "\"flow_id\":64,"));
	assert_null(strstr(first, "\"flow_id\":65,"));
	assert_null(strstr(first, "garbage"));
	free(first);
}

static void nothing_is_an_empty_file(void **state)
{
	struct spool spool;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(spool_open(&spool), 0);
	assert_int_equal(spool_write(&spool, out), 0);
	fclose(out);
	assert_int_equal(size, 0);
	free(text);
	spool_close(&spool);
}

static void a_full_disk_is_told(void **state)
{
	struct spool spool;
	struct bh_flow_record record = flow(0);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(spool_open(&spool), 0);
	assert_int_equal(spool_add(&spool, &record, 0), 0);
	assert_int_not_equal(spool_write(&spool, full), 0);
	fclose(full);
	spool_close(&spool);
}

static int names(void **state)
{
	(void)state;
	return dpi_catalogue_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_arrival_does_not_matter),
		cmocka_unit_test(nothing_is_an_empty_file),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, names, NULL);
}
