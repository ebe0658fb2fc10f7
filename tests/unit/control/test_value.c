/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/value.c control/problem.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "value.h"

static void durations(void **state)
{
	static const struct {
		const char *text;
		int status;
		uint64_t us;
	} cases[] = { { "60s", 0, 60000000 },
		      { "1h", 0, 3600000000 },
		      { "10ms", 0, 10000 },
		      { "2m", 0, 120000000 },
		      { "1d", 0, 86400000000 },
		      { "50us", 0, 50 },
		      { "0", 0, 0 },
		      { "5 s", 0, 5000000 },
		      { "60", -EINVAL, 0 },
		      { "", -EINVAL, 0 },
		      { "s", -EINVAL, 0 },
		      { "1w", -EINVAL, 0 },
		      { "-1s", -EINVAL, 0 },
		      { "1.5s", -EINVAL, 0 },
		      { "60s ", -EINVAL, 0 },
		      { "367d", -ERANGE, 0 },
		      { "99999999999999999999s", -ERANGE, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t us = 0;

		assert_int_equal(value_duration(cases[i].text, &us), cases[i].status);
		if (!cases[i].status)
			assert_int_equal(us, cases[i].us);
	}
}

static void sizes_and_rates(void **state)
{
	uint32_t percent;
	uint64_t value;

	(void)state;
	assert_int_equal(value_size("64 KiB", &value), 0);
	assert_int_equal(value, 65536);
	assert_int_equal(value_size("1GiB", &value), 0);
	assert_int_equal(value, 1u << 30);
	assert_int_equal(value_size("4096", &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(value_size("64 KB", &value), -EINVAL);
	assert_int_equal(value_size("18446744073709551615 TiB", &value), -ERANGE);
	assert_int_equal(value_bit_rate("10 Mbit/s", &value), 0);
	assert_int_equal(value, 10000000);
	assert_int_equal(value_bit_rate("10 MB/s", &value), -EINVAL);
	assert_int_equal(value_rate("50k/s", &value), 0);
	assert_int_equal(value, 50000);
	assert_int_equal(value_rate("50k", &value), -EINVAL);
	assert_int_equal(value_percent("50%", &percent), 0);
	assert_int_equal(percent, 5000);
	assert_int_equal(value_percent("12.5%", &percent), 0);
	assert_int_equal(percent, 1250);
	assert_int_equal(value_percent("0%", &percent), -ERANGE);
	assert_int_equal(value_percent("100.01%", &percent), -ERANGE);
	assert_int_equal(value_percent("0.001%", &percent), -ERANGE);
	assert_int_equal(value_percent("50", &percent), -EINVAL);
}

static void ports_vlans_macs(void **state)
{
	static const uint8_t mac_wanted[6] = { 0, 0x50, 0x56, 0xaa, 0, 0x31 };
	uint16_t first, last, vlan, type;
	uint8_t mac[6];

	(void)state;
	assert_int_equal(value_ports("8000-8100", &first, &last), 0);
	assert_int_equal(first, 8000);
	assert_int_equal(last, 8100);
	assert_int_equal(value_ports("80", &first, &last), 0);
	assert_int_equal(last, 80);
	assert_int_equal(value_ports("65536", &first, &last), -ERANGE);
	assert_int_equal(value_ports("9-8", &first, &last), -ERANGE);
	assert_int_equal(value_ports("9-", &first, &last), -EINVAL);
	assert_int_equal(value_ports("http", &first, &last), -EINVAL);
	assert_int_equal(value_vlan("4094", &vlan), 0);
	assert_int_equal(vlan, 4094);
	assert_int_equal(value_vlan("untagged", &vlan), 0);
	assert_int_equal(vlan, BH_VLAN_UNTAGGED);
	assert_int_equal(value_vlan("0", &vlan), -ERANGE);
	assert_int_equal(value_vlan("4095", &vlan), -ERANGE);
	assert_int_equal(value_mac("00:50:56:AA:00:31", mac), 0);
	assert_memory_equal(mac, mac_wanted, 6);
	assert_int_equal(value_mac("00-50-56-aa-00-31", mac), 0);
	assert_int_equal(value_mac("00:50-56:aa:00:31", mac), -EINVAL);
	assert_int_equal(value_mac("00:50:56:aa:00", mac), -EINVAL);
	assert_int_equal(value_mac("00:50:56:aa:00:31:", mac), -EINVAL);
	assert_int_equal(value_mac("", mac), -EINVAL);
	assert_int_equal(value_ethertype("0x88cc", &type), 0);
	assert_int_equal(type, 0x88cc);
	assert_int_equal(value_ethertype("0x05ff", &type), -ERANGE);
	assert_int_equal(value_ethertype("0x10000", &type), -ERANGE);
	assert_int_equal(value_ethertype("88cc", &type), -EINVAL);
	assert_int_equal(value_ethertype("0x", &type), -EINVAL);
}

static void check_range(const char *text, const char *first, const char *last)
{
	struct address_range ranges[2];
	uint8_t address[16];
	uint32_t count;
	const char *why;

	assert_int_equal(value_addresses(text, ranges, &count, &why), 0);
	assert_int_equal(count, 1);
	assert_int_equal(value_address(first, address), 0);
	assert_memory_equal(ranges->first, address, 16);
	assert_int_equal(value_address(last, address), 0);
	assert_memory_equal(ranges->last, address, 16);
}

static void addresses(void **state)
{
	static const char *const bad[] = { "",           "10.0.0.256", "10.0.0",         "010.0.0.1",
					   "10.0.0.1/8", "10.0.0.0/",  "10.0.0.0/33",    "10.0.0.0/-1",
					   "::/129",     "1.2.3.4-",   "-1.2.3.4",       "1.2.3.4-1.2.3.3",
					   "1.2.3.4-::", "fe80::1%1",  "::ffff:1.2.3.4", "10.0.0.0/8/8" };
	struct address_range ranges[2];
	uint32_t count;
	const char *why;

	(void)state;
	check_range("10.0.0.1", "10.0.0.1", "10.0.0.1");
	check_range("10.20.0.0/23", "10.20.0.0", "10.20.1.255");
	check_range("0.0.0.0/0", "0.0.0.0", "255.255.255.255");
	check_range("10.0.0.255/32", "10.0.0.255", "10.0.0.255");
	check_range("10.21.0.10-10.21.0.20", "10.21.0.10", "10.21.0.20");
	check_range("2001:db8::/33", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff");
	check_range("2001:db8::1-2001:db8::ff", "2001:db8::1", "2001:db8::ff");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(value_addresses(bad[i], ranges, &count, &why), -EINVAL);
}

/* All of IPv6 must not hold the numbers by which IPv4 is represented. */
static void all_of_ipv6(void **state)
{
	struct address_range ranges[2];
	uint8_t v4[16];
	uint32_t count;
	const char *why;

	(void)state;
	assert_int_equal(value_addresses("::/0", ranges, &count, &why), 0);
	assert_int_equal(count, 2);
	assert_int_equal(value_address("0.0.0.0", v4), 0);
	assert_true(memcmp(ranges[0].last, v4, 16) < 0);
	assert_int_equal(value_address("255.255.255.255", v4), 0);
	assert_true(memcmp(ranges[1].first, v4, 16) > 0);
	assert_int_equal(ranges[1].last[0], 0xff);
}

static void clocks(void **state)
{
	uint16_t from, to;

	(void)state;
	assert_int_equal(value_clock_range("07:00-19:30", &from, &to), 0);
	assert_int_equal(from, 420);
	assert_int_equal(to, 1170);
	assert_int_equal(value_clock_range("22:00-24:00", &from, &to), 0);
	assert_int_equal(to, 0);
	assert_int_equal(value_clock_range("7:00-19:00", &from, &to), -EINVAL);
	assert_int_equal(value_clock_range("07:60-19:00", &from, &to), -ERANGE);
	assert_int_equal(value_clock_range("07:00-24:01", &from, &to), -ERANGE);
	assert_int_equal(value_clock_range("07:00", &from, &to), -EINVAL);
	assert_int_equal(value_clock_range("07:00-19:00x", &from, &to), -EINVAL);
}

static void times(void **state)
{
	static const char *const bad[] = { "2026-11-22",
					   "2026-11-22T10:00",
					   "2026-02-30T10:00Z",
					   "2026-13-01T10:00Z",
					   "2026-11-22T24:00Z",
					   "2026-11-22T10:00:61Z",
					   "1969-01-01T00:00Z",
					   "2026-11-22T10:00+1:00",
					   "2026-11-22T10:00Zx",
					   "",
					   "2026-11-22T10:00+15:00" };
	int64_t seconds;

	(void)state;
	assert_int_equal(value_time("2026-11-22T10:00Z", &seconds), 0);
	assert_int_equal(seconds, 1795341600);
	assert_int_equal(value_time("2026-11-22T10:00:01Z", &seconds), 0);
	assert_int_equal(seconds, 1795341601);
	assert_int_equal(value_time("2026-11-22T10:00+01:30", &seconds), 0);
	assert_int_equal(seconds, 1795341600 - 5400);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(value_time(bad[i], &seconds), 0);
}

static void names(void **state)
{
	char long_name[BH_NAME_MAX + 2];

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	long_name[BH_NAME_MAX + 1] = '\0';
	assert_false(value_is_name(long_name, false));
	long_name[BH_NAME_MAX] = '\0';
	assert_true(value_is_name(long_name, false));
	assert_true(value_is_name("web-1.a_b", false));
	assert_true(value_is_name("büro", false));
	assert_false(value_is_name("a b", false));
	assert_true(value_is_name("a b (c)", true));
	assert_false(value_is_name("a ", true));
	assert_false(value_is_name("-a", false));
	assert_false(value_is_name("!a", true));
	assert_false(value_is_name("a@b", true));
	assert_false(value_is_name("a\nb", true));
	assert_false(value_is_name("", true));
}

static void nearest(void **state)
{
	static const char *const words[] = { "application", "service", "to", "from", "schedule" };

	(void)state;
	assert_int_equal(value_icmp_type("echo-request", false), 8);
	assert_int_equal(value_icmp_type("echo-request", true), 128);
	assert_int_equal(value_icmp_type("echo", true), -ENOENT);
	assert_string_equal(nearest_name("form", words, 5), "from");
	assert_string_equal(nearest_name("APLICATION", words, 5), "application");
	assert_string_equal(nearest_name("shedule", words, 5), "schedule");
	assert_null(nearest_name("xyzzy", words, 5));
	assert_null(nearest_name("", words, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes_and_rates),
		cmocka_unit_test(ports_vlans_macs),
		cmocka_unit_test(addresses),
		cmocka_unit_test(all_of_ipv6),
		cmocka_unit_test(clocks),
		cmocka_unit_test(times),
		cmocka_unit_test(names),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
