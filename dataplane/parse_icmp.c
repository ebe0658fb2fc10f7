/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP and ICMPv6: queries, errors and the packet they quote, neighbour discovery, MLD. */
#include "parse.h"

#define ICMP_HEADER 8u
#define MLD_HEADER 24u
#define IP4_HEADER 20u
#define IP6_HEADER 40u
/* what an error quotes of a transport at the least (RFC 792) */
#define QUOTED_TRANSPORT 8u

enum icmp_class { ICMP_OTHER, ICMP_REQUEST, ICMP_REPLY, ICMP_ERROR };

struct icmp_type {
	uint8_t class;
	uint8_t request; /* queries: the request's type, for the key */
};

static const struct icmp_type types4[256] = {
	[0] = { ICMP_REPLY, 8 },     [3] = { ICMP_ERROR, 0 },   [4] = { ICMP_ERROR, 0 },
	[8] = { ICMP_REQUEST, 8 },   [11] = { ICMP_ERROR, 0 },  [12] = { ICMP_ERROR, 0 },
	[13] = { ICMP_REQUEST, 13 }, [14] = { ICMP_REPLY, 13 }, [17] = { ICMP_REQUEST, 17 },
	[18] = { ICMP_REPLY, 17 },
};

static const struct icmp_type types6[256] = {
	[1] = { ICMP_ERROR, 0 }, [2] = { ICMP_ERROR, 0 },       [3] = { ICMP_ERROR, 0 },
	[4] = { ICMP_ERROR, 0 }, [128] = { ICMP_REQUEST, 128 }, [129] = { ICMP_REPLY, 128 },
};

/* ICMP_REDIRECT (4) is an error too, by its form: what it quotes belongs to no key. */
static bool is_error(bool ip6, uint8_t type)
{
	return (ip6 ? types6 : types4)[type].class == ICMP_ERROR || (!ip6 && type == 5);
}

/* Which end asks is not known before the flow stage. */
static void query_key(struct frame *f, const uint8_t source[16], const uint8_t destination[16],
		      uint16_t identifier, uint8_t request, uint8_t protocol)
{
	parse_key(f, source, destination, 0, 0, protocol);
	f->key.icmp_identifier = identifier;
	f->key.icmp_type = request;
}

/* The key of a quoted transport; false: an error about an error (RFC 1122, 3.2.2), or cut off. */
static bool quote_key(struct packet *p, bool ip6, uint8_t protocol, uint32_t at, const uint8_t source[16],
		      const uint8_t destination[16])
{
	const uint8_t *transport = p->data + at;
	bool icmp = protocol == (ip6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP);
	bool ports = protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;

	if ((icmp || ports) && p->reach < at + QUOTED_TRANSPORT)
		return false;
	if (ports) {
		parse_key(p->f, source, destination, read16(transport), read16(transport + 2), protocol);
		if (protocol == PROTOCOL_TCP) /* for who asks whether it was ever sent (RFC 5927) */
			p->f->tcp_seq = read32(transport + 4);
		return true;
	}
	if (icmp) {
		uint16_t identifier = 0;
		const struct icmp_type *type = &(ip6 ? types6 : types4)[transport[0]];

		if (is_error(ip6, transport[0]))
			return false;
		if (type->class != ICMP_OTHER)
			identifier = read16(transport + 4);
		query_key(p->f, source, destination, identifier, type->request, protocol);
		return true;
	}
	parse_key(p->f, source, destination, 0, 0, protocol);
	return true;
}

static bool quote4(struct packet *p, uint32_t at)
{
	const uint8_t *ip = p->data + at;
	uint8_t source[16], destination[16];

	if (p->reach < at + IP4_HEADER)
		return false;
	uint32_t header = (ip[0] & 0x0fu) * 4;
	if (ip[0] >> 4 != 4 || header < IP4_HEADER || p->reach < at + header)
		return false;
	if (read16(ip + 6) & 0x1fff) /* a later fragment names no session */
		return false;
	map4(source, ip + 12);
	map4(destination, ip + 16);
	return quote_key(p, false, ip[9], at + header, source, destination);
}

static bool quote6(struct packet *p, uint32_t at)
{
	const uint8_t *ip = p->data + at;
	struct chain chain;

	if (p->reach < at + IP6_HEADER || ip[0] >> 4 != 6)
		return false;
	if (parse_chain(ip, p->reach - at, &chain) != PARSED)
		return false;
	if (chain.fragment && fragment6_offset(ip + chain.fragment))
		return false;
	return quote_key(p, true, chain.protocol, at + chain.transport, ip + 8, ip + 24);
}

/* Asks for packets smaller than any link's: of no use but to harm the connection, or to have all of it fragmented (RFC 1191, 3;
 * RFC 8201, 4; RFC 8021). Routers older than RFC 1191 say 0. */
static bool asks_too_small(const struct packet *p, bool ip6)
{
	const uint8_t *icmp = p->data + p->f->l4;

	if (ip6)
		return icmp[0] == 2 && read32(icmp + 4) < 1280;
	return icmp[0] == 3 && icmp[1] == 4 && read16(icmp + 6) && read16(icmp + 6) < 68;
}

/* An error is known by the packet it quotes: key and `reversed` are that packet's, so that it comes to the worker
 * of its session. */
static enum bh_drop parse_error(struct packet *p, bool ip6)
{
	struct frame *f = p->f;

	f->flags |= FRAME_ICMP_ERROR;
	if (asks_too_small(p, ip6))
		return BH_DROP_ICMP_BAD;
	return (ip6 ? quote6(p, f->payload) : quote4(p, f->payload)) ? PARSED : BH_DROP_ICMP_BAD;
}

static enum bh_drop classify(struct packet *p, const struct icmp_type *type, bool ip6)
{
	struct frame *f = p->f;
	const uint8_t *icmp = p->data + f->l4;
	uint16_t identifier = 0;

	switch (type->class) {
	case ICMP_ERROR:
		return parse_error(p, ip6);
	case ICMP_REQUEST:
		f->flags |= FRAME_ICMP_REQUEST;
		identifier = read16(icmp + 4);
		break;
	case ICMP_REPLY:
		f->flags |= FRAME_ICMP_REPLY;
		identifier = read16(icmp + 4);
		break;
	default:
		break;
	}
	query_key(f, p->source, p->destination, identifier, type->request, f->protocol);
	return PARSED;
}

/* Lengths and checksum of both; drivers that vouch for a transport mean TCP and UDP. */
static enum bh_drop check_header(struct packet *p, bool ip6)
{
	struct frame *f = p->f;
	uint32_t length = p->end - f->l4;

	if (p->reach < f->l4 + ICMP_HEADER)
		return BH_DROP_L4_TRUNCATED;
	f->icmp = read16(p->data + f->l4);
	f->payload = (uint16_t)(f->l4 + ICMP_HEADER);
	f->payload_length = (uint16_t)(length - ICMP_HEADER);
	if (p->verify && !parse_checksum_good(p, length, ip6))
		return BH_DROP_L4_CHECKSUM;
	return PARSED;
}

enum bh_drop parse_icmp4(struct packet *p)
{
	enum bh_drop reason = check_header(p, false);

	if (reason != PARSED)
		return reason;
	uint8_t type = (uint8_t)(p->f->icmp >> 8);
	if (type == 5)
		return BH_DROP_ICMP_REDIRECT;
	if (type == 9) /* router discovery: RFC 1256 */
		p->f->flags |= FRAME_ROUTER_ADVERT;
	return classify(p, &types4[type], false);
}

/* Options of a neighbour discovery message: none of length zero, none over the end (RFC 4861, 4.6). */
static bool options_good(const struct packet *p, uint32_t fixed, bool *link_layer)
{
	uint32_t at = p->f->l4 + fixed;

	*link_layer = false;
	while (at < p->reach) {
		const uint8_t *option = p->data + at;

		if (p->reach - at < 8 || option[1] == 0 || option[1] * 8u > p->reach - at)
			return false;
		*link_layer |= option[0] == 1;
		at += option[1] * 8u;
	}
	return p->reach == p->end;
}

static bool is_link_local(const uint8_t a[16])
{
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static bool is_unspecified(const uint8_t a[16])
{
	static const uint8_t zero[16];

	return memcmp(a, zero, sizeof(zero)) == 0;
}

static bool is_solicited_node(const uint8_t a[16])
{
	static const uint8_t prefix[13] = { 0xff, 0x02, [11] = 0x01, [12] = 0xff };

	return memcmp(a, prefix, sizeof(prefix)) == 0;
}

/* What a receiver must check itself (RFC 4861, 6.1 and 7.1), so that nothing else gets as far. */
static bool discovery_good(const struct packet *p, uint8_t type, uint32_t fixed)
{
	const uint8_t *icmp = p->data + p->f->l4;
	bool nameless = is_unspecified(p->source), link_layer;

	if (p->hops != 255 || icmp[1] != 0 || p->reach < p->f->l4 + fixed ||
	    !options_good(p, fixed, &link_layer))
		return false;
	switch (type) {
	case 133: /* router solicitation */
		return !(nameless && link_layer);
	case 134: /* router advertisement */
		return is_link_local(p->source);
	case 135: /* neighbour solicitation */
		if (nameless && (link_layer || !is_solicited_node(p->destination)))
			return false;
		return icmp[8] != 0xff;
	case 136: /* neighbour advertisement: none that answers goes to a group */
		return icmp[8] != 0xff && !(p->destination[0] == 0xff && (icmp[4] & 0x40));
	default: /* redirect */
		return is_link_local(p->source) && icmp[24] != 0xff;
	}
}

static enum bh_drop parse_discovery(struct packet *p, uint8_t type)
{
	static const uint8_t fixed[] = { 8, 16, 24, 24, 40 };
	struct frame *f = p->f;

	if (p->fragmented) /* RFC 6980 */
		return BH_DROP_FRAGMENT_ND;
	if (!discovery_good(p, type, fixed[type - 133]))
		return BH_DROP_ND_BAD;
	f->flags |= FRAME_ND;
	if (type == 134 || type == 137)
		f->flags |= FRAME_ROUTER_ADVERT;
	if (type == 136 && p->destination[0] == 0xff)
		f->flags |= FRAME_ANNOUNCE;
	return PARSED;
}

/* What RFC 3810, 6.2 and 7.4 let a receiver ignore; a report may come from who has no address yet (RFC 3590). */
static enum bh_drop parse_mld(struct packet *p, uint8_t type)
{
	bool nameless = is_unspecified(p->source) && type != 130;

	if (type != 143 && p->end - p->f->l4 < MLD_HEADER)
		return BH_DROP_L4_TRUNCATED;
	if (p->hops != 1 || !p->router_alert || !(is_link_local(p->source) || nameless))
		return BH_DROP_GROUP_BAD;
	p->f->flags |= FRAME_GROUP;
	return PARSED;
}

enum bh_drop parse_icmp6(struct packet *p)
{
	enum bh_drop reason = check_header(p, true);

	if (reason != PARSED)
		return reason;
	uint8_t type = (uint8_t)(p->f->icmp >> 8);
	switch (type) {
	case 133:
	case 134:
	case 135:
	case 136:
	case 137:
		return parse_discovery(p, type);
	case 130:
	case 131:
	case 132: /* MLD: RFC 2710 */
	case 143: /* RFC 3810 */
		return parse_mld(p, type);
	default:
		return classify(p, &types6[type], true);
	}
}
