/* SPDX-License-Identifier: BSD-3-Clause */
#include "namepool.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <string.h>

#include "flowkey.h"

struct name {
	uint32_t next; /* in its bucket, or in the free list; 0: none */
	uint32_t bucket;
	uint32_t references;
	char text[BH_SERVER_NAME_MAX + 1];
};
static_assert((BH_SERVER_NAME_MAX + 1) % 8 == 0); /* hashed by words */

struct name_pool {
	uint32_t capacity, mask;
	uint32_t count;
	uint32_t fresh; /* names from here on were never used */
	uint32_t free;  /* list */
	uint32_t *buckets;
	struct name *names; /* ids are from 1 */
};

struct name_pool *name_pool_new(uint32_t capacity, int socket)
{
	if (capacity == 0 || capacity > 1u << 30)
		return NULL;
	struct name_pool *pool = rte_zmalloc_socket("names", sizeof(*pool), 0, socket);
	if (!pool)
		return NULL;
	pool->capacity = capacity;
	pool->mask = rte_align32pow2(capacity) - 1;
	pool->buckets = rte_zmalloc_socket("names", (pool->mask + 1ull) * sizeof(*pool->buckets), 0, socket);
	pool->names = rte_malloc_socket("names", (size_t)capacity * sizeof(*pool->names), 0, socket);
	if (!pool->buckets || !pool->names) {
		name_pool_free(pool);
		return NULL;
	}
	return pool;
}

void name_pool_free(struct name_pool *pool)
{
	if (!pool)
		return;
	rte_free(pool->names);
	rte_free(pool->buckets);
	rte_free(pool);
}

static struct name *name_at(const struct name_pool *pool, uint32_t id)
{
	return &pool->names[id - 1];
}

/* text is padded with zeros to a multiple of 8 */
static uint32_t bucket_of(const struct name_pool *pool, const char *text, size_t length, uint64_t seed)
{
	uint64_t hash = seed;

	for (size_t i = 0; i < length; i += 8) {
		uint64_t word;
		memcpy(&word, text + i, sizeof(word));
		hash = flow_mix(hash ^ word, seed + i);
	}
	return (uint32_t)(hash ^ (hash >> 32)) & pool->mask;
}

static uint32_t name_take(struct name_pool *pool)
{
	uint32_t id = pool->free;

	if (id)
		pool->free = name_at(pool, id)->next;
	else if (pool->fresh < pool->capacity)
		id = ++pool->fresh;
	pool->count += id != 0;
	return id;
}

uint32_t name_pool_intern(struct name_pool *pool, const char *text, uint64_t seed)
{
	char padded[BH_SERVER_NAME_MAX + 1] = "";
	size_t length = strnlen(text, sizeof(padded));

	if (length == 0 || length > BH_SERVER_NAME_MAX)
		return 0;
	memcpy(padded, text, length);
	uint32_t bucket = bucket_of(pool, padded, length, seed);
	for (uint32_t id = pool->buckets[bucket]; id; id = name_at(pool, id)->next) {
		if (!memcmp(name_at(pool, id)->text, padded, length + 1)) {
			name_at(pool, id)->references++;
			return id;
		}
	}
	uint32_t id = name_take(pool);
	if (!id)
		return 0;
	struct name *name = name_at(pool, id);
	*name = (struct name){ .next = pool->buckets[bucket], .bucket = bucket, .references = 1 };
	memcpy(name->text, padded, sizeof(padded));
	pool->buckets[bucket] = id;
	return id;
}

void name_pool_release(struct name_pool *pool, uint32_t id)
{
	if (!id)
		return;
	struct name *name = name_at(pool, id);
	if (--name->references)
		return;
	uint32_t *link = &pool->buckets[name->bucket];
	while (*link != id)
		link = &name_at(pool, *link)->next;
	*link = name->next;
	name->next = pool->free;
	pool->free = id;
	pool->count--;
}

const char *name_pool_text(const struct name_pool *pool, uint32_t id)
{
	return id ? name_at(pool, id)->text : NULL;
}

uint32_t name_pool_count(const struct name_pool *pool)
{
	return pool->count;
}
