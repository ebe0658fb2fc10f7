/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage 2: what is in this frame? Ethernet, tags and ARP here; the rest by the files that parse.h names. */
#include "parse.h"

#include <rte_ether.h>
#include <rte_prefetch.h>

#include "pipeline.h"
#include "words.h"
#include "worker.h"

#define ARP_LENGTH 28u

enum {
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_RARP = 0x8035,
	ETHERTYPE_MIN = 0x0600, /* below: an 802.3 length */
};

void parse_key(struct frame *f, const uint8_t source[16], const uint8_t destination[16], uint16_t source_port,
	       uint16_t destination_port, uint8_t protocol)
{
	struct flow_key *key = &f->key;
	int order = memcmp(source, destination, 16);

	f->reversed = order > 0 || (order == 0 && source_port > destination_port);
	memcpy(key->address[f->reversed], source, 16);
	memcpy(key->address[!f->reversed], destination, 16);
	key->port[f->reversed] = source_port;
	key->port[!f->reversed] = destination_port;
	key->protocol = protocol;
}

/* Whatever switch takes the outer tag off would follow the inner one; and of a tag that is not 802.1Q's we can not know. */
static enum bh_drop check_tag(uint16_t ethertype)
{
	switch (ethertype) {
	case TAG_Q:
		return BH_DROP_DOUBLE_TAG;
	case TAG_AD:
		return BH_DROP_TAG_88A8;
	case TAG_OLD:
	case 0x9200:
	case 0x9300:
		return BH_DROP_TAG_9100;
	default:
		return PARSED;
	}
}

/* The tag that *ethertype announces, at l3; what it tags comes next. */
static enum bh_drop take_tag(struct packet *p, uint16_t *tci, uint16_t *ethertype)
{
	const uint8_t *tag = p->data + p->f->l3;

	if (p->reach < p->f->l3 + sizeof(struct rte_vlan_hdr))
		return BH_DROP_RUNT;
	*tci = read16(tag);
	*ethertype = read16(tag + 2);
	p->f->l3 += RTE_VLAN_HLEN;
	return PARSED;
}

/* layer2.double-tags: inside. *ethertype is of a tag that is not a frame's only one of 802.1Q, which `otherwise` is the reason to
 * drop it for. Of two the inner one is of 802.1Q; the outer one, which names the segment, may be of 802.1ad or older.
 * A third is never followed. */
static enum bh_drop parse_inner(struct packet *p, uint16_t *ethertype, enum bh_drop otherwise)
{
	struct frame *f = p->f;
	enum bh_drop reason;

	if (!(f->flags & FRAME_TAGGED)) {
		if (*ethertype != TAG_AD && *ethertype != TAG_OLD)
			return otherwise;
		reason = take_tag(p, &f->tci, ethertype);
		if (reason != PARSED)
			return reason;
		f->flags |= FRAME_TAGGED;
	}
	if (*ethertype != TAG_Q)
		return otherwise;
	reason = take_tag(p, &f->inner, ethertype);
	if (reason != PARSED)
		return reason;
	return no_vlan(f->inner) ? BH_DROP_PRIORITY_TAG : check_tag(*ethertype);
}

/* The tag may have been taken off by the driver: a VLAN id of zero then still is a tag. */
static enum bh_drop parse_tag(struct packet *p, uint16_t *ethertype)
{
	struct frame *f = p->f;
	uint64_t offloads = p->m->ol_flags;
	enum bh_drop reason = PARSED;

	f->l3 = RTE_ETHER_HDR_LEN;
	*ethertype = read16(p->data + 12);
	if (offloads & RTE_MBUF_F_RX_QINQ_STRIPPED)
		return BH_DROP_DOUBLE_TAG;
	if (offloads & RTE_MBUF_F_RX_VLAN_STRIPPED) {
		f->flags |= FRAME_STRIPPED | FRAME_TAGGED;
		f->tci = p->m->vlan_tci;
		f->wire_length += RTE_VLAN_HLEN;
	} else if (*ethertype == TAG_Q) {
		reason = take_tag(p, &f->tci, ethertype);
		if (reason != PARSED)
			return reason;
		f->flags |= FRAME_TAGGED;
	}
	reason = check_tag(*ethertype);
	if (unlikely(reason != PARSED) && p->inside)
		reason = parse_inner(p, ethertype, reason);
	if (reason != PARSED)
		return reason;
	return (f->flags & FRAME_TAGGED) && no_vlan(f->tci) ? BH_DROP_PRIORITY_TAG : PARSED;
}

/* RFC 826 and RFC 903, Ethernet and IPv4 only. A probe (RFC 5227) has sender 0.0.0.0. */
static enum bh_drop parse_arp(struct packet *p)
{
	struct frame *f = p->f;
	const uint8_t *arp = p->data + f->l3;
	bool reverse = f->kind == FRAME_RARP;

	if (p->reach < f->l3 + ARP_LENGTH)
		return BH_DROP_ARP_BAD;
	uint16_t operation = read16(arp + 6), first = reverse ? 3 : 1;
	if (read16(arp) != 1 || read16(arp + 2) != ETHERTYPE_IPV4 || arp[4] != 6 || arp[5] != 4 ||
	    operation < first || operation > first + 1)
		return BH_DROP_ARP_BAD;

	const struct rte_ether_addr *sender = (const struct rte_ether_addr *)(arp + 8);
	const uint8_t *from = arp + 14, *to = arp + 24;
	/* nobody owns these: such a sender would poison caches */
	if (rte_is_broadcast_ether_addr(sender) || rte_is_zero_ether_addr(sender) || from[0] >= 224 ||
	    from[0] == 127)
		return BH_DROP_ARP_BAD;

	bool gratuitous = memcmp(from, to, 4) == 0 && read32(from) != 0;
	if (reverse || gratuitous || (operation == 2 && (f->flags & FRAME_BROADCAST)))
		f->flags |= FRAME_ANNOUNCE;
	map4(p->source, from);
	map4(p->destination, to);
	parse_key(f, p->source, p->destination, 0, 0, 0);
	f->l3_length = ARP_LENGTH;
	f->l4 = f->payload = (uint16_t)(f->l3 + ARP_LENGTH);
	return PARSED;
}

static enum bh_drop parse_network(struct packet *p)
{
	switch (p->f->kind) {
	case FRAME_IPV4:
		return parse_ip4(p);
	case FRAME_IPV6:
		return parse_ip6(p);
	case FRAME_ARP:
	case FRAME_RARP:
		return parse_arp(p);
	default:
		p->f->l4 = p->f->payload = p->f->l3;
		return PARSED;
	}
}

static uint8_t kind_of(uint16_t ethertype)
{
	switch (ethertype) {
	case ETHERTYPE_IPV4:
		return FRAME_IPV4;
	case ETHERTYPE_IPV6:
		return FRAME_IPV6;
	case ETHERTYPE_ARP:
		return FRAME_ARP;
	case ETHERTYPE_RARP:
		return FRAME_RARP;
	default:
		return FRAME_OTHER;
	}
}

enum bh_drop parse_long(struct rte_mbuf *m, unsigned int how)
{
	struct frame *f = frame_of(m);
	struct packet p = { .m = m,
			    .f = f,
			    .data = rte_pktmbuf_mtod(m, const uint8_t *),
			    .reach = m->data_len,
			    .end = m->pkt_len,
			    .verify = how & PARSE_VERIFY,
			    .inside = how & PARSE_INSIDE };
	uint16_t ethertype;

	clear128(f);
	f->segment = f->dest = f->network = SEGMENT_NONE;
	f->wire_length = m->pkt_len;
	f->kind = FRAME_OTHER;
	if (p.reach < RTE_ETHER_HDR_LEN)
		return BH_DROP_RUNT;

	enum bh_drop reason = parse_tag(&p, &ethertype);
	if (reason != PARSED)
		return reason;
	const struct rte_ether_hdr *ethernet = (const struct rte_ether_hdr *)p.data;
	if (rte_is_multicast_ether_addr(&ethernet->src_addr) || rte_is_zero_ether_addr(&ethernet->src_addr))
		return BH_DROP_SOURCE_MAC;
	if (rte_is_multicast_ether_addr(&ethernet->dst_addr))
		f->flags |= FRAME_BROADCAST;
	f->ethertype = ethertype < ETHERTYPE_MIN ? 0 : ethertype;
	f->kind = kind_of(ethertype);
	return parse_network(&p);
}

enum bh_drop parse_frame(struct rte_mbuf *m, unsigned int how)
{
	return parse_quick(&m, 1, how & PARSE_VERIFY) ? PARSED : parse_long(m, how);
}

enum bh_drop parse_reassembled(struct rte_mbuf *m, bool verify)
{
	struct packet p = { .m = m,
			    .f = frame_of(m),
			    .data = rte_pktmbuf_mtod(m, const uint8_t *),
			    .reach = m->data_len,
			    .end = m->pkt_len,
			    .verify = verify,
			    .fragmented = true };

	return parse_network(&p);
}

unsigned int parse_how(const struct policy *policy)
{
	const struct bh_settings *s = policy ? &policy->image.header->settings : NULL;

	if (!s)
		return PARSE_VERIFY;
	return (s->checksums_ignore ? 0u : PARSE_VERIFY) | (s->double_tags_inside ? PARSE_INSIDE : 0u);
}

uint16_t parse_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	unsigned int how = parse_how(w->policy);
	uint32_t parsed = parse_quick(frames, count, how & PARSE_VERIFY);
	uint16_t kept = 0;

	if (likely(parsed == UINT32_MAX >> (32 - count)))
		return count;
	for (uint16_t i = 0; i < count; i++) {
		enum bh_drop reason = parsed >> i & 1 ? PARSED : parse_long(frames[i], how);

		if (reason == PARSED)
			frames[kept++] = frames[i];
		else
			drop_frame(w, frames[i], reason);
	}
	return kept;
}
