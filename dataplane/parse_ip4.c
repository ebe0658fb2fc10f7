/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4: header, options, addresses, fragments. */
#include "checksum.h"
#include "parse.h"

#define HEADER_MIN 20u
#define PACKET_MAX 65535u

/* Source routing turns a judged destination into another one; a list that runs over its end is somebody's attempt. */
static enum bh_drop check_options(const uint8_t *option, uint32_t left)
{
	while (left) {
		if (option[0] == 0) /* end of list */
			return PARSED;
		if (option[0] == 1) { /* no operation */
			option++;
			left--;
			continue;
		}
		if (left < 2 || option[1] < 2 || option[1] > left)
			return BH_DROP_IP_OPTIONS;
		if (option[0] == 131 || option[0] == 137) /* LSRR, SSRR: RFC 7126, 4.3 */
			return BH_DROP_IP_OPTIONS;
		left -= option[1];
		option += option[1];
	}
	return PARSED;
}

/* Not asked under `checksums: ignore`, which is for captures: their addresses were often changed afterwards. */
static bool header_checksum_good(const struct rte_mbuf *m, const uint8_t *ip, uint32_t header)
{
	uint64_t vouched = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if (vouched == RTE_MBUF_F_RX_IP_CKSUM_BAD || vouched == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return vouched == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	return checksum_fold(checksum_bytes(ip, header)) == 0xffff;
}

/* Lengths first: they set how far the packet reaches. */
static enum bh_drop check_header(struct packet *p)
{
	struct frame *f = p->f;
	const uint8_t *ip = p->data + f->l3;

	if (p->reach < f->l3 + HEADER_MIN)
		return BH_DROP_IP_TRUNCATED;
	uint32_t header = (ip[0] & 0x0fu) * 4, total = read16(ip + 2);
	if (ip[0] >> 4 != 4 || header < HEADER_MIN || total < header)
		return BH_DROP_IP_HEADER;
	if (p->end < f->l3 + total || p->reach < f->l3 + header)
		return BH_DROP_IP_TRUNCATED;
	p->end = f->l3 + total;
	p->reach = RTE_MIN(p->reach, p->end);
	f->l3_length = total;
	f->l4 = (uint16_t)(f->l3 + header);

	if (p->verify && !header_checksum_good(p->m, ip, header))
		return BH_DROP_IP_CHECKSUM;
	p->hops = ip[8];
	if (p->hops == 0)
		return BH_DROP_IP_TTL;
	return check_options(ip + HEADER_MIN, header - HEADER_MIN);
}

/* 0.0.0.0 speaks for who has no address yet: a DHCP client (RFC 2131, 4.1), or an IGMP snooping querier (RFC 4541, 2.1.1). */
static bool nameless_may(const struct packet *p, uint32_t destination)
{
	uint16_t from, to;

	if (p->f->protocol == PROTOCOL_IGMP)
		return true;
	return destination == 0xffffffff && parse_udp_ports(p, &from, &to) && from == DHCP_CLIENT_PORT &&
	       to == DHCP_SERVER_PORT;
}

/* Addresses that may not be on a wire (RFC 1122, 3.2.1.3; RFC 6890). */
static enum bh_drop check_addresses(const struct packet *p, uint32_t source, uint32_t destination)
{
	uint8_t from = (uint8_t)(source >> 24), to = (uint8_t)(destination >> 24);
	uint16_t port, bfd;

	if (to == 0 || to == 127 || (to >= 240 && destination != 0xffffffff))
		return BH_DROP_IP_MARTIAN;
	if (from == 127 || from >= 224)
		return BH_DROP_IP_MARTIAN;
	if (from == 0 && (source != 0 || !nameless_may(p, destination)))
		return BH_DROP_IP_MARTIAN;
	/* BFD's echo comes back to its sender on purpose (RFC 5881, 4) */
	if (source == destination && !(parse_udp_ports(p, &port, &bfd) && bfd == 3785))
		return BH_DROP_IP_LAND;
	return PARSED;
}

static enum bh_drop check_fragment(struct packet *p, uint16_t field)
{
	struct frame *f = p->f;
	uint32_t header = (uint32_t)(f->l4 - f->l3), length = f->l3_length - header;
	uint32_t offset = (field & 0x1fffu) * 8;

	f->flags |= FRAME_FRAGMENT;
	f->fragment_id = read16(p->data + f->l3 + 4);
	f->payload = f->l4;
	if (field & 0x2000)
		f->flags |= FRAME_MORE_FRAGMENTS;
	if (offset == 0)
		f->flags |= FRAME_FIRST_FRAGMENT;
	if (length == 0 || ((field & 0x2000) && length % 8) || header + offset + length > PACKET_MAX)
		return BH_DROP_FRAGMENT_BAD;
	f->fragment_offset = (uint16_t)offset;
	f->fragment_length = (uint16_t)length;
	if (offset == 0)
		return parse_first_fragment(p, f->l4);
	/* would write over the flags of a TCP header (RFC 1858, 4) */
	if (offset == 8 && f->protocol == PROTOCOL_TCP)
		return BH_DROP_FRAGMENT_TINY;
	return PARSED;
}

enum bh_drop parse_ip4(struct packet *p)
{
	struct frame *f = p->f;
	const uint8_t *ip = p->data + f->l3;
	enum bh_drop reason = check_header(p);

	if (reason != PARSED)
		return reason;
	uint16_t field = read16(ip + 6) & 0x3fff;
	f->protocol = ip[9];
	if (field)
		f->flags |= FRAME_FRAGMENT;
	reason = check_addresses(p, read32(ip + 12), read32(ip + 16));
	if (reason != PARSED)
		return reason;
	map4(p->source, ip + 12);
	map4(p->destination, ip + 16);
	parse_key(f, p->source, p->destination, 0, 0, f->protocol);
	return field ? check_fragment(p, field) : parse_transport(p);
}
