/* SPDX-License-Identifier: BSD-3-Clause */
/* The identity of a session and its hashes. Both directions of a session have one key: the end with the smaller
 * (address, port) comes first. */
#ifndef DATAPLANE_FLOWKEY_H
#define DATAPLANE_FLOWKEY_H

#include <assert.h>
#include <stdbool.h>
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
	uint64_t w[5], second = seed << 32 | seed >> 32;

	memcpy(w, key, sizeof(w));
	uint64_t h = flow_mix(w[0] ^ seed, w[1] ^ second);
	h = flow_mix(h ^ w[2], w[3] ^ second);
	h = flow_mix(h, w[4] ^ seed);
	return (uint32_t)(h ^ (h >> 32));
}

/* Symmetric hash of two addresses: the same for both directions. Names the worker. */
static inline uint32_t owner_hash(const uint8_t a[16], const uint8_t b[16], uint64_t seed)
{
	uint64_t x[2], y[2], second = seed << 32 | seed >> 32;

	memcpy(x, a, 16);
	memcpy(y, b, 16);
	uint64_t hx = flow_mix(x[0] ^ seed, x[1] ^ second), hy = flow_mix(y[0] ^ seed, y[1] ^ second);
	uint64_t h = flow_mix(hx + hy, hx ^ hy);
	return (uint32_t)(h ^ (h >> 32));
}

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
	uint64_t x[5], y[5];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

#endif
