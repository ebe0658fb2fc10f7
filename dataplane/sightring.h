/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of what a worker saw to the MAC table's writer: one producer, one consumer, no lock. */
#ifndef DATAPLANE_SIGHTRING_H
#define DATAPLANE_SIGHTRING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "place.h"

#define SIGHT_RING_SLOTS 1024u

struct sight_ring {
	/* producer */
	alignas(64) _Atomic uint32_t head;
	struct sighting last; /* the one sent last */
	/* consumer */
	alignas(64) _Atomic uint32_t tail;
	alignas(64) struct sighting slots[SIGHT_RING_SLOTS];
};

/* Producer; false: full */
static inline bool sight_ring_put(struct sight_ring *ring, const struct sighting *s)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == SIGHT_RING_SLOTS)
		return false;
	ring->slots[head % SIGHT_RING_SLOTS] = *s;
	ring->last = *s;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

/* Consumer; false: empty */
static inline bool sight_ring_get(struct sight_ring *ring, struct sighting *s)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return false;
	*s = ring->slots[tail % SIGHT_RING_SLOTS];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

#endif
