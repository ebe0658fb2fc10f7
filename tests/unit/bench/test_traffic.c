/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bench sends, and how it counts latencies. needs: tests/bench/traffic.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/histogram.h"
#include "tests/bench/traffic.h"

#define ETHERNET 18

static struct traffic traffic_of(int argc, const char **argv)
{
	struct traffic t;

	assert_null(traffic_read(&t, &argc, argv));
	assert_int_equal(argc, 1);
	return t;
}

#define TRAFFIC(...)                                                                                         \
	traffic_of(sizeof((const char *[]){ "x", __VA_ARGS__ }) / sizeof(char *),                            \
		   (const char *[]){ "x", __VA_ARGS__ })

static uint32_t sum_of(const uint8_t *at, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Header and, with the pseudo-header, what it carries: each sums to the zero of ones' complement. */
static void check_ip4(const uint8_t *frame, uint16_t length)
{
	const uint8_t *ip = frame + ETHERNET;
	uint8_t whole[TRAFFIC_FRAME_MAX + 12] = { 0 };
	uint16_t total = (uint16_t)(ip[2] << 8 | ip[3]), payload = (uint16_t)(total - 20);

	assert_in_range(total, 28, length - ETHERNET);
	assert_int_equal(sum_of(ip, 20), 0xffff);
	memcpy(whole, ip + 12, 8);
	whole[9] = ip[9];
	whole[10] = (uint8_t)(payload >> 8);
	whole[11] = (uint8_t)payload;
	memcpy(whole + 12, ip + 20, payload);
	assert_int_equal(sum_of(whole, payload + 12u), 0xffff);
}

static void test_checksums(void **state)
{
	const struct traffic list[] = {
		TRAFFIC("established", "--flows", "100"),
		TRAFFIC("established", "--flows", "100", "--tcp"),
		TRAFFIC("established", "--size", "9000"),
		TRAFFIC("new"),
		TRAFFIC("mixed", "--flows", "100"),
		TRAFFIC("denied"),
		TRAFFIC("unknown"),
		TRAFFIC("pending", "--size", "128"),
	};
	uint8_t frame[TRAFFIC_FRAME_MAX];

	(void)state;
	for (size_t k = 0; k < sizeof(list) / sizeof(list[0]); k++)
		for (uint64_t i = 0; i < 3000; i++) {
			uint16_t length = traffic_frame(&list[k], i, frame);

			check_ip4(frame, length);
		}
}

/* Both fragments together are the datagram whose checksum the first one has. */
static void test_fragments(void **state)
{
	const struct traffic t = TRAFFIC("fragments", "--flows", "10", "--size", "256");
	uint8_t first[TRAFFIC_FRAME_MAX], second[TRAFFIC_FRAME_MAX], whole[TRAFFIC_FRAME_MAX];

	(void)state;
	for (uint64_t i = 0; i < 200; i += 2) {
		uint16_t a = traffic_frame(&t, i, first), b = traffic_frame(&t, i + 1, second);
		uint16_t head = (uint16_t)(a - ETHERNET - 20), tail = (uint16_t)(b - ETHERNET - 20);
		uint8_t *ip = whole + ETHERNET;

		assert_memory_equal(first + ETHERNET + 4, second + ETHERNET + 4, 2);
		assert_int_equal(first[ETHERNET + 6], 0x20);
		assert_int_equal((second[ETHERNET + 6] << 8 | second[ETHERNET + 7]) * 8, head);
		memcpy(whole, first, a);
		memcpy(whole + a, second + ETHERNET + 20, tail);
		/* one header for both */
		ip[2] = (uint8_t)((20 + head + tail) >> 8);
		ip[3] = (uint8_t)(20 + head + tail);
		ip[6] = ip[10] = ip[11] = 0;
		uint16_t sum = (uint16_t)~sum_of(ip, 20);
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
		check_ip4(whole, (uint16_t)(a + tail));
	}
}

/* Every flow once in each direction, and the same bytes when the loop begins again. */
static void test_loop(void **state)
{
	const struct traffic t = TRAFFIC("established", "--flows", "1000");
	uint8_t frame[TRAFFIC_FRAME_MAX], again[TRAFFIC_FRAME_MAX];
	uint8_t seen[2][1000] = { 0 };

	(void)state;
	assert_int_equal(traffic_loop(&t), 2000);
	for (uint64_t i = 0; i < 2000; i++) {
		uint16_t length = traffic_frame(&t, i, frame);
		int reply = frame[15] == 102;
		/* hosts by the addresses' last bytes, client first */
		unsigned int client = frame[ETHERNET + (reply ? 19 : 15)],
			     server = frame[ETHERNET + (reply ? 15 : 19)];

		seen[reply][client - 1 + 250 * (server - 1)]++;
		assert_int_equal(traffic_frame(&t, i + 2000, again), length);
		assert_memory_equal(frame, again, length);
	}
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(seen[0][i], 1);
		assert_int_equal(seen[1][i], 1);
	}
}

/* Shares are a partition, and a flow is of one. */
static void test_shares(void **state)
{
	const struct traffic a = TRAFFIC("established", "--share", "0/2"),
			     b = TRAFFIC("established", "--share", "1/2");
	unsigned int first = 0;

	(void)state;
	for (uint64_t i = 0; i < traffic_loop(&a); i++) {
		assert_int_not_equal(traffic_shared(&a, i), traffic_shared(&b, i));
		first += traffic_shared(&a, i);
	}
	assert_in_range(first, 900, 1100);
}

static void test_stamps(void **state)
{
	const struct traffic t = TRAFFIC("established");
	uint8_t frame[TRAFFIC_FRAME_MAX];
	uint16_t length = traffic_frame(&t, 7, frame);
	uint32_t stamp;

	(void)state;
	assert_false(traffic_stamped(frame, length, &stamp));
	traffic_stamp(frame, length, 0xdeadbeefu);
	assert_true(traffic_stamped(frame, length, &stamp));
	assert_int_equal(stamp, 0xdeadbeefu);
	check_ip4(frame, length);
}

static const char *read_words(const char *const *words, int argc, int *left)
{
	const char *list[8];
	struct traffic t;

	*left = argc;
	memcpy(list, words, (size_t)argc * sizeof(*words));
	return traffic_read(&t, left, list);
}

/* What it does not know is left to the caller; what it knows must be right. */
static void test_words(void **state)
{
	int left;

	(void)state;
	assert_null(read_words((const char *[]){ "x", "--out", "new", "file" }, 4, &left));
	assert_int_equal(left, 3);
	assert_non_null(read_words((const char *[]){ "x", "--ipv6" }, 2, &left));
	assert_non_null(read_words((const char *[]){ "x", "new", "--size", "63" }, 4, &left));
	assert_non_null(read_words((const char *[]){ "x", "new", "--flows", "1k" }, 4, &left));
	assert_non_null(read_words((const char *[]){ "x", "new", "--share", "2/2" }, 4, &left));
	assert_non_null(read_words((const char *[]){ "x", "new", "--tcp" }, 3, &left));
}

static void test_histogram(void **state)
{
	static struct histogram h;

	(void)state;
	for (uint32_t ns = 1; ns <= 100000; ns++)
		histogram_add(&h, ns);
	histogram_add(&h, UINT32_MAX);
	assert_int_equal(h.count, 100001);
	assert_int_equal(h.greatest, UINT32_MAX);
	assert_in_range(histogram_quantile(&h, 0.5), 49000, 50001);
	assert_in_range(histogram_quantile(&h, 0.99), 97400, 99001);
	assert_int_equal(histogram_quantile(&h, 0.001), 101);
	assert_true(histogram_quantile(&h, 1) > 4000000000u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums), cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_loop),      cmocka_unit_test(test_shares),
		cmocka_unit_test(test_stamps),    cmocka_unit_test(test_words),
		cmocka_unit_test(test_histogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
