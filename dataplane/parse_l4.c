/* SPDX-License-Identifier: BSD-3-Clause */
/* Transports: TCP, UDP, SCTP, IGMP; who speaks DHCP. ICMP has a file of its own. */
#include <rte_tcp.h>

#include "checksum.h"
#include "parse.h"

#define TCP_HEADER 20u
#define UDP_HEADER 8u
#define SCTP_HEADER 12u
#define ICMP_HEADER 8u

/* Transport header and payload, by the IP length. */
static uint32_t transport_length(const struct packet *p)
{
	return p->end - p->f->l4;
}

/* Of those, the bytes that may be read. */
static uint32_t transport_reach(const struct packet *p)
{
	return p->reach > p->f->l4 ? p->reach - p->f->l4 : 0;
}

static void set_payload(struct packet *p, uint32_t header, uint32_t length)
{
	p->f->payload = (uint16_t)(p->f->l4 + header);
	p->f->payload_length = (uint16_t)length;
}

bool parse_udp_ports(const struct packet *p, uint16_t *source, uint16_t *destination)
{
	const struct frame *f = p->f;

	if (f->protocol != PROTOCOL_UDP || (f->flags & FRAME_FRAGMENT) || transport_reach(p) < UDP_HEADER)
		return false;
	*source = read16(p->data + f->l4);
	*destination = read16(p->data + f->l4 + 2);
	return true;
}

bool parse_checksum_good(const struct packet *p, uint32_t length, bool pseudo_header)
{
	uint64_t sum = checksum_frame(p->m, p->f->l4, length);

	if (pseudo_header)
		sum += checksum_pseudo(p->source, p->destination, length, p->f->protocol);
	return checksum_fold(sum) == 0xffff;
}

/* What the driver says of TCP and UDP; where it says nothing, it is for us to look. A frame that the driver merged (LRO)
 * has a checksum that was never computed over the whole. */
static enum bh_drop check_checksum(struct packet *p, uint32_t length)
{
	uint64_t vouched = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (vouched == RTE_MBUF_F_RX_L4_CKSUM_NONE) {
		p->f->flags |= FRAME_CHECKSUM_LEFT;
		return PARSED;
	}
	if (!p->verify || vouched == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return PARSED;
	if (vouched == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		return BH_DROP_L4_CHECKSUM;
	if (p->m->ol_flags & RTE_MBUF_F_RX_LRO)
		return PARSED;
	return parse_checksum_good(p, length, true) ? PARSED : BH_DROP_L4_CHECKSUM;
}

static enum bh_drop set_ports(struct packet *p)
{
	struct frame *f = p->f;

	f->source_port = read16(p->data + f->l4);
	f->destination_port = read16(p->data + f->l4 + 2);
	if (f->source_port == 0 || f->destination_port == 0)
		return BH_DROP_L4_PORT;
	parse_key(f, p->source, p->destination, f->source_port, f->destination_port, f->protocol);
	return PARSED;
}

/* RFC 9293: but for the first SYN and some RSTs every segment has ACK; scanners send what is left. */
static bool flags_possible(uint8_t flags)
{
	if (!(flags & (RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG)))
		return false;
	if ((flags & RTE_TCP_SYN_FLAG) && (flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)))
		return false;
	return !(flags & RTE_TCP_FIN_FLAG) || ((flags & RTE_TCP_ACK_FLAG) && !(flags & RTE_TCP_RST_FLAG));
}

static enum bh_drop parse_tcp(struct packet *p)
{
	struct frame *f = p->f;
	const uint8_t *tcp = p->data + f->l4;

	if (transport_reach(p) < TCP_HEADER)
		return BH_DROP_L4_TRUNCATED;
	uint32_t header = (tcp[12] >> 4) * 4u;
	if (header < TCP_HEADER)
		return BH_DROP_L4_LENGTH;
	if (transport_reach(p) < header)
		return BH_DROP_L4_TRUNCATED;
	f->tcp_seq = read32(tcp + 4);
	f->tcp_ack = read32(tcp + 8);
	f->tcp_flags = tcp[13];
	f->tcp_window = read16(tcp + 14);
	set_payload(p, header, transport_length(p) - header);
	if (!flags_possible(f->tcp_flags))
		return BH_DROP_TCP_FLAGS;
	enum bh_drop reason = set_ports(p);
	return reason == PARSED ? check_checksum(p, transport_length(p)) : reason;
}

/* Clients listen on 68 and take an answer from any port; a server's message to a relay is told by BOOTP's op (RFC 2131). */
static enum bh_drop mark_dhcp4(struct packet *p)
{
	struct frame *f = p->f;
	uint8_t operation = 0;

	if (f->destination_port != DHCP_SERVER_PORT && f->destination_port != DHCP_CLIENT_PORT &&
	    f->source_port != DHCP_SERVER_PORT)
		return PARSED;
	if (f->payload_length) {
		if (p->reach <= f->payload)
			return BH_DROP_L4_TRUNCATED;
		operation = p->data[f->payload];
	}
	if (f->destination_port == DHCP_CLIENT_PORT || operation == 2)
		f->flags |= FRAME_DHCP_SERVER;
	else if (f->destination_port == DHCP_SERVER_PORT)
		f->flags |= FRAME_DHCP_CLIENT;
	return PARSED;
}

/* DHCPv6 messages that only a server sends: advertise, reply, reconfigure, relay-reply, leasequery-reply (RFC 8415, 7.3;
 * RFC 5007) */
static bool dhcp6_server_sends(uint8_t type)
{
	return type == 2 || type == 7 || type == 10 || type == 13 || type == 15;
}

static enum bh_drop mark_dhcp6(struct packet *p)
{
	struct frame *f = p->f;
	uint8_t type = 0;

	if (f->destination_port != DHCP6_CLIENT_PORT && f->destination_port != DHCP6_SERVER_PORT &&
	    f->source_port != DHCP6_SERVER_PORT)
		return PARSED;
	if (f->payload_length) {
		if (p->reach <= f->payload)
			return BH_DROP_L4_TRUNCATED;
		type = p->data[f->payload];
	}
	if (f->destination_port == DHCP6_CLIENT_PORT || dhcp6_server_sends(type))
		f->flags |= FRAME_DHCP_SERVER;
	else if (f->destination_port == DHCP6_SERVER_PORT)
		f->flags |= FRAME_DHCP_CLIENT;
	return PARSED;
}

static enum bh_drop parse_udp(struct packet *p)
{
	struct frame *f = p->f;
	const uint8_t *udp = p->data + f->l4;

	if (transport_reach(p) < UDP_HEADER)
		return BH_DROP_L4_TRUNCATED;
	uint32_t length = read16(udp + 4);
	if (length < UDP_HEADER || length > transport_length(p))
		return BH_DROP_L4_LENGTH;
	set_payload(p, UDP_HEADER, length - UDP_HEADER);
	enum bh_drop reason = set_ports(p);
	if (reason != PARSED)
		return reason;
	if (read16(udp + 6) != 0)
		reason = check_checksum(p, length);
	else if (f->kind == FRAME_IPV6 && p->verify) /* IPv4 may go without; not here (RFC 8200, 8.1) */
		reason = BH_DROP_L4_CHECKSUM;
	if (reason != PARSED)
		return reason;
	return f->kind == FRAME_IPV4 ? mark_dhcp4(p) : mark_dhcp6(p);
}

/* CRC32c with its own field taken as zero (RFC 9260, 6.8) */
static bool crc_good(const struct packet *p)
{
	const uint8_t *sctp = p->data + p->f->l4, zero[4] = { 0 };
	rte_le32_t stored;

	memcpy(&stored, sctp + 8, sizeof(stored));
	uint32_t crc = crc32c_bytes(UINT32_MAX, sctp, 8);
	crc = crc32c_bytes(crc, zero, sizeof(zero));
	crc = crc32c_frame(crc, p->m, p->f->l4 + SCTP_HEADER, transport_length(p) - SCTP_HEADER);
	return rte_le_to_cpu_32(stored) == ~crc;
}

static enum bh_drop parse_sctp(struct packet *p)
{
	if (transport_reach(p) < SCTP_HEADER)
		return BH_DROP_L4_TRUNCATED;
	set_payload(p, SCTP_HEADER, transport_length(p) - SCTP_HEADER);
	enum bh_drop reason = set_ports(p);
	if (reason != PARSED)
		return reason;
	if ((p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE) {
		p->f->flags |= FRAME_CHECKSUM_LEFT;
		return PARSED;
	}
	/* no driver of ours vouches for a CRC */
	return !p->verify || crc_good(p) ? PARSED : BH_DROP_L4_CHECKSUM;
}

/* Queries, reports and leaves of all versions stay on their link (RFC 3376, 4); others (DVMRP, mtrace) need not. */
static bool igmp_of_hosts(uint8_t type)
{
	return type == 0x11 || type == 0x12 || type == 0x16 || type == 0x17 || type == 0x22;
}

static enum bh_drop parse_igmp(struct packet *p)
{
	if (transport_reach(p) < ICMP_HEADER)
		return BH_DROP_L4_TRUNCATED;
	set_payload(p, ICMP_HEADER, transport_length(p) - ICMP_HEADER);
	p->f->flags |= FRAME_GROUP;
	if (p->verify && !parse_checksum_good(p, transport_length(p), false))
		return BH_DROP_L4_CHECKSUM;
	return igmp_of_hosts(p->data[p->f->l4]) && p->hops != 1 ? BH_DROP_GROUP_BAD : PARSED;
}

enum bh_drop parse_transport(struct packet *p)
{
	bool ip6 = p->f->kind == FRAME_IPV6;

	switch (p->f->protocol) {
	case PROTOCOL_TCP:
		return parse_tcp(p);
	case PROTOCOL_UDP:
		return parse_udp(p);
	case PROTOCOL_SCTP:
		return parse_sctp(p);
	case PROTOCOL_ICMP:
		if (!ip6)
			return parse_icmp4(p);
		break;
	case PROTOCOL_ICMP6:
		if (ip6)
			return parse_icmp6(p);
		break;
	case PROTOCOL_IGMP:
		if (!ip6)
			return parse_igmp(p);
		break;
	}
	/* tunnels, ESP, no next header, ..: judged by their number */
	set_payload(p, 0, transport_length(p));
	return PARSED;
}

enum bh_drop parse_first_fragment(const struct packet *p, uint16_t transport)
{
	const uint8_t *header = p->data + transport;
	uint32_t there = p->reach - transport;
	bool ip6 = p->f->kind == FRAME_IPV6;

	switch (p->f->protocol) {
	case PROTOCOL_TCP:
		if (there < TCP_HEADER || there < (header[12] >> 4) * 4u)
			return BH_DROP_FRAGMENT_TINY;
		return PARSED;
	case PROTOCOL_UDP:
		return there < UDP_HEADER ? BH_DROP_FRAGMENT_TINY : PARSED;
	case PROTOCOL_SCTP:
		return there < SCTP_HEADER ? BH_DROP_FRAGMENT_TINY : PARSED;
	case PROTOCOL_ICMP:
	case PROTOCOL_IGMP:
		return !ip6 && there < ICMP_HEADER ? BH_DROP_FRAGMENT_TINY : PARSED;
	case PROTOCOL_ICMP6:
		if (!ip6)
			return PARSED;
		if (there < ICMP_HEADER)
			return BH_DROP_FRAGMENT_TINY;
		/* neighbour discovery fits any link: RFC 6980 */
		return header[0] >= 133 && header[0] <= 137 ? BH_DROP_FRAGMENT_ND : PARSED;
	default:
		return PARSED;
	}
}

void parse_fragment_ports(struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);
	const uint8_t *header = rte_pktmbuf_mtod_offset(m, const uint8_t *, f->payload);
	uint8_t source[16], destination[16];

	switch (f->protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
		f->source_port = read16(header);
		f->destination_port = read16(header + 2);
		memcpy(source, frame_source(f), 16);
		memcpy(destination, frame_destination(f), 16);
		parse_key(f, source, destination, f->source_port, f->destination_port, f->protocol);
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMP6:
		if ((f->protocol == PROTOCOL_ICMP6) == (f->kind == FRAME_IPV6))
			f->icmp = read16(header);
		break;
	}
}
