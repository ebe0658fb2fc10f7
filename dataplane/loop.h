/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loops (vsphere.md, topology): a probe of each segment every second, and what comes back of them. A probe of ours or of
 * another appliance of the group that comes in by another segment of the network than it was sent to means that these
 * two are joined outside: between them nothing is forwarded any more until no such probe came for a while. So does
 * another appliance whose probes come in by two segments of ours, each by its own: it joins them as we do; then the one
 * with the greater id closes.
 *
 * A segment that is new, at the start or by a policy, is probed and listened to for LOOP_LISTEN_US before anything is
 * forwarded from or to it, so that a loop is known before the first frame goes round in it.
 *
 * Of the main thread, but for what a worker says it may use. A probe that is no use (of an older round, a frame
 * that somebody recorded, not of the group) closes nothing and is counted.
 */
#ifndef DATAPLANE_LOOP_H
#define DATAPLANE_LOOP_H

#include <rte_branch_prediction.h>
#include <rte_mempool.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "options.h"
#include "policy.h"
#include "probe.h"

struct rte_mbuf;
struct worker;
struct loops;

#define LOOP_PAIRS 32u
/* From when a segment's first probe left to its first frame: some hundred times what a probe needs round a loop. */
#define LOOP_LISTEN_US 200000u
/* Without a probe for so long the pair is opened. */
#define LOOP_HOLD_US 10000000u

/* The pairs that are closed, as workers see them: lower id << 16 | higher; the segments that are not listened to any more, a bit
 * by id; and by which of them a probe has left since main last asked. main: rw, workers: ro, but for `left' */
struct loop_gate {
	_Atomic uint32_t count;
	_Atomic uint32_t pairs[LOOP_PAIRS];
	_Atomic uint64_t open[BH_SEGMENT_IDS / 64];
	alignas(64) _Atomic uint64_t left[BH_SEGMENT_IDS / 64];
};

static inline bool loop_open(const struct loop_gate *gate, uint16_t segment)
{
	return atomic_load_explicit(&gate->open[segment / 64], memory_order_relaxed) >> (segment % 64) & 1;
}

/* Is nothing forwarded yet between them? Worker; gate NULL: no probes */
static inline bool loop_listening(const struct loop_gate *gate, uint16_t from, uint16_t to)
{
	return gate && !(loop_open(gate, from) && loop_open(gate, to));
}

/* The port's driver took a probe of the segment. Worker; gate NULL: no probes */
static inline void loop_left(struct loop_gate *gate, uint16_t segment)
{
	if (gate)
		atomic_fetch_or_explicit(&gate->left[segment / 64], UINT64_C(1) << (segment % 64),
					 memory_order_relaxed);
}

static inline uint32_t loop_pair(uint16_t a, uint16_t b)
{
	return a < b ? (uint32_t)a << 16 | b : (uint32_t)b << 16 | a;
}

/* In the place of a pair: more of them are closed than there are places, so all are. */
#define LOOP_EVERY_PAIR UINT32_MAX

/* Is a frame that came by one segment not to leave by the other? Worker; gate NULL: no probes */
static inline bool loop_closed(const struct loop_gate *gate, uint16_t from, uint16_t to)
{
	uint32_t count = gate ? atomic_load_explicit(&gate->count, memory_order_relaxed) : 0;

	for (uint32_t i = 0; unlikely(i < count); i++) {
		uint32_t pair = atomic_load_explicit(&gate->pairs[i], memory_order_relaxed);

		if (pair == loop_pair(from, to) || pair == LOOP_EVERY_PAIR)
			return true;
	}
	return false;
}

struct loop_need {
	const struct options *options; /* group, key, where we run */
	struct bh_counters *counters;
	uint16_t workers;
	struct rte_mempool *buffers;
	const struct rte_ether_addr *macs; /* of the ports; kept */
	uint64_t now_us;                   /* Unix */
	notice_function notice;
	void *opaque;
};

/* 0, -EINVAL or another -errno: the key can not be read (and was logged), or no memory. */
int loops_new(struct loops **loops, const struct loop_need *need);
/* The workers have stopped. */
void loops_free(struct loops *l);
struct loop_gate *loops_gate(struct loops *l);

/* A policy is about to come into force, or is when the loops are made: its new segments are not open, nor are those that come
 * into another network. (A segment is its port and VLAN: on another it is a new one.) */
void loops_policy(struct loops *l, const struct policy *policy);
/* While it returns true, some 50 times a second: first probes, and segments that are to be opened. One whose probe can not leave
 * (its port's link is down) waits for the rounds of loops_tick(), as long as that takes. */
bool loops_listen(struct loops *l, const struct policy *policy, uint64_t now_us);
/* Ten times a second: probes for a part of the segments, what workers heard, pairs that are to be opened. */
void loops_tick(struct loops *l, const struct policy *policy, uint64_t now_us);

/* Are there frames for worker 0 to send? */
bool loops_waiting(const struct loops *l);

/* Worker: is the frame a probe? Then it was taken in (its segment is known) and is to be consumed. */
bool loops_hear(struct loops *l, struct worker *w, const struct rte_mbuf *m);
/* Worker 0: the next frames to send, each with f->dest; returns how many. */
uint32_t loops_take(struct loops *l, struct rte_mbuf **frames, uint32_t count);

#endif
