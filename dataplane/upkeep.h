/* SPDX-License-Identifier: BSD-3-Clause */
/* What a live worker does beside frames: ageing, listings, sums. In pieces, so that no frame waits long for it. */
#ifndef DATAPLANE_UPKEEP_H
#define DATAPLANE_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

struct listing;
struct worker;

/* Longest time of a call, but for its last piece: one session's end with its record, or one that nDPI gives up. */
#define UPKEEP_NS 20000u

/* worker: rw */
struct upkeep {
	uint64_t ticks, turn_ticks; /* of a call, and of one chore in it */
	uint32_t next;              /* whose turn it is */
	bool left;                  /* the last call's time was up before all was done */
};

void upkeep_init(struct upkeep *u);

/* A call's worth; the chores take turns over calls. Ageing that is far behind gets more than UPKEEP_NS, at least as many sessions
 * as a burst can begin. Sets and returns u->left: whether there is more to do now. */
bool upkeep(struct upkeep *u, struct worker *w, struct listing *listing);

#endif
