/* SPDX-License-Identifier: BSD-3-Clause */
/* The MAC table as its own two files know it: mactable.c (the table) and learn.c (what sightings do to it). */
#ifndef DATAPLANE_LEARN_H
#define DATAPLANE_LEARN_H

#include "mactable.h"
#include "sightring.h"
#include "store.h"

struct mac_table {
	struct store store;
	struct mac_entry *entries;
	_Atomic uint32_t segment_macs[BH_SEGMENT_IDS]; /* writer: rw, others: ro */
	_Atomic uint64_t now_ns;                       /* latest time that a worker told */
	_Atomic uint32_t changes; /* machines that were moved, bound or forgotten; writer: rw, others: ro */
	struct addresses *addresses;
	struct rates *rates;
	struct sight_ring *rings[BH_MAX_WORKERS]; /* [0] is NULL: the writer needs none */
	uint16_t workers;
	/* writer */
	uint32_t generation; /* of the policy whose bindings the entries were compared with, */
	uint32_t sweep;      /* up to this record */
};

/* The machine's record, STORE_NONE if there is none; it may have aged out. */
uint32_t mac_lookup(const struct mac_table *table, uint16_t network, const struct rte_ether_addr *mac);
uint32_t mac_hash(const struct mac_table *table, uint16_t network, const struct rte_ether_addr *mac);

/* The segment the policy binds the MAC to; SEGMENT_NONE: none, or several. */
uint16_t mac_bound(const struct policy *policy, uint16_t network, const struct rte_ether_addr *mac);

/* Is the place still one of the policy's? */
bool mac_place_stands(const struct policy *policy, uint16_t network, uint16_t segment);

/* Writer. */
void learn_apply(struct worker *w, const struct sighting *s);
/* Returns whether the budget was spent. */
bool learn_drain(struct worker *w, uint16_t from_worker, uint32_t budget);
void learn_forget(struct worker *w, uint32_t record);
/* The policy binds the entry to this segment (SEGMENT_NONE: to none). */
void learn_bind(struct worker *w, struct mac_entry *e, uint16_t segment);

#endif
