/* SPDX-License-Identifier: BSD-3-Clause */
/* The live workers: one endless loop on each lcore, and the main thread's way to reach them. */
#ifndef DATAPLANE_WORKERLOOP_H
#define DATAPLANE_WORKERLOOP_H

#include "clock.h"
#include "handoff.h"
#include "listing.h"
#include "options.h"
#include "ports.h"
#include "workers.h"

struct engine;

/* Nothing runs yet, but a policy may be published. NULL: no memory */
struct engine *engine_new(const struct clock *clock, const struct options *options);
void engine_free(struct engine *engine);

/* Start the loops, on ports that were started. 0 or -errno */
int engine_start(struct engine *engine, struct workers *workers, struct ports *ports,
		 const struct handoff *handoff);
/* Something that no other function here tells of was left for a worker (probes): if it sleeps it is woken. Main thread */
void engine_wake(struct engine *engine, uint16_t worker);
/* Returns when all have stopped. Idempotent. */
void engine_stop(struct engine *engine);

/* Swap the pointer and wait until no worker uses the old policy any more. Main thread; takes as long as the longest
 * round (under a millisecond where workers have CPUs of their own). */
void engine_publish(struct engine *engine, const struct policy *policy);

/* Set the workers' LONGEST_GAP to 0 at their next round. */
void engine_reset_gap(struct engine *engine);

/* The workers account for the time of their stages from their next round on, from zero; or no more. */
void engine_measure(struct engine *engine, bool on);

/* Mailbox of a worker; NULL before the start. */
struct listing *engine_listing(struct engine *engine, uint16_t worker);

#endif
