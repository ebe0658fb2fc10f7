/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet ports: any DPDK device, set up for a bridge. The only file with rte_eth_rx_burst and rte_eth_tx_burst. A port's
 * index here (0 .. count-1) is what mbuf->port holds in the stages, whatever number DPDK gave it. All but
 * port_receive() and port_send() belong to the main thread.
 */
#ifndef DATAPLANE_PORTS_H
#define DATAPLANE_PORTS_H

#include <rte_ether.h>
#include <rte_mempool.h>
#include <stdbool.h>
#include <stdint.h>

#include "bulkhead/counters.h"
#include "log.h"
#include "options.h"
#include "owner.h"
#include "tx.h"

struct port {
	char name[BH_NAME_MAX + 1];
	char device[BH_DEVICE_MAX + 1];
	struct rte_ether_addr mac;
	uint16_t id; /* DPDK's */
	uint16_t rx_queues, tx_queues;
	uint16_t mtu;
	uint16_t
		reta_size; /* entries of the device's table of queues, if that is ours to fill; 0: it is not */
	bool promiscuous, strip, insert, checksums, started;
	bool interrupts; /* its device was configured with receive interrupts; interrupts.h */
	bool arms;       /* and they are armed one by one */
	bool spread;     /* over its receive queues, by the owners' key: index i on queue i mod rx_queues */
	_Atomic bool up; /* link; main: rw, workers: ro (tx) */
};

struct port_setup; /* ports.c */

struct ports {
	struct port ports[BH_MAX_PORTS];
	uint16_t count;
	struct port_setup *setups;    /* count elements, from open to close */
	struct rte_mempool *copies;   /* for frames of our own and copies */
	struct rte_mempool *pools[8]; /* by socket; shared by the ports there */
	struct bh_counters *counters; /* ports[] is kept up to date */
	notice_function notice;
	void *opaque;
};

struct port_need {
	const struct option_port *ports;
	uint16_t count;
	uint16_t workers;
	const struct owners
		*owners; /* their key is for the devices, and stays where it is; NULL: there is one queue */
	uint32_t mbufs;
	bool interrupts; /* where the devices have them */
	uint32_t room;   /* bytes of a frame that an mbuf must take at least; 0: by the MTUs */
};

/* Probe and configure; nothing is received yet. 0 or -errno; what went wrong was logged. */
int ports_open(struct ports *ports, const struct port_need *need);
/* From here on frames come in. */
int ports_start(struct ports *ports);
/* Stop, and close the devices. The pools stay until EAL ends: frames may still be held elsewhere. Idempotent. */
void ports_close(struct ports *ports);

/* Link states: to a port whose link is down nothing is sent, so it is asked often. A link that comes up has its modes set anew. */
void ports_watch_links(struct ports *ports);

/* Promiscuous mode, where a driver forgot it; the drivers' own losses. About once a second. */
void ports_watch(struct ports *ports);

/* How worker number `worker` sends by each port (tx_port.owner is left NULL). */
void ports_transmit(const struct ports *ports, uint16_t worker, struct tx_port *list);

/* A burst from a queue; mbuf->port is the port's index. */
uint16_t port_receive(const struct port *port, uint16_t index, uint16_t queue, struct rte_mbuf **frames,
		      uint16_t count);

/* A tx_burst of tx.h; `port` is DPDK's id. */
uint16_t port_send(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames, uint16_t count);

#endif
