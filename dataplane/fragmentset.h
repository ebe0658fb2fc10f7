/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of fragment sets. A set is found by its key while it collects, and remembered for a while afterwards: a set
 * that was killed, so that nothing more of it passes; one that was completed, so that a second copy of a fragment
 * (teamed uplinks make them) is known for what it is.
 *
 * The key has the segment by which the fragments enter: what one machine sends can not be mixed into the packet of
 * another that is judged by another segment.
 */
#ifndef DATAPLANE_FRAGMENTSET_H
#define DATAPLANE_FRAGMENTSET_H

#include <assert.h>
#include <stdint.h>

#include "fragment.h"
#include "reassemble.h"

#define NO_SET UINT32_MAX
struct fragment_key {
	uint8_t address[2][16]; /* source, destination */
	uint32_t id;
	uint16_t segment;
	uint8_t protocol; /* IPv4 only: RFC 791 has it in the key, RFC 8200 has not */
	uint8_t kind;
	uint32_t inner; /* VLAN id of a second tag, 0: none */
	uint32_t reserved;
};
static_assert(sizeof(struct fragment_key) == 48);

enum set_state { SET_COLLECTING, SET_KILLED, SET_DONE, SET_STATES };

struct set {
	struct fragment_key key;
	uint64_t since_ns;       /* of the state */
	uint32_t total;          /* bytes of the packet's data; 0: the last fragment is not there yet */
	uint32_t bytes;          /* .. that are there */
	uint32_t chain;          /* next in its bucket, or in the free list */
	uint32_t next, previous; /* in the list of its state, in order of since_ns */
	uint16_t count;
	uint8_t state;
	uint8_t reason; /* SET_KILLED: what later fragments are dropped for */
	uint16_t offset[FRAGMENTS_A_SET], end[FRAGMENTS_A_SET]; /* in order of arrival */
	struct rte_mbuf *frames[FRAGMENTS_A_SET];               /* SET_COLLECTING only */
};

struct list {
	uint32_t head, tail;
};

struct fragments {
	struct set *sets;
	uint32_t *buckets;
	uint32_t mask;
	uint32_t free;
	struct list lists[SET_STATES];
	struct whole_pools pools;
	uint32_t *held; /* by segment id; quota: held fragments, and 1 for each killed set */
};

/* NULL: there is none. */
struct set *set_find(struct fragments *fs, const struct fragment_key *key, uint64_t seed);

/* A set that collects; NULL: the table is full, and nothing in it may be forgotten before its time. */
struct set *set_new(struct worker *w, const struct fragment_key *key);

/* It collects no longer. */
void set_finish(struct worker *w, struct set *set, enum set_state state);

/* Forget a set, which holds no frames (any more). */
void set_forget(struct worker *w, struct set *set);

#endif
