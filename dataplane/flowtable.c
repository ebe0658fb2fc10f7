/* SPDX-License-Identifier: BSD-3-Clause */
#include "flowtable.h"

#include <rte_malloc.h>
#include <string.h>

#include "pages.h"
#include "words.h"

/* ---- buckets ---- */

static unsigned int chain_used(const struct flow_bucket *bucket)
{
	return BUCKET_SLOTS - (unsigned int)__builtin_popcount(flow_chain_match(bucket, 0));
}

/* Index of a zeroed spare bucket, 0: none left. */
static uint32_t spare_take(struct flow_table *table)
{
	uint32_t index = table->spare_free;

	if (index)
		table->spare_free = table->buckets[index].next;
	else if (table->spare_fresh < table->spare_end)
		index = table->spare_fresh++;
	else
		return 0;
	memset(&table->buckets[index], 0, sizeof(table->buckets[index]));
	return index;
}

static void spare_give(struct flow_table *table, uint32_t index)
{
	table->buckets[index].next = table->spare_free;
	table->spare_free = index;
}

static int chain_add(struct flow_table *table, uint32_t hash, uint32_t index)
{
	struct flow_bucket *bucket = &table->buckets[flow_chain_of(table, hash)];
	unsigned int used, length = 1;

	for (; bucket->next; length++)
		bucket = &table->buckets[bucket->next];
	used = chain_used(bucket);
	if (used == BUCKET_SLOTS) {
		uint32_t spare = length < FLOW_CHAIN_MAX ? spare_take(table) : 0;

		if (!spare)
			return -ENOSPC;
		bucket->next = spare;
		bucket = &table->buckets[spare];
		used = 0;
	}
	bucket->tag[used] = flow_tag_of(hash);
	bucket->index[used] = index;
	return 0;
}

/* The last session of the chain takes the place of the one that goes: chains stay dense. */
static void chain_delete(struct flow_table *table, uint32_t hash, uint32_t index)
{
	struct flow_bucket *last = &table->buckets[flow_chain_of(table, hash)], *before = NULL;
	uint32_t *hole_index = NULL;
	uint8_t *hole_tag = NULL;
	unsigned int end;

	for (;; before = last, last = &table->buckets[last->next]) {
		for (unsigned int i = 0; !hole_tag && i < BUCKET_SLOTS; i++) {
			if (!last->tag[i] || last->index[i] != index)
				continue;
			hole_tag = &last->tag[i];
			hole_index = &last->index[i];
		}
		if (!last->next)
			break;
	}
	if (!hole_tag)
		return;
	end = chain_used(last) - 1;
	*hole_tag = last->tag[end];
	*hole_index = last->index[end];
	last->tag[end] = 0;
	if (!end && before) {
		uint32_t empty = before->next;

		before->next = 0;
		spare_give(table, empty);
	}
}

/* ---- sessions ---- */

struct flow *flow_find(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
	const struct flow_bucket *bucket = &table->buckets[flow_chain_of(table, hash)];
	uint8_t tag = flow_tag_of(hash);

	for (;; bucket = &table->buckets[bucket->next]) {
		for (unsigned int match = flow_chain_match(bucket, tag); match; match &= match - 1) {
			struct flow *flow = &table->flows[bucket->index[__builtin_ctz(match)]];

			if (flow_key_equal(&flow->key, key))
				return flow;
		}
		if (!bucket->next)
			return NULL;
	}
}

/* The place after the one that is next to be taken is fetched: between two insertions is time for a way to memory, and both
 * the link to it and what it points to have to come. */
static void fetch_free(const struct flow_table *table)
{
	uint32_t index = table->free == WHEEL_NONE ? WHEEL_NONE : table->cold[table->free].wheel_next;

	if (index != WHEEL_NONE)
		flow_prefetch_session(table, index);
}

struct flow *flow_insert(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
	uint32_t index = table->free;
	struct flow *flow;

	if (index == WHEEL_NONE) {
		if (table->fresh == table->capacity)
			return NULL;
		index = table->fresh;
	}
	if (chain_add(table, hash, index))
		return NULL;
	if (index == table->fresh)
		table->fresh++;
	else
		table->free = table->cold[index].wheel_next;
	table->count++;
	fetch_free(table);
	flow = &table->flows[index];
	static_assert(sizeof(*flow) == 128);
	clear128(flow);
	table->cold[index] = (struct flow_cold){ .wheel_previous = WHEEL_NONE };
	flow->key = *key;
	return flow;
}

void flow_remove(struct flow_table *table, struct flow *flow, uint32_t hash)
{
	uint32_t index = flow_index(table, flow);

	chain_delete(table, hash, index);
	flow->key.network = 0; /* no network has this id: a candidate that points here is none */
	table->cold[index].wheel_previous = WHEEL_NONE;
	table->cold[index].wheel_next = table->free;
	table->free = index;
	table->count--;
}

struct flow_cold *flow_cold(const struct flow_table *table, const struct flow *flow)
{
	return &table->cold[flow_index(table, flow)];
}

bool flow_walk(struct worker *w, uint32_t *cursor, uint32_t budget,
	       void (*visit)(struct worker *w, struct flow *flow, void *opaque), void *opaque)
{
	struct flow_table *table = w->flows;

	for (; budget && *cursor < table->fresh; budget--, ++*cursor) {
		if (flow_in_use(table, *cursor))
			visit(w, &table->flows[*cursor], opaque);
	}
	return *cursor < table->fresh;
}

/* ---- the table ---- */

static void table_layout(struct flow_table *table, uint32_t capacity)
{
	table->capacity = capacity;
	table->free = WHEEL_NONE;
	table->primary = capacity / 10 + 1;
	table->spare_fresh = table->primary;
	table->spare_end = table->primary + capacity / SPARES_EACH + SPARES_LEAST;
}

/* Where an array of `size' bytes stands in the region, and that it ends there. */
static void *place(struct flow_table *table, size_t *at, size_t size)
{
	void *array = table->region ? (uint8_t *)table->region + *at : NULL;

	*at += RTE_ALIGN_CEIL(size, (size_t)RTE_CACHE_LINE_SIZE);
	return array;
}

/* Gives the arrays their places in the region, which may be NULL still. Returns its size. */
static size_t place_arrays(struct flow_table *table)
{
	size_t at = 0, capacity = table->capacity;

	table->flows = place(table, &at, capacity * sizeof(table->flows[0]));
	table->buckets = place(table, &at, table->spare_end * sizeof(table->buckets[0]));
	table->cold = place(table, &at, capacity * sizeof(table->cold[0]));
	table->quotas = place(table, &at, BH_SEGMENT_IDS * sizeof(table->quotas[0]));
	table->wheel = place(table, &at, WHEEL_HEADS * sizeof(table->wheel[0]));
	return at;
}

struct flow_table *flow_table_new(uint32_t capacity, int socket, bool now)
{
	struct flow_table *table;

	if (!capacity || capacity > FLOW_CAPACITY_MAX)
		return NULL;
	table = rte_zmalloc_socket("flows", sizeof(*table), RTE_CACHE_LINE_SIZE, socket);
	if (!table)
		return NULL;
	table_layout(table, capacity);
	table->memory = place_arrays(table);
	table->region = pages_new(table->memory, socket, now);
	if (!table->region) {
		flow_table_free(table);
		return NULL;
	}
	place_arrays(table);
	memset(table->wheel, 0xff, WHEEL_HEADS * sizeof(table->wheel[0])); /* WHEEL_NONE */
	return table;
}

void flow_table_free(struct flow_table *table)
{
	if (!table)
		return;
	pages_free(table->region, table->memory);
	rte_free(table);
}

uint32_t flow_table_count(const struct flow_table *table)
{
	return table->count;
}

size_t flow_table_memory(const struct flow_table *table)
{
	return table->memory;
}
