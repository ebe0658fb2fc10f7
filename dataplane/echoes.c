/* SPDX-License-Identifier: BSD-3-Clause */
#include "echoes.h"

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

uint64_t echo_digest_bytes(const struct rte_mbuf *m, const struct frame *f, uint64_t seed, bool whole)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t there = m->data_len > f->l3 ? m->data_len - f->l3 : 0;
	uint64_t words[DIGEST_BYTES / 8] = { 0 };

	memcpy(words, data + f->l3, RTE_MIN(there, DIGEST_BYTES));
	/* both MACs, and what is known of the frame beside its bytes */
	uint64_t h = flow_mix(load64(data) ^ seed ^ f->wire_length ^ (uint64_t)f->inner << 32,
			      (load32(data + 8) | (uint64_t)f->ethertype << 32) ^ (seed << 32 | seed >> 32));
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
