/* SPDX-License-Identifier: BSD-3-Clause */
#include "echoes.h"

#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <string.h>

#include "words.h"

/* Up to the checksum of a transport behind IPv6. */
#define DIGEST_BYTES 64u

struct echoes *echoes_new(int socket)
{
	return rte_zmalloc_socket("echoes", sizeof(struct echoes), RTE_CACHE_LINE_SIZE, socket);
}

void echoes_free(struct echoes *e)
{
	rte_free(e);
}

/* What lies behind the first `from` bytes, in however many segments. */
static uint64_t digest_rest(uint64_t h, const struct rte_mbuf *m, uint32_t from, uint64_t seed)
{
	for (; m; m = m->next) {
		const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

		for (uint32_t at = from, part; at < m->data_len; at += part) {
			uint64_t words[2] = { 0 };

			part = RTE_MIN(m->data_len - at, (uint32_t)sizeof(words));
			memcpy(words, data + at, part);
			h = flow_mix(words[0] ^ h, words[1] ^ seed);
		}
		from = from > m->data_len ? from - m->data_len : 0;
	}
	return h;
}

/* Both MACs, and what stands beside them in one word. */
static inline uint64_t digest_macs(const uint8_t *data, uint32_t beside, uint64_t seed)
{
	return flow_mix(load64(data) ^ seed,
			(load32(data + 8) | (uint64_t)beside << 32) ^ (seed << 32 | seed >> 32));
}

/* Of TCP and UDP the parser has looked at every field: what sets two packets of a session apart is their identification (or
 * the IPv6 header), sequence numbers and checksums, and those are in a few words. */
static inline bool has_checksum(const uint8_t *data, const struct frame *f)
{
	if (f->kind > FRAME_IPV6 || (f->flags & (FRAME_FRAGMENT | FRAME_ICMP_ERROR)))
		return false;
	if (f->protocol == IPPROTO_UDP) /* none, or left to hardware: the payload itself must be looked at */
		return !(f->flags & FRAME_CHECKSUM_LEFT) && (data[f->l4 + 6] | data[f->l4 + 7]);
	return f->protocol == IPPROTO_TCP;
}

static inline uint64_t digest_transport(const uint8_t *data, const struct frame *f, uint64_t seed)
{
	const uint8_t *ip = data + f->l3, *l4 = data + f->l4;
	bool tcp = f->protocol == IPPROTO_TCP;
	/* identification, fragment field, TTL, protocol, checksum; or all before the addresses */
	uint64_t network = load64(f->kind == FRAME_IPV4 ? ip + 4 : ip);
	/* UDP: ports, length, checksum; TCP: acknowledgement, data offset, flags, window */
	uint64_t transport = load64(tcp ? l4 + 8 : l4);
	uint64_t h = digest_macs(data, f->hash ^ f->wire_length << 16, seed);

	/* and its checksum, urgent pointer, sequence number: by odd factors, so that what grows in step does not cancel */
	if (tcp)
		transport += load32(l4 + 16) * 0x9e3779b97f4a7c15u + f->tcp_seq * 0xd1b54a32d192ed03u;
	return flow_mix(h ^ network, transport ^ seed);
}

uint64_t echo_digest(const struct rte_mbuf *m, const struct frame *f, uint64_t seed, bool whole)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t there = m->data_len > f->l3 ? m->data_len - f->l3 : 0;
	uint64_t words[DIGEST_BYTES / 8] = { 0 };

	if (likely(!whole && has_checksum(data, f)))
		return digest_transport(data, f, seed);
	memcpy(words, data + f->l3, RTE_MIN(there, DIGEST_BYTES));
	uint64_t h = digest_macs(data, f->ethertype, seed ^ f->wire_length ^ (uint64_t)f->inner << 32);
	for (size_t i = 0; i < RTE_DIM(words); i += 2)
		h = flow_mix(words[i] ^ h, words[i + 1] ^ seed);
	return whole ? digest_rest(h, m, RTE_MIN(f->l3 + DIGEST_BYTES, (uint32_t)m->data_len), seed) : h;
}

bool echoes_back(const struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns)
{
	const struct echo *slot = &e->slots[(digest >> 16) % ECHO_SLOTS];

	return (slot->digest ^ digest) >> 16 == 0 && (slot->digest & 0xffff) != segment && slot->now_ns &&
	       now_ns - slot->now_ns < ECHO_BACK_NS;
}
