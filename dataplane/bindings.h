/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy's bindings (networks.*.bindings): which machine is on which segment and uses which addresses. Built beside a
 * policy by the main thread, immutable afterwards, freed with it. NULL serves as "none".
 */
#ifndef DATAPLANE_BINDINGS_H
#define DATAPLANE_BINDINGS_H

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>

struct policy;
struct bindings;

/* Index the bindings of policy->image; needs policy->segments and policy->segment_ids. *bindings becomes NULL if
 * there are none. 0 or -ENOMEM. Main thread. */
int bindings_new(const struct policy *policy, struct bindings **bindings);
void bindings_free(struct bindings *b);

/* Where a MAC is bound: SEGMENT_NONE: nowhere; SEGMENT_FLOOD: to several segments; else the one. */
uint16_t bindings_place(const struct bindings *b, uint16_t network, const struct rte_ether_addr *mac);

/* Is the MAC bound to the segment? */
bool bindings_machine(const struct bindings *b, uint16_t segment, const struct rte_ether_addr *mac);

/* May the MAC use the address on the segment: bound together; or the MAC is bound alone and the address to nobody else; or it
 * is the link-local address that is made from the MAC (RFC 4291, appendix A), which nobody else can rightly have. */
bool bindings_allow(const struct bindings *b, uint16_t network, uint16_t segment,
		    const struct rte_ether_addr *mac, const uint8_t address[16]);

/* The first machine an address is bound to; false: none. */
bool bindings_owner(const struct bindings *b, uint16_t network, const uint8_t address[16],
		    struct rte_ether_addr *mac, uint16_t *segment);

#endif
