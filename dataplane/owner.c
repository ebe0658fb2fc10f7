/* SPDX-License-Identifier: BSD-3-Clause */
#include "owner.h"

#include <rte_ether.h>

#include "bulkhead/counters.h"
#include "parse.h"
#include "worker.h"

#define KEY_BITS 319u    /* that the longest input reaches: 288 bits of it, and 31 behind */
#define WORD 32u         /* bits of a word of the input */
#define FIRST (WORD - 1) /* bit of the key that the first bit of the input adds to the hash's last one */

/* Of the work that a frame is, these parts are done by who receives it for another, and by who sends it for another: per cent, measured
 * (SPEED.md). */
#define RECEIVING 35u
#define SENDING 20u

/* ---- the key ---- */

static void set_bit(uint8_t *key, unsigned int bit)
{
	key[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static bool get_bit(const uint8_t *key, unsigned int bit)
{
	return key[bit / 8] >> (7 - bit % 8) & 1;
}

static uint64_t next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return flow_mix(*state, 0xe7037ed1a0b428dbu);
}

/* `width` bits, the first of them the most significant one. The last is 1: so the last bits of an address, as many as the index has,
 * are one to one with it. A third to two thirds are ones, in all and of the last eight. */
static uint32_t draw(uint64_t secret, uint32_t width)
{
	uint64_t state = secret;

	for (;;) {
		uint32_t bits = (uint32_t)(next(&state) >> (64 - width)) | 1;
		uint32_t all = (uint32_t)__builtin_popcount(bits),
			 last = (uint32_t)__builtin_popcount(bits & 0xff);

		if (3 * all >= width && 3 * all <= 2 * width && last >= 3 && last <= 5)
			return bits;
	}
}

/* At the words that count; between the pattern's end and the next word's begin nothing is, so that of each bit of the input no bit of
 * the index sees what is the next word's. */
static void make_blind(uint8_t *key, uint64_t secret, uint32_t bits)
{
	static const uint8_t words[] = { 0, 1, 3, 4, 5, 7 };
	uint32_t width = WORD + 1 - bits, pattern = draw(secret, width);

	for (unsigned int w = 0; w < sizeof(words); w++)
		for (uint32_t i = 0; i < width; i++)
			if (pattern >> (width - 1 - i) & 1)
				set_bit(key, FIRST + WORD * words[w] + i);
}

static void make_periodic(uint8_t *key, uint16_t pattern)
{
	for (unsigned int i = 0; i < OWNER_KEY_SIZE; i++)
		key[i] = (uint8_t)(i % 2 ? pattern : pattern >> 8);
}

/* Bit i of a word adds bit FIRST + i - b of the key to bit b of the index; all words that count have the same there. */
static uint32_t mask_of(const uint8_t *key, uint32_t b)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < WORD; i++)
		mask = mask << 1 | get_bit(key, FIRST + i - b);
	return rte_cpu_to_be_32(mask);
}

/* ---- the table ---- */

void owners_init(struct owners *o, uint16_t workers, const uint64_t secret[2], uint16_t pattern)
{
	static_assert(KEY_BITS <= 8 * OWNER_KEY_LEAST && OWNER_KEY_LEAST <= OWNER_KEY_SIZE);
	static_assert(BH_MAX_WORKERS <= OWNER_BUCKETS && OWNER_BUCKETS == WORKER_WHOLE);

	*o = (struct owners){ .seed = secret[0], .workers = workers, .bits = OWNER_BITS, .blind = !pattern };
	/* of a power of two workers the last bits decide, whatever the table's size is */
	if (!(workers & (workers - 1)))
		o->bits = (uint8_t)RTE_MAX(__builtin_ctz(workers), 1);
	if (pattern)
		make_periodic(o->key, pattern);
	else
		make_blind(o->key, secret[1], o->bits);
	o->third = pattern ? UINT32_MAX : 0;
	for (uint32_t b = 0; b < o->bits; b++)
		o->masks[b] = mask_of(o->key, b);
	for (uint32_t i = 0; i < OWNER_BUCKETS; i++)
		o->worker[i] = (uint8_t)(i % workers);
}

void owners_by_key(struct owners *o)
{
	o->by_key = true;
	for (uint32_t i = 0; i < OWNER_BUCKETS; i++)
		o->worker[i] = (uint8_t)(i % o->workers);
}

/* Each worker does the same part of all work, be it for frames of its own or for others, if there is as much to own. */
void owners_by_load(struct owners *o, const struct owner_duty *duties)
{
	const uint32_t frames = 100u * 1000; /* the work of a thousand */
	uint32_t all = frames, sum = 0, work[BH_MAX_WORKERS], shares[BH_MAX_WORKERS];
	uint32_t bucket = 0;
	uint64_t limit = 0;

	for (uint16_t i = 0; i < o->workers; i++) {
		work[i] = duties[i].receives * RECEIVING + duties[i].sends * SENDING;
		all += work[i];
	}
	for (uint16_t i = 0; i < o->workers; i++) {
		uint32_t equal = all / o->workers;

		/* none is left without, and its tables without room */
		shares[i] = RTE_MAX(equal > work[i] ? equal - work[i] : 0, frames / o->workers / 5);
		sum += shares[i];
	}
	for (uint16_t i = 0; i < o->workers; i++) {
		limit += shares[i];
		for (; bucket < (limit * OWNER_BUCKETS + sum / 2) / sum; bucket++)
			o->worker[bucket] = (uint8_t)i;
	}
}

uint16_t owner_part(const struct owners *o, uint16_t worker)
{
	uint16_t part = 0;

	for (uint32_t i = 0; i < OWNER_BUCKETS; i++)
		part += o->worker[i] == worker;
	return part;
}

/* ---- frames ---- */

/* ip: 20 bytes may be read. */
static inline uint16_t glance4(const struct owners *o, const uint8_t *ip)
{
	const uint64_t mapped = 0xffff0000u;
	uint32_t from, to;

	if (ip[0] >> 4 != 4 || ip[9] == PROTOCOL_ICMP)
		return OWNER_UNSURE;
	memcpy(&from, ip + 12, sizeof(from));
	memcpy(&to, ip + 16, sizeof(to));
	return owner_between(o, 0, (uint64_t)from << 32 | mapped, 0, (uint64_t)to << 32 | mapped);
}

/* ip: 40 bytes may be read. Behind extension headers ICMPv6 may stand. */
static inline uint16_t glance6(const struct owners *o, const uint8_t *ip)
{
	uint64_t words[4];

	if (ip[0] >> 4 != 6 || (ip[6] != PROTOCOL_TCP && ip[6] != PROTOCOL_UDP))
		return OWNER_UNSURE;
	memcpy(words, ip + 8, sizeof(words));
	return owner_between(o, words[0], words[1], words[2], words[3]);
}

uint16_t owner_glance(const struct owners *o, const struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t l3 = RTE_ETHER_HDR_LEN, there = m->data_len;
	uint16_t ethertype;

	if (there < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
		return OWNER_UNSURE;
	ethertype = read16(data + 12);
	if (ethertype == TAG_Q) {
		ethertype = read16(data + 16);
		l3 += RTE_VLAN_HLEN;
	}
	if (ethertype == ETHERTYPE_IPV4 && there >= l3 + 20)
		return glance4(o, data + l3);
	if (ethertype == ETHERTYPE_IPV6 && there >= l3 + 40)
		return glance6(o, data + l3);
	return OWNER_UNSURE;
}
