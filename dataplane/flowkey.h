/* SPDX-License-Identifier: BSD-3-Clause */
/* The identity of a session and its hashes. Both directions of a session have one key: the end with the smaller
 * (address, port) comes first. */
#ifndef DATAPLANE_FLOWKEY_H
#define DATAPLANE_FLOWKEY_H

#include <assert.h>
#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct flow_key {
	uint8_t address[2][16]; /* IPv4 as ::ffff:a.b.c.d */
	union {
		uint16_t port[2]; /* host order; neither these nor ICMP: 0 */
		struct {
			uint16_t icmp_identifier;
			uint8_t icmp_asker; /* the end that asks: icmp_key() in the flow stage */
			uint8_t icmp_type;  /* of the request */
		};
	};
	uint32_t network : 12; /* stable id: one 5-tuple in two networks is two sessions */
	uint32_t inner : 12;   /* VLAN id of a second tag, so it is in two of these; 0: none */
	uint32_t protocol : 8;
};
static_assert(sizeof(struct flow_key) == 40);

/* Word `i` of a key. */
static inline uint64_t flow_key_word(const struct flow_key *key, unsigned int i)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)key + 8 * i, sizeof(word));
	return word;
}

static inline void flow_key_put_word(struct flow_key *key, unsigned int i, uint64_t word)
{
	memcpy((uint8_t *)key + 8 * i, &word, sizeof(word));
}

/* By the whole word: a hash that reads it by words soon after would wait for a shorter store to leave the store buffer. */
static inline void flow_key_set_place(struct flow_key *key, uint16_t network, uint16_t inner)
{
	uint64_t word = flow_key_word(key, 4), place = (network & 0xfffu) | (inner & 0xfffu) << 12;

	flow_key_put_word(key, 4, (word & ~(0xffffffull << 32)) | place << 32);
}

/* A factor that becomes zero (a == the first constant, or b == the second) swallows the other: what comes from frames
 * must stand in each with something secret, or an IPv6 interface id could be chosen that makes all prefixes collide. */
static inline uint64_t flow_mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1b54a32d192ed03u);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Hash for the table; `seed` is per process, random in live use and 0 in replay, so that nobody outside can
 * aim at one bucket. */
static inline uint32_t flow_hash(const struct flow_key *key, uint64_t seed)
{
	uint64_t second = seed << 32 | seed >> 32, h;
	uint64_t prefix0 = flow_key_word(key, 0), prefix1 = flow_key_word(key, 2);

	/* of IPv4 addresses the upper halves say nothing */
	if (likely(!(prefix0 | prefix1))) {
		h = flow_mix(flow_key_word(key, 1) ^ seed, flow_key_word(key, 3) ^ second);
	} else {
		h = flow_mix(prefix0 ^ seed, flow_key_word(key, 1) ^ second);
		h = flow_mix(h ^ prefix1, flow_key_word(key, 3) ^ second);
	}
	h = flow_mix(h, flow_key_word(key, 4) ^ seed);
	return (uint32_t)(h ^ (h >> 32));
}

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
	uint64_t addresses =
		(flow_key_word(a, 0) ^ flow_key_word(b, 0)) | (flow_key_word(a, 1) ^ flow_key_word(b, 1)) |
		(flow_key_word(a, 2) ^ flow_key_word(b, 2)) | (flow_key_word(a, 3) ^ flow_key_word(b, 3));

	return !(addresses | (flow_key_word(a, 4) ^ flow_key_word(b, 4)));
}

#endif
