/* SPDX-License-Identifier: BSD-3-Clause */
#include "intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t intern_hash(const void *data, size_t size, uint64_t seed)
{
	const uint8_t *bytes = data;
	uint64_t hash = seed ^ size * UINT64_C(0x100000001b3);

	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = 0;

		memcpy(&word, bytes + at, size - at < 8 ? size - at : 8);
		hash = (hash ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
		hash ^= hash >> 29;
	}
	return hash ^ hash >> 32;
}

static void intern_place(struct intern *table, uint64_t hash, uint32_t index)
{
	uint32_t slot = (uint32_t)hash & (table->size - 1);

	while (table->slots[slot].index != 0)
		slot = (slot + 1) & (table->size - 1);
	table->slots[slot] = (struct intern_slot){ hash, index + 1 };
}

static int intern_grow(struct intern *table)
{
	struct intern old = *table;

	table->size = old.size == 0 ? 64 : old.size * 2;
	table->slots = calloc(table->size, sizeof(*table->slots));
	if (table->slots == NULL) {
		*table = old;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < old.size; i++)
		if (old.slots[i].index != 0)
			intern_place(table, old.slots[i].hash, old.slots[i].index - 1);
	free(old.slots);
	return 0;
}

int intern_add(struct intern *table, uint64_t hash, uint32_t index)
{
	if (table->count >= table->size / 2) {
		int error = intern_grow(table);

		if (error != 0)
			return error;
	}
	intern_place(table, hash, index);
	table->count++;
	return 0;
}

bool intern_next(const struct intern *table, uint64_t hash, uint32_t *at, uint32_t *index)
{
	if (table->size == 0)
		return false;
	for (;; ++*at) {
		const struct intern_slot *slot = &table->slots[((uint32_t)hash + *at) & (table->size - 1)];

		if (slot->index == 0)
			return false;
		if (slot->hash == hash) {
			*index = slot->index - 1;
			++*at;
			return true;
		}
	}
}

void intern_free(struct intern *table)
{
	free(table->slots);
	*table = (struct intern){ 0 };
}
