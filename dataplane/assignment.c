/* SPDX-License-Identifier: BSD-3-Clause */
/* replay --assign: a short list, longest prefix first. Replay does not live by its speed, so it is a list. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "segment.h"

struct prefix {
	uint8_t address[16], mask[16];
	uint8_t length;
	uint16_t segment;
};

struct assignment {
	struct prefix *prefixes;
	uint32_t count, room;
};

struct assignment *assignment_new(void)
{
	return calloc(1, sizeof(struct assignment));
}

void assignment_free(struct assignment *a)
{
	if (!a)
		return;
	free(a->prefixes);
	free(a);
}

static struct prefix prefix_of(const uint8_t address[16], uint8_t length, uint16_t segment)
{
	struct prefix p = { .length = length, .segment = segment };

	for (uint8_t i = 0; i < 16; i++) {
		int bits = length - 8 * i;
		p.mask[i] = bits >= 8 ? 0xff : bits <= 0 ? 0 : (uint8_t)(0xff << (8 - bits));
		p.address[i] = address[i] & p.mask[i];
	}
	return p;
}

static bool covers(const struct prefix *p, const uint8_t address[16])
{
	for (uint8_t i = 0; i < 16; i++)
		if ((address[i] & p->mask[i]) != p->address[i])
			return false;
	return true;
}

int assignment_add(struct assignment *a, const uint8_t address[16], uint8_t prefix, uint16_t segment)
{
	if (prefix > 128 || segment == SEGMENT_NONE || segment == SEGMENT_FLOOD)
		return -EINVAL;
	struct prefix new = prefix_of(address, prefix, segment);
	uint32_t at = 0;
	for (; at < a->count && a->prefixes[at].length >= prefix; at++) {
		const struct prefix *old = &a->prefixes[at];
		if (old->length == prefix && covers(old, new.address))
			return old->segment == segment ? 0 : -EINVAL;
	}
	if (a->count == a->room) {
		uint32_t room = a->room ? a->room * 2 : 16;
		struct prefix *grown = realloc(a->prefixes, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		a->prefixes = grown;
		a->room = room;
	}
	memmove(&a->prefixes[at + 1], &a->prefixes[at], (a->count - at) * sizeof(new));
	a->prefixes[at] = new;
	a->count++;
	return 0;
}

uint16_t assignment_find(const struct assignment *a, const uint8_t address[16])
{
	for (uint32_t i = 0; i < a->count; i++)
		if (covers(&a->prefixes[i], address))
			return a->prefixes[i].segment;
	return SEGMENT_NONE;
}
