/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "region.h"

#define BLOCK_SIZE (64u << 10)
#define ALIGNMENT 16u

struct block {
	struct block *before;
	size_t size, used;
	_Alignas(ALIGNMENT) char bytes[];
};

struct region {
	struct block *block;
	jmp_buf *guard;
};

struct region *region_new(void)
{
	return calloc(1, sizeof(struct region));
}

void region_free(struct region *region)
{
	if (!region)
		return;
	for (struct block *block = region->block, *before; block; block = before) {
		before = block->before;
		free(block);
	}
	free(region);
}

jmp_buf *region_guard(struct region *region, jmp_buf *place)
{
	jmp_buf *before = region->guard;

	region->guard = place;
	return before;
}

static struct block *block_new(struct region *region, size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct block *block = size <= SIZE_MAX - sizeof(*block) ? calloc(1, sizeof(*block) + room) : NULL;

	if (!block) {
		if (region->guard)
			longjmp(*region->guard, 1);
		return NULL;
	}
	block->size = room;
	if (room > BLOCK_SIZE && region->block) {
		/* a large piece has a block of its own; the one in use keeps its room */
		block->before = region->block->before;
		region->block->before = block;
	} else {
		block->before = region->block;
		region->block = block;
	}
	return block;
}

void *region_alloc(struct region *region, size_t size)
{
	struct block *block = region->block;
	void *piece;

	if (size > SIZE_MAX / 2)
		size = SIZE_MAX; /* can not be had: block_new() says so */
	else
		size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!block || block->size - block->used < size)
		block = block_new(region, size);
	if (!block)
		return NULL;
	piece = block->bytes + block->used;
	block->used += size;
	return piece;
}

char *region_text(struct region *region, const char *text, size_t length)
{
	char *copy = region_alloc(region, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *region_format(struct region *region, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	text = region_alloc(region, (size_t)(length < 0 ? 0 : length) + 1);
	if (!text || length < 0)
		return text;
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}

void *region_grow(struct region *region, void *array, uint32_t count, size_t element)
{
	uint32_t capacity = count < 4 ? 4 : count * 2;
	void *larger;

	if (count && (count < 4 || (count & (count - 1))))
		return array;
	larger = region_alloc(region, (size_t)capacity * element);
	if (larger && count)
		memcpy(larger, array, (size_t)count * element);
	return larger;
}
