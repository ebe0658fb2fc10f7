/* SPDX-License-Identifier: BSD-3-Clause */
#include "rx.h"

#include <rte_ring.h>
#include <string.h>

#include "frame.h"
#include "owner.h"
#include "parse.h"
#include "pipeline.h"
#include "stages.h"

/* Queue q of a port whose device spreads by the owners' key is worker q's; the others are dealt round, so that their queues 0, which
 * take what RSS does not spread, go to different workers. *next: 0 before the first port. */
static uint16_t worker_of(const struct port *port, uint16_t queue, uint16_t workers, uint16_t *next)
{
	return port->spread ? queue % workers : (*next)++ % workers;
}

/* What is sent by a queue that is one worker's alone is part of the work that each frame is. */
static void add_sending(struct owner_duty *duties, const struct port *port, uint16_t workers, uint16_t ports)
{
	for (uint16_t q = 0; q < port->tx_queues; q++) {
		uint32_t users = handoff_queue_users(q, port->tx_queues, workers);

		if (users > 1)
			duties[handoff_queue_owner(q)].sends += 1000 * users / workers / ports;
	}
}

void rx_name_owners(struct owners *owners, const struct ports *ports)
{
	struct owner_duty duties[BH_MAX_WORKERS] = { 0 };
	uint32_t queues = 0;
	uint16_t next = 0;
	bool spread = false;

	for (uint16_t p = 0; p < ports->count; p++) {
		const struct port *port = &ports->ports[p];

		spread |= port->spread;
		queues += port->rx_queues;
		for (uint16_t q = 0; q < port->rx_queues; q++)
			duties[worker_of(port, q, owners->workers, &next)].receives++;
		add_sending(duties, port, owners->workers, ports->count);
	}
	if (spread) {
		owners_by_key(owners);
		return;
	}
	for (uint16_t i = 0; i < owners->workers; i++)
		duties[i].receives = queues ? 1000 * duties[i].receives / queues : 0;
	owners_by_load(owners, duties);
}

void rx_init(struct rx *rx, uint16_t worker, uint16_t workers, const struct ports *ports,
	     const struct handoff *handoff)
{
	uint16_t next = 0;

	memset(rx, 0, sizeof(*rx));
	for (uint16_t i = 0; i < workers; i++) {
		rx->in[i] = handoff->frames[i][worker];
		rx->out[i] = handoff->frames[worker][i];
	}
	for (uint16_t p = 0; ports && p < ports->count; p++)
		for (uint16_t q = 0; q < ports->ports[p].rx_queues; q++)
			if (worker_of(&ports->ports[p], q, workers, &next) == worker)
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

/* Closed. Of frames that no stage has looked at nothing is known. */
static void drop_all(struct worker *w, struct rte_mbuf **frames, uint16_t count, bool judged)
{
	for (uint16_t i = 0; i < count; i++) {
		struct frame *f = frame_of(frames[i]);

		if (!judged) {
			memset(f, 0, sizeof(*f));
			f->segment = SEGMENT_NONE;
		}
		drop_frame(w, frames[i], BH_DROP_NO_POLICY);
	}
}

/* Where a glance does not tell, the parser does. What it refuses is this worker's to drop. */
static uint16_t parsed_owner(const struct worker *w, struct rte_mbuf *m)
{
	if (parse_frame(m, parse_how(w->policy)) != PARSED)
		return w->id;
	return owner_of(w->owners, frame_of(m));
}

/* Hand over what is another's; returns how many are left. */
static uint16_t give_away(struct worker *w, struct rx *rx, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t own = 0;

	for (uint16_t i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frames[i], const void *));
	for (uint16_t i = 0; i < count; i++) {
		uint16_t owner = owner_glance(w->owners, frames[i]);

		if (unlikely(owner == OWNER_UNSURE))
			owner = parsed_owner(w, frames[i]);
		if (owner == w->id)
			frames[own++] = frames[i];
		else
			rx->away[owner].frames[rx->away[owner].count++] = frames[i];
	}
	if (own == count)
		return own;
	for (uint16_t i = 0; i < w->worker_count; i++) {
		struct rx_away *away = &rx->away[i];

		if (away->count) {
			worker_wakes(w, i);
			handoff_give(w, rx->out[i], away->frames, away->count);
		}
		away->count = 0;
	}
	return own;
}

uint16_t rx_accept(struct worker *w, struct rx *rx, struct rte_mbuf **frames, uint16_t count)
{
	count_in(w, frames, count);
	if (!w->policy) {
		drop_all(w, frames, count, false);
		return 0;
	}
	if (w->worker_count > 1)
		count = give_away(w, rx, frames, count);
	return count ? pipeline_receive(w, frames, count) : 0;
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

/* All of it is in another CPU's cache. Where the data begin is a guess: to know it one would have to wait for the mbuf. */
static void prefetch_foreign(void *const *places, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		const char *m = (const char *)handoff_frame(places[i]);
		const char *f = m + sizeof(struct rte_mbuf);

		rte_prefetch0_write(m);
		rte_prefetch0(f + FRAME_PRIVATE_SIZE + RTE_PKTMBUF_HEADROOM);
		rte_prefetch0_write(f);
		rte_prefetch0_write(f + RTE_CACHE_LINE_SIZE);
	}
}

static void go_on(struct worker *w, struct rte_mbuf **frames, uint16_t count, bool judged)
{
	if (!judged)
		count = pipeline_receive(w, frames, count);
	if (count)
		pipeline_forward(w, frames, count);
}

static uint16_t take_ring(struct worker *w, struct rte_ring *ring)
{
	void *places[BURST];
	struct rte_mbuf *frames[BURST];
	uint16_t count = (uint16_t)rte_ring_sc_dequeue_burst(ring, places, BURST, NULL);

	if (!count)
		return 0;
	prefetch_foreign(places, count);
	for (uint16_t i = 0, first; i < count;) {
		bool judged = handoff_is_judged(places[i]);

		for (first = i; i < count && handoff_is_judged(places[i]) == judged; i++)
			frames[i] = handoff_frame(places[i]);
		/* the first policy ever: whoever handed these over saw it earlier in the same moment */
		if (unlikely(!w->policy))
			drop_all(w, frames + first, i - first, judged);
		else
			go_on(w, frames + first, i - first, judged);
	}
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
