/* SPDX-License-Identifier: BSD-3-Clause */
#include "echoes.h"

#include <rte_ether.h>
#include <rte_malloc.h>
#include <string.h>

/* A later frame may take an earlier one's place: then an echo is not told, which is no harm. */
#define SLOTS 2048u
/* Up to the checksum of a transport behind IPv6. */
#define DIGEST_BYTES 64u

struct echo {
	uint64_t digest; /* the segment in its low 16 bits; 0: free */
	uint64_t now_ns;
};

struct echoes {
	struct echo slots[SLOTS];
};

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

uint64_t echo_digest(const struct rte_mbuf *m, const struct frame *f, uint64_t seed, bool whole)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t there = m->data_len > f->l3 ? m->data_len - f->l3 : 0;
	uint64_t words[2 + DIGEST_BYTES / 8] = { 0 };

	memcpy(words, data, 2 * RTE_ETHER_ADDR_LEN);
	memcpy((uint8_t *)words + 12, &f->ethertype, sizeof(f->ethertype));
	memcpy(words + 2, data + f->l3, RTE_MIN(there, DIGEST_BYTES));
	uint64_t h = seed ^ f->wire_length ^ (uint64_t)f->inner << 32;
	for (size_t i = 0; i < RTE_DIM(words); i += 2)
		h = flow_mix(words[i] ^ h, words[i + 1] ^ seed);
	return whole ? digest_rest(h, m, f->l3 + DIGEST_BYTES, seed) : h;
}

static uint64_t told(uint64_t digest, uint16_t segment)
{
	return (digest & ~0xffffull) | segment;
}

bool echoes_note(struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns)
{
	struct echo *slot = &e->slots[(digest >> 16) % SLOTS];
	bool twice = slot->digest == told(digest, segment) && now_ns - slot->now_ns < ECHO_TWICE_NS;

	if (!twice)
		*slot = (struct echo){ .digest = told(digest, segment), .now_ns = now_ns };
	return twice;
}

bool echoes_back(const struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns)
{
	const struct echo *slot = &e->slots[(digest >> 16) % SLOTS];

	return (slot->digest ^ digest) >> 16 == 0 && (slot->digest & 0xffff) != segment && slot->now_ns &&
	       now_ns - slot->now_ns < ECHO_BACK_NS;
}
