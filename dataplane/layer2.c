/* SPDX-License-Identifier: BSD-3-Clause */
/* Layer 2: guards of what is not judged by rules, learning, and the segment a frame is for. */
#include "layer2.h"

#include <errno.h>
#include <rte_malloc.h>
#include <rte_tcp.h>
#include <string.h>

#include "echoes.h"
#include "frame.h"
#include "guard.h"
#include "mactable.h"
#include "notice.h"
#include "parse.h"
#include "pipeline.h"
#include "protocol.h"

enum { ARP_OPERATION = 6, ARP_SPA = 14, ARP_TPA = 24, ARP_REQUEST = 1 };
enum { ND_SOLICIT = 135, ND_TARGET = 8 };

struct layer2 {
	struct rte_ether_addr own[BH_MAX_PORTS];
	uint16_t own_count;
	struct echoes *echoes;
	bool shared; /* echoes are another's */
	struct mac_cache machines;
};

struct layer2 *layer2_new(uint16_t worker_id, int socket)
{
	if (worker_id >= BH_MAX_WORKERS)
		return NULL;
	struct layer2 *l = rte_zmalloc_socket("layer2", sizeof(*l), 64, socket);
	if (!l)
		return NULL;
	l->echoes = echoes_new(socket);
	if (l->echoes)
		return l;
	rte_free(l);
	return NULL;
}

void layer2_free(struct layer2 *l)
{
	if (l && !l->shared)
		echoes_free(l->echoes);
	rte_free(l);
}

void layer2_share(struct layer2 *l, const struct layer2 *owner)
{
	echoes_free(l->echoes);
	l->echoes = owner->echoes;
	l->shared = true;
}

int layer2_own_mac(struct layer2 *l, const struct rte_ether_addr *mac)
{
	if (l->own_count == RTE_DIM(l->own))
		return -ENOSPC;
	l->own[l->own_count++] = *mac;
	return 0;
}

/* The port's own address as a source: nobody else may have it, and what we make does not come back (L2-7, L2-10). */
static bool from_ourselves(const struct layer2 *l, const struct rte_ether_addr *source)
{
	for (uint16_t i = 0; l && i < l->own_count; i++)
		if (rte_is_same_ether_addr(&l->own[i], source))
			return true;
	return false;
}

/* ---- guards of protocols ---- */

static bool within_rate(struct worker *w, const struct frame *f, unsigned int protocol)
{
	static const uint8_t class_of[BH_LAYER2_COUNT] = {
		[BH_LAYER2_ARP] = RATE_ARP,   [BH_LAYER2_RARP] = RATE_RARP, [BH_LAYER2_ND] = RATE_ND,
		[BH_LAYER2_DHCP] = RATE_DHCP, [BH_LAYER2_IGMP] = RATE_IGMP, [BH_LAYER2_MLD] = RATE_MLD,
	};

	if (protocol >= BH_LAYER2_COUNT || class_of[protocol] == RATE_STORM || w->policy->replay_quotas_off)
		return true;
	return rates_frame(mac_table_rates(w->macs), f->segment, class_of[protocol], RATE_PROTECTED,
			   w->now_ns);
}

static enum bh_drop judge_protocol(struct worker *w, const struct rte_mbuf *m, struct frame *f,
				   unsigned int protocol)
{
	const uint8_t *source = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr.addr_bytes;

	if (protocol == PROTOCOL_RULES)
		return GUARD_PASS;
	if (!protocol_allowed(w->policy, f, protocol)) {
		if (protocol != PROTOCOL_OTHER || !policy_monitors(w->policy, f->network))
			return BH_DROP_ETHERTYPE;
		notice(w, BH_NOTICE_ETHERTYPE, source, NULL, f->segment, SEGMENT_NONE,
		       "frame that is not IP passes because of mode: monitor; layer2.allow leaves it out");
	}
	f->flags |= FRAME_PROTECTED;
	return GUARD_PASS;
}

/* ---- learning ---- */

static enum bh_drop reason_of(enum place_verdict verdict)
{
	switch (verdict) {
	case PLACE_LIMIT:
		return BH_DROP_MAC_LIMIT;
	case PLACE_SPOOF:
		return BH_DROP_SPOOF;
	case PLACE_BUSY:
	case PLACE_PINNED:
	case PLACE_FLAPPING:
		return BH_DROP_MAC_MOVE;
	case PLACE_REFLECTED:
		return BH_DROP_REFLECTED;
	default:
		return GUARD_PASS;
	}
}

static enum bh_drop learn_source(struct worker *w, const struct rte_mbuf *m, const struct frame *f)
{
	struct sighting s = { .now_ns = w->now_ns,
			      .mac = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr,
			      .network = f->network,
			      .segment = f->segment,
			      .announce = f->flags & FRAME_ANNOUNCE };
	struct claims claims;

	guard_claims(m, f, &claims);
	if (claims.count && !claims.foreign) {
		s.claim = true;
		s.spoken = claims.spoken;
		memcpy(s.address, claims.address[claims.count - 1], sizeof(s.address));
	}
	enum bh_drop reason = reason_of(mac_table_see(w, &s));
	return reason != GUARD_PASS ? reason : guard_learn(w, m, f, &claims, &s);
}

/* A TCP segment that only acknowledges. Over IPv6, which does not number its packets, a machine that misses a segment sends
 * equal ones at once, and means it: three of them ask for what is missing (RFC 5681). */
static bool acknowledges(const struct frame *f)
{
	return f->kind == FRAME_IPV6 && f->protocol == PROTOCOL_TCP && !(f->flags & FRAME_FRAGMENT) &&
	       !f->payload_length && f->tcp_flags == RTE_TCP_ACK_FLAG;
}

/* A frame that was let in: it is remembered for a moment. A second copy, as teamed uplinks make them, is counted. */
static inline enum bh_drop note_echo(struct worker *w, const struct frame *f, uint64_t digest)
{
	if (likely(!echoes_note(w->layer2->echoes, digest, f->segment, w->now_ns)) ||
	    (f->flags & FRAME_BROADCAST))
		return GUARD_PASS;
	worker_count(w, BH_WORKER_DUPLICATES, 1);
	return w->policy->image.header->settings.duplicates_drop && !acknowledges(f) ? BH_DROP_DUPLICATE
										     : GUARD_PASS;
}

/* Learning, and what came a moment ago: a second copy is counted, our own is told from a machine that is in two places. */
static enum bh_drop see(struct worker *w, const struct rte_mbuf *m, const struct frame *f)
{
	const uint8_t *source = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr.addr_bytes;
	enum bh_drop reason = learn_source(w, m, f);

	if (!w->layer2 || (reason != GUARD_PASS && reason != BH_DROP_MAC_MOVE))
		return reason;
	uint64_t digest = echo_digest(m, f, w->seed, w->policy->image.header->settings.duplicates_drop);
	if (reason == GUARD_PASS)
		return note_echo(w, f, digest);
	if (!echoes_back(w->layer2->echoes, digest, f->segment, w->now_ns))
		return reason;
	notice(w, BH_NOTICE_LOOP, source, NULL, f->segment, SEGMENT_NONE,
	       "a frame came back on the segment it was sent to: something reflects (uplinks, a mirror)");
	return BH_DROP_REFLECTED;
}

/* ---- where to ---- */

/* The address that an ARP request or neighbour solicitation to everybody asks for; NULL: it is none. */
static const uint8_t *asked_for(const struct rte_mbuf *m, const struct frame *f, uint8_t mapped[16])
{
	if (!(f->flags & FRAME_BROADCAST))
		return NULL;
	if (f->kind == FRAME_ARP) {
		const uint8_t *arp = rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l3);
		/* a gratuitous one asks nobody, it tells everybody */
		if (arp[ARP_OPERATION] != 0 || arp[ARP_OPERATION + 1] != ARP_REQUEST ||
		    memcmp(arp + ARP_SPA, arp + ARP_TPA, 4) == 0)
			return NULL;
		memset(mapped, 0, 10);
		memset(mapped + 10, 0xff, 2);
		memcpy(mapped + 12, arp + ARP_TPA, 4);
		return mapped;
	}
	if ((f->flags & FRAME_ND) && f->icmp >> 8 == ND_SOLICIT)
		return rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l4 + ND_TARGET);
	return NULL;
}

/* layer2.unicast-known: the request goes to the machine it asks for only. Nothing but its Ethernet destination changes. */
static void make_unicast(struct worker *w, struct rte_mbuf *m, struct frame *f)
{
	uint8_t mapped[16];
	struct rte_ether_addr mac;
	const uint8_t *address = asked_for(m, f, mapped);

	if (!address || !mac_table_holder(w, f->network, address, &mac) ||
	    mac_table_place(w, f->network, &mac) == SEGMENT_NONE)
		return;
	rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr = mac;
	f->flags &= ~FRAME_BROADCAST;
}

static enum bh_drop find_destination(struct worker *w, struct rte_mbuf *m, struct frame *f,
				     unsigned int protocol)
{
	const struct rte_ether_addr *to = &rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr;

	f->dest = SEGMENT_FLOOD;
	if (w->policy->image.header->settings.unicast_known)
		make_unicast(w, m, f);
	if (!(f->flags & FRAME_BROADCAST)) {
		uint16_t segment = mac_table_place(w, f->network, to);
		if (segment == f->segment)
			return BH_DROP_SAME_SEGMENT;
		if (segment != SEGMENT_NONE)
			f->dest = segment;
	}
	if (f->dest != SEGMENT_FLOOD)
		return layer2_candidate(w->policy, f, f->dest) ? GUARD_PASS : BH_DROP_NO_DESTINATION;
	/* what has a bucket of its own was counted there */
	if (protocol <= BH_LAYER2_MLD || w->policy->replay_quotas_off)
		return GUARD_PASS;
	const struct rte_ether_addr *from = &rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr;
	uint32_t rate = w->policy->segments[f->segment].limits.broadcast;
	if (!mac_table_storm(w, f->network, from, rate))
		return BH_DROP_STORM;
	return rates_frame(mac_table_rates(w->macs), f->segment, RATE_STORM, rate, w->now_ns) ? GUARD_PASS
											      : BH_DROP_STORM;
}
static_assert(BH_LAYER2_ARP == 0 && BH_LAYER2_MLD == 5, "the protected classes come first");

bool layer2_candidate(const struct policy *policy, const struct frame *f, uint16_t segment)
{
	if (!(f->flags & FRAME_PROTECTED) || !(f->flags & FRAME_DHCP_CLIENT))
		return true;
	return policy->segments[segment].dhcp_server;
}

static enum bh_drop bridge(struct worker *w, struct rte_mbuf *m, struct frame *f)
{
	const struct policy_segment *segment = &w->policy->segments[f->segment];

	/* handed over by a worker that still had the policy before this one */
	if (segment->index == BH_NONE || segment->network != f->network)
		return BH_DROP_UNKNOWN_VLAN;
	/* replay --assign: of layer 2 only ARP's own guard is left; IP goes by the rules */
	if (f->flags & FRAME_ASSIGNED)
		return f->kind == FRAME_ARP ? judge_protocol(w, m, f, BH_LAYER2_ARP) : GUARD_PASS;
	if (from_ourselves(w->layer2, &rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr))
		return BH_DROP_SOURCE_MAC;
	unsigned int protocol = protocol_of(m, f);
	enum bh_drop reason = judge_protocol(w, m, f, protocol);
	if (reason != GUARD_PASS)
		return reason;
	if (!within_rate(w, f, protocol))
		return BH_DROP_GUARD_RATE;
	reason = see(w, m, f);
	return reason != GUARD_PASS ? reason : find_destination(w, m, f, protocol);
}

/* ---- the short way ---- */

/* What a frame may be for it: IP from one machine to one other, and nothing that a layer-2 guard asks about. */
#define PLAIN                                                                                                \
	(FRAME_TAGGED | FRAME_STRIPPED | FRAME_CHECKSUM_LEFT | FRAME_ICMP_REQUEST | FRAME_ICMP_REPLY |       \
	 FRAME_FRAGMENT | FRAME_FIRST_FRAGMENT | FRAME_MORE_FRAGMENTS)

/* A frame and its two machines, as the worker remembers them. */
struct ends {
	uint64_t source_key, destination_key;
	struct mac_cached *source, *destination;
};

static inline bool is_plain(const struct worker *w, const struct frame *f)
{
	const struct policy_segment *segment = &w->policy->segments[f->segment];

	/* of a segment that is not in the policy any more the network is none */
	return !(f->flags & ~PLAIN) && f->kind <= FRAME_IPV6 && segment->spoof_guard != BH_SPOOF_LEARN &&
	       segment->network == f->network;
}

static inline void find_ends(struct layer2 *l, const struct rte_mbuf *m, const struct frame *f,
			     struct ends *ends)
{
	const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	ends->source_key = mac_key_source(f->network, ethernet);
	ends->destination_key = mac_key_destination(f->network, ethernet);
	ends->source = mac_cache_slot(&l->machines, ends->source_key);
	ends->destination = mac_cache_slot(&l->machines, ends->destination_key);
}

/* bridge() for a plain frame between two machines that the worker remembers, for which nothing is to be learned: it comes to the
 * same. *twice counts second copies. false: bridge() is to be asked. */
static inline bool bridge_known(const struct worker *w, const struct rte_mbuf *m, struct frame *f,
				const struct ends *ends, uint64_t epoch, uint32_t *twice)
{
	uint32_t shown = f->kind == FRAME_IPV4 ? MAC_SHOWN_4 : MAC_SHOWN_6;

	if (!mac_cache_knows(ends->source, ends->source_key, epoch, w->now_ns, PLACE_REFRESH_NS) ||
	    ends->source->segment != f->segment || !(ends->source->shown & shown) ||
	    !mac_cache_knows(ends->destination, ends->destination_key, epoch, w->now_ns, PLACE_AGE_NS) ||
	    ends->destination->segment == f->segment)
		return false;
	f->dest = ends->destination->segment;
	/* none is dropped for it: layer2_stage() */
	*twice += echoes_note(w->layer2->echoes, echo_digest(m, f, w->seed, false), f->segment, w->now_ns);
	return true;
}

/* The long way, and remember the machines for the next frame. */
static enum bh_drop bridge_plain(struct worker *w, struct rte_mbuf *m, struct frame *f,
				 const struct ends *ends)
{
	const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	enum bh_drop reason = bridge(w, m, f);

	if (reason != GUARD_PASS)
		return reason;
	mac_table_recall(w, f->network, &ethernet->src_addr, ends->source);
	mac_table_recall(w, f->network, &ethernet->dst_addr, ends->destination);
	return reason;
}

uint16_t layer2_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	struct layer2 *l = w->layer2;
	/* what is to be dropped as a second copy is compared as a whole */
	bool quick = l && !w->policy->image.header->settings.duplicates_drop;
	uint32_t kept = 0, twice = 0;

	mac_table_time(w);
	uint64_t epoch = mac_table_epoch(w);
	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *m = frames[i];
		struct frame *f = frame_of(m);
		enum bh_drop reason;

		if (likely(quick && is_plain(w, f))) {
			struct ends ends;

			find_ends(l, m, f, &ends);
			if (likely(bridge_known(w, m, f, &ends, epoch, &twice))) {
				frames[kept++] = m;
				continue;
			}
			reason = bridge_plain(w, m, f, &ends);
		} else {
			reason = bridge(w, m, f);
		}
		epoch = mac_table_epoch(w);
		if (reason == GUARD_PASS)
			frames[kept++] = m;
		else
			drop_frame(w, m, reason);
	}
	worker_count(w, BH_WORKER_DUPLICATES, twice);
	return (uint16_t)kept;
}
