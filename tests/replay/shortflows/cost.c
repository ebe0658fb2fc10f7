/* SPDX-License-Identifier: BSD-3-Clause */
#include "cost.h"

#include <ndpi_api.h>

#include "arena.h"
#include "classifier.h"
#include "dpi.h"
#include "tests/fuzz/world.h"

#define SLOTS (1u << 17) /* more than twice of what the arena has blocks */

struct slot {
	const void *pointer; /* NULL: free */
	size_t size;
};

static struct slot slots[SLOTS];
static uint64_t asked;

static uint32_t home(const void *pointer)
{
	return (uint32_t)((uintptr_t)pointer * 0x9e3779b97f4a7c15u >> 40) % SLOTS;
}

static void *count_allocate(size_t size)
{
	void *pointer = arena_hook_allocate(size);
	uint32_t at = home(pointer);

	if (!pointer)
		return NULL;
	while (slots[at].pointer)
		at = (at + 1) % SLOTS;
	slots[at] = (struct slot){ pointer, size };
	asked += size;
	return pointer;
}

/* Linear probing: what stands behind the hole moves up if its home lies before. */
static void close_hole(uint32_t hole)
{
	for (uint32_t at = (hole + 1) % SLOTS; slots[at].pointer; at = (at + 1) % SLOTS)
		if ((at - home(slots[at].pointer)) % SLOTS >= (at - hole) % SLOTS) {
			slots[hole] = slots[at];
			hole = at;
		}
	slots[hole].pointer = NULL;
}

static void count_release(void *pointer)
{
	uint32_t at = home(pointer);

	while (slots[at].pointer && slots[at].pointer != pointer)
		at = (at + 1) % SLOTS;
	/* what was allocated before the count is not in it */
	if (pointer && slots[at].pointer) {
		asked -= slots[at].size;
		close_hole(at);
	}
	arena_hook_release(pointer);
}

void cost_count(void)
{
	dpi_set_allocator(count_allocate, count_release);
}

struct cost cost_now(void)
{
	return (struct cost){ asked, arena_used(world.workers.classifiers[0]->arena) };
}

uint64_t cost_of_library(void)
{
	return ndpi_detection_get_sizeof_ndpi_flow_struct();
}
