/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which frames came in a moment ago, and by which segment: so that a frame that comes again is known for what it is, the
 * second copy of teamed uplinks (L2-8) or our own copy that something reflects (L2-7). A worker's own: equal frames have one owner.
 */
#ifndef DATAPLANE_ECHOES_H
#define DATAPLANE_ECHOES_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/* No sender repeats a frame so fast; what copies frames does. */
#define ECHO_TWICE_NS 500000ull
/* Our copy is back within this time, however long the way. */
#define ECHO_BACK_NS 10000000ull

/* A later frame may take an earlier one's place: then an echo is not told, which is no harm. */
#define ECHO_SLOTS 2048u

struct echo {
	uint64_t digest; /* the segment in its low 16 bits; 0: free */
	uint64_t now_ns;
};

struct echoes {
	struct echo slots[ECHO_SLOTS];
};

struct echoes *echoes_new(int socket); /* NULL: no memory */
void echoes_free(struct echoes *e);

/* What makes a frame the same frame: all that a copy keeps, and so not its tag. Payload counts by its checksum, which not
 * every datagram has: what is to be dropped is compared `whole`. Needs f->hash. */
uint64_t echo_digest(const struct rte_mbuf *m, const struct frame *f, uint64_t seed, bool whole);

static inline struct echo *echo_slot(struct echoes *e, uint64_t digest)
{
	return &e->slots[(digest >> 16) % ECHO_SLOTS];
}

/* A frame that was let in. true: the same came by the same segment less than ECHO_TWICE_NS ago, and was not itself a second
 * copy: who repeats himself for ever is heard once in that time. */
static inline bool echoes_note(struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns)
{
	struct echo *slot = echo_slot(e, digest);
	uint64_t told = (digest & ~0xffffull) | segment;
	bool twice = slot->digest == told && now_ns - slot->now_ns < ECHO_TWICE_NS;

	if (likely(!twice)) {
		slot->digest = told;
		slot->now_ns = now_ns;
	}
	return twice;
}

/* Did this frame come in by another segment within ECHO_BACK_NS? */
bool echoes_back(const struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns);

#endif
