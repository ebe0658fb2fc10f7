/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole dataplane in one thread, without ports: two workers with real tables, real policies put in force by
 * activate.c, and a clock that the input turns. What leaves is checked against the policy in force and freed. The way is
 * that of replay.c; between inputs everything must have gone back to where it came from.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "activate.h"
#include "bulkhead/events.h"
#include "counterfile.h"
#include "handoff.h"
#include "rx.h"
#include "segment.h"
#include "sequence.h"
#include "workers.h"

#define WORLD_WORKERS 2u
#define WORLD_PORTS 2u
#define WORLD_POLICIES 8u
#define WORLD_FRAME_ROOM 2048u
/* After so much time the world is made anew, long before the clock could wrap. */
#define WORLD_LAST_NS (UINT64_MAX / 4)

/* Prints what is wrong and ends the process as a finding. */
#define WORLD_CHECK(condition)                                                                               \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			world_broken(#condition, __FILE__, __LINE__);                                        \
	} while (0)

struct world {
	/* may be set before world_open(); 0: what the fuzzers have */
	struct options sizes;           /* small tables: an input is to fill them */
	const char *policies;           /* folder */
	const struct assignment *given; /* segments by address, instead of the list of WORLD_ASSIGNED */
	struct workers workers;
	struct counterfile counters;
	struct handoff handoff;
	struct owners owners;
	struct rx rx[WORLD_WORKERS];
	struct activate *activate;
	struct assignment *assignment;
	struct rte_mempool *frames, *copies;
	struct rte_ring *shared[WORLD_PORTS]; /* what the first worker sends for the second */
	int images[WORLD_POLICIES];           /* sealed */
	uint32_t image_count, policy, generation;
	uint64_t now_ns, started_ns;
	uint8_t flags; /* WORLD_* */
	struct rte_mbuf *burst[BURST], *hoard[64];
	uint16_t burst_count, hoard_count;
};

extern struct world world;

void world_broken(const char *what, const char *file, int line) __attribute__((noreturn));

/* EAL (once), tables, and the policies of tests/fuzz/policies (or world.policies, or $BH_FUZZ_POLICIES); ends the process if
 * it can not. */
void world_open(void);
void world_close(void);
/* Begin an input, and end it: everything runs out, and the balance is checked. */
void world_begin(const struct sequence_head *head);
void world_end(void);
void world_item(const struct sequence_frame *item);
/* A whole sequence between both. */
void world_run(const struct sequence *sequence);
/* Send what was gathered, hand on what was learned, take the events. */
void world_settle(void);
void world_policy(uint32_t policy);
void world_list(void);

/* ---- worldcheck.c ---- */

/* A frame that leaves by a port: only to a segment or mirror of the policy in force. */
void world_check_leaving(struct rte_mbuf *m, uint16_t port);
/* A hash of what must not change on the way; kept in hash.usr, which nobody else uses. */
uint32_t world_content(const struct rte_mbuf *m);
void world_check_event(const struct bh_event *event);
/* Nothing is held any more, nothing was lost, every frame was counted once. */
void world_check_balance(void);
uint16_t world_take_frames(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames,
			   uint16_t count);

/* For activate.c. */
void world_publish(void *opaque, const struct policy *policy);
void world_notice(void *opaque, enum bh_notice_kind kind, const char *text);

#endif
