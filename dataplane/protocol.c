/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is a layer-2 protocol and what only looks like one: whatever is named here passes without a rule, so the forms are
 * narrow (a datagram to port 67 of any machine is not DHCP).
 */
#include "protocol.h"

#include <rte_ether.h>
#include <string.h>

enum {
	ETHERTYPE_PAE = 0x888e, /* 802.1X */
	ETHERTYPE_SLOW = 0x8809,
	ETHERTYPE_LLDP = 0x88cc,
	ETHERTYPE_MACSEC = 0x88e5,
	ETHERTYPE_PTP = 0x88f7,
};
enum { SLOW_LACP = 1 };

static bool dhcp_port(uint16_t port, uint16_t a, uint16_t b)
{
	return port == a || port == b;
}

static bool is_dhcp(const struct frame *f)
{
	uint16_t server = f->kind == FRAME_IPV4 ? DHCP_SERVER_PORT : DHCP6_SERVER_PORT;
	uint16_t client = f->kind == FRAME_IPV4 ? DHCP_CLIENT_PORT : DHCP6_CLIENT_PORT;

	return (f->flags & (FRAME_DHCP_SERVER | FRAME_DHCP_CLIENT)) &&
	       dhcp_port(f->source_port, server, client) && dhcp_port(f->destination_port, server, client);
}

static unsigned int protocol_of_ip(const struct frame *f)
{
	if (f->flags & FRAME_ND)
		return BH_LAYER2_ND;
	if (is_dhcp(f))
		return BH_LAYER2_DHCP;
	if ((f->flags & FRAME_GROUP) && (f->flags & FRAME_BROADCAST))
		return f->kind == FRAME_IPV4 ? BH_LAYER2_IGMP : BH_LAYER2_MLD;
	return PROTOCOL_RULES;
}

/* 802.1Q table 8-1: what a bridge does not forward; and Cisco's own (CDP, VTP, UDLD; PVST+ is told apart before) */
static bool link_address(const uint8_t *to)
{
	static const uint8_t reserved[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };
	static const uint8_t cisco[5] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc };

	return (memcmp(to, reserved, 5) == 0 && to[5] <= 0x0f) ||
	       (memcmp(to, cisco, 5) == 0 && (to[5] == 0xcc || to[5] == 0xcd));
}

static bool slow_is_lacp(const struct rte_mbuf *m, const struct frame *f)
{
	return m->data_len > f->l3 && *rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l3) == SLOW_LACP;
}

static unsigned int protocol_of_other(const struct rte_mbuf *m, const struct frame *f)
{
	static const uint8_t stp[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 };
	static const uint8_t pvst[6] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd };
	const uint8_t *to = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr.addr_bytes;

	if (f->ethertype == 0 && (memcmp(to, stp, 6) == 0 || memcmp(to, pvst, 6) == 0))
		return BH_LAYER2_BPDU;
	switch (f->ethertype) {
	case ETHERTYPE_SLOW:
		return slow_is_lacp(m, f) ? BH_LAYER2_LACP : PROTOCOL_RESERVED;
	case ETHERTYPE_LLDP:
		return BH_LAYER2_LLDP;
	case ETHERTYPE_PAE:
	case ETHERTYPE_MACSEC:
	case ETHERTYPE_PTP:
		return PROTOCOL_RESERVED;
	default:
		return link_address(to) ? PROTOCOL_RESERVED : PROTOCOL_OTHER;
	}
}

unsigned int protocol_of(const struct rte_mbuf *m, const struct frame *f)
{
	switch (f->kind) {
	case FRAME_IPV4:
	case FRAME_IPV6:
		return protocol_of_ip(f);
	case FRAME_ARP:
		return BH_LAYER2_ARP;
	case FRAME_RARP:
		return BH_LAYER2_RARP;
	default:
		return protocol_of_other(m, f);
	}
}

bool protocol_allowed(const struct policy *policy, const struct frame *f, unsigned int protocol)
{
	bool listed = f->ethertype && (policy->ethertypes[f->ethertype / 64] >> (f->ethertype % 64) & 1);

	if (protocol < BH_LAYER2_COUNT && (policy->image.header->settings.layer2_allow >> protocol & 1))
		return true;
	/* an ethertype in the list says nothing of what is carried in IP */
	return listed && f->kind != FRAME_IPV4 && f->kind != FRAME_IPV6;
}
