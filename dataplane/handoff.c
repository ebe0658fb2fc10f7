/* SPDX-License-Identifier: BSD-3-Clause */
#include "handoff.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "ports.h"
#include "words.h"

static int ring_new(struct rte_ring **ring, uint32_t slots, unsigned int flags, const char *kind,
		    unsigned int a, unsigned int b)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u-%u", kind, a, b);
	*ring = rte_ring_create(name, slots, SOCKET_ID_ANY, flags);
	return *ring ? 0 : -rte_errno;
}

static int open_frames(struct handoff *h, uint32_t slots)
{
	for (uint16_t from = 0; from < h->workers; from++)
		for (uint16_t to = 0; to < h->workers; to++) {
			int error;

			if (from == to)
				continue;
			error = ring_new(&h->frames[from][to], slots, RING_F_SP_ENQ | RING_F_SC_DEQ, "hand",
					 from, to);
			if (error)
				return error;
		}
	return 0;
}

/* A ring for each queue that more than one worker sends by. */
static int open_queues(struct handoff *h, const struct ports *ports, uint32_t slots)
{
	for (uint16_t p = 0; p < ports->count; p++) {
		uint16_t queues = ports->ports[p].tx_queues;

		for (uint16_t q = 0; q < queues && handoff_queue_users(q, queues, h->workers) > 1; q++) {
			/* relaxed tail: a worker does not wait for another that was preempted in its enqueue */
			int error = ring_new(&h->queues[p][q], slots, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ,
					     "send", p, q);

			if (error)
				return error;
		}
	}
	return 0;
}

int handoff_open(struct handoff *h, uint16_t workers, const struct ports *ports, uint32_t slots)
{
	int error;

	memset(h, 0, sizeof(*h));
	h->workers = workers;
	error = open_frames(h, slots);
	if (!error && ports)
		error = open_queues(h, ports, slots);
	if (error)
		handoff_close(h);
	return error;
}

/* Nobody has looked into it. */
static void drop_unknown(struct worker *w, struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);

	clear128(f);
	f->segment = f->dest = f->network = SEGMENT_NONE;
	drop_frame(w, m, BH_DROP_HANDOFF_FULL);
}

void handoff_give(struct worker *w, struct rte_ring *ring, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t kept = 0;
	unsigned int taken;

	for (uint16_t i = 0; i < count; i++)
		if (unlikely(fault(FAULT_HANDOFF)))
			drop_unknown(w, frames[i]);
		else
			frames[kept++] = frames[i];
	taken = rte_ring_sp_enqueue_burst(ring, (void **)frames, kept, NULL);
	worker_count(w, BH_WORKER_HANDED_OVER, taken);
	for (unsigned int i = taken; i < kept; i++)
		drop_unknown(w, frames[i]);
}

static void ring_free(struct rte_ring *ring)
{
	void *frame;

	if (!ring)
		return;
	while (rte_ring_dequeue(ring, &frame) == 0)
		rte_pktmbuf_free(handoff_frame(frame));
	rte_ring_free(ring);
}

void handoff_close(struct handoff *h)
{
	for (uint16_t i = 0; i < BH_MAX_WORKERS; i++) {
		for (uint16_t k = 0; k < BH_MAX_WORKERS; k++)
			ring_free(h->frames[i][k]);
		for (uint16_t p = 0; p < BH_MAX_PORTS; p++)
			ring_free(h->queues[p][i]);
	}
	memset(h, 0, sizeof(*h));
}

void handoff_transmit(const struct handoff *h, uint16_t worker, struct tx_port *list, uint16_t count)
{
	for (uint16_t p = 0; p < count; p++)
		if (handoff_queue_owner(list[p].queue) != worker)
			list[p].owner = h->queues[p][list[p].queue];
}
