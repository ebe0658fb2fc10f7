/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"

#include <rte_malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"

/* One producer, one consumer; head and tail run freely and are taken modulo the size. */
struct event_ring {
	uint32_t mask;
	event_drain drain; /* replay: empties a full ring; NULL: a full ring loses */
	void *opaque;
	alignas(64) _Atomic uint32_t head; /* producer: rw */
	uint32_t lost;                     /* producer: since the last event that was told */
	alignas(64) _Atomic uint32_t tail; /* consumer: rw */
	alignas(64) struct bh_event slots[];
};

struct event_ring *event_ring_new(uint32_t slots, int socket)
{
	struct event_ring *ring;

	if (!slots || (slots & (slots - 1)))
		return NULL;
	ring = rte_zmalloc_socket("events", sizeof(*ring) + slots * sizeof(ring->slots[0]),
				  RTE_CACHE_LINE_SIZE, socket);
	if (ring)
		ring->mask = slots - 1;
	return ring;
}

void event_ring_free(struct event_ring *ring)
{
	rte_free(ring);
}

void event_ring_on_full(struct event_ring *ring, event_drain drain, void *opaque)
{
	ring->drain = drain;
	ring->opaque = opaque;
}

static bool is_full(const struct event_ring *ring, uint32_t head)
{
	return head - atomic_load_explicit(&ring->tail, memory_order_acquire) > ring->mask;
}

struct bh_event *event_begin(struct worker *w, enum bh_event_type type)
{
	struct event_ring *ring = w->events;
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	struct bh_event *event;

	if (is_full(ring, head) && ring->drain)
		ring->drain(ring, ring->opaque);
	if (is_full(ring, head) || fault(FAULT_EVENT)) {
		ring->lost++;
		worker_count(w, BH_WORKER_EVENTS_LOST, 1);
		return NULL;
	}
	event = &ring->slots[head & ring->mask];
	memset(event, 0, sizeof(*event));
	event->type = type;
	event->lost = ring->lost;
	event->time_us = worker_unix_us(w);
	return event;
}

void event_commit(struct worker *w)
{
	struct event_ring *ring = w->events;
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	ring->lost = 0;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

/* The name of a segment, "" for none. */
static void name_segment(const struct worker *w, uint16_t segment, char name[BH_NAME_MAX + 1])
{
	if (segment < BH_SEGMENT_IDS && w->directory)
		snprintf(name, BH_NAME_MAX + 1, "%s", w->directory->segments[segment]);
}

void event_notice(struct worker *w, enum bh_notice_kind kind, const uint8_t *mac, const uint8_t *address,
		  uint16_t segment0, uint16_t segment1, const char *format, ...)
{
	struct bh_event *event = event_begin(w, BH_EVENT_NOTICE);
	va_list arguments;

	if (!event)
		return;
	event->notice.kind = kind;
	event->notice.count = 1;
	if (mac)
		memcpy(event->notice.mac, mac, sizeof(event->notice.mac));
	if (address)
		memcpy(event->notice.address, address, sizeof(event->notice.address));
	name_segment(w, segment0, event->notice.segment[0]);
	name_segment(w, segment1, event->notice.segment[1]);
	va_start(arguments, format);
	vsnprintf(event->notice.text, sizeof(event->notice.text), format, arguments);
	va_end(arguments);
	event_commit(w);
}

const struct bh_event *event_peek(struct event_ring *ring)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return NULL;
	return &ring->slots[tail & ring->mask];
}

void event_consume(struct event_ring *ring)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

uint32_t event_ring_used(const struct event_ring *ring)
{
	return atomic_load_explicit(&ring->head, memory_order_relaxed) -
	       atomic_load_explicit(&ring->tail, memory_order_relaxed);
}

uint32_t event_ring_size(const struct event_ring *ring)
{
	return ring->mask + 1;
}
