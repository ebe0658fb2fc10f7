/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/probe.c dataplane/siphash.c dataplane/fault.c */
/* The signature, the frame that carries it, and faults on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fault.h"
#include "probe.h"

static const uint8_t key[SIPHASH_KEY] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

/* openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16 SIPHASH, and the authors' vectors_128 */
static void signatures_are_the_published_ones(void **state)
{
	static const struct {
		size_t length;
		uint8_t expected[SIPHASH_SIZE];
	} vectors[] = {
		{ 0,
		  { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
		    0x93 } },
		{ 1,
		  { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
		    0x45 } },
		{ 7,
		  { 0xa1, 0xf1, 0xeb, 0xbe, 0xd8, 0xdb, 0xc1, 0x53, 0xc0, 0xb8, 0x4a, 0xa6, 0x1f, 0xf0, 0x82,
		    0x39 } },
		{ 8,
		  { 0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3, 0x14, 0x97,
		    0xb4 } },
		{ 15,
		  { 0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3,
		    0xd9 } },
		{ 63,
		  { 0x51, 0x50, 0xd1, 0x77, 0x2f, 0x50, 0x83, 0x4a, 0x50, 0x3e, 0x06, 0x9a, 0x97, 0x3f, 0xbd,
		    0x7c } },
	};
	uint8_t data[64], result[SIPHASH_SIZE];

	(void)state;
	for (uint8_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		siphash(key, data, vectors[i].length, result);
		assert_memory_equal(result, vectors[i].expected, sizeof(result));
	}
}

static const struct probe sample = {
	.group = 1, .appliance = 2, .boot = 3, .round = 4, .sent_us = 5, .segment = UINT64_MAX
};
static uint8_t frame[PROBE_FRAME];

static enum probe_verdict read_frame(uint32_t length, uint64_t group, struct probe *probe)
{
	return probe_read(frame + 14, length, group, key, probe);
}

static int write_sample(void **state)
{
	static const uint8_t source[6] = { 2, 0, 0, 0, 0, 1 };

	(void)state;
	probe_write(&sample, key, source, frame);
	return 0;
}

static void what_is_written_is_read(void **state)
{
	struct probe probe;

	(void)state;
	assert_int_equal(frame[0] & 3, 3); /* a group, locally administered */
	assert_int_equal(frame[12] << 8 | frame[13], PROBE_ETHERTYPE);
	assert_int_equal(read_frame(PROBE_SIZE, 1, &probe), PROBE_OURS);
	assert_memory_equal(&probe, &sample, sizeof(probe));
	assert_int_equal(read_frame(PROBE_SIZE, 7, &probe), PROBE_FOREIGN_GROUP);
	/* padding of whatever carried it */
	assert_int_equal(read_frame(PROBE_SIZE, 1, &probe), PROBE_OURS);
}

static void no_bit_can_be_changed(void **state)
{
	struct probe probe;

	(void)state;
	for (unsigned int bit = 0; bit < PROBE_SIZE * 8; bit++) {
		frame[14 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(read_frame(PROBE_SIZE, 1, &probe), PROBE_OURS);
		frame[14 + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(read_frame(PROBE_SIZE, 1, &probe), PROBE_OURS);
}

static void every_truncation_is_refused(void **state)
{
	struct probe probe;

	(void)state;
	for (uint32_t length = 0; length < PROBE_SIZE; length++)
		assert_int_equal(read_frame(length, 1, &probe), length < 8 ? PROBE_NONE : PROBE_FORGED);
	memcpy(frame + 14, "other", 5);
	assert_int_equal(read_frame(PROBE_SIZE, 1, &probe), PROBE_NONE);
}

static void names_differ(void **state)
{
	(void)state;
	assert_true(probe_name("a", "b") == probe_name("a", "b"));
	assert_true(probe_name("a", "b") != probe_name("ab", ""));
	assert_true(probe_name("a", "b") != probe_name("b", "a"));
}

static void faults_come_every_so_often(void **state)
{
	(void)state;
	assert_false(fault(FAULT_FLOW));
	assert_int_equal(fault_arm("flow=3,copy=1"), 0);
	assert_true(fault(FAULT_COPY) && fault(FAULT_COPY));
	for (unsigned int i = 1; i <= 9; i++)
		assert_int_equal(fault(FAULT_FLOW), i % 3 == 0);
	assert_false(fault(FAULT_EVENT));
	static const char *const bad[] = { "flow",   "flow=",   "flow=0", "flow=-1",         "flow=x",
					   "flaw=1", "flow=1;", "=1",     "flow=4294967296", "flow=1,copy" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(fault_arm(bad[i]), -EINVAL);
	assert_true(fault(FAULT_COPY)); /* a wrong list changes nothing */
	assert_int_equal(fault_arm(NULL), 0);
	assert_false(fault(FAULT_COPY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_the_published_ones),
		cmocka_unit_test_setup(what_is_written_is_read, write_sample),
		cmocka_unit_test_setup(no_bit_can_be_changed, write_sample),
		cmocka_unit_test_setup(every_truncation_is_refused, write_sample),
		cmocka_unit_test(names_differ),
		cmocka_unit_test(faults_come_every_so_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
