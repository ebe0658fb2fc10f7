/* SPDX-License-Identifier: BSD-3-Clause */
#include "reassemble.h"

#include <errno.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <string.h>

#include "checksum.h"
#include "fault.h"
#include "parse.h"

#define IP6_HEADER 40u
#define FRAGMENT_HEADER 8u
#define SET_OFFSET RTE_ALIGN_CEIL(FRAME_PRIVATE_SIZE, alignof(struct fragment_set))
#define PRIVATE_SIZE RTE_ALIGN_CEIL(SET_OFFSET + sizeof(struct fragment_set), RTE_MBUF_PRIV_ALIGN)
#define TAIL_ROOM 128u /* Ethernet header, two tags and IPv6 header above 65535: 62 bytes */

int whole_pools_new(struct whole_pools *pools, unsigned int count, int socket, uint16_t worker_id)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "whole_%u", worker_id);
	pools->packets = rte_pktmbuf_pool_create(name, count, 0, PRIVATE_SIZE, UINT16_MAX, socket);
	snprintf(name, sizeof(name), "whole_tail_%u", worker_id);
	pools->tails = rte_pktmbuf_pool_create(name, count, 0, 0, TAIL_ROOM, socket);
	return pools->packets && pools->tails ? 0 : -ENOMEM;
}

void whole_pools_free(struct whole_pools *pools)
{
	rte_mempool_free(pools->packets);
	rte_mempool_free(pools->tails);
}

/* A frame of `length` bytes to be filled: one segment as far as an mbuf goes, the rest in a second. */
static struct rte_mbuf *whole_buffer(const struct whole_pools *pools, uint32_t length)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pools->packets);

	if (!m)
		return NULL;
	m->data_off = 0;
	m->data_len = (uint16_t)RTE_MIN(length, m->buf_len);
	m->pkt_len = length;
	if (length == m->data_len)
		return m;
	m->next = rte_pktmbuf_alloc(pools->tails);
	if (!m->next) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	m->next->data_off = 0;
	m->next->data_len = (uint16_t)(length - m->data_len);
	m->nb_segs = 2;
	return m;
}

static void put(struct rte_mbuf *whole, uint32_t at, const uint8_t *bytes, uint32_t length)
{
	uint32_t here = at < whole->data_len ? RTE_MIN(length, whole->data_len - at) : 0;

	memcpy(rte_pktmbuf_mtod_offset(whole, uint8_t *, at), bytes, here);
	if (here < length)
		memcpy(rte_pktmbuf_mtod_offset(whole->next, uint8_t *, at + here - whole->data_len),
		       bytes + here, length - here);
}

/* The data of one fragment, which may itself have several segments. */
static void put_fragment(struct rte_mbuf *whole, uint32_t at, struct rte_mbuf *m)
{
	const struct frame *f = frame_of(m);
	uint32_t offset = f->l4, left = f->fragment_length;

	for (; m && left; m = m->next) {
		if (offset >= m->data_len) {
			offset -= m->data_len;
			continue;
		}
		uint32_t part = RTE_MIN(m->data_len - offset, left);

		put(whole, at, rte_pktmbuf_mtod_offset(m, const uint8_t *, offset), part);
		at += part;
		left -= part;
		offset = 0;
	}
}

static void write16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* RFC 791, 3.2: the first fragment's header, as if it had never been cut */
static void mend4(uint8_t *ip, uint32_t header, uint32_t data)
{
	write16(ip + 2, header + data);
	write16(ip + 6, 0);
	write16(ip + 10, 0);
	uint16_t sum = (uint16_t)~checksum_fold(checksum_bytes(ip, header));
	memcpy(ip + 10, &sum, sizeof(sum));
}

/* RFC 8200, 4.5: the fragment header is gone, and whoever named it names what it named. `header` is the length of what
 * stood before it; parse has walked it. */
static void mend6(uint8_t *ip, uint32_t header, uint32_t data, uint8_t next)
{
	uint8_t *name = ip + 6;

	for (uint32_t at = IP6_HEADER; at < header;) {
		uint8_t kind = *name;

		name = ip + at;
		at += kind == 51 ? (ip[at + 1] + 2u) * 4 : (ip[at + 1] + 1u) * 8;
	}
	*name = next;
	write16(ip + 4, header - IP6_HEADER + data);
}

/* What is known of the whole before it is parsed: of its Ethernet header by the first fragment, of its way by the last. */
static void describe(struct rte_mbuf *whole, const struct rte_mbuf *first, const struct frame *way)
{
	const uint32_t of_way = FRAME_ASSIGNED, of_header = FRAME_BROADCAST | FRAME_STRIPPED | FRAME_TAGGED;
	const struct frame *header = frame_of((struct rte_mbuf *)(uintptr_t)first);
	struct frame *f = frame_of(whole);

	memset(f, 0, sizeof(*f));
	f->flags = FRAME_REASSEMBLED | (header->flags & of_header) | (way->flags & of_way);
	f->ethertype = header->ethertype;
	f->tci = header->tci;
	f->inner = header->inner;
	f->kind = header->kind;
	f->l3 = header->l3;
	f->segment = way->segment;
	f->dest = way->dest;
	f->network = way->network;
	whole->ol_flags = first->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
	whole->vlan_tci = first->vlan_tci;
}

static void take(struct rte_mbuf *whole, struct rte_mbuf *const *frames, uint16_t count)
{
	struct frame *f = frame_of(whole);

	f->set = (struct fragment_set *)((uint8_t *)f + SET_OFFSET);
	f->set->count = count;
	for (uint16_t i = 0; i < count; i++) {
		f->set->frames[i] = frames[i];
		f->wire_length += frame_of(frames[i])->wire_length;
	}
}

struct rte_mbuf *whole_packet(const struct whole_pools *pools, struct rte_mbuf *const *frames,
			      const uint8_t *order, uint16_t count)
{
	struct rte_mbuf *first = frames[order[0]], *end = frames[order[count - 1]], *last = frames[count - 1];
	const struct frame *f = frame_of(first);
	bool ip6 = f->kind == FRAME_IPV6;
	/* of the packet without its fragment header */
	uint32_t header = (uint32_t)(f->l4 - f->l3) - (ip6 ? FRAGMENT_HEADER : 0), start = f->l3 + header;
	uint32_t data = (uint32_t)frame_of(end)->fragment_offset + frame_of(end)->fragment_length;
	struct rte_mbuf *whole = fault(FAULT_WHOLE) ? NULL : whole_buffer(pools, start + data);

	if (!whole)
		return NULL;
	uint8_t *bytes = rte_pktmbuf_mtod(whole, uint8_t *);
	memcpy(bytes, rte_pktmbuf_mtod(first, const uint8_t *), start);
	if (ip6)
		mend6(bytes + f->l3, header, data, *rte_pktmbuf_mtod_offset(first, const uint8_t *, start));
	else
		mend4(bytes + f->l3, header, data);
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *m = frames[order[i]];

		put_fragment(whole, start + frame_of(m)->fragment_offset, m);
	}
	describe(whole, first, frame_of(last));
	whole->port = last->port;
	take(whole, frames, count);
	return whole;
}
