/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/streamhead.c */
/* Segments that say otherwise of bytes that were seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "streamhead.h"

static struct stream_head head;

static bool says(uint32_t seq, const char *text)
{
	return stream_head_agrees(&head, seq, (const uint8_t *)text, (uint32_t)strlen(text));
}

static int setup(void **state)
{
	(void)state;
	memset(&head, 0, sizeof(head));
	return 0;
}

static void test_conflicts(void **state)
{
	(void)state;
	assert_true(says(1000, "GET /"));
	assert_true(says(1000, "GET /"));
	assert_false(says(1000, "GEX /"));
	assert_false(says(1004, "x"));
	assert_false(says(1003, " x and more"));
	/* nothing of it was kept */
	assert_true(says(1005, "index"));
	/* a hole is unknown until it is filled */
	assert_true(says(1020, "HTTP"));
	assert_true(says(1010, ".html now "));
	assert_false(says(1019, "?H"));
	/* before the head, and over its edge */
	assert_true(says(998, "??GET"));
	assert_false(says(998, "??SSH"));
}

static void test_sequence_numbers_wrap(void **state)
{
	(void)state;
	assert_true(says(UINT32_MAX - 1, "abcd"));
	assert_true(says(0, "cd"));
	assert_false(says(1, "x"));
}

static void test_end_of_the_head(void **state)
{
	static uint8_t bytes[STREAM_HEAD + 10];

	(void)state;
	assert_true(stream_head_agrees(&head, 5, bytes, sizeof(bytes)));
	bytes[STREAM_HEAD] = 1; /* behind it */
	assert_true(stream_head_agrees(&head, 5, bytes, sizeof(bytes)));
	assert_true(stream_head_agrees(&head, 5 + STREAM_HEAD, bytes, sizeof(bytes)));
	bytes[STREAM_HEAD - 1] = 1;
	assert_false(stream_head_agrees(&head, 5, bytes, sizeof(bytes)));
	assert_true(stream_head_agrees(&head, 5 - (1u << 30), bytes, sizeof(bytes)));
}

/* A naive one that keeps a byte and whether it is known for each place. */
static void test_against_reference(void **state)
{
	int known[STREAM_HEAD + 400];

	(void)state;
	srand(1);
	for (int round = 0; round < 200; round++) {
		uint32_t first = (uint32_t)rand() * 2654435761u;

		setup(NULL);
		memset(known, 0xff, sizeof(known));
		assert_true(stream_head_agrees(&head, first, (const uint8_t *)"", 0));
		for (int i = 0; i < 60; i++) {
			uint32_t at = (uint32_t)rand() % STREAM_HEAD, length = 1 + (uint32_t)rand() % 300;
			bool agrees = true;
			uint8_t bytes[300];

			for (uint32_t k = 0; k < length; k++) {
				bytes[k] = (uint8_t)(rand() % 50 ? at + k : 255);
				if (at + k < STREAM_HEAD && known[at + k] >= 0 && known[at + k] != bytes[k])
					agrees = false;
			}
			for (uint32_t k = 0; agrees && k < length; k++)
				known[at + k] = bytes[k];
			assert_int_equal(stream_head_agrees(&head, first + at, bytes, length), agrees);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_conflicts, setup),
		cmocka_unit_test_setup(test_sequence_numbers_wrap, setup),
		cmocka_unit_test_setup(test_end_of_the_head, setup),
		cmocka_unit_test(test_against_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
