/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the parser: parse.c (Ethernet, ARP), parse_ip4.c, parse_ip6.c, parse_l4.c, parse_icmp.c; and the two entries
 * that others may call. Functions return PARSED, or the reason to drop the frame. Nothing here changes a frame.
 */
#ifndef DATAPLANE_PARSE_H
#define DATAPLANE_PARSE_H

#include <rte_byteorder.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <string.h>

#include "bulkhead/drops.h"
#include "frame.h"

struct policy;

#define PARSED BH_DROP_COUNT /* no reason to drop it */

enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_IGMP = 2,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMP6 = 58,
	PROTOCOL_SCTP = 132,
};

/* A frame under parse. */
struct packet {
	struct rte_mbuf *m;
	struct frame *f;
	const uint8_t *data; /* of the first segment; offsets of struct frame count from here */
	uint32_t
		reach; /* headers may be read below this offset: the first segment's end, or the IP packet's */
	uint32_t end;  /* offset of the first byte behind the IP packet; may lie in a later segment */
	uint8_t source[16], destination[16]; /* the packet's own, IPv4 mapped */
	uint8_t hops;                        /* TTL or hop limit */
	bool verify;                         /* IPv4 header and transport checksums */
	bool inside;                         /* look behind a second tag */
	bool router_alert;                   /* IPv6 hop-by-hop option */
	bool fragmented; /* came in fragments, or with a fragment header though it is whole */
};

/* bits of `how`: what the policy wants of the parser */
enum {
	PARSE_VERIFY = 1 << 0, /* IPv4 header and transport checksums */
	PARSE_INSIDE = 1 << 1, /* layer2.double-tags: inside */
};

/* One frame as it was received: fills its struct frame from scratch. */
enum bh_drop parse_frame(struct rte_mbuf *m, unsigned int how);
/* .. as the policy wants it; NULL: none is in force. */
unsigned int parse_how(const struct policy *policy);

/* The IP packet of a frame that was put together from fragments: frame_of(m) has kind, l3, ethertype, tci and the flags of its
 * Ethernet header; the rest is filled here, but for what the stages after parse know. */
enum bh_drop parse_reassembled(struct rte_mbuf *m, bool verify);

/* Ports (or ICMP type and code) of a first fragment that is judged without its packet, into its frame and key. The
 * header is there: parse_first_fragment(). Ports of later fragments stay 0. */
void parse_fragment_ports(struct rte_mbuf *m);

/* ---- between the parser's files ---- */

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd };
enum { TAG_Q = 0x8100, TAG_AD = 0x88a8, TAG_OLD = 0x9100 /* before 802.1ad was a standard */ };

/* No VLAN: a priority tag, or the id that 802.1Q reserves. */
static inline bool no_vlan(uint16_t tci)
{
	uint16_t vlan = tci & 0xfff;

	return vlan == 0 || vlan == 0xfff;
}

/* The short way for what most frames are, over a burst. Bit i of the answer: frame i was parsed, as the long way would; of the others
 * nothing is said, and the long way fills their struct frame from scratch. */
uint32_t parse_quick(struct rte_mbuf *const *frames, uint16_t count, bool verify);
/* The long way, for any frame. */
enum bh_drop parse_long(struct rte_mbuf *m, unsigned int how);

enum bh_drop parse_ip4(struct packet *p);
enum bh_drop parse_ip6(struct packet *p);

/* frame's l4 and protocol are set; p->reach is the IP packet's. */
enum bh_drop parse_transport(struct packet *p);
enum bh_drop parse_icmp4(struct packet *p);
enum bh_drop parse_icmp6(struct packet *p);
/* The first fragment must hold the whole transport header, which begins at `transport` (RFC 1858, RFC 7112). */
enum bh_drop parse_first_fragment(const struct packet *p, uint16_t transport);
/* UDP ports without any further check; false: not UDP, a fragment, or too short. */
bool parse_udp_ports(const struct packet *p, uint16_t *source, uint16_t *destination);
/* Transport checksum of the Internet kind over the packet from l4 on. */
bool parse_checksum_good(const struct packet *p, uint32_t length, bool pseudo_header);

/* The extension headers of an IPv6 packet (RFC 8200, 4). Offsets count from the IPv6 header. */
struct chain {
	uint16_t transport; /* first header that is no extension; later fragment: its data */
	uint16_t fragment;  /* fragment header, 0: none */
	uint8_t protocol;   /* at `transport`; later fragment: what its fragment header names */
	bool router_alert;  /* a hop-by-hop option (RFC 2711) */
	bool cut;           /* refused because it goes on behind `reach` */
};
/* ip: 40 checked bytes and more, of which `reach` may be read. */
enum bh_drop parse_chain(const uint8_t *ip, uint32_t reach, struct chain *chain);

/* Fill the key: the smaller end first. */
void parse_key(struct frame *f, const uint8_t source[16], const uint8_t destination[16], uint16_t source_port,
	       uint16_t destination_port, uint8_t protocol);

static inline uint16_t read16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(
		v); /* rte_be_to_cpu_16() is an xchg of three steps, which the compiler may not move */
}

static inline uint32_t read32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline void map4(uint8_t mapped[16], const uint8_t address[4])
{
	memset(mapped, 0, 10);
	memset(mapped + 10, 0xff, 2);
	memcpy(mapped + 12, address, 4);
}

/* Offset and more-flag of a fragment header's second word (RFC 8200, 4.5) */
static inline uint16_t fragment6_offset(const uint8_t *header)
{
	return read16(header + 2) & 0xfff8;
}

static inline bool fragment6_more(const uint8_t *header)
{
	return header[3] & 1;
}

#endif
