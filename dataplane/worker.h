/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A forwarding worker: everything one lcore owns, so that the way of a frame takes no lock. Stages get the
 * worker and a batch. In replay several workers are driven in turn by one thread.
 */
#ifndef DATAPLANE_WORKER_H
#define DATAPLANE_WORKER_H

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "bulkhead/counters.h"
#include "policy.h"

#define BURST 32

struct flow_table; /* flow.h; worker: rw */
struct fragments;  /* fragment.h; worker: rw */
struct classifier; /* classify.h; worker: rw */
struct mac_table;  /* mactable.h; one for all: worker 0 writes, all read */
struct event_ring; /* event.h; worker: producer, main: consumer */
struct tx;         /* tx.h; worker: rw */
struct assignment; /* segment.h; replay --assign; all: ro */
struct layer2;     /* layer2.h; worker: rw */

struct worker {
	/* read at every burst */
	uint64_t now_ns;             /* monotonic, from the clock in use; never goes back */
	const struct policy *policy; /* NULL: none in force, everything drops; loaded once a burst */
	struct bh_worker_counters *counters;
	struct flow_table *flows;
	struct tx *tx;
	struct classifier *classifier;
	struct fragments *fragments;
	struct mac_table *macs;
	struct layer2 *layer2;
	struct event_ring *events;
	const struct bh_counters *directory; /* names of stable ids; main: rw, workers: ro */
	const struct assignment *assignment; /* NULL unless replay --assign */
	uint64_t unix_offset_us;             /* Unix time in us = now_ns / 1000 + this */
	uint64_t seed;                       /* of the hashes; 0 in replay */
	uint64_t start_ns;     /* when the first image came into force (mid-stream); 0: not yet */
	struct bucket rejects; /* rejects a second; unlimited in replay */
	uint16_t id, worker_count;
	bool replay;
};

static inline void worker_count(struct worker *w, enum bh_worker_counter cell, uint64_t n)
{
	w->counters->cells[cell] += n;
}

static inline uint64_t worker_unix_us(const struct worker *w)
{
	return w->now_ns / 1000 + w->unix_offset_us;
}

/* The one place where a frame ends without being sent: counts the reason at its ingress port and segment,
 * remembers it at its session, and frees it. */
void drop_frame(struct worker *w, struct rte_mbuf *m, enum bh_drop reason);

/* Count a refused copy of a flooded frame; the frame stays. */
void count_drop(struct worker *w, const struct rte_mbuf *m, enum bh_drop reason);

/* Free a frame that was counted already. */
void free_frame(struct worker *w, struct rte_mbuf *m);

/* A frame that was ours to take (probes, learned-only frames): counted as consumed, freed. */
void consume_frame(struct worker *w, struct rte_mbuf *m);

#endif
