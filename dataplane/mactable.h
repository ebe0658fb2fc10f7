/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which machine (network, MAC) is on which segment. One table for all workers: worker 0 is its only writer, the
 * others send it what they see by a ring; all read without a lock. In replay the ring is drained after each frame.
 */
#ifndef DATAPLANE_MACTABLE_H
#define DATAPLANE_MACTABLE_H

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "addresses.h"
#include "bulkhead/control.h"
#include "maccache.h"
#include "place.h"
#include "rates.h"
#include "worker.h"

/* bits of mac_entry.flags */
enum {
	MAC_ANNOUNCED = 1 << 0, /* placed where it is by RARP, gratuitous ARP or NA */
};

/* A pointer to one is good for the batch it was found in: entries are never freed, and one that aged out is
 * not given to another machine for a second (store.h). */
struct mac_entry {
	struct rte_ether_addr mac;
	uint16_t network;         /* stable id */
	_Atomic uint16_t segment; /* stable id */
	_Atomic uint8_t bound;    /* by the policy's bindings: does not move, is not evicted */
	_Atomic uint8_t flags;    /* MAC_* */
	_Atomic uint32_t moves;
	uint64_t first_ns;
	_Atomic uint64_t last_ns; /* any worker, relaxed */
	_Atomic uint64_t moved_ns;
	_Atomic uint64_t placed_ns; /* heard of first, or moved and not taken back; 0: back where it was */
	uint8_t address4[16], address6[16]; /* last seen; torn reads are harmless: for display only */
	/* how it came here: place.h */
	_Atomic uint64_t announced_ns; /* any worker, relaxed */
	_Atomic uint64_t rate_ns, pinned_ns;
	_Atomic uint16_t home;
	_Atomic uint64_t
		storm_ns; /* any worker: when the bucket of its storms will be full again (rates.h) */
};

/* Memory for `capacity` machines, twice as many addresses, and the rates of all segments. NULL: no memory */
struct mac_table *mac_table_new(uint32_t capacity, uint16_t workers, int socket);
void mac_table_free(struct mac_table *table);
uint32_t mac_table_count(const struct mac_table *table);

/* Any thread. NULL: not known, or idle for so long that it does not count (by the latest time a worker told). */
const struct mac_entry *mac_find(const struct mac_table *table, uint16_t network,
				 const struct rte_ether_addr *mac);

/* Worker 0 of a live run at each round, replay after each frame: take what the others sent, age; at most `budget` of
 * each. Returns whether there may be more to do now. */
bool mac_table_serve(struct worker *w, uint32_t budget);

/* The source of a frame was seen: what that means, and it is recorded (worker 0) or told to the writer by a ring
 * (the others). Once for each frame, on the worker that has it. w->policy must not be NULL. */
enum place_verdict mac_table_see(struct worker *w, const struct sighting *s);
/* The same for the address of a sighting (s->claim), of a machine that mac_table_see() let pass. */
enum claim mac_table_claim(struct worker *w, const struct sighting *s);

/* Any worker: tell the table the time. mac_table_see() does. */
void mac_table_time(struct worker *w);

/* What the worker's cache of machines may rely on: another number when the place of a machine, or the policy, is another. */
uint64_t mac_table_epoch(const struct worker *w);
/* Fill a slot of the worker's cache with what the table knows of a machine; with nothing, if it is not known or has aged out. */
void mac_table_recall(const struct worker *w, uint16_t network, const struct rte_ether_addr *mac,
		      struct mac_cached *slot);

/* The segment where a machine is, as heard or else as bound by the policy; SEGMENT_NONE: unknown. */
uint16_t mac_table_place(const struct worker *w, uint16_t network, const struct rte_ether_addr *mac);
/* The machine that uses an address, as bound by the policy or else as heard. */
bool mac_table_holder(const struct worker *w, uint16_t network, const uint8_t address[16],
		      struct rte_ether_addr *mac);
/* One frame of a storm from a machine, of a segment that may have so many a second; 0: any number. A machine may have half of
 * them, so that there is something left for the others. Any thread. false: over its rate */
bool mac_table_storm(const struct worker *w, uint16_t network, const struct rte_ether_addr *mac,
		     uint32_t a_second);
struct rates *mac_table_rates(struct mac_table *table);

/* A policy was published (main thread tells worker 0 through it): entries are compared with its
 * bindings, in slices of mac_table_serve(). Called by worker 0; mac_table_serve() does it itself when it sees a new generation. */
void mac_table_policy(struct worker *w);

/* Copy entries from *cursor on for `hosts`; any thread. Returns the number copied, 0 at the end. Times are microseconds
 * of the workers' clock: the caller adds unix_offset_us. Text fields are left to
 * the caller: network and segment ids are returned in ids[]. */
uint32_t mac_table_list(const struct mac_table *table, uint32_t *cursor, struct bh_host *hosts,
			uint16_t (*ids)[2], uint32_t max);

#endif
