/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's own memory of what the MAC table said a moment ago, two machines a line of cache, so that frames of machines that talk need
 * not follow the table's chains, whose lines are everybody's. It answers only where the table would have nothing to do or say but
 * this: the machine is there, and was noted as heard a moment ago. An answer is void when any machine was moved, bound
 * or forgotten since, or another policy is in force (mac_table_epoch()).
 */
#ifndef DATAPLANE_MACCACHE_H
#define DATAPLANE_MACCACHE_H

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "place.h"
#include "words.h"

/* bits of mac_cached.shown: people are shown an address of this family already (learn.c) */
enum { MAC_SHOWN_4 = 1 << 0, MAC_SHOWN_6 = 1 << 1 };

struct mac_cached {
	uint64_t key;      /* mac_key(); 0: nothing */
	uint64_t epoch;    /* mac_table_epoch() from before the table was asked */
	uint64_t heard_ns; /* when the machine was last noted as heard */
	uint16_t segment;  /* stable id */
	uint8_t shown;
	uint8_t reserved[5];
};
static_assert(sizeof(struct mac_cached) == 32);

#define MAC_CACHE_BITS 10

struct mac_cache {
	struct mac_cached slots[1u << MAC_CACHE_BITS];
};

/* (network, MAC) as a word; 0 for no machine. By two loads, since six bytes that were copied into a word are waited for. */
static inline uint64_t mac_key(uint16_t network, const struct rte_ether_addr *mac)
{
	uint32_t first;
	uint16_t last;

	memcpy(&first, mac->addr_bytes, sizeof(first));
	memcpy(&last, mac->addr_bytes + 4, sizeof(last));
	return network | (uint64_t)first << 16 | (uint64_t)last << 48;
}

/* mac_key() of the two ends of a frame, by one load each. */
static inline uint64_t mac_key_source(uint16_t network, const struct rte_ether_hdr *ethernet)
{
	/* two bytes of the destination stand before it */
	return network | (load64(&ethernet->dst_addr.addr_bytes[4]) & ~0xffffull);
}

static inline uint64_t mac_key_destination(uint16_t network, const struct rte_ether_hdr *ethernet)
{
	return network | load64(ethernet->dst_addr.addr_bytes) << 16;
}

/* Whoever aims at one slot makes frames take the way through the table, which is no more than they would without. */
static inline struct mac_cached *mac_cache_slot(struct mac_cache *cache, uint64_t key)
{
	return &cache->slots[(key * 0x9e3779b97f4a7c15u) >> (64 - MAC_CACHE_BITS)];
}

/* Does the slot say where the machine is? `within_ns`: heard so long ago at most. If another worker heard it, and by its clock later
 * than now, the table is asked. */
static inline bool mac_cache_knows(const struct mac_cached *slot, uint64_t key, uint64_t epoch,
				   uint64_t now_ns, uint64_t within_ns)
{
	return slot->key == key && slot->epoch == epoch && now_ns - slot->heard_ns < within_ns;
}

#endif
