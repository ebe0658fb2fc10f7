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

struct echoes;

struct echoes *echoes_new(int socket); /* NULL: no memory */
void echoes_free(struct echoes *e);

/* What makes a frame the same frame: all that a copy keeps, and so not its tag. Payload counts by its checksum, which not
 * every datagram has: what is to be dropped is compared `whole`. */
uint64_t echo_digest(const struct rte_mbuf *m, const struct frame *f, uint64_t seed, bool whole);

/* A frame that was let in. true: the same came by the same segment less than ECHO_TWICE_NS ago, and was not itself a second
 * copy: who repeats himself for ever is heard once in that time. */
bool echoes_note(struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns);

/* Did this frame come in by another segment within ECHO_BACK_NS? */
bool echoes_back(const struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns);

#endif
