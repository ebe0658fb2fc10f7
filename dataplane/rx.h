/* SPDX-License-Identifier: BSD-3-Clause */
/* Where frames come in: bursts of a worker's queues, and what other workers hand over. */
#ifndef DATAPLANE_RX_H
#define DATAPLANE_RX_H

#include <stdint.h>

#include "handoff.h"
#include "ports.h"
#include "worker.h"

struct rx_queue {
	const struct port *port;
	uint16_t index; /* of the port */
	uint16_t queue;
};

/* A worker's own. */
struct rx {
	uint16_t queue_count;
	struct rx_queue queues[BH_MAX_PORTS * BH_MAX_WORKERS];
	struct rte_ring *in[BH_MAX_WORKERS]; /* by worker; NULL: itself */
	struct rte_ring *out[BH_MAX_WORKERS];
};

/* Deal the ports' queues out to the workers; ports may be NULL (units, replay). */
void rx_init(struct rx *rx, uint16_t worker, uint16_t workers, const struct ports *ports,
	     const struct handoff *handoff);

/* What a burst from a port meets first: counted, stages up to the naming of the owner, handed over where that is another.
 * Returns how many are this worker's own, moved to the front in order. Without a policy all are dropped. */
uint16_t rx_accept(struct worker *w, struct rx *rx, struct rte_mbuf **frames, uint16_t count);

/* One burst of each queue and of each ring, all the way. Returns the number of frames seen. */
uint32_t rx_round(struct worker *w, struct rx *rx);

#endif
