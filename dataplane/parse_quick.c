/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way through the parser, for what most frames are: one mbuf, one tag or none, IPv4 without options or IPv6
 * without extension headers, TCP or UDP, from one machine to one other. It looks at all that the long way looks at, word by word,
 * and where anything is out of the ordinary (be it wrong, or only rare) it says nothing: then the long way names the reason. What it
 * fills in is what the long way would (test_parse_quick compares them).
 */
#include <rte_ether.h>
#include <rte_tcp.h>

#include "checksum.h"
#include "parse.h"
#include "words.h"

#define TAGGED_L3 (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define UDP_HEADER 8u
#define TCP_HEADER 20u
#define MAC_MASK 0xffffffffffffull /* of the first six bytes of a little-endian word */

/* What the IP header says. */
struct network {
	uint64_t source[2], destination[2]; /* in memory order, IPv4 mapped */
	uint64_t pseudo;                    /* sum of the addresses, as in checksum.h */
	uint32_t header, length;            /* bytes of the header, and of what follows by the IP length */
	uint8_t protocol;
	bool behind; /* the source stands behind the destination, as memcmp() sees them */
};

/* An address from 1.0.0.0 to 223.255.255.255 that is not a loopback one. */
static inline bool is_one_machine4(uint8_t first)
{
	return first - 1u < 223u && first != 127;
}

/* ip: at least 20 bytes of `reach` may be read. */
static inline bool read_ip4(const uint8_t *ip, uint32_t reach, bool verify, struct network *n)
{
	uint32_t total = read16(ip + 2), from = load32(ip + 12), to = load32(ip + 16);

	/* version and length, more-fragments and offset, TTL */
	if (ip[0] != 0x45 || (read16(ip + 6) & 0x3fff) || !ip[8] || total < IP4_HEADER || total > reach)
		return false;
	if (!is_one_machine4(ip[12]) || !is_one_machine4(ip[16]) || from == to)
		return false;
	if (verify) {
		uint64_t a = load64(ip), b = load64(ip + 8);
		uint64_t sum = (a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32) + to;

		if (checksum_fold(sum) != 0xffff)
			return false;
	}
	n->source[0] = n->destination[0] = 0;
	n->source[1] = (uint64_t)from << 32 | 0xffff0000u;
	n->destination[1] = (uint64_t)to << 32 | 0xffff0000u;
	n->behind = rte_be_to_cpu_32(from) > rte_be_to_cpu_32(to);
	n->pseudo = (uint64_t)from + to;
	n->header = IP4_HEADER;
	n->length = total - IP4_HEADER;
	n->protocol = ip[9];
	return true;
}

static inline uint64_t sum_of(uint64_t word)
{
	return (word & UINT32_MAX) + (word >> 32);
}

/* They are not equal. */
static inline bool is_behind6(const struct network *n)
{
	uint64_t a = rte_be_to_cpu_64(n->source[0]), b = rte_be_to_cpu_64(n->destination[0]);

	if (a != b)
		return a > b;
	return rte_be_to_cpu_64(n->source[1]) > rte_be_to_cpu_64(n->destination[1]);
}

/* ip: at least 40 bytes of `reach` may be read. */
static inline bool read_ip6(const uint8_t *ip, uint32_t reach, struct network *n)
{
	uint32_t payload = read16(ip + 4);

	if (ip[0] >> 4 != 6 || !ip[7] || payload > reach - IP6_HEADER)
		return false;
	n->source[0] = load64(ip + 8);
	n->source[1] = load64(ip + 16);
	n->destination[0] = load64(ip + 24);
	n->destination[1] = load64(ip + 32);
	/* ::/64 has all the special ones */
	if (!n->source[0] || !n->destination[0] || ip[8] == 0xff || ip[24] == 0xff ||
	    (n->source[0] == n->destination[0] && n->source[1] == n->destination[1]))
		return false;
	n->behind = is_behind6(n);
	n->pseudo = sum_of(n->source[0]) + sum_of(n->source[1]) + sum_of(n->destination[0]) +
		    sum_of(n->destination[1]);
	n->header = IP6_HEADER;
	n->length = payload;
	n->protocol = ip[6];
	return true;
}

/* Whole words, for who reads the key by words soon after: shorter stores, or a copy by vectors, would have to leave the store
 * buffer first. */
static inline void fill_key(struct frame *f, const struct network *n, uint64_t seed, bool owner)
{
	bool behind = n->behind;
	uint64_t low0 = behind ? n->destination[0] : n->source[0],
		 low1 = behind ? n->destination[1] : n->source[1];
	uint64_t high0 = behind ? n->source[0] : n->destination[0],
		 high1 = behind ? n->source[1] : n->destination[1];
	uint16_t low_port = behind ? f->destination_port : f->source_port;
	uint16_t high_port = behind ? f->source_port : f->destination_port;

	static_assert(offsetof(struct flow_key, port) == 32 && sizeof(struct flow_key) == 40);
	flow_key_put_word(&f->key, 0, low0);
	flow_key_put_word(&f->key, 1, low1);
	flow_key_put_word(&f->key, 2, high0);
	flow_key_put_word(&f->key, 3, high1);
	flow_key_put_word(&f->key, 4, low_port | (uint64_t)high_port << 16 | (uint64_t)n->protocol << 56);
	f->reversed = behind;
	if (owner)
		f->owner_hash = owner_hash_words(low0, low1, high0, high1, seed);
}

static inline bool has_good_checksum(const struct network *n, const uint8_t *l4, uint32_t length)
{
	uint64_t pseudo = n->pseudo + rte_cpu_to_be_32(length) + rte_cpu_to_be_32(n->protocol);

	return checksum_fold(pseudo + checksum_bytes(l4, length)) == 0xffff;
}

/* Ports that DHCP has something to do with; which of them are of which family the long way knows. */
static inline bool may_be_dhcp(uint16_t port)
{
	return port == DHCP_SERVER_PORT || port == DHCP_CLIENT_PORT || port == DHCP6_CLIENT_PORT ||
	       port == DHCP6_SERVER_PORT;
}

/* l4: n->length bytes may be read. */
static inline bool read_udp(struct frame *f, const struct network *n, const uint8_t *l4, bool verify)
{
	uint16_t source = read16(l4), destination = read16(l4 + 2);
	uint32_t length = read16(l4 + 4);

	if (length < UDP_HEADER || length > n->length || !source || !destination || may_be_dhcp(source) ||
	    may_be_dhcp(destination) || !(l4[6] | l4[7]))
		return false;
	if (verify && !has_good_checksum(n, l4, length))
		return false;
	f->source_port = source;
	f->destination_port = destination;
	f->payload = (uint16_t)(f->l4 + UDP_HEADER);
	f->payload_length = (uint16_t)(length - UDP_HEADER);
	return true;
}

static inline bool read_tcp(struct frame *f, const struct network *n, const uint8_t *l4, bool verify)
{
	uint16_t source = read16(l4), destination = read16(l4 + 2);
	uint32_t header = (l4[12] >> 4) * 4u;
	uint8_t flags = l4[13];

	/* with ACK anything but SYN+FIN, SYN+RST and FIN+RST is possible; a SYN is rare enough for the long way */
	if (header < TCP_HEADER || header > n->length || !source || !destination ||
	    !(flags & RTE_TCP_ACK_FLAG) || (flags & RTE_TCP_SYN_FLAG) ||
	    (flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)) == (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG))
		return false;
	if (verify && !has_good_checksum(n, l4, n->length))
		return false;
	f->source_port = source;
	f->destination_port = destination;
	f->payload = (uint16_t)(f->l4 + header);
	f->payload_length = (uint16_t)(n->length - header);
	f->tcp_flags = flags;
	f->tcp_seq = read32(l4 + 4);
	f->tcp_ack = read32(l4 + 8);
	f->tcp_window = read16(l4 + 14);
	return true;
}

/* One unicast machine to another, and a tag that is one. Sets l3, and what is known of the tag; returns the ethertype behind it,
 * 0: the long way. */
static inline uint16_t read_ethernet(const struct rte_mbuf *m, const uint8_t *data, struct frame *f)
{
	uint64_t source = load64(data + 6) & MAC_MASK;
	uint16_t ethertype = read16(data + 12);
	bool stripped = m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED;

	f->l3 = RTE_ETHER_HDR_LEN;
	if (stripped) {
		f->tci = m->vlan_tci;
		f->flags = FRAME_STRIPPED | FRAME_TAGGED;
		f->wire_length += RTE_VLAN_HLEN;
	} else if (likely(ethertype == TAG_Q)) {
		f->tci = read16(data + 14);
		f->flags = FRAME_TAGGED;
		f->l3 = TAGGED_L3;
		ethertype = read16(data + 16);
	}
	/* group bits of the two addresses, no source, VLAN ids that are none */
	if ((data[0] | data[6]) & 1 || !source || (f->flags && no_vlan(f->tci)))
		return 0;
	return ethertype;
}

/* What the driver says of checksums; *verify: they are ours to look at. false: the long way */
static inline bool read_offloads(const struct rte_mbuf *m, bool *verify_ip, bool *verify_l4)
{
	uint64_t ip = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK,
		 l4 = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (m->ol_flags & (RTE_MBUF_F_RX_QINQ_STRIPPED | RTE_MBUF_F_RX_LRO))
		return false;
	if (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD || l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD ||
	    l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return false;
	*verify_ip &= ip != RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	*verify_l4 &= l4 != RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return true;
}

static __rte_always_inline bool read_transport(struct frame *f, const struct network *n, const uint8_t *l4,
					       bool verify)
{
	f->protocol = n->protocol;
	f->l4 = (uint16_t)(f->l3 + n->header);
	f->l3_length = n->header + n->length;
	if (n->protocol == PROTOCOL_UDP)
		return n->length >= UDP_HEADER && read_udp(f, n, l4, verify);
	return n->protocol == PROTOCOL_TCP && n->length >= TCP_HEADER && read_tcp(f, n, l4, verify);
}

bool parse_quick(struct rte_mbuf *m, uint64_t seed, bool verify, bool owner)
{
	struct frame *f = frame_of(m);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t there = m->data_len;
	bool verify_ip = verify, verify_l4 = verify, good;
	struct network n;

	/* the shortest that could be one: also enough for the tag */
	if (there != m->pkt_len || there < RTE_ETHER_HDR_LEN + IP4_HEADER + UDP_HEADER ||
	    !read_offloads(m, &verify_ip, &verify_l4))
		return false;
	frame_clear(f);
	f->segment = f->dest = f->network = SEGMENT_NONE;
	f->wire_length = there;
	uint16_t ethertype = read_ethernet(m, data, f);
	uint32_t reach = there - f->l3;
	if (likely(ethertype == ETHERTYPE_IPV4))
		good = reach >= IP4_HEADER + UDP_HEADER && read_ip4(data + f->l3, reach, verify_ip, &n) &&
		       read_transport(f, &n, data + f->l3 + IP4_HEADER, verify_l4);
	else
		good = ethertype == ETHERTYPE_IPV6 && reach >= IP6_HEADER + UDP_HEADER &&
		       read_ip6(data + f->l3, reach, &n) &&
		       read_transport(f, &n, data + f->l3 + IP6_HEADER, verify_l4);
	if (!good)
		return false;
	f->ethertype = ethertype;
	f->kind = ethertype == ETHERTYPE_IPV4 ? FRAME_IPV4 : FRAME_IPV6;
	fill_key(f, &n, seed, owner);
	return true;
}
