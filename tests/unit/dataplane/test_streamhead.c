/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/streamhead.c dataplane/arena.c */
/* Segments that say otherwise of bytes that were seen, and what that costs in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "streamhead.h"

#define REGION (256u << 10)

static struct arena *arena;
static void *region;
static struct stream_heads heads;

static enum stream_answer shows(uint32_t seq, const void *bytes, uint32_t length)
{
	return stream_heads_show(&heads, arena, 0, seq, bytes, length);
}

static bool says(uint32_t seq, const char *text)
{
	return shows(seq, text, (uint32_t)strlen(text)) == STREAM_AGREES;
}

static int setup(void **state)
{
	(void)state;
	region = aligned_alloc(64, REGION);
	arena = region ? arena_new(region, REGION) : NULL;
	stream_heads_init(&heads);
	return arena ? 0 : -1;
}

/* Whatever a test did, clearing gives everything back. */
static int teardown(void **state)
{
	(void)state;
	stream_heads_clear(&heads, arena);
	assert_int_equal(arena_used(arena), 0);
	assert_int_equal(arena_bogus(arena), 0);
	arena_delete(arena);
	free(region);
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
	bytes[STREAM_HEAD] = bytes[STREAM_HEAD - 1] = 0;
	assert_int_equal(shows(5, bytes, sizeof(bytes)), STREAM_AGREES);
	bytes[STREAM_HEAD] = 1; /* behind it */
	assert_int_equal(shows(5, bytes, sizeof(bytes)), STREAM_AGREES);
	assert_int_equal(shows(5 + STREAM_HEAD, bytes, sizeof(bytes)), STREAM_AGREES);
	bytes[STREAM_HEAD - 1] = 1;
	assert_int_equal(shows(5, bytes, sizeof(bytes)), STREAM_CONTRADICTS);
	assert_int_equal(shows(5 - (1u << 30), bytes, sizeof(bytes)), STREAM_AGREES);
}

static void test_directions_are_apart(void **state)
{
	(void)state;
	assert_int_equal(stream_heads_show(&heads, arena, 0, 100, (const uint8_t *)"GET", 3), STREAM_AGREES);
	assert_int_equal(stream_heads_show(&heads, arena, 1, 100, (const uint8_t *)"220", 3), STREAM_AGREES);
	assert_int_equal(stream_heads_show(&heads, arena, 0, 100, (const uint8_t *)"220", 3),
			 STREAM_CONTRADICTS);
	assert_int_equal(stream_heads_show(&heads, arena, 1, 100, (const uint8_t *)"GET", 3),
			 STREAM_CONTRADICTS);
	/* the answer takes what was asked; the other direction keeps what it has */
	stream_heads_acknowledge(&heads, arena, 0, 103);
	assert_int_equal(stream_heads_show(&heads, arena, 1, 100, (const uint8_t *)"GET", 3),
			 STREAM_CONTRADICTS);
}

/* What the far end has taken needs no memory, and nothing of it is looked at any more; what follows is. */
static void test_acknowledged(void **state)
{
	uint8_t bytes[300] = "request";

	(void)state;
	assert_int_equal(shows(UINT32_MAX - 99, bytes, 200), STREAM_AGREES);
	size_t used = arena_used(arena);
	assert_in_range(used, 200, 256);
	stream_heads_acknowledge(&heads, arena, 0, 99); /* all but one */
	stream_heads_acknowledge(&heads, arena, 0, UINT32_MAX - 200);
	stream_heads_acknowledge(&heads, arena, 1, 100); /* the other direction */
	assert_int_equal(arena_used(arena), used);
	stream_heads_acknowledge(&heads, arena, 0, 100);
	assert_int_equal(arena_used(arena), 0);
	stream_heads_acknowledge(&heads, arena, 0, 100);
	assert_true(says(UINT32_MAX - 99, "anything"));
	assert_int_equal(arena_used(arena), 0);
	/* across what is settled: only the part behind it counts */
	assert_true(says(98, "??next"));
	assert_true(says(98, "!!next"));
	assert_false(says(98, "??nexx"));
	assert_false(says(100, "x"));
	/* the head is what it is: 512 bytes of the stream, however they were acknowledged */
	assert_int_equal(shows(100, "next", 4), STREAM_AGREES);
	stream_heads_acknowledge(&heads, arena, 0, 104);
	memset(bytes, 'b', sizeof(bytes));
	assert_int_equal(shows(400, bytes, 20), STREAM_AGREES); /* 12 of them: up to 412 */
	bytes[12] = 'c';
	assert_int_equal(shows(400, bytes, 20), STREAM_AGREES);
	bytes[11] = 'c';
	assert_int_equal(shows(400, bytes, 20), STREAM_CONTRADICTS);
	stream_heads_acknowledge(&heads, arena, 0, 5000);
	assert_int_equal(shows(5000, bytes, 20), STREAM_AGREES);
	assert_int_equal(arena_used(arena), 0);
}

static void test_no_memory(void **state)
{
	static const uint8_t bytes[STREAM_HEAD];
	void *taken[4096];
	int count = 0;

	(void)state;
	assert_true(says(1, "few"));
	while (count < 4096 && (taken[count] = arena_allocate(arena, 64)))
		count++;
	assert_in_range(count, 1000, 4095);
	assert_int_equal(shows(1, bytes, 0), STREAM_AGREES);
	assert_int_equal(shows(4, bytes, 400), STREAM_NO_MEMORY);
	assert_int_equal(stream_heads_show(&heads, arena, 1, 9, bytes, 400), STREAM_NO_MEMORY);
	assert_true(says(1, "few")); /* as it was */
	assert_false(says(1, "Few"));
	while (count)
		arena_release(arena, taken[--count]);
	assert_int_equal(shows(4, bytes, 400), STREAM_AGREES);
	assert_true(says(1, "few"));
}

/* A naive one that keeps a byte and whether it is known for each place. */
static void test_against_reference(void **state)
{
	int known[STREAM_HEAD + 400];

	(void)state;
	srand(1);
	for (int round = 0; round < 200; round++) {
		uint32_t first = (uint32_t)rand() * 2654435761u, settled = 0;

		stream_heads_clear(&heads, arena);
		stream_heads_init(&heads);
		memset(known, 0xff, sizeof(known));
		assert_int_equal(shows(first, "", 0), STREAM_AGREES);
		for (int i = 0; i < 60; i++) {
			uint32_t at = (uint32_t)rand() % STREAM_HEAD, length = 1 + (uint32_t)rand() % 300;
			uint32_t end = 0;
			bool agrees = true;
			uint8_t bytes[300];

			for (uint32_t k = 0; k < length; k++) {
				bytes[k] = (uint8_t)(rand() % 50 ? at + k : 255);
				if (at + k >= settled && at + k < STREAM_HEAD && known[at + k] >= 0 &&
				    known[at + k] != bytes[k])
					agrees = false;
			}
			for (uint32_t k = 0; agrees && k < length; k++)
				if (at + k >= settled)
					known[at + k] = bytes[k];
			assert_int_equal(shows(first + at, bytes, length),
					 agrees ? STREAM_AGREES : STREAM_CONTRADICTS);
			for (uint32_t k = settled; k < STREAM_HEAD; k++)
				end = known[k] >= 0 ? k + 1 : end;
			at = (uint32_t)rand() % STREAM_HEAD;
			if (rand() % 8)
				continue;
			stream_heads_acknowledge(&heads, arena, 0, first + at);
			/* only where all that is known was taken is it forgotten */
			if (end && at >= end) {
				settled = at;
				assert_int_equal(arena_used(arena), 0);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_conflicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sequence_numbers_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_the_head, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directions_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_acknowledged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_against_reference, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
