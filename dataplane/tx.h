/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of a frame's way: re-tag for the destination segment and send. Nothing else of a frame changes.
 * Frames are gathered per port and sent in bursts; what a full queue does not take is dropped and counted.
 */
#ifndef DATAPLANE_TX_H
#define DATAPLANE_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "worker.h"

/* Sends frames on a queue of a port; returns how many it took (the first ones). Live: rte_eth_tx_burst;
 * replay: the capture file; units: a list. */
typedef uint16_t (*tx_burst)(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames,
			     uint16_t count);

struct tx_port {
	tx_burst burst;
	void *opaque;
	uint16_t id;            /* DPDK port id */
	uint16_t queue;         /* this worker's queue */
	uint32_t max_frame;     /* tx_max_frame() of its MTU */
	bool insert;            /* driver inserts the tag (RTE_ETH_TX_OFFLOAD_VLAN_INSERT) */
	bool checksums;         /* driver completes TCP and UDP checksums */
	bool prepare;           /* call rte_eth_tx_prepare */
	const _Atomic bool *up; /* its link, as last seen by the main thread; NULL: always */
	struct rte_ring *owner; /* queue belongs to another worker: hand frames over here; NULL: ours */
};

#define TX_OVERHEAD 18u /* Ethernet header and one tag */

/* The longest frame that a port takes, with its tag. */
static inline uint32_t tx_max_frame(uint32_t mtu)
{
	return mtu + TX_OVERHEAD;
}

/* `ports` is copied. NULL: no memory */
struct tx *tx_new(const struct tx_port *ports, uint16_t port_count, struct rte_mempool *copies, int socket);
void tx_free(struct tx *tx);
struct tx_port *tx_port(struct tx *tx, uint16_t port);

/* Send a frame to a segment (stable id) of the policy: re-tag and gather. Takes the frame whatever happens. Reassembled
 * frames send their originals. */
void tx_frame(struct worker *w, struct rte_mbuf *m, uint16_t segment);
/* The same for a copy of the frame; the frame stays the caller's. Counts a NO_MEMORY drop on failure. */
void tx_copy(struct worker *w, struct rte_mbuf *m, uint16_t segment);
/* Send a frame of our own making to a segment: untagged in the buffer, or with the tags that its struct frame tells of. Counted as made, under the segment's port. */
void tx_made(struct worker *w, struct rte_mbuf *m, uint16_t segment);
/* A copy of the frame to a mirror: leaves by `port` with VLAN id `vlan` (RSPAN). Counted as made. */
void tx_mirror(struct worker *w, struct rte_mbuf *m, uint16_t port, uint16_t vlan);
/* Send a frame that another worker handed over by tx_port.owner's ring: it is re-tagged already. */
void tx_take(struct worker *w, uint16_t port, struct rte_mbuf *m);
/* Send all that was gathered. Called once a round. */
void tx_flush(struct worker *w);
/* A buffer for a frame of our own; NULL: no memory */
struct rte_mbuf *tx_buffer(struct worker *w);

#endif
