/* SPDX-License-Identifier: BSD-3-Clause */
/* Where frames come in: bursts of a worker's queues, and what other workers hand over. */
#ifndef DATAPLANE_RX_H
#define DATAPLANE_RX_H

#include <stdint.h>

#include "handoff.h"
#include "owner.h"
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
	struct rx_away { /* of the burst at hand: what is for another worker */
		uint16_t count;
		struct rte_mbuf *frames[BURST];
	} away[BH_MAX_WORKERS];
};

/* How the ports' queues will be dealt out settles how the owners are named: ports are open, no worker runs. */
void rx_name_owners(struct owners *owners, const struct ports *ports);

/* Deal the ports' queues out to the workers; ports may be NULL (units, replay). */
void rx_init(struct rx *rx, uint16_t worker, uint16_t workers, const struct ports *ports,
	     const struct handoff *handoff);

/* What a burst from a port meets first: counted, and handed over as it is where another worker owns its flow; the others go through
 * the stages up to `segment'. Returns how many are this worker's own and go on, moved to the front in order. At most BURST. Without a
 * policy all are dropped. */
uint16_t rx_accept(struct worker *w, struct rx *rx, struct rte_mbuf **frames, uint16_t count);

/* One burst of each queue and of each ring, all the way. Returns the number of frames seen. */
uint32_t rx_round(struct worker *w, struct rx *rx);

#endif
