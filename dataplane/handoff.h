/* SPDX-License-Identifier: BSD-3-Clause */
/* The rings by which workers give frames to one another: to the owner of a flow, and to the owner of a transmit queue
 * where a port has fewer of them than there are workers. */
#ifndef DATAPLANE_HANDOFF_H
#define DATAPLANE_HANDOFF_H

#include <rte_ring.h>
#include <stdint.h>

#include "bulkhead/counters.h"
#include "fault.h"
#include "tx.h"
#include "worker.h"

struct ports;

struct handoff {
	uint16_t workers;
	struct rte_ring *frames[BH_MAX_WORKERS][BH_MAX_WORKERS]; /* [from][to]; one producer, one consumer */
	struct rte_ring
		*queues[BH_MAX_PORTS][BH_MAX_WORKERS]; /* [port][tx queue]; many producers, its owner */
};

/* `slots` of each ring, a power of two. ports NULL: no transmit rings. 0 or -errno */
int handoff_open(struct handoff *handoff, uint16_t workers, const struct ports *ports, uint32_t slots);
/* Frees what is still in the rings; the workers have stopped. Idempotent. */
void handoff_close(struct handoff *handoff);

/* Which worker sends on a transmit queue: the queues are dealt out to the first workers. */
static inline uint16_t handoff_queue_owner(uint16_t queue)
{
	return queue;
}

/* How many workers send by it: worker w by queue w % queues. */
static inline uint16_t handoff_queue_users(uint16_t queue, uint16_t queues, uint16_t workers)
{
	return queue < workers ? (uint16_t)((workers - queue - 1) / queues + 1) : 0;
}

/*
 * What lies in a ring of frames: one as it was received, of which nothing is known but its port; or, marked, one whose struct frame
 * is filled, as the fragment stage has it. mbufs are aligned, so the mark has room in the pointer.
 */
static inline bool handoff_is_judged(const void *place)
{
	return (uintptr_t)place & 1;
}

static inline struct rte_mbuf *handoff_frame(void *place)
{
	return (struct rte_mbuf *)((uintptr_t)place & ~(uintptr_t)1);
}

/* Give frames as they were received to the worker that owns their flows, by the ring to it; what has no room is dropped. On the
 * ring's producer. */
void handoff_give(struct worker *w, struct rte_ring *ring, struct rte_mbuf **frames, uint16_t count);

/* Give a frame to the worker that is to go on with it behind the fragment stage of this one. */
static inline void handoff_judged(struct worker *w, struct rte_ring *ring, struct rte_mbuf *m)
{
	void *marked = (void *)((uintptr_t)m | 1);

	if (!fault(FAULT_HANDOFF) && rte_ring_sp_enqueue(ring, marked) == 0)
		worker_count(w, BH_WORKER_HANDED_OVER, 1);
	else
		drop_frame(w, m, BH_DROP_HANDOFF_FULL);
}

/* Fill tx_port.owner of a worker's list where the queue is another's. */
void handoff_transmit(const struct handoff *handoff, uint16_t worker, struct tx_port *list, uint16_t count);

#endif
