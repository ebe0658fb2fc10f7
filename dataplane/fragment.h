/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtual reassembly (RFC 815 holes, RFC 5722 overlaps): fragments are held until their packet is complete, one
 * frame that stands for the whole (FRAME_REASSEMBLED) is judged, and then the original fragments leave unchanged, in order
 * of arrival. Bounded in sets, fragments a set, bytes and time. Worker's own; in replay one for all, as the flow table.
 */
#ifndef DATAPLANE_FRAGMENT_H
#define DATAPLANE_FRAGMENT_H

#include <stdint.h>

#include "frame.h"
#include "worker.h"

#define FRAGMENTS_A_SET 64

struct fragments;

/* The held originals of a reassembled frame, in order of arrival; valid until fragment_set_free(). */
struct fragment_set {
	struct rte_mbuf *frames[FRAGMENTS_A_SET];
	uint16_t count;
};

/* Frames that a frame stands for, for counters: a reassembled one for each of its fragments. */
static inline uint32_t frame_units(const struct frame *f)
{
	return f->flags & FRAME_REASSEMBLED ? f->set->count : 1u;
}

/* `sets` packets at a time; the pool of whole packets (64 KiB each) holds BURST. NULL: no memory */
struct fragments *fragments_new(uint32_t sets, int socket, uint16_t worker_id);
void fragments_free(struct fragments *f);

/* The reassembled frame was sent or dropped with its originals, all of which the caller has taken from set->frames:
 * give back the set. The whole packet's mbuf is the caller's to free. */
void fragment_set_free(struct worker *w, struct fragment_set *set);

/* Drop the sets that are overdue by w->now_ns, at most `budget`. Returns whether the budget was spent: there may be more. */
bool fragments_age(struct worker *w, uint32_t budget);
/* What a segment has taken of its limit; any thread, as of some moment ago. */
uint32_t fragments_held(const struct fragments *f, uint16_t segment);
/* Drop everything held (end of run). */
void fragments_drain(struct worker *w, enum bh_drop reason);

#endif
