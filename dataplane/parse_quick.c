/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way through the parser, for what most frames are: one mbuf, one tag or none, IPv4 without options or IPv6
 * without extension headers, TCP or UDP, from one machine to one other. It looks at all that the long way looks at, word by word,
 * and where anything is out of the ordinary (be it wrong, or only rare) it says nothing: then the long way names the reason. What it
 * fills in is what the long way would (test_parse_quick compares them).
 *
 * It writes by whole words: whoever reads a word of which parts were just written waits for them to leave the store buffer (SPEED.md);
 * and each as soon as it is known: what has to be kept for later does not fit into the registers.
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

#define SHORTEST (TAGGED_L3 + IP4_HEADER + UDP_HEADER)

/* A frame as it is known so far. */
struct quick {
	struct frame *f;
	const uint8_t *ip;
	/* all ones: the source stands behind the destination, as memcmp() sees them; else 0 */
	uint64_t behind;
	uint32_t flags;  /* FRAME_* */
	uint32_t l3;     /* offset of the IP header */
	uint32_t header; /* bytes of it */
	uint32_t length; /* .. and of what follows by the IP length */
	uint32_t tci;    /* of the tag, or 0 */
	uint8_t kind, protocol;
	bool verify_ip, verify_l4;
};

/* First bytes of the addresses that are not one machine's: 0.0.0.0/8, loopback, multicast and what is behind it. */
static const uint8_t not_one_machine4[256] = { [0] = 1, [127] = 1, [224 ... 255] = 1 };

/* A sum over what has a checksum in it is a multiple of 65535 if that is right (and not 0: no header is all zeroes), which is told by the
 * inverse of that modulo 2^64. Where gcc takes `%` for rare it divides. */
static __rte_always_inline bool is_right(uint64_t sum)
{
	return sum * 0xfffefffefffeffffu <= UINT64_MAX / UINT16_MAX;
}

/* The two addresses in the order of the key, without a branch, since traffic goes both ways. */
static __rte_always_inline void write_addresses(const struct quick *q, unsigned int word, uint64_t source,
						uint64_t destination)
{
	uint64_t differ = (source ^ destination) & q->behind;

	flow_key_put_word(&q->f->key, word, source ^ differ);
	flow_key_put_word(&q->f->key, word + 2, destination ^ differ);
}

/* ip: at least 28 bytes of `reach` may be read. */
static __rte_always_inline bool read_ip4(struct quick *q, uint32_t reach)
{
	const uint8_t *ip = q->ip;
	uint32_t total = read16(ip + 2), from = load32(ip + 12), to = load32(ip + 16);

	/* version and length, more-fragments and offset, TTL */
	if (ip[0] != 0x45 || (load16(ip + 6) & RTE_BE16(0x3fff)) || !ip[8] || total < IP4_HEADER ||
	    total > reach)
		return false;
	if ((not_one_machine4[ip[12]] | not_one_machine4[ip[16]]) || from == to)
		return false;
	if (q->verify_ip && !is_right(checksum_add(checksum_add(load64(ip), load64(ip + 8)), to)))
		return false;
	q->behind = 0 - (uint64_t)(__builtin_bswap32(from) > __builtin_bswap32(to));
	write_addresses(q, 0, 0, 0);
	write_addresses(q, 1, (uint64_t)from << 32 | 0xffff0000u, (uint64_t)to << 32 | 0xffff0000u);
	q->header = IP4_HEADER;
	q->length = total - IP4_HEADER;
	q->protocol = ip[9];
	q->kind = FRAME_IPV4;
	return true;
}

/* They are not equal. */
static inline bool is_behind6(const uint64_t source[2], const uint64_t destination[2])
{
	uint64_t a = __builtin_bswap64(source[0]), b = __builtin_bswap64(destination[0]);

	if (a != b)
		return a > b;
	return __builtin_bswap64(source[1]) > __builtin_bswap64(destination[1]);
}

/* ip: at least 40 bytes of `reach` may be read. */
static __rte_always_inline bool read_ip6(struct quick *q, uint32_t reach)
{
	const uint8_t *ip = q->ip;
	const uint64_t source[] = { load64(ip + 8), load64(ip + 16) },
		       destination[] = { load64(ip + 24), load64(ip + 32) };
	uint32_t payload = read16(ip + 4);

	if (ip[0] >> 4 != 6 || !ip[7] || payload > reach - IP6_HEADER)
		return false;
	/* ::/64 has all the special ones */
	if (!source[0] || !destination[0] || ip[8] == 0xff || ip[24] == 0xff ||
	    (source[0] == destination[0] && source[1] == destination[1]))
		return false;
	q->behind = 0 - (uint64_t)is_behind6(source, destination);
	write_addresses(q, 0, source[0], destination[0]);
	write_addresses(q, 1, source[1], destination[1]);
	q->header = IP6_HEADER;
	q->length = payload;
	q->protocol = ip[6];
	q->kind = FRAME_IPV6;
	return true;
}

/* Of the addresses, as in checksum.h. */
static __rte_always_inline uint64_t sum_addresses(const struct quick *q)
{
	const uint8_t *ip = q->ip;

	if (q->kind == FRAME_IPV4)
		return load64(ip + 12);
	return checksum_add(checksum_add(load64(ip + 8), load64(ip + 16)),
			    checksum_add(load64(ip + 24), load64(ip + 32)));
}

/* l4: `length` bytes may be read, and at least 8. */
static __rte_always_inline bool has_good_checksum(const struct quick *q, const uint8_t *l4, uint32_t length)
{
	uint64_t pseudo = checksum_add(sum_addresses(q),
				       (uint64_t)__builtin_bswap32(length) + __builtin_bswap32(q->protocol));

	return is_right(length < 64 ? checksum_below64(pseudo, l4, length)
				    : checksum_add(pseudo, checksum_bytes(l4, length)));
}

/* A port that no datagram has, or that DHCP has something to do with: of which family and side it is the long way knows. */
static bool is_special(uint16_t port)
{
	return !port || port == DHCP_SERVER_PORT || port == DHCP_CLIENT_PORT || port == DHCP6_CLIENT_PORT ||
	       port == DHCP6_SERVER_PORT;
}

static __rte_noinline bool are_special(uint32_t ports)
{
	return is_special((uint16_t)ports) || is_special((uint16_t)(ports >> 16));
}

/* ---- what all have in common ---- */

/* Ports: source << 16 | destination. The rest of struct frame, word by word. */
static __rte_always_inline void write_transport(const struct quick *q, uint32_t ports, uint32_t header,
						uint32_t payload_length, uint32_t tcp_flags, uint64_t numbers,
						uint32_t window)
{
	struct frame *f = q->f;
	uint32_t turned = ports << 16 | ports >> 16, l4 = q->l3 + q->header;
	uint32_t key_ports = turned ^ ((turned ^ ports) & (uint32_t)q->behind);
	uint64_t ethertype = q->kind == FRAME_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;

	static_assert(offsetof(struct flow_key, port) == 32 && sizeof(struct flow_key) == 40);
	flow_key_put_word(&f->key, 4, key_ports | (uint64_t)q->protocol << 56);
	put64(f, offsetof(struct frame, flags), q->flags | ethertype << 32 | (uint64_t)q->tci << 48);
	put64(f, offsetof(struct frame, kind),
	      (q->kind | (uint64_t)q->protocol << 8 | (uint64_t)q->l3 << 32 | (uint64_t)l4 << 48) +
		      ((q->behind & 1u << 16) | tcp_flags << 24));
	put64(f, offsetof(struct frame, payload),
	      (l4 + header) | payload_length << 16 | (uint64_t)(q->header + q->length) << 32);
	put64(f, offsetof(struct frame, tcp_seq), numbers);
	put64(f, offsetof(struct frame, tcp_window), window | (uint64_t)turned << 16);
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

/* What no frame of this kind has, or not yet. */
static __rte_always_inline void write_none(struct frame *f)
{
	put64(f, offsetof(struct frame, hash), 0);
	put64(f, offsetof(struct frame, fragment_id), 0);
	/* segment, dest and network: none yet; inner: no second tag */
	put64(f, offsetof(struct frame, segment), 0xffffffffffffull);
	put64(f, offsetof(struct frame, flow), 0);
	put64(f, offsetof(struct frame, set), 0);
}
static_assert(offsetof(struct frame, hash) == 40 && offsetof(struct frame, fragment_id) == 88 &&
	      offsetof(struct frame, fragment_offset) == 92 && offsetof(struct frame, fragment_length) == 94);
static_assert(offsetof(struct frame, segment) == 96 && offsetof(struct frame, dest) == 98 &&
	      offsetof(struct frame, network) == 100 && offsetof(struct frame, inner) == 102 &&
	      SEGMENT_NONE == 0xffff);
static_assert(offsetof(struct frame, wire_length) == 104 && offsetof(struct frame, flow) == 112 &&
	      offsetof(struct frame, set) == 120);

/* ---- transport ---- */

/* l4: a header may be read. */
static __rte_always_inline bool read_udp(const struct quick *q, const uint8_t *l4)
{
	uint32_t length = read16(l4 + 4), ports = read32(l4);

	if (length < UDP_HEADER || length > q->length || !load16(l4 + 6))
		return false;
	/* most ports are above all of the special ones */
	if (unlikely((uint16_t)ports <= DHCP6_SERVER_PORT || ports >> 16 <= DHCP6_SERVER_PORT) &&
	    are_special(ports))
		return false;
	if (q->verify_l4 && !has_good_checksum(q, l4, length))
		return false;
	write_transport(q, ports, UDP_HEADER, length - UDP_HEADER, 0, 0, 0);
	return true;
}

/* l4: q->length bytes may be read, and a header. */
static __rte_always_inline bool read_tcp(const struct quick *q, const uint8_t *l4)
{
	uint32_t header = (l4[12] >> 4) * 4u, ports = read32(l4);
	uint8_t flags = l4[13];

	/* with ACK anything but SYN+FIN, SYN+RST and FIN+RST is possible; a SYN is rare enough for the long way */
	if (header < TCP_HEADER || header > q->length || !(ports >> 16) || !(ports & UINT16_MAX) ||
	    !(flags & RTE_TCP_ACK_FLAG) || (flags & RTE_TCP_SYN_FLAG) ||
	    (flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)) == (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG))
		return false;
	if (q->verify_l4 && !has_good_checksum(q, l4, q->length))
		return false;
	write_transport(q, ports, header, q->length - header, flags,
			read32(l4 + 4) | (uint64_t)read32(l4 + 8) << 32, read16(l4 + 14));
	return true;
}

/* Written out for each family and protocol, so that what they have in common is constant. */
static __rte_always_inline bool read_transport(struct quick *q)
{
	const uint8_t *l4 = q->ip + q->header;

	if (q->protocol == PROTOCOL_UDP) {
		q->protocol = PROTOCOL_UDP;
		return read_udp(q, l4);
	}
	if (q->protocol != PROTOCOL_TCP || q->length < TCP_HEADER)
		return false;
	q->protocol = PROTOCOL_TCP;
	return read_tcp(q, l4);
}

/* What the driver says of checksums: which of them are ours to look at. false: the long way */
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

/* From the IP header on, which begins at q->l3; `there`: bytes of the frame. */
static __rte_always_inline bool read_packet(struct quick *q, const uint8_t *data, uint32_t there,
					    uint16_t ethertype)
{
	uint32_t reach = there - q->l3;

	write_none(q->f);
	q->ip = data + q->l3;
	if (likely(ethertype == RTE_BE16(ETHERTYPE_IPV4)))
		return read_ip4(q, reach) && read_transport(q);
	return ethertype == RTE_BE16(ETHERTYPE_IPV6) && reach >= IP6_HEADER + UDP_HEADER &&
	       read_ip6(q, reach) && read_transport(q);
}

/* Without a tag in the buffer: the driver took it off, or there is none. */
static __rte_noinline bool read_untagged(const struct rte_mbuf *m, struct quick *q)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t wire = m->data_len;

	q->l3 = RTE_ETHER_HDR_LEN;
	q->flags = q->tci = 0;
	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
		q->tci = m->vlan_tci;
		q->flags = FRAME_STRIPPED | FRAME_TAGGED;
		wire += RTE_VLAN_HLEN;
		if (no_vlan((uint16_t)q->tci))
			return false;
	}
	put64(q->f, offsetof(struct frame, wire_length), wire);
	return read_packet(q, data, m->data_len, load16(data + 12));
}

static __rte_always_inline bool read_frame(struct rte_mbuf *m, bool verify)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t there = m->data_len;
	struct quick q;

	q.f = frame_of(m);
	q.verify_ip = q.verify_l4 = verify;
	if (there != m->pkt_len || there < SHORTEST)
		return false;
	if ((m->ol_flags & OFFLOADS) && !read_offloads(m, &q))
		return false;
	/* group bits of the two addresses, no source */
	if ((data[0] | data[6]) & 1 || !(load64(data + 6) & MAC_MASK))
		return false;
	if (unlikely((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) || load16(data + 12) != RTE_BE16(TAG_Q))) {
		struct quick untagged = q;

		return read_untagged(m, &untagged);
	}
	q.l3 = TAGGED_L3;
	q.flags = FRAME_TAGGED;
	q.tci = read16(data + 14);
	put64(q.f, offsetof(struct frame, wire_length), there);
	return !no_vlan((uint16_t)q.tci) && read_packet(&q, data, there, load16(data + 16));
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
