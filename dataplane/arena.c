/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks lie side by side, each a multiple of 16 bytes with 8 bytes of header in front of its payload. A free block keeps
 * its links in the payload and its size once more in its last 8 bytes, where the block behind it finds it (boundary tags). Free
 * blocks hang in lists by size: 16 lists for each power of two, and a bit for each list that is not empty.
 */
#include "arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define UNIT 16u
#define HEADER 8u
#define BLOCK_MIN 32u /* header, links, size at the end */
#define BLOCK_FREE 1u
#define PREVIOUS_FREE 2u
#define FLAGS 15u

#define SECOND_BITS 4u
#define SECONDS (1u << SECOND_BITS)
#define FIRST_SHIFT 8u /* sizes below 256 have lists 16 bytes apart */
#define FIRSTS 30u     /* up to 64 GiB */

/* The address sanitizer sees what nDPI was given, and only that: bookkeeping is ours, all else in the region is poison. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(ARENA_POISON)
#include <sanitizer/asan_interface.h>
#define UNSEEN __attribute__((no_sanitize_address))
#define HIDE(pointer, size) __asan_poison_memory_region(pointer, size)
#define SHOW(pointer, size) __asan_unpoison_memory_region(pointer, size)
#else
#define UNSEEN
#define HIDE(pointer, size) ((void)(pointer), (void)(size))
#define SHOW(pointer, size) ((void)(pointer), (void)(size))
#endif

struct block {
	uint64_t size;           /* of the whole block | BLOCK_FREE | PREVIOUS_FREE */
	uint32_t next, previous; /* free: neighbours in the list, in units of the region; 0: none */
};

struct remote {
	struct remote *next;
};

struct arena {
	char *first, *end; /* of the blocks; `end` is a header of size 0 that is never free */
	uint64_t *taken;   /* a bit for each unit: a block in use begins here */
	size_t used;
	uint64_t bogus;
	uint32_t firsts;                             /* bit: a list of this first level is not empty */
	uint32_t seconds[FIRSTS];                    /* bit: this list is not empty */
	uint32_t lists[FIRSTS][SECONDS];             /* units; 0: empty */
	alignas(64) _Atomic(struct remote *) remote; /* released by other threads; owner: takes all */
};

static _Atomic(struct arena *) arenas[ARENA_MAX]; /* main: rw, others: ro */
static _Thread_local struct arena *entered;

UNSEEN static struct block *block_at(const struct arena *a, uint32_t unit)
{
	return (struct block *)(a->first + ((uint64_t)unit - 1) * UNIT);
}

UNSEEN static uint32_t unit_of(const struct arena *a, const struct block *b)
{
	return (uint32_t)((uint64_t)((const char *)b - a->first) / UNIT) + 1;
}

UNSEEN static uint64_t block_size(const struct block *b)
{
	return b->size & ~(uint64_t)FLAGS;
}

UNSEEN static struct block *block_next(const struct block *b)
{
	return (struct block *)((char *)b + block_size(b));
}

/* Only if PREVIOUS_FREE. */
UNSEEN static struct block *block_previous(struct block *b)
{
	return (struct block *)((char *)b - ((uint64_t *)b)[-1]);
}

/* List of a size: the one that holds blocks from its lower bound up to the next list's. */
UNSEEN static void list_of(uint64_t size, uint32_t *first, uint32_t *second)
{
	if (size < 1u << FIRST_SHIFT) {
		*first = 0;
		*second = (uint32_t)(size >> (FIRST_SHIFT - SECOND_BITS));
		return;
	}
	uint32_t log = 63u - (uint32_t)__builtin_clzll(size);
	*first = log - FIRST_SHIFT + 1;
	*second = (uint32_t)(size >> (log - SECOND_BITS)) & (SECONDS - 1);
}

UNSEEN static void list_insert(struct arena *a, struct block *b)
{
	uint32_t first, second, unit = unit_of(a, b);

	list_of(block_size(b), &first, &second);
	b->previous = 0;
	b->next = a->lists[first][second];
	if (b->next)
		block_at(a, b->next)->previous = unit;
	a->lists[first][second] = unit;
	a->firsts |= 1u << first;
	a->seconds[first] |= 1u << second;
}

UNSEEN static void list_remove(struct arena *a, struct block *b)
{
	uint32_t first, second;

	if (b->next)
		block_at(a, b->next)->previous = b->previous;
	if (b->previous) {
		block_at(a, b->previous)->next = b->next;
		return;
	}
	list_of(block_size(b), &first, &second);
	a->lists[first][second] = b->next;
	if (b->next)
		return;
	a->seconds[first] &= ~(1u << second);
	if (!a->seconds[first])
		a->firsts &= ~(1u << first);
}

/* A block of the first list all of whose blocks are large enough; NULL: none. */
UNSEEN static struct block *list_find(const struct arena *a, uint64_t size)
{
	uint32_t first, second;

	/* round up to a list's lower bound */
	if (size >= 1u << FIRST_SHIFT)
		size += ((uint64_t)1 << (63 - __builtin_clzll(size) - (int)SECOND_BITS)) - 1;
	list_of(size, &first, &second);
	uint32_t seconds = a->seconds[first] & (UINT32_MAX << second);
	if (!seconds) {
		uint32_t firsts = a->firsts & (uint32_t)(UINT64_MAX << (first + 1));
		if (!firsts)
			return NULL;
		first = (uint32_t)__builtin_ctz(firsts);
		seconds = a->seconds[first];
	}
	return block_at(a, a->lists[first][(uint32_t)__builtin_ctz(seconds)]);
}

/* Write the size at both ends, tell the block behind, and list it. */
UNSEEN static void block_make_free(struct arena *a, struct block *b, uint64_t size)
{
	b->size = size | BLOCK_FREE; /* its own previous is never free: they would have been joined */
	struct block *next = block_next(b);
	((uint64_t *)next)[-1] = size;
	next->size |= PREVIOUS_FREE;
	list_insert(a, b);
}

UNSEEN static bool take(struct arena *a, const struct block *b)
{
	uint32_t unit = unit_of(a, b);
	uint64_t bit = (uint64_t)1 << (unit % 64);
	bool was = a->taken[unit / 64] & bit;

	a->taken[unit / 64] ^= bit;
	return !was;
}

/* The block of a pointer that arena_allocate() gave out and nobody has released; NULL: it is none. */
UNSEEN static struct block *block_of(const struct arena *a, const void *pointer)
{
	const char *p = pointer;

	if (p < a->first + HEADER || p >= a->end || (uintptr_t)p % UNIT)
		return NULL;
	struct block *b = (struct block *)(uintptr_t)(p - HEADER);
	uint32_t unit = unit_of(a, b);
	return a->taken[unit / 64] >> (unit % 64) & 1 ? b : NULL;
}

UNSEEN static void *block_take(struct arena *a, struct block *b, uint64_t size)
{
	uint64_t whole = block_size(b);

	list_remove(a, b);
	if (whole - size >= BLOCK_MIN) {
		b->size = size;
		block_make_free(a, block_next(b), whole - size);
	} else {
		b->size = whole;
		block_next(b)->size &= ~(uint64_t)PREVIOUS_FREE;
	}
	a->used += block_size(b);
	take(a, b);
	return (char *)b + HEADER;
}

UNSEEN static void block_release(struct arena *a, struct block *b)
{
	uint64_t size = block_size(b);
	struct block *next = block_next(b);

	take(a, b);
	a->used -= size;
	HIDE((char *)b + HEADER, size - HEADER);
	if (next->size & BLOCK_FREE) {
		list_remove(a, next);
		size += block_size(next);
	}
	if (b->size & PREVIOUS_FREE) {
		b = block_previous(b);
		list_remove(a, b);
		size += block_size(b);
	}
	block_make_free(a, b, size);
}

static void drain(struct arena *a)
{
	struct remote *r = atomic_exchange_explicit(&a->remote, NULL, memory_order_acquire);

	while (r) {
		struct remote *next = r->next;
		arena_release(a, r);
		r = next;
	}
}

UNSEEN static void lay_out(struct arena *a, char *region, size_t size, size_t bitmap)
{
	memset(a, 0, sizeof(*a));
	a->taken = (uint64_t *)(region + sizeof(*a));
	memset(a->taken, 0, bitmap);
	/* payloads lie 8 bytes behind their header, and are to be aligned to 16 */
	a->first = region + sizeof(*a) + bitmap + HEADER;
	a->end = a->first + (size_t)(region + size - HEADER - a->first) / UNIT * UNIT;
	HIDE(a->first, (size_t)(a->end + HEADER - a->first));
	((struct block *)a->end)->size = 0;
	block_make_free(a, (struct block *)a->first, (uint64_t)(a->end - a->first));
}

struct arena *arena_new(void *region, size_t size)
{
	struct arena *a = region;
	/* a bit a unit, whole cache lines, and unit 0 is not used */
	size_t bitmap = (size / UNIT / 8 + 128) & ~(size_t)63;

	if (size < sizeof(*a) + bitmap + 4096 || size > (size_t)1 << 36 || (uintptr_t)region % 64)
		return NULL;
	for (size_t i = 0; i < ARENA_MAX; i++)
		if (!atomic_load(&arenas[i])) {
			lay_out(a, region, size, bitmap);
			atomic_store(&arenas[i], a);
			return a;
		}
	return NULL;
}

void arena_delete(struct arena *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < ARENA_MAX; i++)
		if (atomic_load(&arenas[i]) == a)
			atomic_store(&arenas[i], NULL);
	SHOW(a->first, (size_t)(a->end + HEADER - a->first));
}

void *arena_allocate(struct arena *a, size_t size)
{
	if (atomic_load_explicit(&a->remote, memory_order_relaxed))
		drain(a);
	if (size > ARENA_LARGEST)
		return NULL;
	uint64_t whole = (size + HEADER + UNIT - 1) & ~(uint64_t)(UNIT - 1);
	if (whole < BLOCK_MIN)
		whole = BLOCK_MIN;
	struct block *b = list_find(a, whole);
	if (!b)
		return NULL;
	void *pointer = block_take(a, b, whole);
	SHOW(pointer, size);
	return pointer;
}

void arena_release(struct arena *a, void *pointer)
{
	if (!pointer)
		return;
	struct block *b = block_of(a, pointer);
	if (b)
		block_release(a, b);
	else
		a->bogus++;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

size_t arena_capacity(const struct arena *a)
{
	return (size_t)(a->end - a->first);
}

uint64_t arena_bogus(const struct arena *a)
{
	return a->bogus;
}

void arena_enter(struct arena *a)
{
	entered = a;
}

void arena_leave(void)
{
	entered = NULL;
}

void *arena_hook_allocate(size_t size)
{
	return entered ? arena_allocate(entered, size) : malloc(size);
}

static void release_remote(struct arena *a, void *pointer)
{
	struct remote *r = pointer;

	r->next = atomic_load_explicit(&a->remote, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&a->remote, &r->next, r, memory_order_release,
						      memory_order_relaxed))
		;
}

void arena_hook_release(void *pointer)
{
	const char *p = pointer;

	/* On the way of a frame everything is the worker's own: a pointer from elsewhere would be a wild one of the
	 * library, and is left alone. */
	if (entered) {
		arena_release(entered, pointer);
		return;
	}
	for (size_t i = 0; i < ARENA_MAX; i++) {
		struct arena *a = atomic_load(&arenas[i]);
		if (a && p >= a->first && p < a->end) {
			release_remote(a, pointer);
			return;
		}
	}
	free(pointer);
}
