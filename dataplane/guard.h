/* SPDX-License-Identifier: BSD-3-Clause */
/* The guards of a segment: who may send as whom, who may be a DHCP server or a router. */
#ifndef DATAPLANE_GUARD_H
#define DATAPLANE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "place.h"
#include "worker.h"

#define GUARD_PASS BH_DROP_COUNT

/* What a frame says of its sender. */
struct claims {
	uint8_t address[2][16]; /* addresses its MAC is said to use */
	uint8_t count;
	bool spoken;  /* by ARP or ND, not only as the source of an IP packet */
	bool foreign; /* ARP or ND inside names another MAC than the frame's source */
};

/* Unspecified addresses (ARP probe, DAD, DHCP client) claim nothing. */
void guard_claims(const struct rte_mbuf *m, const struct frame *f, struct claims *claims);

/* The frame's own addresses, of ICMP errors too (whose key is of the packet they quote). IP and ARP kinds only. */
void guard_addresses(const struct rte_mbuf *m, const struct frame *f, uint8_t source[16],
		     uint8_t destination[16]);

/* What needs no learning: bindings (spoof-guard: strict, and bound MACs everywhere), DHCP and router
 * advertisements. A drop reason or GUARD_PASS. */
enum bh_drop guard_frame(struct worker *w, const struct rte_mbuf *m, const struct frame *f);

/* Has guard_frame() anything to ask of such a frame? */
static inline bool guard_asked(const struct policy *policy, const struct frame *f)
{
	return policy->bindings || (f->flags & (FRAME_DHCP_SERVER | FRAME_ROUTER_ADVERT)) ||
	       policy->segments[f->segment].spoof_guard == BH_SPOOF_STRICT;
}

/* spoof-guard: learn, for a machine that mac_table_see() let pass; and what is heard by ARP and ND is
 * remembered everywhere. */
enum bh_drop guard_learn(struct worker *w, const struct rte_mbuf *m, const struct frame *f,
			 const struct claims *claims, const struct sighting *s);

#endif
