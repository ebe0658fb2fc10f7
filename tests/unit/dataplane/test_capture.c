/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/capture.c dataplane/assign.c dataplane/assignment.c */
/* Captures as they are found, written and refused; and --assign as it is typed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assign.h"
#include "capture.h"
#include "eal.h"

static char path[] = "/tmp/bulkhead-capture-XXXXXX";
static struct rte_mempool *pool;

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	pool = eal_pool("capture", 63, 2048);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* Three frames of 60, 1000 and (in two segments) 3000 bytes. */
static void write_capture(void)
{
	static uint8_t bytes[2000];
	struct capture_writer *writer;
	char why[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	writer = capture_create(path, why, sizeof(why));
	assert_non_null(writer);
	struct rte_mbuf *a = eal_frame(pool, bytes, 60), *b = eal_frame(pool, bytes, 1000),
			*c = eal_frame(pool, bytes, 2000);
	capture_write(writer, a, 1700000000123456);
	capture_write(writer, b, 1700000000123457);
	assert_int_equal(rte_pktmbuf_chain(c, b), 0);
	capture_write(writer, c, 1700000001000000);
	assert_int_equal(capture_finish(writer), 0);
	rte_pktmbuf_free(a);
	rte_pktmbuf_free(c);
}

static size_t read_file(uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length;

	assert_non_null(file);
	length = fread(bytes, 1, size, file);
	fclose(file);
	return length;
}

static void write_file(const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void test_round_trip(void **state)
{
	struct capture_facts facts;
	uint8_t bytes[8192];
	uint32_t length;
	char why[256];
	(void)state;

	write_capture();
	assert_int_equal(capture_scan(path, &facts, why, sizeof(why)), 0);
	assert_int_equal(facts.frames, 3);
	assert_int_equal(facts.first_us, 1700000000123456);
	assert_false(facts.cut);
	assert_int_equal(read_file(bytes, sizeof(bytes)), 24 + 3 * 16 + 60 + 1000 + 3000);
	memcpy(&length, bytes + 24 + 16 + 60 + 16 + 1000 + 8, sizeof(length));
	assert_int_equal(length, 3000);
	/* the second segment follows the first */
	assert_int_equal(bytes[24 + 3 * 16 + 60 + 1000 + 2000 + 255], 255);
}

/* Cut at every byte: the whole frames before the cut are there, and it is told. */
static void test_cut(void **state)
{
	uint8_t bytes[8192];
	size_t size;
	(void)state;

	write_capture();
	size = read_file(bytes, sizeof(bytes));
	for (size_t cut = 24; cut < size; cut += cut < 200 ? 1 : 97) {
		struct capture_facts facts;
		char why[256];
		uint64_t whole = (cut >= 24 + 76) + (cut >= 24 + 76 + 1016);

		write_file(bytes, cut);
		assert_int_equal(capture_scan(path, &facts, why, sizeof(why)), 0);
		assert_int_equal(facts.frames, whole);
		assert_int_equal(facts.cut, cut != 24 && cut != 24 + 76 && cut != 24 + 76 + 1016);
	}
	for (size_t cut = 0; cut < 24; cut++) {
		struct capture_facts facts;
		char why[256] = "";

		write_file(bytes, cut);
		assert_true(capture_scan(path, &facts, why, sizeof(why)) < 0);
		assert_true(strlen(why) > 0);
	}
}

static void test_refused(void **state)
{
	struct capture_facts facts;
	uint8_t bytes[8192];
	char why[256];
	size_t size;
	(void)state;

	write_capture();
	size = read_file(bytes, sizeof(bytes));
	bytes[20] = 101; /* raw IP */
	write_file(bytes, size);
	assert_true(capture_scan(path, &facts, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "RAW"));
	assert_true(capture_scan("/nonexistent", &facts, why, sizeof(why)) < 0);
	assert_null(capture_create("/nonexistent/x", why, sizeof(why)));
}

/* ---- --assign ---- */

static struct policy policy_with(const char *strings, struct bh_segment *segments, uint16_t *ids)
{
	struct policy p = { .segment_ids = ids };

	p.image.STRINGS_ = strings;
	p.image.SEGMENTS_ = segments;
	p.image.SEGMENTS_count = 3;
	return p;
}

static void test_assign(void **state)
{
	static const char strings[] = "\0web\0app\0app";
	struct bh_segment segments[3] = { { .name = 1 }, { .name = 5 }, { .name = 9 } };
	uint16_t ids[3] = { 11, 12, 13 };
	const struct policy p = policy_with(strings, segments, ids);
	struct assignment *a = assignment_new();
	static const char *const bad[] = {
		"",           "10.0.0.0/8",     "10.0.0.0/33=web", "10.0.0.0/-1=web",
		"10.0/8=web", "10.0.0.0/x=web", "10.0.0.0/=web",   "::/129=web",
		"=web",       "10.0.0.0/8=",    "10.0.0.0/8=none", "10.0.0.0/8=app"
	};
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff, 10, 1, 2, 3 };
	char why[192];
	(void)state;

	assert_non_null(a);
	for (unsigned int i = 0; i < RTE_DIM(bad); i++)
		if (assign_add(a, &p, bad[i], why, sizeof(why)) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(assignment_find(a, address), SEGMENT_NONE);
	segments[1].name = 1;
	segments[0].name = 5;
	segments[2].name = 0;
	assert_int_equal(assign_add(a, &p, "10.0.0.0/8=app", why, sizeof(why)), 0);
	assert_int_equal(assign_add(a, &p, "10.1.2.3=web", why, sizeof(why)), 0);
	assert_int_equal(assign_add(a, &p, "2001:db8::/32=web", why, sizeof(why)), 0);
	assert_int_equal(assignment_find(a, address), 12);
	address[15] = 4;
	assert_int_equal(assignment_find(a, address), 11);
	inet_pton(AF_INET6, "2001:db8:1::1", address);
	assert_int_equal(assignment_find(a, address), 12);
	inet_pton(AF_INET6, "2001:db9::1", address);
	assert_int_equal(assignment_find(a, address), SEGMENT_NONE);
	assignment_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_assign),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
