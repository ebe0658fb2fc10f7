/* SPDX-License-Identifier: BSD-3-Clause */
#include "assign.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ADDRESS or ADDRESS/LENGTH; IPv4 becomes mapped, its length + 96. */
static bool parse_prefix(const char *text, uint8_t address[16], uint8_t *length)
{
	char copy[INET6_ADDRSTRLEN + 8], *slash, *end;
	unsigned long most = 128, offset = 0, bits;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return false;
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, copy, address + 12) == 1) {
		memset(address, 0, 10);
		memset(address + 10, 0xff, 2);
		most = 32;
		offset = 96;
	} else if (inet_pton(AF_INET6, copy, address) != 1) {
		return false;
	}
	bits = slash ? strtoul(slash, &end, 10) : most;
	if (slash && (end == slash || *end || *slash == '-' || *slash == '+'))
		return false;
	*length = (uint8_t)(bits + offset);
	return bits <= most;
}

/* Stable id of a segment by its name. -ENOENT: there is none, -EEXIST: in more than one network */
static int find_segment(const struct policy *policy, const char *name)
{
	int found = -ENOENT;

	for (uint64_t i = 0; i < policy->image.SEGMENTS_count; i++)
		if (strcmp(bh_string(&policy->image, policy->image.SEGMENTS_[i].name), name) == 0) {
			if (found >= 0)
				return -EEXIST;
			found = policy->segment_ids[i];
		}
	return found;
}

int assign_add(struct assignment *a, const struct policy *policy, const char *text, char *why,
	       size_t why_size)
{
	const char *equals = strrchr(text, '=');
	char prefix[INET6_ADDRSTRLEN + 8];
	uint8_t address[16], length;
	int segment, error;

	if (!equals || equals - text >= (int)sizeof(prefix)) {
		snprintf(why, why_size, "`%s': expected PREFIX=SEGMENT", text);
		return -EINVAL;
	}
	snprintf(prefix, sizeof(prefix), "%.*s", (int)(equals - text), text);
	if (!parse_prefix(prefix, address, &length)) {
		snprintf(why, why_size, "`%s' is not an IP address or prefix", prefix);
		return -EINVAL;
	}
	segment = find_segment(policy, equals + 1);
	if (segment < 0) {
		snprintf(why, why_size, "the policy has %s `%s'",
			 segment == -EEXIST ? "more than one segment" : "no segment", equals + 1);
		return segment;
	}
	error = assignment_add(a, address, length, (uint16_t)segment);
	if (error)
		snprintf(why, why_size, "`%s': %s", text, strerror(-error));
	return error;
}
