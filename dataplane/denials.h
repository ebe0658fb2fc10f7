/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Refusals that their rules log, faster than anybody reads: over a rate they get no records of their own but are counted by
 * rule, segments, protocol and verdict, and each count is told once a second. A scan at line rate then neither fills the ring of
 * events nor hides itself. A worker's own. Replay has none: there every session has its record.
 */
#ifndef DATAPLANE_DENIALS_H
#define DATAPLANE_DENIALS_H

#include <stdbool.h>
#include <stdint.h>

/* Of all workers together: records of refused sessions a second, and at once after a silence: what a reader of events takes,
 * each having one at its verdict and one at its end. */
#define DENIALS_RATE 500u
#define DENIALS_BURST 500u
/* Kinds that are told apart in one second; what has no place is told as one more, of no rule and no segments. */
#define DENIALS_KINDS 64u

struct denials;
struct flow;
struct worker;

/* workers: who share the rate. NULL: no memory */
struct denials *denials_new(uint16_t workers, int socket);
void denials_free(struct denials *denials);

/* A session was refused, and its rule logs. true: it is to have its own records; false: it was counted here instead, and none
 * of it is to be told any more. */
bool denials_alone(struct worker *w, const struct flow *flow);

/* Tell one of the kinds that have been counted for a second; what finds no room among the events is kept and tried again.
 * Often; cheap when there is nothing. Returns whether there is more that has room. */
bool denials_tell(struct worker *w);

#endif
