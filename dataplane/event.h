/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring by which a worker tells the main thread what happened. Full: dropped and counted, never waited for. */
#ifndef DATAPLANE_EVENT_H
#define DATAPLANE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bulkhead/events.h"
#include "worker.h"

struct event_ring;

/* slots: power of two. NULL: no memory */
struct event_ring *event_ring_new(uint32_t slots, int socket);
void event_ring_free(struct event_ring *ring);

/* Replay, where producer and consumer are one thread: call `drain` when an event finds the ring full, so that none is lost. */
typedef void (*event_drain)(struct event_ring *ring, void *opaque);
void event_ring_on_full(struct event_ring *ring, event_drain drain, void *opaque);

/* Producer: the next free slot to fill, or NULL (full: counted in EVENTS_LOST and in the next event's `lost`). */
struct bh_event *event_begin(struct worker *w, enum bh_event_type type);
void event_commit(struct worker *w);

/* A notice in one call; mac, address may be NULL, segments SEGMENT_NONE. printf-like text. */
void event_notice(struct worker *w, enum bh_notice_kind kind, const uint8_t *mac, const uint8_t *address,
		  uint16_t segment0, uint16_t segment1, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* Consumer: oldest event or NULL; event_consume() gives its slot back. */
const struct bh_event *event_peek(struct event_ring *ring);
void event_consume(struct event_ring *ring);
/* How many wait, and how many can. */
uint32_t event_ring_used(const struct event_ring *ring);
uint32_t event_ring_size(const struct event_ring *ring);

#endif
