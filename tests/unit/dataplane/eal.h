/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tests of the stages share: a real EAL without huge pages, pools whose mbufs have struct frame in their
 * private area, frames made from bytes, and a worker with nothing but counters. Whoever includes this
 * lists dataplane/drop.c among its needs, or has its own drop_frame().
 */
#ifndef TESTS_EAL_H
#define TESTS_EAL_H

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "policy.h"
#include "worker.h"

/* Start EAL, once a process; ends the process on failure. */
static inline void eal_start(void)
{
	/* writable and never freed: EAL keeps pointers and sorts them */
	static char words[][32] = { "test",        "--no-huge",  "--no-shconf", "--no-telemetry",
				    "--no-pci",    "--lcores=0", "-m",          "64",
				    "--log-level", "lib.eal:3",  "-d",          "librte_mempool_ring.so" };
	static char *arguments[RTE_DIM(words) + 1];
	static bool started;

	if (started)
		return;
	for (unsigned int i = 0; i < RTE_DIM(words); i++)
		arguments[i] = words[i];
	if (rte_eal_init(RTE_DIM(words), arguments) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		exit(99);
	}
	started = true;
}

/* A pool of `count` mbufs with `room` bytes for data each (headroom not counted). Names are unique in a process. */
static inline struct rte_mempool *eal_pool(const char *name, unsigned int count, uint16_t room)
{
	eal_start();
	struct rte_mempool *pool = rte_pktmbuf_pool_create(name, count, 0, FRAME_PRIVATE_SIZE,
							   (uint16_t)(room + RTE_PKTMBUF_HEADROOM), 0);
	if (!pool) {
		fprintf(stderr, "pool %s: %s\n", name, rte_strerror(rte_errno));
		exit(99);
	}
	return pool;
}

/* An mbuf with these bytes, in one segment, on port 0; ends the process if the pool is empty or its room too small. */
static inline struct rte_mbuf *eal_frame(struct rte_mempool *pool, const void *bytes, size_t length)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char *data = m && length <= UINT16_MAX ? rte_pktmbuf_append(m, (uint16_t)length) : NULL;

	if (!data) {
		fprintf(stderr, "no mbuf for %zu bytes\n", length);
		exit(99);
	}
	memcpy(data, bytes, length);
	memset(frame_of(m), 0, FRAME_PRIVATE_SIZE);
	m->port = 0;
	return m;
}

/* A worker with zeroed counters and clock and nothing else: no policy, no tables. */
static inline struct worker *eal_worker(void)
{
	struct worker *w = calloc(1, sizeof(*w));
	size_t size = RTE_ALIGN_CEIL(sizeof(*w->counters), 64);

	if (w)
		w->counters = aligned_alloc(64, size);
	if (!w || !w->counters)
		exit(99);
	memset(w->counters, 0, size);
	w->worker_count = 1;
	return w;
}

static inline void eal_worker_free(struct worker *w)
{
	free(w->counters);
	free(w);
}

/* Frames of the port that ended under this reason. */
static inline uint64_t eal_drops(const struct worker *w, uint16_t port, enum bh_drop reason)
{
	return w->counters->ports[port].drops[reason];
}

#endif
