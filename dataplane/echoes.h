/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which frames came in a moment ago, and by which segment: so that a frame that comes again is known for what it is, the
 * second copy of teamed uplinks (L2-8) or our own copy that something reflects (L2-7). A worker's own: equal frames have one owner.
 */
#ifndef DATAPLANE_ECHOES_H
#define DATAPLANE_ECHOES_H

#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "words.h"

/* No sender repeats a frame so fast; what copies frames does. */
#define ECHO_TWICE_NS 500000ull
/* Our copy is back within this time, however long the way. */
#define ECHO_BACK_NS 10000000ull

/* A later frame may take an earlier one's place: then an echo is not told, which is no harm. */
#define ECHO_SLOTS 2048u

struct echo {
	uint64_t digest; /* the segment in its low 16 bits; 0: free */
	uint64_t now_ns;
};

struct echoes {
	struct echo slots[ECHO_SLOTS];
};

struct echoes *echoes_new(int socket); /* NULL: no memory */
void echoes_free(struct echoes *e);

/* Its addresses, headers and, if `whole`, all that follows them, byte by byte. */
uint64_t echo_digest_bytes(const struct rte_mbuf *m, const struct frame *f, uint64_t seed, bool whole);

/* Of TCP and UDP the parser has looked at every field: what sets two packets of a session apart is their identification (or
 * the IPv6 header), sequence numbers and checksums, and those are in a few words. A datagram without a checksum, or one left to
 * hardware, must be looked at itself. */
static inline bool echo_has_checksum(const uint8_t *data, const struct frame *f)
{
	if (f->kind > FRAME_IPV6 || (f->flags & (FRAME_FRAGMENT | FRAME_ICMP_ERROR | FRAME_CHECKSUM_LEFT)))
		return false;
	return f->protocol == IPPROTO_TCP ||
	       (f->protocol == IPPROTO_UDP && (data[f->l4 + 6] | data[f->l4 + 7]));
}

static inline uint64_t echo_digest_transport(const uint8_t *data, const struct frame *f, uint64_t seed)
{
	const uint8_t *ip = data + f->l3, *l4 = data + f->l4;
	bool tcp = f->protocol == IPPROTO_TCP;
	/* identification, fragment field, TTL, protocol, checksum; or all before the addresses */
	uint64_t network = load64(f->kind == FRAME_IPV4 ? ip + 4 : ip);
	/* UDP: ports, length, checksum; TCP: acknowledgement, data offset, flags, window */
	uint64_t transport = load64(tcp ? l4 + 8 : l4);

	/* and its checksum, urgent pointer, sequence number: by odd factors, so that what grows in step does not cancel */
	if (tcp)
		transport += load32(l4 + 16) * 0x9e3779b97f4a7c15u + f->tcp_seq * 0xd1b54a32d192ed03u;
	/* the two MACs are eight and four bytes */
	return flow_mix(network ^ seed ^ load64(data) ^ (uint64_t)f->hash << 16,
			transport ^ (seed << 32 | seed >> 32) ^ load32(data + 8) ^
				(uint64_t)f->wire_length << 40);
}

/* What makes a frame the same frame: all that a copy keeps, and so not its tag. Payload counts by its checksum, which not
 * every datagram has: what is to be dropped is compared `whole`. Needs f->hash. Whoever makes two frames alike on purpose has one of
 * his own counted, or taken, for a copy. */
static inline uint64_t echo_digest(const struct rte_mbuf *m, const struct frame *f, uint64_t seed, bool whole)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	if (likely(!whole && echo_has_checksum(data, f)))
		return echo_digest_transport(data, f, seed);
	return echo_digest_bytes(m, f, seed, whole);
}

static inline struct echo *echo_slot(struct echoes *e, uint64_t digest)
{
	return &e->slots[(digest >> 16) % ECHO_SLOTS];
}

/* A frame that was let in. true: the same came by the same segment less than ECHO_TWICE_NS ago, and was not itself a second
 * copy: who repeats himself for ever is heard once in that time. */
static inline bool echoes_note(struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns)
{
	struct echo *slot = echo_slot(e, digest);
	uint64_t told = (digest & ~0xffffull) | segment, last_ns = slot->now_ns;
	/* without a branch: where copies come, each second frame is one */
	bool twice = (slot->digest == told) & (now_ns - last_ns < ECHO_TWICE_NS);

	slot->digest = told;
	slot->now_ns = twice ? last_ns : now_ns;
	return twice;
}

/* Did this frame come in by another segment within ECHO_BACK_NS? */
bool echoes_back(const struct echoes *e, uint64_t digest, uint16_t segment, uint64_t now_ns);

#endif
