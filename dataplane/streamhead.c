/* SPDX-License-Identifier: BSD-3-Clause */
#include "streamhead.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "arena.h"

#define NOT_BEGUN UINT16_MAX /* of left[] */

/* Bytes of one direction from heads->from on. */
struct stream_part {
	struct stream_part *next;
	uint16_t room; /* bytes, a multiple of 8 */
	uint16_t end;  /* none is known from here on */
	uint8_t direction;
	uint8_t bytes[]; /* `room`, then a bit for each that tells whether it is known */
};

static uint8_t *known_of(struct stream_part *part)
{
	return part->bytes + part->room;
}

static bool is_known(struct stream_part *part, uint32_t at)
{
	return known_of(part)[at / 8] >> (at % 8) & 1;
}

static void set_known(struct stream_part *part, uint32_t at, uint32_t end)
{
	uint8_t *known = known_of(part);

	for (; at < end && at % 8; at++)
		known[at / 8] |= (uint8_t)(1u << (at % 8));
	memset(known + at / 8, 0xff, (end - at) / 8);
	for (at += (end - at) / 8 * 8; at < end; at++)
		known[at / 8] |= (uint8_t)(1u << (at % 8));
}

void stream_heads_init(struct stream_heads *heads)
{
	*heads = (struct stream_heads){ .left = { NOT_BEGUN, NOT_BEGUN } };
}

static struct stream_part *part_of(const struct stream_heads *heads, unsigned int direction)
{
	struct stream_part *part = heads->parts;

	return part && part->direction != direction ? part->next : part;
}

static void remove_part(struct stream_heads *heads, struct arena *arena, struct stream_part *part)
{
	if (heads->parts == part)
		heads->parts = part->next;
	else
		heads->parts->next = NULL;
	arena_release(arena, part);
}

void stream_heads_clear(struct stream_heads *heads, struct arena *arena)
{
	while (heads->parts)
		remove_part(heads, arena, heads->parts);
}

/* A part with room for `end` bytes, and what was known before; NULL: no memory, and all is as it was. */
static struct stream_part *part_with_room(struct stream_heads *heads, struct arena *arena,
					  unsigned int direction, uint32_t end)
{
	struct stream_part *old = part_of(heads, direction);

	if (old && end <= old->room)
		return old;
	uint32_t room = (end + 7) & ~7u;
	struct stream_part *part = arena_allocate(arena, sizeof(*part) + room + room / 8);
	if (!part)
		return NULL;
	*part = (struct stream_part){ .room = (uint16_t)room, .direction = (uint8_t)direction };
	memset(known_of(part), 0, room / 8);
	if (old) {
		part->end = old->end;
		memcpy(part->bytes, old->bytes, old->room);
		memcpy(known_of(part), known_of(old), old->room / 8);
		remove_part(heads, arena, old);
	}
	part->next = heads->parts;
	heads->parts = part;
	return part;
}

static bool contradicts(struct stream_part *part, uint32_t at, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length && at + i < part->end; i++)
		if (is_known(part, at + i) && part->bytes[at + i] != bytes[i])
			return true;
	return false;
}

enum stream_answer stream_heads_show(struct stream_heads *heads, struct arena *arena, unsigned int direction,
				     uint32_t seq, const uint8_t *bytes, uint32_t length)
{
	if (heads->left[direction] == NOT_BEGUN) {
		heads->from[direction] = seq;
		heads->left[direction] = STREAM_HEAD;
	}
	/* sequence numbers wrap (RFC 9293, 3.4) */
	int32_t offset = (int32_t)(seq - heads->from[direction]);
	uint32_t skip = offset < 0 ? 0u - (uint32_t)offset : 0, at = offset < 0 ? 0 : (uint32_t)offset;

	if (skip >= length || at >= heads->left[direction])
		return STREAM_AGREES;
	bytes += skip;
	length -= skip;
	if (length > heads->left[direction] - at)
		length = heads->left[direction] - at;
	struct stream_part *part = part_of(heads, direction);
	if (part && contradicts(part, at, bytes, length))
		return STREAM_CONTRADICTS;
	part = part_with_room(heads, arena, direction, at + length);
	if (!part)
		return STREAM_NO_MEMORY;
	memcpy(part->bytes + at, bytes, length);
	set_known(part, at, at + length);
	if (at + length > part->end)
		part->end = (uint16_t)(at + length);
	return STREAM_AGREES;
}

void stream_heads_acknowledge(struct stream_heads *heads, struct arena *arena, unsigned int direction,
			      uint32_t ack)
{
	struct stream_part *part = part_of(heads, direction);
	int32_t taken = (int32_t)(ack - heads->from[direction]);

	/* part of it: the rest is still in flight */
	if (!part || taken < part->end)
		return;
	if (taken > heads->left[direction])
		taken = heads->left[direction];
	heads->from[direction] += (uint32_t)taken;
	heads->left[direction] -= (uint16_t)taken;
	remove_part(heads, arena, part);
}
