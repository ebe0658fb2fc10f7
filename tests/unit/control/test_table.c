/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/table.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

static char *printed(const struct table *table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(table_print(table, out), 0);
	fclose(out);
	return text;
}

static void columns_are_aligned(void **state)
{
	(void)state;
	struct table *table = table_new("NAME|>FRAMES|WHERE");
	table_cell(table, "%s", "a-long-name");
	table_cell(table, "%d", 5);
	table_cell(table, "%s", "x");
	table_cell(table, "%s", "b");
	table_cell(table, "%d", 12345678);
	table_cell(table, "%s", "");
	char *text = printed(table);
	assert_string_equal(text, "NAME           FRAMES  WHERE\n"
				  "a-long-name         5  x\n"
				  "b            12345678\n");
	assert_int_equal(table_rows(table), 2);
	free(text);
	table_free(table);
}

static void empty_cells_leave_no_spaces_at_the_end(void **state)
{
	(void)state;
	struct table *table = table_new("A|B|>C");
	for (int i = 0; i < 3; i++)
		table_cell(table, "%s", "");
	char *text = printed(table);
	assert_string_equal(text, "A  B  C\n\n");
	free(text);
	table_free(table);
}

static void width_counts_code_points(void **state)
{
	(void)state;
	struct table *table = table_new("N|X");
	table_cell(table, "%s", "b\xc3\xbcro");
	table_cell(table, "%s", "1");
	table_cell(table, "%s", "buro");
	table_cell(table, "%s", "2");
	char *text = printed(table);
	assert_string_equal(text, "N     X\nb\xc3\xbcro  1\nburo  2\n");
	free(text);
	table_free(table);
}

static void many_cells_grow_the_table(void **state)
{
	(void)state;
	struct table *table = table_new("A|>B");
	for (int i = 0; i < 20000; i++)
		table_cell(table, "cell %d", i);
	assert_int_equal(table_rows(table), 10000);
	char *text = printed(table);
	assert_non_null(strstr(text, "\ncell 19998  cell 19999\n"));
	free(text);
	table_free(table);
}

static void too_many_columns_are_refused(void **state)
{
	char headings[100];

	(void)state;
	memset(headings, '|', sizeof(headings) - 1);
	headings[sizeof(headings) - 1] = 0;
	assert_null(table_new(headings));
}

static void bytes_are_readable(void **state)
{
	char out[24];

	(void)state;
	assert_string_equal(table_bytes(0, out), "0 B");
	assert_string_equal(table_bytes(1023, out), "1023 B");
	assert_string_equal(table_bytes(1024, out), "1.0 KiB");
	assert_string_equal(table_bytes(1536, out), "1.5 KiB");
	assert_string_equal(table_bytes((1 << 20) - 1, out), "1.0 MiB");
	assert_string_equal(table_bytes(UINT64_MAX, out), "16.0 EiB");
}

static void counts_and_durations_are_readable(void **state)
{
	char out[24];

	(void)state;
	assert_string_equal(table_count(9999, out), "9999");
	assert_string_equal(table_count(12345, out), "12.3k");
	assert_string_equal(table_count(999999, out), "1.0M");
	assert_string_equal(table_count(UINT64_MAX, out), "18.4E");
	assert_string_equal(table_duration(0.44, out), "0.4 s");
	assert_string_equal(table_duration(-3, out), "0.0 s");
	assert_string_equal(table_duration(59.9, out), "59 s");
	assert_string_equal(table_duration(190, out), "3 m 10 s");
	assert_string_equal(table_duration(3600 * 4 + 125, out), "4 h 2 m");
	assert_string_equal(table_duration(86400 * 5 + 3600 * 3, out), "5 d 3 h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(empty_cells_leave_no_spaces_at_the_end),
		cmocka_unit_test(width_counts_code_points),
		cmocka_unit_test(many_cells_grow_the_table),
		cmocka_unit_test(too_many_columns_are_refused),
		cmocka_unit_test(bytes_are_readable),
		cmocka_unit_test(counts_and_durations_are_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
