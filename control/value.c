/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "value.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The digits at *text, which is moved behind them. */
static int read_digits(const char **text, uint64_t *value)
{
	const char *at = *text;
	int status = 0;

	if (!is_digit(*at))
		return -EINVAL;
	for (*value = 0; is_digit(*at); at++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
			status = -ERANGE;
	*text = at;
	return status;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits, blanks if the unit may stand apart, a unit. */
static int read_with_unit(const char *text, const struct unit *units, size_t count, bool apart,
			  uint64_t *value)
{
	int status = read_digits(&text, value);

	if (status == -EINVAL)
		return status;
	while (apart && *text == ' ')
		text++;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, units[i].name))
			continue;
		if (__builtin_mul_overflow(*value, units[i].factor, value))
			status = -ERANGE;
		return status;
	}
	return -EINVAL;
}

int value_unsigned(const char *text, uint64_t *value)
{
	int status = read_digits(&text, value);

	return *text ? -EINVAL : status;
}

int value_duration(const char *text, uint64_t *us)
{
	static const struct unit units[] = { { "us", 1 },       { "ms", 1000 },      { "s", 1000000 },
					     { "m", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 } };
	int status = read_with_unit(text, units, sizeof(units) / sizeof(*units), true, us);

	if (!strcmp(text, "0")) {
		*us = 0;
		return 0;
	}
	return !status && *us > 366 * 86400000000 ? -ERANGE : status;
}

int value_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = { { "", 1 },
					     { "B", 1 },
					     { "KiB", 1ull << 10 },
					     { "MiB", 1ull << 20 },
					     { "GiB", 1ull << 30 },
					     { "TiB", 1ull << 40 } };

	return read_with_unit(text, units, sizeof(units) / sizeof(*units), true, bytes);
}

int value_bit_rate(const char *text, uint64_t *bits)
{
	static const struct unit units[] = {
		{ "bit/s", 1 }, { "kbit/s", 1000 }, { "Mbit/s", 1000000 }, { "Gbit/s", 1000000000 }
	};

	return read_with_unit(text, units, sizeof(units) / sizeof(*units), true, bits);
}

int value_rate(const char *text, uint64_t *per_second)
{
	static const struct unit units[] = { { "/s", 1 }, { "k/s", 1000 }, { "M/s", 1000000 } };

	return read_with_unit(text, units, sizeof(units) / sizeof(*units), true, per_second);
}

int value_percent(const char *text, uint32_t *hundredths)
{
	uint64_t whole, part = 0;

	if (read_digits(&text, &whole))
		return -EINVAL;
	if (*text == '.') {
		text++;
		for (uint32_t weight = 10; is_digit(*text); text++, weight /= 10) {
			if (!weight && *text != '0')
				return -ERANGE;
			part += weight * (uint32_t)(*text - '0');
		}
	}
	if (strcmp(text, "%"))
		return -EINVAL;
	if (whole > 100 || whole * 100 + part > 10000 || whole * 100 + part == 0)
		return -ERANGE;
	*hundredths = (uint32_t)(whole * 100 + part);
	return 0;
}

int value_ports(const char *text, uint16_t *first, uint16_t *last)
{
	uint64_t from, to;
	int status = read_digits(&text, &from);

	if (status == -EINVAL)
		return status;
	to = from;
	if (*text == '-') {
		text++;
		if (read_digits(&text, &to) == -EINVAL)
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	if (status || from > UINT16_MAX || to > UINT16_MAX || from > to)
		return -ERANGE;
	*first = (uint16_t)from;
	*last = (uint16_t)to;
	return 0;
}

int value_vlan(const char *text, uint16_t *vlan)
{
	uint64_t number;
	int status;

	if (!strcmp(text, "untagged")) {
		*vlan = BH_VLAN_UNTAGGED;
		return 0;
	}
	status = value_unsigned(text, &number);
	if (!status && (number < 1 || number > 4094))
		status = -ERANGE;
	if (!status)
		*vlan = (uint16_t)number;
	return status;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int value_mac(const char *text, uint8_t mac[6])
{
	char separator = '\0';

	for (int i = 0; i < 6; i++, text += 2) {
		if (i == 1)
			separator = *text;
		if (i && (*text++ != separator || (separator != ':' && separator != '-')))
			return -EINVAL;
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
			return -EINVAL;
		mac[i] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	}
	return *text ? -EINVAL : 0;
}

int value_ethertype(const char *text, uint16_t *type)
{
	uint32_t value = 0;

	if (strncmp(text, "0x", 2) || !text[2])
		return -EINVAL;
	for (text += 2; *text; text++) {
		if (hex_digit(*text) < 0)
			return -EINVAL;
		value = value << 4 | (uint32_t)hex_digit(*text);
		if (value > UINT16_MAX)
			return -ERANGE;
	}
	if (value < 0x0600)
		return -ERANGE;
	*type = (uint16_t)value;
	return 0;
}

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_mapped(const uint8_t address[16])
{
	return !memcmp(address, mapped_prefix, sizeof(mapped_prefix));
}

int value_address(const char *text, uint8_t address[16])
{
	if (inet_pton(AF_INET, text, address + 12) == 1) {
		memcpy(address, mapped_prefix, sizeof(mapped_prefix));
		return 0;
	}
	/* the IPv4-mapped form of IPv6 never is on a wire: whoever writes it means IPv4 */
	return inet_pton(AF_INET6, text, address) == 1 && !is_mapped(address) ? 0 : -EINVAL;
}

/* The part of text before `end`, as an address. */
static int part_address(const char *text, const char *end, uint8_t address[16])
{
	char part[INET6_ADDRSTRLEN];

	if ((size_t)(end - text) >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, (size_t)(end - text));
	part[end - text] = '\0';
	return value_address(part, address);
}

static int read_prefix(const char *text, const char *slash, struct address_range *range, const char **why)
{
	uint64_t length;

	if (part_address(text, slash, range->first))
		return -EINVAL;
	if (value_unsigned(slash + 1, &length) || length > (is_mapped(range->first) ? 32 : 128)) {
		*why = "the length of a prefix is 0 to 32 for IPv4 and 0 to 128 for IPv6";
		return -EINVAL;
	}
	if (is_mapped(range->first))
		length += 96;
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t bits = length >= (i + 1) * 8 ? 8 : length <= i * 8 ? 0 : (uint32_t)length - i * 8;
		uint8_t host = (uint8_t)(0xffu >> bits);

		if (range->first[i] & host) {
			*why = "there are bits set behind the prefix: write the network's address, or leave "
			       "the length out "
			       "for one machine";
			return -EINVAL;
		}
		range->last[i] = range->first[i] | host;
	}
	return 0;
}

static int read_range(const char *text, const char *dash, struct address_range *range, const char **why)
{
	if (part_address(text, dash, range->first) || value_address(dash + 1, range->last))
		return -EINVAL;
	if (is_mapped(range->first) != is_mapped(range->last))
		*why = "both ends of a range are of one address family";
	else if (memcmp(range->first, range->last, 16) > 0)
		*why = "the first address of the range is above the last";
	else
		return 0;
	return -EINVAL;
}

int value_addresses(const char *text, struct address_range ranges[2], uint32_t *count, const char **why)
{
	static const uint8_t below[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t above[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	const char *slash = strchr(text, '/'), *dash = strchr(text, '-');
	int status;

	*why = NULL;
	*count = 1;
	if (slash) {
		status = read_prefix(text, slash, ranges, why);
	} else if (dash) {
		status = read_range(text, dash, ranges, why);
	} else {
		status = value_address(text, ranges->first);
		memcpy(ranges->last, ranges->first, 16);
	}
	if (status || is_mapped(ranges->first))
		return status;
	if (memcmp(ranges->first, below, 16) <= 0 && memcmp(ranges->last, above, 16) >= 0) {
		memcpy(ranges[1].first, above, 16);
		memcpy(ranges[1].last, ranges->last, 16);
		memcpy(ranges->last, below, 16);
		*count = 2;
	}
	return 0;
}

/* hh:mm at *text, which is moved behind it. */
static int read_clock(const char **text, uint32_t *minutes)
{
	const char *at = *text;

	if (!is_digit(at[0]) || !is_digit(at[1]) || at[2] != ':' || !is_digit(at[3]) || !is_digit(at[4]))
		return -EINVAL;
	*minutes = (uint32_t)(at[0] - '0') * 600 + (uint32_t)(at[1] - '0') * 60 +
		   (uint32_t)(at[3] - '0') * 10 + (uint32_t)(at[4] - '0');
	*text = at + 5;
	return at[3] > '5' || *minutes > 24 * 60 ? -ERANGE : 0;
}

int value_clock_range(const char *text, uint16_t *from, uint16_t *to)
{
	uint32_t minutes[2];

	for (int i = 0; i < 2; i++) {
		int status = i && *text++ != '-' ? -EINVAL : read_clock(&text, &minutes[i]);

		if (status)
			return status;
	}
	*from = (uint16_t)(minutes[0] % 1440);
	*to = (uint16_t)(minutes[1] % 1440);
	return *text ? -EINVAL : 0;
}

static int read_zone(const char *text, int64_t *offset)
{
	uint32_t minutes;
	char sign = *text++;
	int status;

	*offset = 0;
	if (sign == 'Z')
		return *text ? -EINVAL : 0;
	if (sign != '+' && sign != '-')
		return -EINVAL;
	status = read_clock(&text, &minutes);
	if (status || *text)
		return status ? status : -EINVAL;
	*offset = (sign == '-' ? -60 : 60) * (int64_t)minutes;
	return minutes > 14 * 60 ? -ERANGE : 0;
}

int value_time(const char *text, int64_t *seconds)
{
	struct tm tm = { 0 }, normal;
	uint64_t field[3];
	uint32_t minutes;
	int64_t offset;
	int status;

	for (int i = 0; i < 3; i++) {
		if (read_digits(&text, &field[i]) || *text++ != "--T"[i])
			return -EINVAL;
		if (field[i] > 9999)
			return -ERANGE;
	}
	status = read_clock(&text, &minutes);
	if (status)
		return status;
	if (*text == ':') {
		if (!is_digit(text[1]) || !is_digit(text[2]))
			return -EINVAL;
		tm.tm_sec = (text[1] - '0') * 10 + text[2] - '0';
		text += 3;
	}
	status = read_zone(text, &offset);
	if (status)
		return status;
	tm.tm_year = (int)field[0] - 1900;
	tm.tm_mon = (int)field[1] - 1;
	tm.tm_mday = (int)field[2];
	tm.tm_hour = (int)minutes / 60;
	tm.tm_min = (int)minutes % 60;
	normal = tm;
	*seconds = timegm(&normal) - offset;
	/* timegm() makes 2 March of 30 February: such a day is refused */
	if (field[0] < 1970 || normal.tm_mon != tm.tm_mon || normal.tm_mday != tm.tm_mday ||
	    tm.tm_hour > 23 || tm.tm_sec > 59)
		return -ERANGE;
	return 0;
}

/* RFC 792 and the registry of ICMP types */
static const char *const icmp_names[] = {
	"echo-reply",        "destination-unreachable", "source-quench",       "redirect",
	"echo-request",      "router-advertisement",    "router-solicitation", "time-exceeded",
	"parameter-problem", "timestamp-request",       "timestamp-reply"
};
static const uint8_t icmp_numbers[] = { 0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14 };
/* RFC 4443, 4861, 2710, 3810 */
static const char *const icmpv6_names[] = { "destination-unreachable",
					    "packet-too-big",
					    "time-exceeded",
					    "parameter-problem",
					    "echo-request",
					    "echo-reply",
					    "listener-query",
					    "listener-report",
					    "listener-done",
					    "router-solicitation",
					    "router-advertisement",
					    "neighbor-solicitation",
					    "neighbor-advertisement",
					    "redirect",
					    "listener-report-v2" };
static const uint8_t icmpv6_numbers[] = { 1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143 };

const char *const *value_icmp_types(bool v6, uint32_t *count)
{
	*count = v6 ? sizeof(icmpv6_numbers) : sizeof(icmp_numbers);
	return v6 ? icmpv6_names : icmp_names;
}

int value_icmp_type(const char *name, bool v6)
{
	uint32_t count;
	const char *const *names = value_icmp_types(v6, &count);

	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return v6 ? icmpv6_numbers[i] : icmp_numbers[i];
	return -ENOENT;
}

bool value_is_name(const char *text, bool spaces)
{
	size_t length = strlen(text);

	if (length < 1 || length > BH_NAME_MAX || text[length - 1] == ' ')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (is_letter(text[i]) || is_digit(text[i]) || text[i] == '_' || (text[i] & 0x80))
			continue;
		if (!i || !strchr(spaces ? "-. ()/:+,=<>" : "-.", text[i]))
			return false;
	}
	return true;
}
