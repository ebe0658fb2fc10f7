/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains of records with lock-free readers, a free list with quarantine, and a wheel of one slot a second. */
#include <errno.h>
#include <rte_malloc.h>
#include <rte_random.h>
#include <string.h>
#include <sys/random.h>

#include "store.h"

#define TICK_SHIFT 30 /* 1.07 s */

static void free_append(struct store *s, uint32_t record)
{
	s->links[record].wheel_next = 0;
	if (s->free_last)
		s->links[s->free_last - 1].wheel_next = record + 1;
	else
		s->free_first = record + 1;
	s->free_last = record + 1;
}

int store_init(struct store *s, uint32_t capacity, int socket)
{
	uint32_t heads = 1;

	memset(s, 0, sizeof(*s));
	if (capacity == 0 || capacity > 1u << 24)
		return -EINVAL;
	while (heads < capacity)
		heads <<= 1;
	s->heads = rte_zmalloc_socket("store", heads * sizeof(*s->heads), 64, socket);
	s->links = rte_zmalloc_socket("store", capacity * sizeof(*s->links), 64, socket);
	if (!s->heads || !s->links) {
		store_fini(s);
		return -ENOMEM;
	}
	s->capacity = capacity;
	s->mask = heads - 1;
	if (getrandom(&s->seed, sizeof(s->seed), GRND_NONBLOCK) != sizeof(s->seed))
		s->seed = rte_rand();
	for (uint32_t record = 0; record < capacity; record++)
		free_append(s, record);
	return 0;
}

void store_fini(struct store *s)
{
	rte_free(s->heads);
	rte_free(s->links);
	s->heads = NULL;
	s->links = NULL;
}

uint32_t store_take(struct store *s, uint64_t now_ns)
{
	if (!s->free_first)
		return STORE_NONE;
	uint32_t record = s->free_first - 1;
	struct store_link *link = &s->links[record];

	/* first in, first out: if this one is too fresh, all are */
	if (link->freed_ns && now_ns < link->freed_ns + STORE_QUARANTINE_NS)
		return STORE_NONE;
	s->free_first = link->wheel_next;
	if (!s->free_first)
		s->free_last = 0;
	return record;
}

void store_arm(struct store *s, uint32_t record, uint64_t due_ns)
{
	uint64_t tick = (due_ns >> TICK_SHIFT) + 1;

	/* never into the slot under the hand, and at most one round ahead: an early visit does no harm */
	if (tick <= s->tick)
		tick = s->tick + 1;
	if (tick >= s->tick + STORE_SLOTS)
		tick = s->tick + STORE_SLOTS - 1;
	uint32_t *slot = &s->wheel[tick % STORE_SLOTS];
	s->links[record].wheel_next = *slot;
	*slot = record + 1;
}

void store_publish(struct store *s, uint32_t record, uint32_t hash, uint64_t due_ns)
{
	_Atomic uint32_t *head = &s->heads[hash & s->mask];
	struct store_link *link = &s->links[record];

	atomic_store_explicit(&link->next, atomic_load_explicit(head, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_fetch_add_explicit(&link->version, 1, memory_order_release);
	atomic_store_explicit(head, record + 1, memory_order_release);
	atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);
	store_arm(s, record, due_ns);
}

void store_remove(struct store *s, uint32_t record, uint32_t hash, uint64_t now_ns)
{
	_Atomic uint32_t *from = &s->heads[hash & s->mask];
	uint32_t at = atomic_load_explicit(from, memory_order_relaxed);

	while (at && at != record + 1) {
		from = &s->links[at - 1].next;
		at = atomic_load_explicit(from, memory_order_relaxed);
	}
	if (!at)
		return;
	struct store_link *link = &s->links[record];
	atomic_store_explicit(from, atomic_load_explicit(&link->next, memory_order_relaxed),
			      memory_order_release);
	atomic_fetch_add_explicit(&link->version, 1, memory_order_release);
	atomic_fetch_sub_explicit(&s->count, 1, memory_order_relaxed);
	link->freed_ns = now_ns ? now_ns : 1;
	free_append(s, record);
}

uint32_t store_due(struct store *s, uint64_t now_ns)
{
	uint64_t now = now_ns >> TICK_SHIFT;

	/* after a pause one round of the wheel sees everything */
	if (now > s->tick + STORE_SLOTS)
		s->tick = now - STORE_SLOTS;
	for (;;) {
		uint32_t *slot = &s->wheel[s->tick % STORE_SLOTS];
		if (*slot) {
			uint32_t record = *slot - 1;
			*slot = s->links[record].wheel_next;
			return record;
		}
		if (s->tick >= now)
			return STORE_NONE;
		s->tick++;
	}
}
