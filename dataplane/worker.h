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
#define WORKER_WHOLE 128u /* all flows, as owner.h shares them out */

struct flow_table; /* flow.h; worker: rw */
struct fragments;  /* fragment.h; worker: rw */
struct classifier; /* classify.h; worker: rw */
struct mac_table;  /* mactable.h; one for all: worker 0 writes, all read */
struct event_ring; /* event.h; worker: producer, main: consumer */
struct tx;         /* tx.h; worker: rw */
struct assignment; /* segment.h; replay --assign; all: ro */
struct layer2;     /* layer2.h; worker: rw */
struct denials;    /* denials.h; worker: rw */
struct loops;      /* loop.h; main: rw, workers: by their functions */
struct loop_gate;  /* loop.h; main: rw, workers: ro, but for what has left */
struct owners;     /* owner.h; main: rw, workers: ro */
struct rte_ring;

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
	struct bh_memo *memo;                /* of the evaluator; NULL: it remembers nothing */
	struct denials *denials;             /* NULL: each refusal is told, as in replay */
	struct loops *loops;                 /* NULL: no probes, as in replay */
	struct loop_gate *loop_gate;         /* NULL with it */
	struct rte_ring *const *peers;       /* to the other workers, by id (rx.h) */
	const struct owners *owners;         /* NULL: there is one worker */
	const struct bh_counters *directory; /* names of stable ids; main: rw, workers: ro */
	const struct assignment *assignment; /* NULL unless replay --assign */
	uint64_t unix_offset_us;             /* Unix time in us = now_ns / 1000 + this */
	uint64_t seed;                       /* of the hashes; 0 in replay */
	uint64_t resumed_ns, paused_ns; /* when the process last stood still, until when and for how long */
	uint64_t start_ns;              /* when the first image came into force (mid-stream); 0: not yet */
	struct bucket rejects;          /* answers to senders a second; unlimited in replay */
	uint16_t id, worker_count;
	uint16_t part; /* of WORKER_WHOLE: of all flows that it owns; 0: one of worker_count */
	bool replay;
	bool measuring;   /* account for the stages' time (stages.h) */
	uint32_t to_wake; /* workers that got something in this round, a bit by id (workerloop.c) */
};

static_assert(BH_MAX_WORKERS <= 32, "a bit for each worker");

/* Something was left for another worker: if it sleeps it is woken, at the end of this round. */
static inline void worker_wakes(struct worker *w, uint16_t other)
{
	w->to_wake |= UINT32_C(1) << other;
}

static inline void worker_count(struct worker *w, enum bh_worker_counter cell, uint64_t n)
{
	w->counters->cells[cell] += n;
}

/* Ask the policy in force (not NULL). */
static inline void worker_ask(struct worker *w, const struct bh_session *session, struct bh_answer *answer)
{
	worker_count(w, BH_WORKER_EVALUATIONS, 1);
	if (w->memo)
		w->memo->generation = w->policy->generation;
	bh_evaluate_memo(&w->policy->image, &w->policy->context, session, w->memo, answer);
}

/* A worker's part of a limit that holds for all together. In replay all take from one account. */
static inline uint64_t worker_share(const struct worker *w, uint64_t limit)
{
	uint64_t share = w->part ? limit * w->part / WORKER_WHOLE : limit / w->worker_count;

	return w->replay ? limit : RTE_MAX(share, 1u);
}

/* A worker's part of what is divided evenly, whatever flows it owns: nDPI's caches take the same of each. */
static inline uint64_t worker_even(const struct worker *w, uint64_t size)
{
	return w->replay ? size : size / w->worker_count;
}

/* Of a rate, as worker_share(): the time between two events that all together may have at this distance. */
static inline uint64_t worker_interval(const struct worker *w, uint64_t ns)
{
	if (w->replay)
		return ns;
	return w->part ? ns * WORKER_WHOLE / w->part : ns * w->worker_count;
}

/* Longer between two rounds is no load but a pause: the VM was stunned (a snapshot, a move), or the process stopped. */
#define WORKER_PAUSE_NS 500000000ull

/* Live: it is now so late. Clocks of two CPUs may differ by some ticks: it never goes back. */
static inline void worker_clock(struct worker *w, uint64_t now_ns)
{
	if (now_ns <= w->now_ns)
		return;
	if (now_ns - w->now_ns > WORKER_PAUSE_NS) {
		w->resumed_ns = now_ns;
		w->paused_ns = now_ns - w->now_ns;
	}
	w->now_ns = now_ns;
}

/* A moment that something was last heard of, for its timeout: in a pause nobody could be heard, so it does not count. */
static inline uint64_t worker_last(const struct worker *w, uint64_t last_ns)
{
	return last_ns < w->resumed_ns ? last_ns + w->paused_ns : last_ns;
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
