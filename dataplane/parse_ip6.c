/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6: header, extension headers, addresses, fragments (RFC 8200). */
#include "parse.h"

#define HEADER 40u
#define FRAGMENT_HEADER 8u
#define PAYLOAD_MAX 65535u
/* No stack sends more; a longer chain is there to hide something (RFC 7045, RFC 8504). The number of headers needs no bound
 * of its own: check_place() leaves at most six. */
#define CHAIN_BYTES 256u

enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AH = 51,
	NEXT_DESTINATION = 60,
	NEXT_MOBILITY = 135,
	NEXT_HIP = 139,
	NEXT_SHIM6 = 140,
	NEXT_UNASSIGNED = 148, /* the first one (IANA, protocol numbers); from here on also experiments */
};

#define OPTION_ROUTER_ALERT 5
#define OPTION_JUMBO 0xc2

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT || next == NEXT_AH ||
	       next == NEXT_DESTINATION;
}

/* Headers that nobody here walks, and that a host might: what stands behind one, a router advertisement perhaps, would
 * pass for something else (RFC 7045; RFC 7113, 3). */
static bool is_unknown(uint8_t next)
{
	return next == NEXT_MOBILITY || next == NEXT_HIP || next == NEXT_SHIM6 || next >= NEXT_UNASSIGNED;
}

/* Type-length-value options of hop-by-hop and destination headers: no jumbograms (RFC 2675), nothing over the end. */
static enum bh_drop check_options(const uint8_t *header, uint32_t length)
{
	uint32_t at = 2;

	while (at < length) {
		if (header[at] == 0) { /* Pad1 */
			at++;
			continue;
		}
		if (header[at] == OPTION_JUMBO)
			return BH_DROP_IP_HEADER;
		if (length - at < 2 || header[at + 1] > length - at - 2)
			return BH_DROP_IP6_CHAIN;
		at += 2u + header[at + 1];
	}
	return PARSED;
}

/* RFC 2711; the options were checked */
static bool has_router_alert(const uint8_t *header, uint32_t length)
{
	for (uint32_t at = 2; at < length; at += header[at] == 0 ? 1 : 2u + header[at + 1])
		if (header[at] == OPTION_ROUTER_ALERT)
			return true;
	return false;
}

/* May this header stand here? `seen` has a bit for each kind; destination options may come twice. */
static enum bh_drop check_place(uint8_t next, uint32_t at, uint32_t *seen)
{
	uint32_t bit;

	switch (next) {
	case NEXT_HOP_BY_HOP:
		return at == HEADER ? PARSED : BH_DROP_IP6_CHAIN;
	case NEXT_ROUTING:
		bit = 1;
		break;
	case NEXT_FRAGMENT:
		bit = 2;
		break;
	case NEXT_AH:
		bit = 4;
		break;
	default: /* destination options: before routing, and before the transport */
		bit = *seen & 8 ? 16 : 8;
		break;
	}
	if (*seen & bit)
		return BH_DROP_IP6_CHAIN;
	*seen |= bit;
	return PARSED;
}

static uint32_t extension_length(uint8_t next, const uint8_t *header)
{
	if (next == NEXT_FRAGMENT)
		return FRAGMENT_HEADER;
	if (next == NEXT_AH) /* RFC 4302, 2.2: in 4-byte words, minus 2 */
		return (header[1] + 2u) * 4;
	return (header[1] + 1u) * 8;
}

static enum bh_drop check_extension(uint8_t next, const uint8_t *header, uint32_t length)
{
	switch (next) {
	case NEXT_HOP_BY_HOP:
	case NEXT_DESTINATION:
		return check_options(header, length);
	case NEXT_ROUTING:
		/* type 0 is dead (RFC 5095); one with segments left is source routing like IPv4's: the destination that
		 * is judged is not the one it will reach */
		return header[2] == 0 || header[3] != 0 ? BH_DROP_IP6_ROUTING : PARSED;
	case NEXT_AH:
		return length < 12 ? BH_DROP_IP6_CHAIN : PARSED;
	default:
		return PARSED;
	}
}

enum bh_drop parse_chain(const uint8_t *ip, uint32_t reach, struct chain *chain)
{
	uint8_t next = ip[6];
	uint32_t at = HEADER, seen = 0;

	*chain = (struct chain){ 0 };
	while (is_extension(next)) {
		const uint8_t *header = ip + at;
		enum bh_drop reason = check_place(next, at, &seen);

		if (reason != PARSED)
			return reason;
		chain->cut = reach < at + 8;
		if (chain->cut)
			return BH_DROP_IP6_CHAIN;
		uint32_t length = extension_length(next, header);
		if (at + length > HEADER + CHAIN_BYTES)
			return BH_DROP_IP6_CHAIN;
		chain->cut = reach < at + length;
		if (chain->cut)
			return BH_DROP_IP6_CHAIN;
		reason = check_extension(next, header, length);
		if (reason != PARSED)
			return reason;
		if (next == NEXT_FRAGMENT)
			chain->fragment = (uint16_t)at;
		chain->router_alert |= next == NEXT_HOP_BY_HOP && has_router_alert(header, length);
		bool data = next == NEXT_FRAGMENT && fragment6_offset(header);
		next = header[0];
		at += length;
		if (data)
			break;
	}
	chain->transport = (uint16_t)at;
	chain->protocol = next;
	return is_unknown(next) ? BH_DROP_IP6_CHAIN : PARSED;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	uint8_t all = 0;

	for (size_t i = 0; i < length; i++)
		all |= bytes[i];
	return all == 0;
}

/* ::, ::1 (last byte) and ::ffff:0:0/96, which would be taken for IPv4 inside */
static bool is_local(const uint8_t a[16])
{
	if (!is_zero(a, 10))
		return false;
	if (a[10] == 0xff && a[11] == 0xff)
		return true;
	return is_zero(a + 10, 5) && a[15] <= 1;
}

static bool is_unspecified(const uint8_t a[16])
{
	return is_zero(a, 16);
}

/* :: speaks for who is about to take an address (RFC 4861, 4.1 and 4.3; RFC 3590; RFC 3810, 5.2.13). */
static bool nameless_may(const struct packet *p)
{
	const struct frame *f = p->f;

	if (f->protocol != PROTOCOL_ICMP6 || (f->flags & FRAME_FRAGMENT) || p->reach < f->l4 + 1u)
		return false;
	uint8_t type = p->data[f->l4];
	return type == 133 || type == 135 || type == 131 || type == 132 || type == 143;
}

static enum bh_drop check_addresses(const struct packet *p)
{
	const uint8_t *source = p->source, *destination = p->destination;
	uint16_t port, bfd;

	if (is_local(destination))
		return BH_DROP_IP_MARTIAN;
	if (destination[0] == 0xff && (destination[1] & 0x0f) <= 1) /* scope: reserved, or inside the node */
		return BH_DROP_IP_MARTIAN;
	if (source[0] == 0xff)
		return BH_DROP_IP_MARTIAN;
	if (is_local(source) && !(is_unspecified(source) && nameless_may(p)))
		return BH_DROP_IP_MARTIAN;
	if (memcmp(source, destination, 16) == 0 && !(parse_udp_ports(p, &port, &bfd) && bfd == 3785))
		return BH_DROP_IP_LAND;
	return PARSED;
}

/* Lengths first: they set how far the packet reaches. */
static enum bh_drop check_header(struct packet *p)
{
	struct frame *f = p->f;
	const uint8_t *ip = p->data + f->l3;

	if (p->reach < f->l3 + HEADER)
		return BH_DROP_IP_TRUNCATED;
	uint32_t payload = read16(ip + 4);
	if (ip[0] >> 4 != 6 || (payload == 0 && ip[6] == NEXT_HOP_BY_HOP)) /* a jumbogram's length is zero */
		return BH_DROP_IP_HEADER;
	if (p->end < f->l3 + HEADER + payload)
		return BH_DROP_IP_TRUNCATED;
	p->end = f->l3 + HEADER + payload;
	p->reach = RTE_MIN(p->reach, p->end);
	f->l3_length = HEADER + payload;
	p->hops = ip[7];
	return p->hops ? PARSED : BH_DROP_IP_TTL;
}

/* l4 becomes the fragment's data. */
static enum bh_drop check_fragment(struct packet *p, const struct chain *chain)
{
	struct frame *f = p->f;
	uint32_t at = (uint32_t)f->l3 + chain->fragment;
	const uint8_t *header = p->data + at;
	uint32_t length = p->end - at - FRAGMENT_HEADER, offset = fragment6_offset(header);
	bool more = fragment6_more(header);

	f->l4 = f->payload = (uint16_t)(at + FRAGMENT_HEADER);
	f->fragment_id = read32(header + 4);
	if (more)
		f->flags |= FRAME_MORE_FRAGMENTS;
	if (offset == 0)
		f->flags |= FRAME_FIRST_FRAGMENT;
	/* the whole: what stood before the fragment header, and the data */
	if (length == 0 || (more && length % 8) || chain->fragment - HEADER + offset + length > PAYLOAD_MAX)
		return BH_DROP_FRAGMENT_BAD;
	f->fragment_offset = (uint16_t)offset;
	f->fragment_length = (uint16_t)length;
	if (offset == 0) {
		f->payload = (uint16_t)(f->l3 + chain->transport);
		return parse_first_fragment(p, f->payload);
	}
	if (offset == 8 && f->protocol == PROTOCOL_TCP)
		return BH_DROP_FRAGMENT_TINY;
	return PARSED;
}

static bool is_first_fragment(const uint8_t *ip, const struct chain *chain)
{
	return chain->fragment && fragment6_more(ip + chain->fragment);
}

enum bh_drop parse_ip6(struct packet *p)
{
	struct frame *f = p->f;
	const uint8_t *ip = p->data + f->l3;
	struct chain chain;
	enum bh_drop reason = check_header(p);

	if (reason != PARSED)
		return reason;
	memcpy(p->source, ip + 8, 16);
	memcpy(p->destination, ip + 24, 16);
	reason = parse_chain(ip, p->reach - f->l3, &chain);
	if (reason != PARSED) {
		if (chain.cut && is_first_fragment(ip, &chain)) /* RFC 7112 */
			return BH_DROP_FRAGMENT_TINY;
		return chain.cut && p->reach < p->end ? BH_DROP_IP_TRUNCATED : reason;
	}
	f->protocol = chain.protocol;
	f->l4 = (uint16_t)(f->l3 + chain.transport);
	const uint8_t *fragment = ip + chain.fragment;
	bool whole = !chain.fragment || (fragment6_offset(fragment) == 0 && !fragment6_more(fragment));
	if (!whole)
		f->flags |= FRAME_FRAGMENT;
	p->router_alert = chain.router_alert;
	p->fragmented |= chain.fragment != 0; /* atomic fragments: RFC 6946 */
	reason = check_addresses(p);
	if (reason != PARSED)
		return reason;
	parse_key(f, p->source, p->destination, 0, 0, f->protocol);
	return whole ? parse_transport(p) : check_fragment(p, &chain);
}
