/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <strings.h>

#include "region.h"
#include "index.h"

static uint64_t name_hash(const char *name, bool fold)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *name; name++) {
		uint8_t byte = (uint8_t)*name;

		if (fold && byte >= 'A' && byte <= 'Z')
			byte |= 0x20;
		hash = (hash ^ byte) * 0x100000001b3u;
	}
	return hash ^ hash >> 32;
}

static bool slot_is(const struct index *index, const struct index_slot *slot, uint64_t hash, const char *name)
{
	if (slot->hash != hash)
		return false;
	return !(index->fold ? strcasecmp(slot->name, name) : strcmp(slot->name, name));
}

/* The slot of the name, or the free one where it belongs. There is always a free one. */
static struct index_slot *slot_of(const struct index *index, uint64_t hash, const char *name)
{
	uint32_t mask = index->capacity - 1;

	for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask)
		if (!index->slots[at].name || slot_is(index, &index->slots[at], hash, name))
			return &index->slots[at];
}

static void index_enlarge(struct index *index, struct region *region)
{
	struct index larger = { .capacity = index->capacity ? index->capacity * 2 : 16,
				.count = index->count,
				.fold = index->fold };

	larger.slots = region_alloc(region, larger.capacity * sizeof(*larger.slots));
	for (uint32_t i = 0; i < index->capacity; i++)
		if (index->slots[i].name)
			*slot_of(&larger, index->slots[i].hash, index->slots[i].name) = index->slots[i];
	*index = larger;
}

bool index_add(struct index *index, struct region *region, const char *name, uint32_t number, uint32_t *value)
{
	uint64_t hash = name_hash(name, index->fold);
	struct index_slot *slot;

	if (index->count >= index->capacity / 4 * 3)
		index_enlarge(index, region);
	slot = slot_of(index, hash, name);
	if (slot->name) {
		if (value)
			*value = slot->value;
		return false;
	}
	*slot = (struct index_slot){ .name = name, .hash = hash, .value = number };
	index->count++;
	return true;
}

bool index_find(const struct index *index, const char *name, uint32_t *value)
{
	const struct index_slot *slot;

	if (!index->count)
		return false;
	slot = slot_of(index, name_hash(name, index->fold), name);
	if (slot->name && value)
		*value = slot->value;
	return slot->name;
}

const char **index_names(const struct index *index, struct region *region)
{
	const char **names = region_alloc(region, (index->count + 1) * sizeof(*names));
	uint32_t count = 0;

	for (uint32_t i = 0; i < index->capacity; i++)
		if (index->slots[i].name)
			names[count++] = index->slots[i].name;
	return names;
}
