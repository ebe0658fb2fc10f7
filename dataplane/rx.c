/* SPDX-License-Identifier: BSD-3-Clause */
#include "rx.h"

#include <rte_ring.h>
#include <string.h>

#include "frame.h"
#include "pipeline.h"
#include "stages.h"

void rx_init(struct rx *rx, uint16_t worker, uint16_t workers, const struct ports *ports,
	     const struct handoff *handoff)
{
	uint16_t next = 0;

	memset(rx, 0, sizeof(*rx));
	for (uint16_t i = 0; i < workers; i++) {
		rx->in[i] = handoff->frames[i][worker];
		rx->out[i] = handoff->frames[worker][i];
	}
	/* queue 0 of the ports goes to different workers: it takes what RSS does not spread */
	for (uint16_t p = 0; ports && p < ports->count; p++)
		for (uint16_t q = 0; q < ports->ports[p].rx_queues; q++, next++)
			if (next % workers == worker)
				rx->queues[rx->queue_count++] = (struct rx_queue){ &ports->ports[p], p, q };
}

/* By runs of one port, which a burst mostly is. */
static void count_in(struct worker *w, struct rte_mbuf *const *frames, uint16_t count)
{
	for (uint16_t i = 0, first; i < count;) {
		uint16_t from = frames[i]->port;
		uint64_t bytes = 0;

		for (first = i; i < count && frames[i]->port == from; i++) {
			bool stripped = frames[i]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED;

			bytes += frames[i]->pkt_len + (stripped ? sizeof(struct rte_vlan_hdr) : 0);
		}
		w->counters->ports[from].in += i - first;
		w->counters->ports[from].in_bytes += bytes;
	}
}

/* Closed: no stage has looked at these frames, so nothing is known of them. */
static void drop_all(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		struct frame *f = frame_of(frames[i]);

		memset(f, 0, sizeof(*f));
		f->segment = SEGMENT_NONE;
		drop_frame(w, frames[i], BH_DROP_NO_POLICY);
	}
}

uint16_t rx_accept(struct worker *w, struct rx *rx, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t own = 0;

	count_in(w, frames, count);
	if (!w->policy) {
		drop_all(w, frames, count);
		return 0;
	}
	count = pipeline_receive(w, frames, count);
	if (w->worker_count == 1)
		return count;
	for (uint16_t i = 0; i < count; i++) {
		uint16_t owner = (uint16_t)(frame_of(frames[i])->owner_hash % w->worker_count);

		if (owner == w->id)
			frames[own++] = frames[i];
		else
			handoff_give(w, owner, rx->out[owner], frames[i]);
	}
	return own;
}

static uint16_t take_queue(struct worker *w, struct rx *rx, const struct rx_queue *queue)
{
	struct rte_mbuf *frames[BURST];
	uint64_t start = stage_begin(w);
	uint16_t count = port_receive(queue->port, queue->index, queue->queue, frames, BURST), own;

	stage_end(w, BH_STAGE_RECEIVE, count, &start);
	if (!count)
		return 0;
	worker_count(w, BH_WORKER_BURSTS, 1);
	own = rx_accept(w, rx, frames, count);
	if (own)
		pipeline_forward(w, frames, own);
	return count;
}

static uint16_t take_ring(struct worker *w, struct rte_ring *ring)
{
	struct rte_mbuf *frames[BURST];
	uint16_t count = (uint16_t)rte_ring_sc_dequeue_burst(ring, (void **)frames, BURST, NULL);

	if (!count)
		return 0;
	if (w->policy) {
		pipeline_forward(w, frames, count);
		return count;
	}
	/* the first policy ever: whoever handed these over saw it earlier in the same moment */
	for (uint16_t i = 0; i < count; i++)
		drop_frame(w, frames[i], BH_DROP_NO_POLICY);
	return count;
}

uint32_t rx_round(struct worker *w, struct rx *rx)
{
	uint32_t seen = 0;

	for (uint16_t i = 0; i < rx->queue_count; i++)
		seen += take_queue(w, rx, &rx->queues[i]);
	for (uint16_t i = 0; i < w->worker_count; i++)
		if (rx->in[i])
			seen += take_ring(w, rx->in[i]);
	return seen;
}
