/* SPDX-License-Identifier: BSD-3-Clause */
/* Spoof guard, DHCP-server guard (RFC 7610), router-advertisement guard (RFC 6105, RFC 7113). */
#include "guard.h"

#include <rte_ether.h>
#include <string.h>

#include "bindings.h"
#include "mactable.h"
#include "notice.h"

enum { ARP_SHA = 8, ARP_SPA = 14 };
enum { ND_ROUTER_SOLICIT = 133, ND_ROUTER_ADVERT, ND_SOLICIT, ND_ADVERT, ND_REDIRECT };
enum { ND_OPTION_SOURCE = 1, ND_OPTION_TARGET };
enum { ND_TARGET = 8 /* from the ICMPv6 header */ };

static const struct rte_ether_addr *source_mac(const struct rte_mbuf *m)
{
	return &rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr;
}

static void map4(uint8_t address[16], const uint8_t *ip4)
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, ip4, 4);
}

static bool unspecified(const uint8_t address[16])
{
	static const uint8_t zero[16], mapped[16] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, zero, 16) == 0 || memcmp(address, mapped, 16) == 0;
}

void guard_addresses(const struct rte_mbuf *m, const struct frame *f, uint8_t source[16],
		     uint8_t destination[16])
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l3);

	if (!(f->flags & FRAME_ICMP_ERROR)) {
		memcpy(source, frame_source(f), 16);
		memcpy(destination, frame_destination(f), 16);
	} else if (f->kind == FRAME_IPV4) {
		map4(source, l3 + 12);
		map4(destination, l3 + 16);
	} else {
		memcpy(source, l3 + 8, 16);
		memcpy(destination, l3 + 24, 16);
	}
}

/* Does an option of neighbour discovery name another MAC than the frame's source? */
static bool nd_foreign(const struct rte_mbuf *m, const struct frame *f, uint32_t from, uint8_t type)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t end = RTE_MIN((uint32_t)m->data_len, f->l3 + f->l3_length);

	for (uint32_t at = f->l4 + from; at + 8 <= end && data[at + 1]; at += data[at + 1] * 8u)
		if (data[at] == type && memcmp(data + at + 2, source_mac(m), RTE_ETHER_ADDR_LEN) != 0)
			return true;
	return false;
}

static void claim(struct claims *claims, const uint8_t address[16])
{
	if (!unspecified(address))
		memcpy(claims->address[claims->count++], address, 16);
}

static void claims_arp(const struct rte_mbuf *m, const struct frame *f, struct claims *claims)
{
	const uint8_t *arp = rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l3);
	uint8_t sender[16];

	map4(sender, arp + ARP_SPA);
	claims->spoken = true;
	claims->foreign = memcmp(arp + ARP_SHA, source_mac(m), RTE_ETHER_ADDR_LEN) != 0;
	claim(claims, sender);
}

static void claims_nd(const struct rte_mbuf *m, const struct frame *f, struct claims *claims)
{
	const uint8_t *target = rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l4 + ND_TARGET);

	claims->spoken = true;
	switch (f->icmp >> 8) {
	case ND_ROUTER_SOLICIT:
		claims->foreign = nd_foreign(m, f, 8, ND_OPTION_SOURCE);
		break;
	case ND_ROUTER_ADVERT:
		claims->foreign = nd_foreign(m, f, 16, ND_OPTION_SOURCE);
		break;
	case ND_SOLICIT:
		claims->foreign = nd_foreign(m, f, 24, ND_OPTION_SOURCE);
		break;
	case ND_ADVERT:
		claims->foreign = nd_foreign(m, f, 24, ND_OPTION_TARGET);
		claim(claims, target);
		break;
	default:
		break;
	}
}

void guard_claims(const struct rte_mbuf *m, const struct frame *f, struct claims *claims)
{
	uint8_t source[16], destination[16];

	claims->count = 0;
	claims->spoken = claims->foreign = false;
	if (f->kind == FRAME_ARP || f->kind == FRAME_RARP) {
		claims_arp(m, f, claims);
	} else if (f->kind == FRAME_IPV4 || f->kind == FRAME_IPV6) {
		guard_addresses(m, f, source, destination);
		claim(claims, source);
		if (f->flags & FRAME_ND)
			claims_nd(m, f, claims);
	}
}

static enum bh_drop refuse(struct worker *w, const struct rte_mbuf *m, const struct frame *f,
			   enum bh_notice_kind kind, enum bh_drop reason, const uint8_t *address,
			   const char *text)
{
	notice(w, kind, source_mac(m)->addr_bytes, address, f->segment, SEGMENT_NONE, text);
	return reason;
}

static enum bh_drop spoof(struct worker *w, const struct rte_mbuf *m, const struct frame *f,
			  const uint8_t *address, const char *text)
{
	return refuse(w, m, f, BH_NOTICE_SPOOF, BH_DROP_SPOOF, address, text);
}

static enum bh_drop guard_strict(struct worker *w, const struct rte_mbuf *m, const struct frame *f)
{
	const struct bindings *b = w->policy->bindings;
	struct claims claims;

	if (!bindings_machine(b, f->segment, source_mac(m)))
		return spoof(w, m, f, NULL, "MAC that is not bound to this segment");
	guard_claims(m, f, &claims);
	if (claims.foreign)
		return spoof(w, m, f, NULL, "ARP or ND names another MAC than the frame's source");
	for (uint8_t i = 0; i < claims.count; i++)
		if (!bindings_allow(b, f->network, f->segment, source_mac(m), claims.address[i]))
			return spoof(w, m, f, claims.address[i], "address that is not bound to this machine");
	return GUARD_PASS;
}

/* A bound machine stays where it is bound, whatever the guard of the segment it is heard on. */
static bool bound_elsewhere(const struct worker *w, const struct rte_mbuf *m, const struct frame *f)
{
	const struct bindings *b = w->policy->bindings;

	return b && bindings_place(b, f->network, source_mac(m)) != SEGMENT_NONE &&
	       !bindings_machine(b, f->segment, source_mac(m));
}

enum bh_drop guard_frame(struct worker *w, const struct rte_mbuf *m, const struct frame *f)
{
	const struct policy_segment *segment = &w->policy->segments[f->segment];

	if (bound_elsewhere(w, m, f))
		return spoof(w, m, f, NULL, "MAC that is bound to another segment");
	if (segment->spoof_guard == BH_SPOOF_STRICT) {
		enum bh_drop reason = guard_strict(w, m, f);
		if (reason != GUARD_PASS)
			return reason;
	}
	if ((f->flags & FRAME_DHCP_SERVER) && !segment->dhcp_server)
		return refuse(w, m, f, BH_NOTICE_DHCP_GUARD, BH_DROP_DHCP_GUARD, NULL,
			      "DHCP server message from a segment that is not among layer2.dhcp-servers");
	/* A redirect is no router's business here: the machines of a subnet must not be led past us. */
	if ((f->flags & FRAME_ROUTER_ADVERT) && (!segment->dhcp_server || f->icmp >> 8 == ND_REDIRECT))
		return refuse(w, m, f, BH_NOTICE_RA_GUARD, BH_DROP_RA_GUARD, NULL,
			      "router advertisement or redirect from a segment that may not send it");
	return GUARD_PASS;
}

/* May the address be the machine's, as far as the policy's bindings go? */
static bool bound_to_other(const struct worker *w, const struct sighting *s)
{
	struct rte_ether_addr mac;
	uint16_t segment;

	return bindings_owner(w->policy->bindings, s->network, s->address, &mac, &segment) &&
	       !bindings_allow(w->policy->bindings, s->network, s->segment, &s->mac, s->address);
}

enum bh_drop guard_learn(struct worker *w, const struct rte_mbuf *m, const struct frame *f,
			 const struct claims *claims, const struct sighting *s)
{
	bool guarded = w->policy->segments[f->segment].spoof_guard == BH_SPOOF_LEARN;
	struct sighting one = *s;

	if (guarded && claims->foreign)
		return spoof(w, m, f, NULL, "ARP or ND names another MAC than the frame's source");
	if (!guarded && (!claims->spoken || claims->foreign))
		return GUARD_PASS;
	for (uint8_t i = 0; i < claims->count; i++) {
		one.claim = true;
		memcpy(one.address, claims->address[i], sizeof(one.address));
		/* what the policy binds is not learned from others */
		bool others = bound_to_other(w, &one);
		enum claim verdict = others ? CLAIM_TAKEN : mac_table_claim(w, &one);
		if (!guarded)
			continue;
		if (verdict == CLAIM_TAKEN)
			return spoof(w, m, f, one.address, "address of another machine");
		/* what can not be remembered can not be held to */
		if (verdict == CLAIM_FULL)
			return spoof(w, m, f, one.address, "no room to learn the address: not let in");
	}
	return GUARD_PASS;
}
