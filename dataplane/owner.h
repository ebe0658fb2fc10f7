/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker owns a flow: named by its two addresses alone, so that fragments come to it, and ICMP errors by the packet they quote.
 *
 * Where a port spreads its frames over several queues (RSS), the owner is the worker of the queue that the device chooses, and no
 * frame changes hands. The device's hash is Toeplitz's: for each bit of its input that is set, the 32 bits of the key that begin at
 * the bit's place are added up, without carry; the last bits of the sum are an index into a table of queues. Our key is
 * made so that these last bits are the same for both directions and look neither at ports, which no fragment has and which some
 * devices hash whatever they are told (vmxnet3 from its version 4 on), nor at the third word of an IPv6 address: a pattern of up to 32
 * random bits, and then zeros, at the place of every input word that counts. The input is the source, the destination, and the ports:
 *
 *   word      0    1    2     3    4    5    6    7    8
 *   IPv4      src  dst  ports
 *   IPv6      src  src  src   src  dst  dst  dst  dst  ports
 *   pattern   x    x    -     x    x    x    -    x    -
 *
 * So the index is a linear function of one word, the exclusive or of all that count; of two addresses that differ in their last
 * bits only it differs too. An administrator may tell another key that is symmetric, of 16 bits over and over (Woo and Park, 2012),
 * which a device was given by other means.
 *
 * Where no port spreads, a hash that is not linear names the owner. Both are secret of the process; who sends from one address to
 * one other meets one worker, whatever names it.
 */
#ifndef DATAPLANE_OWNER_H
#define DATAPLANE_OWNER_H

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "frame.h"

#define OWNER_BITS 7u /* of the index: all that is looked at */
#define OWNER_BUCKETS (1u << OWNER_BITS)
#define OWNER_KEY_LEAST 40u /* bytes: IPv6 with ports */
#define OWNER_KEY_SIZE 64u  /* what is longer than OWNER_KEY_LEAST no input reaches */
#define OWNER_UNSURE UINT16_MAX

/* main: rw before the workers run; workers: ro */
struct owners {
	uint64_t seed; /* of the hash that is not linear */
	uint32_t masks
		[OWNER_BITS]; /* in memory order: the bits of the word that each bit of the index adds up */
	uint32_t third;       /* all ones: the third word of an IPv6 address counts */
	uint8_t bits;         /* of the index that are needed */
	bool by_key;          /* a port spreads by the key */
	bool blind;           /* the key does not look at ports */
	uint8_t worker[OWNER_BUCKETS];
	uint16_t workers;
	uint8_t key[OWNER_KEY_SIZE]; /* for the devices */
};

/* The owners of `workers` (1..BH_MAX_WORKERS), by the hash that is not linear, in equal shares. pattern: a key of these 16 bits over and
 * over (most significant bit first); 0: one made of the secret. The secret of replay is two zeros. */
void owners_init(struct owners *owners, uint16_t workers, const uint64_t secret[2], uint16_t pattern);

/* Some port spreads by the key: index i means worker i mod workers. */
void owners_by_key(struct owners *owners);

/* What a worker does for all: so many of a thousand frames it receives, and so many it sends by a queue that others send by too. */
struct owner_duty {
	uint32_t receives, sends;
};

/* No port does: who receives and sends for others owns less. A duty for each worker. */
void owners_by_load(struct owners *owners, const struct owner_duty *duties);

/* How many of the OWNER_BUCKETS a worker has: at least one. */
uint16_t owner_part(const struct owners *owners, uint16_t worker);

/* Whether a pattern spreads at all: with an odd number of ones the hash is one to one. */
static inline bool owner_pattern_good(uint16_t pattern)
{
	return __builtin_popcount(pattern) & 1;
}

/* Symmetric hash of two addresses, each two words. Not linear. */
static inline uint32_t owner_hash(uint64_t a0, uint64_t a1, uint64_t b0, uint64_t b1, uint64_t seed)
{
	uint64_t second = seed << 32 | seed >> 32;
	uint64_t ha = flow_mix(a0 ^ seed, a1 ^ second), hb = flow_mix(b0 ^ seed, b1 ^ second);
	uint64_t h = flow_mix(ha + hb, ha ^ hb);

	return (uint32_t)(h ^ (h >> 32));
}

/* The last bits of the device's hash, of two addresses in memory order, IPv4 mapped (whose first 96 bits cancel out). */
static inline uint32_t owner_index(const struct owners *o, uint64_t a0, uint64_t a1, uint64_t b0, uint64_t b1)
{
	uint64_t high = a0 ^ b0, low = a1 ^ b1;
	uint32_t word = (uint32_t)(high ^ high >> 32 ^ low >> 32) ^ ((uint32_t)low & o->third);
	uint32_t index = 0;

	for (uint32_t i = 0; i < o->bits; i++)
		index |= (uint32_t)(__builtin_popcount(word & o->masks[i]) & 1) << i;
	return index;
}

/* The owner of what goes between two addresses. */
static inline uint16_t owner_between(const struct owners *o, uint64_t a0, uint64_t a1, uint64_t b0,
				     uint64_t b1)
{
	uint32_t bucket = o->by_key ? owner_index(o, a0, a1, b0, b1)
				    : owner_hash(a0, a1, b0, b1, o->seed) % OWNER_BUCKETS;

	return o->worker[bucket];
}

/* The owner of a frame that was parsed; what is not IP is worker 0's, as devices have it on queue 0. */
static inline uint16_t owner_of(const struct owners *o, const struct frame *f)
{
	if (f->kind != FRAME_IPV4 && f->kind != FRAME_IPV6)
		return 0;
	return owner_between(o, flow_key_word(&f->key, 0), flow_key_word(&f->key, 1),
			     flow_key_word(&f->key, 2), flow_key_word(&f->key, 3));
}

/* The owner of a frame as it came in, by a glance at its addresses; OWNER_UNSURE: only a parser can tell, as of ICMP, whose errors
 * quote other addresses, and of what is not IP or not whole. Says nothing of whether the frame is good. */
uint16_t owner_glance(const struct owners *owners, const struct rte_mbuf *m);

#endif
