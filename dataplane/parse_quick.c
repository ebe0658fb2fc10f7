/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way through the parser, for what most frames are: one mbuf, one tag or none, IPv4 without options or IPv6
 * without extension headers, TCP or UDP, from one machine to one other. It looks at all that the long way looks at, word by word,
 * and where anything is out of the ordinary (be it wrong, or only rare) it says nothing: then the long way names the reason. What it
 * fills in is what the long way would (test_parse_quick compares them).
 *
 * Nothing is written before all is known, and then by whole words: whoever reads a word of which parts were just written waits for
 * them to leave the store buffer (SPEED.md).
 */
#include <rte_ether.h>
#include <rte_prefetch.h>
#include <rte_tcp.h>

#include "checksum.h"
#include "parse.h"
#include "words.h"
#include "worker.h"

#define TAGGED_L3 (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define UDP_HEADER 8u
#define TCP_HEADER 20u
#define MAC_MASK 0xffffffffffffull /* of the first six bytes of a little-endian word */

/* A frame as it is known so far. */
struct quick {
	uint64_t source[2], destination[2]; /* in memory order, IPv4 mapped */
	uint64_t pseudo;                    /* sum of the addresses, as in checksum.h */
	uint32_t wire;                      /* bytes with the tag */
	uint32_t flags;                     /* FRAME_* */
	uint32_t header;                    /* bytes of the IP header */
	uint32_t length;                    /* .. and of what follows by the IP length */
	uint32_t payload, payload_length;
	uint32_t seq, ack;
	uint16_t l3, tci;
	uint16_t source_port, destination_port, window;
	uint8_t kind, protocol, tcp_flags;
	bool behind; /* the source stands behind the destination, as memcmp() sees them */
	bool verify_ip, verify_l4;
};

/* First bytes of the addresses that are not one machine's: 0.0.0.0/8, loopback, multicast and what is behind it. */
static const uint8_t not_one_machine4[256] = { [0] = 1, [127] = 1, [224 ... 255] = 1 };

/* ip: at least 20 bytes of `reach` may be read. */
static __rte_always_inline bool read_ip4(struct quick *q, const uint8_t *ip, uint32_t reach)
{
	uint32_t total = read16(ip + 2), from = load32(ip + 12), to = load32(ip + 16);

	/* version and length, more-fragments and offset, TTL */
	if (ip[0] != 0x45 || (read16(ip + 6) & 0x3fff) || !ip[8] || total < IP4_HEADER || total > reach)
		return false;
	if ((not_one_machine4[ip[12]] | not_one_machine4[ip[16]]) || from == to)
		return false;
	if (q->verify_ip &&
	    checksum_fold(checksum_add(checksum_add(load64(ip), load64(ip + 8)), to)) != 0xffff)
		return false;
	q->source[0] = q->destination[0] = 0;
	q->source[1] = (uint64_t)from << 32 | 0xffff0000u;
	q->destination[1] = (uint64_t)to << 32 | 0xffff0000u;
	q->behind = __builtin_bswap32(from) > __builtin_bswap32(to);
	q->pseudo = (uint64_t)from + to;
	q->header = IP4_HEADER;
	q->length = total - IP4_HEADER;
	q->protocol = ip[9];
	q->kind = FRAME_IPV4;
	return true;
}

static inline uint64_t sum_of(uint64_t word)
{
	return (word & UINT32_MAX) + (word >> 32);
}

/* They are not equal. */
static inline bool is_behind6(const struct quick *q)
{
	uint64_t a = __builtin_bswap64(q->source[0]), b = __builtin_bswap64(q->destination[0]);

	if (a != b)
		return a > b;
	return __builtin_bswap64(q->source[1]) > __builtin_bswap64(q->destination[1]);
}

/* ip: at least 40 bytes of `reach` may be read. */
static __rte_always_inline bool read_ip6(struct quick *q, const uint8_t *ip, uint32_t reach)
{
	uint32_t payload = read16(ip + 4);

	if (ip[0] >> 4 != 6 || !ip[7] || payload > reach - IP6_HEADER)
		return false;
	q->source[0] = load64(ip + 8);
	q->source[1] = load64(ip + 16);
	q->destination[0] = load64(ip + 24);
	q->destination[1] = load64(ip + 32);
	/* ::/64 has all the special ones */
	if (!q->source[0] || !q->destination[0] || ip[8] == 0xff || ip[24] == 0xff ||
	    (q->source[0] == q->destination[0] && q->source[1] == q->destination[1]))
		return false;
	q->behind = is_behind6(q);
	q->pseudo = sum_of(q->source[0]) + sum_of(q->source[1]) + sum_of(q->destination[0]) +
		    sum_of(q->destination[1]);
	q->header = IP6_HEADER;
	q->length = payload;
	q->protocol = ip[6];
	q->kind = FRAME_IPV6;
	return true;
}

static __rte_always_inline bool has_good_checksum(const struct quick *q, const uint8_t *l4, uint32_t length)
{
	uint64_t pseudo = q->pseudo + __builtin_bswap32(length) + __builtin_bswap32(q->protocol);

	return checksum_fold(pseudo + (length < 64 ? checksum_below64(l4, length, true)
						   : checksum_bytes(l4, length))) == 0xffff;
}

/* Ports that DHCP has something to do with; which of them are of which family the long way knows. */
static __rte_noinline bool is_dhcp(uint16_t port)
{
	return port == DHCP_SERVER_PORT || port == DHCP_CLIENT_PORT || port == DHCP6_CLIENT_PORT ||
	       port == DHCP6_SERVER_PORT;
}

static __rte_always_inline bool may_be_dhcp(uint16_t source, uint16_t destination)
{
	/* most ports are above all of them */
	return unlikely(RTE_MIN(source, destination) <= DHCP6_SERVER_PORT) &&
	       (is_dhcp(source) || is_dhcp(destination));
}

/* l4: q->length bytes may be read. */
static __rte_always_inline bool read_udp(struct quick *q, const uint8_t *l4)
{
	uint32_t length = read16(l4 + 4);

	q->source_port = read16(l4);
	q->destination_port = read16(l4 + 2);
	if (length < UDP_HEADER || length > q->length || !q->source_port || !q->destination_port ||
	    may_be_dhcp(q->source_port, q->destination_port) || !(l4[6] | l4[7]))
		return false;
	if (q->verify_l4 && !has_good_checksum(q, l4, length))
		return false;
	q->payload = q->l3 + q->header + UDP_HEADER;
	q->payload_length = length - UDP_HEADER;
	q->seq = q->ack = q->window = q->tcp_flags = 0;
	return true;
}

static __rte_always_inline bool read_tcp(struct quick *q, const uint8_t *l4)
{
	uint32_t header = (l4[12] >> 4) * 4u;
	uint8_t flags = l4[13];

	q->source_port = read16(l4);
	q->destination_port = read16(l4 + 2);
	/* with ACK anything but SYN+FIN, SYN+RST and FIN+RST is possible; a SYN is rare enough for the long way */
	if (header < TCP_HEADER || header > q->length || !q->source_port || !q->destination_port ||
	    !(flags & RTE_TCP_ACK_FLAG) || (flags & RTE_TCP_SYN_FLAG) ||
	    (flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)) == (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG))
		return false;
	if (q->verify_l4 && !has_good_checksum(q, l4, q->length))
		return false;
	q->payload = q->l3 + q->header + header;
	q->payload_length = q->length - header;
	q->tcp_flags = flags;
	q->seq = read32(l4 + 4);
	q->ack = read32(l4 + 8);
	q->window = read16(l4 + 14);
	return true;
}

/* The two ends of the key, the smaller first: without a branch, since traffic goes both ways. */
static __rte_always_inline void write_key(struct frame *f, const struct quick *q)
{
	uint64_t swap = 0 - (uint64_t)q->behind;
	uint64_t differ0 = (q->source[0] ^ q->destination[0]) & swap,
		 differ1 = (q->source[1] ^ q->destination[1]) & swap;
	uint64_t low0 = q->source[0] ^ differ0, low1 = q->source[1] ^ differ1,
		 high0 = q->destination[0] ^ differ0, high1 = q->destination[1] ^ differ1;
	uint64_t ports = (q->source_port ^ q->destination_port) & swap;

	static_assert(offsetof(struct flow_key, port) == 32 && sizeof(struct flow_key) == 40);
	flow_key_put_word(&f->key, 0, low0);
	flow_key_put_word(&f->key, 1, low1);
	flow_key_put_word(&f->key, 2, high0);
	flow_key_put_word(&f->key, 3, high1);
	flow_key_put_word(&f->key, 4,
			  (q->source_port ^ ports) | (q->destination_port ^ ports) << 16 |
				  (uint64_t)q->protocol << 56);
	put64(f, offsetof(struct frame, hash), 0);
}

static __rte_always_inline void write_frame(struct frame *f, const struct quick *q)
{
	uint64_t ethertype = q->kind == FRAME_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6, l4 = q->l3 + q->header;

	write_key(f, q);
	put64(f, offsetof(struct frame, flags), q->flags | ethertype << 32 | (uint64_t)q->tci << 48);
	put64(f, offsetof(struct frame, kind),
	      q->kind | (uint64_t)q->protocol << 8 | (uint64_t)q->behind << 16 |
		      (uint64_t)q->tcp_flags << 24 | (uint64_t)q->l3 << 32 | l4 << 48);
	put64(f, offsetof(struct frame, payload),
	      q->payload | (uint64_t)q->payload_length << 16 | (uint64_t)(q->header + q->length) << 32);
	put64(f, offsetof(struct frame, tcp_seq), q->seq | (uint64_t)q->ack << 32);
	put64(f, offsetof(struct frame, tcp_window),
	      q->window | (uint64_t)q->source_port << 16 | (uint64_t)q->destination_port << 32);
	put64(f, offsetof(struct frame, fragment_id), 0);
	/* segment, dest and network: none yet; inner: no second tag */
	put64(f, offsetof(struct frame, segment), 0xffffffffffffull);
	put64(f, offsetof(struct frame, wire_length), q->wire);
	put64(f, offsetof(struct frame, flow), 0);
	put64(f, offsetof(struct frame, set), 0);
}
static_assert(offsetof(struct frame, flags) == 48 && offsetof(struct frame, ethertype) == 52 &&
	      offsetof(struct frame, tci) == 54);
static_assert(offsetof(struct frame, kind) == 56 && offsetof(struct frame, protocol) == 57 &&
	      offsetof(struct frame, reversed) == 58 && offsetof(struct frame, tcp_flags) == 59 &&
	      offsetof(struct frame, l3) == 60 && offsetof(struct frame, l4) == 62);
static_assert(offsetof(struct frame, payload) == 64 && offsetof(struct frame, payload_length) == 66 &&
	      offsetof(struct frame, l3_length) == 68);
static_assert(offsetof(struct frame, tcp_seq) == 72 && offsetof(struct frame, tcp_ack) == 76 &&
	      offsetof(struct frame, tcp_window) == 80 && offsetof(struct frame, source_port) == 82 &&
	      offsetof(struct frame, destination_port) == 84 && offsetof(struct frame, icmp) == 86);
static_assert(offsetof(struct frame, fragment_id) == 88 && offsetof(struct frame, fragment_offset) == 92 &&
	      offsetof(struct frame, fragment_length) == 94);
static_assert(offsetof(struct frame, segment) == 96 && offsetof(struct frame, dest) == 98 &&
	      offsetof(struct frame, network) == 100 && offsetof(struct frame, inner) == 102 &&
	      SEGMENT_NONE == 0xffff);
static_assert(offsetof(struct frame, wire_length) == 104 && offsetof(struct frame, flow) == 112 &&
	      offsetof(struct frame, set) == 120);

/* What the driver says of checksums; *verify: they are ours to look at. false: the long way */
static inline bool read_offloads(const struct rte_mbuf *m, struct quick *q)
{
	uint64_t ip = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK,
		 l4 = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (m->ol_flags & (RTE_MBUF_F_RX_QINQ_STRIPPED | RTE_MBUF_F_RX_LRO))
		return false;
	if (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD || l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD ||
	    l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return false;
	q->verify_ip &= ip != RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	q->verify_l4 &= l4 != RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return true;
}

/* What of the driver's offloads is of interest: without any, nothing was looked at yet. */
#define OFFLOADS                                                                                             \
	(RTE_MBUF_F_RX_QINQ_STRIPPED | RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_IP_CKSUM_MASK |                     \
	 RTE_MBUF_F_RX_L4_CKSUM_MASK)

/* l4: q->length bytes may be read. Written out for each family and protocol, so that what they have in common is constant. */
static __rte_always_inline bool read_transport(struct quick *q, struct frame *f, const uint8_t *l4)
{
	if (q->protocol == PROTOCOL_UDP) {
		if (q->length < UDP_HEADER || !read_udp(q, l4))
			return false;
		q->protocol = PROTOCOL_UDP;
		write_frame(f, q);
		return true;
	}
	if (q->protocol != PROTOCOL_TCP || q->length < TCP_HEADER || !read_tcp(q, l4))
		return false;
	q->protocol = PROTOCOL_TCP;
	write_frame(f, q);
	return true;
}

/* From the IP header on, which begins at q->l3. */
static __rte_always_inline bool read_packet(struct quick *q, struct frame *f, const uint8_t *data,
					    uint32_t there, uint16_t ethertype)
{
	uint32_t reach = there - q->l3;

	if (likely(ethertype == ETHERTYPE_IPV4))
		return reach >= IP4_HEADER + UDP_HEADER && read_ip4(q, data + q->l3, reach) &&
		       read_transport(q, f, data + q->l3 + IP4_HEADER);
	return ethertype == ETHERTYPE_IPV6 && reach >= IP6_HEADER + UDP_HEADER &&
	       read_ip6(q, data + q->l3, reach) && read_transport(q, f, data + q->l3 + IP6_HEADER);
}

/* Without a tag in the buffer: the driver took it off, or there is none. */
static __rte_noinline bool read_untagged(const struct rte_mbuf *m, struct quick *q)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	q->l3 = RTE_ETHER_HDR_LEN;
	q->wire = m->data_len;
	q->flags = 0;
	q->tci = 0;
	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
		q->tci = m->vlan_tci;
		q->flags = FRAME_STRIPPED | FRAME_TAGGED;
		q->wire += RTE_VLAN_HLEN;
		if (no_vlan(q->tci))
			return false;
	}
	return read_packet(q, frame_of((struct rte_mbuf *)(uintptr_t)m), data, m->data_len,
			   read16(data + 12));
}

static __rte_always_inline bool read_frame(struct rte_mbuf *m, bool verify)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t there = m->data_len;
	struct quick q;

	q.verify_ip = q.verify_l4 = verify;
	/* the shortest that could be one: also enough for the tag */
	if (there != m->pkt_len || there < RTE_ETHER_HDR_LEN + IP4_HEADER + UDP_HEADER)
		return false;
	if ((m->ol_flags & OFFLOADS) && !read_offloads(m, &q))
		return false;
	/* group bits of the two addresses, no source */
	if ((data[0] | data[6]) & 1 || !(load64(data + 6) & MAC_MASK))
		return false;
	if (unlikely((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) || read16(data + 12) != TAG_Q)) {
		struct quick untagged = q;

		return read_untagged(m, &untagged);
	}
	q.l3 = TAGGED_L3;
	q.wire = there;
	q.flags = FRAME_TAGGED;
	q.tci = read16(data + 14);
	return !no_vlan(q.tci) && read_packet(&q, frame_of(m), data, there, read16(data + 16));
}

static inline void prefetch(struct rte_mbuf *m)
{
	rte_prefetch0(rte_pktmbuf_mtod(m, const void *));
	rte_prefetch0_write(frame_of(m));
	rte_prefetch0_write((const char *)frame_of(m) + 64);
}

uint32_t parse_quick(struct rte_mbuf *const *frames, uint16_t count, bool verify)
{
	uint32_t parsed = 0;

	static_assert(BURST <= 32);
	for (uint16_t i = 0; i < count; i++) {
		if (i + 2 < count)
			prefetch(frames[i + 2]);
		if (likely(read_frame(frames[i], verify)))
			parsed |= 1u << i;
	}
	return parsed;
}
