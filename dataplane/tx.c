/* SPDX-License-Identifier: BSD-3-Clause */
#include "tx.h"

#include <errno.h>
#include <rte_ether.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <stdatomic.h>
#include <string.h>

#include "checksum.h"
#include "fault.h"
#include "flow.h"
#include "fragment.h"
#include "frame.h"
#include "handoff.h"
#include "loop.h"
#include "pipeline.h"
#include "reject.h"

#define GATHER (2 * BURST)

/* What must be counted when the queue took the frame: by then the mbuf is the driver's. */
struct account {
	uint32_t length;
	uint32_t way; /* stable id of the segment it leaves to, | ingress port << 16, | WAY_* */
};

#define WAY_MADE (1u << 24)  /* not a frame that came in */
#define WAY_PROBE (1u << 25) /* a loop probe, which is told when it has left */

static inline uint32_t way_of_made(const struct frame *f)
{
	return f->ethertype == PROBE_ETHERTYPE ? WAY_MADE | WAY_PROBE : WAY_MADE;
}

static inline uint32_t way_of(const struct rte_mbuf *m, const struct frame *f, uint16_t segment)
{
	return segment | (uint32_t)(uint8_t)m->port << 16 | (f->flags & FRAME_MADE ? way_of_made(f) : 0);
}

struct gather {
	uint16_t count;
	struct rte_mbuf *frames[GATHER];
	struct account accounts[GATHER];
};

struct tx {
	uint16_t port_count;
	struct rte_mempool *copies;
	struct tx_port ports[BH_MAX_PORTS];
	struct gather gathers[BH_MAX_PORTS];
};

struct tx *tx_new(const struct tx_port *ports, uint16_t port_count, struct rte_mempool *copies, int socket)
{
	struct tx *tx;

	if (port_count > BH_MAX_PORTS)
		return NULL;
	tx = rte_zmalloc_socket("tx", sizeof(*tx), RTE_CACHE_LINE_SIZE, socket);
	if (!tx)
		return NULL;
	memcpy(tx->ports, ports, port_count * sizeof(*ports));
	tx->port_count = port_count;
	tx->copies = copies;
	return tx;
}

void tx_free(struct tx *tx)
{
	if (!tx)
		return;
	for (uint16_t p = 0; p < tx->port_count; p++)
		rte_pktmbuf_free_bulk(tx->gathers[p].frames, tx->gathers[p].count);
	rte_free(tx);
}

struct tx_port *tx_port(struct tx *tx, uint16_t port)
{
	return &tx->ports[port];
}

struct rte_mbuf *tx_buffer(struct worker *w)
{
	struct rte_mbuf *m = fault(FAULT_BUFFER) ? NULL : rte_pktmbuf_alloc(w->tx->copies);

	if (m)
		memset(frame_of(m), 0, sizeof(struct frame));
	return m;
}

/* `count` frames left by the port. By runs of one way through us, which are long under load. */
static void count_sent(struct worker *w, uint16_t port, const struct account *accounts, uint16_t count)
{
	struct bh_port_counters *ports = w->counters->ports;

	for (uint16_t i = 0, first; i < count;) {
		uint32_t way = accounts[i].way;
		struct bh_segment_counters *segment = &w->counters->segments[way & UINT16_MAX];
		uint64_t bytes = 0;

		for (first = i; i < count && accounts[i].way == way; i++)
			bytes += accounts[i].length;
		if (way & WAY_MADE)
			ports[port].made_out += i - first;
		else
			ports[way >> 16 & UINT8_MAX].out += i - first;
		if (unlikely(way & WAY_PROBE))
			loop_left(w->loop_gate, way & UINT16_MAX);
		ports[port].tx += i - first;
		ports[port].tx_bytes += bytes;
		segment->out += i - first;
		segment->out_bytes += bytes;
	}
}

/* A frame that was ready to leave and does not. */
static void lose(struct worker *w, uint16_t port, struct rte_mbuf *m, enum bh_drop reason)
{
	if (frame_of(m)->flags & FRAME_MADE) {
		w->counters->ports[port].made_dropped++;
		rte_pktmbuf_free(m);
		return;
	}
	/* its session may have ended while it waited for its burst */
	frame_of(m)->flow = NULL;
	drop_frame(w, m, reason);
}

static inline bool is_up(const struct tx_port *port)
{
	return !port->up || atomic_load_explicit(port->up, memory_order_relaxed);
}

/* Send frames [from, to); what the queue does not take is dropped. */
static void send_range(struct worker *w, uint16_t p, uint16_t from, uint16_t to)
{
	struct tx_port *port = &w->tx->ports[p];
	struct gather *g = &w->tx->gathers[p];
	uint16_t sent = port->burst(port->opaque, port->id, port->queue, g->frames + from, to - from);

	count_sent(w, p, g->accounts + from, sent);
	for (uint16_t i = from + sent; i < to; i++)
		lose(w, p, g->frames[i], is_up(port) ? BH_DROP_TX_FULL : BH_DROP_TX_DOWN);
}

/* The queue is another worker's, who counts them when they leave. */
static void hand_back(struct worker *w, uint16_t p, uint16_t count)
{
	struct gather *g = &w->tx->gathers[p];
	unsigned int taken = rte_ring_enqueue_burst(w->tx->ports[p].owner, (void **)g->frames, count, NULL);

	worker_wakes(w, handoff_queue_owner(w->tx->ports[p].queue));
	for (unsigned int i = taken; i < count; i++)
		lose(w, p, g->frames[i], BH_DROP_TX_FULL);
}

static void flush_port(struct worker *w, uint16_t p)
{
	struct tx_port *port = &w->tx->ports[p];
	struct gather *g = &w->tx->gathers[p];
	uint16_t count = g->count, from = 0;

	g->count = 0;
	if (port->owner) {
		if (count)
			hand_back(w, p, count);
		return;
	}
	/* some drivers keep what they can not send, and send it when the link is back: old news by then */
	if (!is_up(port)) {
		while (from < count)
			lose(w, p, g->frames[from++], BH_DROP_TX_DOWN);
		return;
	}
	while (from < count) {
		uint16_t to = count;

		/* prepare stops at the first frame the driver can not send */
		if (port->prepare)
			to = from + rte_eth_tx_prepare(port->id, port->queue, g->frames + from, count - from);
		if (to > from)
			send_range(w, p, from, to);
		if (to < count)
			lose(w, p, g->frames[to++], BH_DROP_TX_CHECKSUM);
		from = to;
	}
}

void tx_flush(struct worker *w)
{
	for (uint16_t p = 0; p < w->tx->port_count; p++)
		flush_port(w, p);
}

/* ---- re-tagging ---- */

static bool tag_in_buffer(const struct frame *f)
{
	return (f->flags & FRAME_TAGGED) && !(f->flags & FRAME_STRIPPED);
}

/* A tag that is in the buffer gets another VLAN id; what the driver is asked to do with tags is nothing. */
static inline void write_tag(struct rte_mbuf *m, const struct frame *f, uint16_t vlan)
{
	struct rte_vlan_hdr *tag =
		rte_pktmbuf_mtod_offset(m, struct rte_vlan_hdr *, sizeof(struct rte_ether_hdr));

	m->ol_flags &= ~(RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
	tag->vlan_tci = __builtin_bswap16((uint16_t)((f->tci & 0xf000) | vlan));
}

/* Give the frame the VLAN of a segment, keeping priority and drop eligibility. The tag is in the buffer, was taken off by the
 * driver, or is not there; and the driver of the port can insert one, or we do. 0 or -ENOMEM (no headroom). */
static __rte_always_inline int retag(struct rte_mbuf *m, const struct frame *f, uint16_t vlan,
				     const struct tx_port *port)
{
	bool in_buffer = tag_in_buffer(f);

	if (likely(in_buffer && vlan != BH_VLAN_UNTAGGED)) {
		write_tag(m, f, vlan);
		return 0;
	}
	m->ol_flags &= ~(RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
	if (vlan == BH_VLAN_UNTAGGED)
		return in_buffer ? rte_vlan_strip(m) : 0;
	m->vlan_tci = (uint16_t)((f->tci & 0xf000) | vlan);
	if (port->insert) {
		m->ol_flags |= RTE_MBUF_F_TX_VLAN;
		return 0;
	}
	return rte_vlan_insert(&m);
}

/* The sender left the transport checksum to hardware that there never was: complete it, in the driver or here. `moved`
 * is how far re-tagging has moved the IP header from where parse saw it. */
static void complete_checksum(struct rte_mbuf *m, const struct frame *f, int moved,
			      const struct tx_port *port)
{
	uint16_t l3_offset = (uint16_t)(f->l3 + moved), l4_offset = (uint16_t)(f->l4 + moved);
	bool tcp = f->protocol == IPPROTO_TCP, ipv4 = f->kind == FRAME_IPV4;
	uint32_t length =
		f->l3_length - (uint32_t)(f->l4 - f->l3); /* neither extension headers nor padding */
	uint64_t sum = checksum_pseudo(frame_source(f), frame_destination(f), length, f->protocol);
	size_t at = tcp ? offsetof(struct rte_tcp_hdr, cksum) : offsetof(struct rte_udp_hdr, dgram_cksum);
	unaligned_uint16_t *field = rte_pktmbuf_mtod_offset(m, unaligned_uint16_t *, l4_offset + at);

	if (!tcp && f->protocol != IPPROTO_UDP)
		return;
	if (port->checksums) {
		m->l2_len = l3_offset;
		m->l3_len = f->l4 - f->l3;
		m->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
		m->ol_flags |= ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
		*field = checksum_fold(sum);
		return;
	}
	*field = 0;
	sum = (uint16_t)~checksum_fold(sum + checksum_frame(m, l4_offset, length));
	*field = (uint16_t)(sum ? sum : UINT16_MAX); /* 0 would be none (RFC 768) */
}

/* ---- gathering ---- */

static inline void gather(struct worker *w, uint16_t p, struct rte_mbuf *m, uint32_t length, uint32_t way)
{
	struct gather *g = &w->tx->gathers[p];

	if (g->count == GATHER)
		flush_port(w, p);
	g->frames[g->count] = m;
	g->accounts[g->count++] = (struct account){ .length = length, .way = way };
}

static inline uint32_t length_on_wire(const struct rte_mbuf *m)
{
	return m->pkt_len + (m->ol_flags & RTE_MBUF_F_TX_VLAN ? sizeof(struct rte_vlan_hdr) : 0);
}

/* Queue a frame that is ready for the wire, or hand it to the worker that owns the queue. */
static __rte_always_inline void leave(struct worker *w, uint16_t p, struct rte_mbuf *m, uint16_t segment)
{
	struct tx_port *port = &w->tx->ports[p];
	struct frame *f = frame_of(m);
	uint32_t length = length_on_wire(m);

	if (port->owner)
		f->dest = segment;
	gather(w, p, m, length, way_of(m, f, segment));
}

void tx_take(struct worker *w, uint16_t p, struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);

	gather(w, p, m, length_on_wire(m), way_of(m, f, f->dest < BH_SEGMENT_IDS ? f->dest : 0));
}

/* A second tag takes its room from the packet. */
static uint32_t inner_length(const struct frame *f)
{
	return f->inner ? sizeof(struct rte_vlan_hdr) : 0;
}

/* Is the frame larger than the port takes, with or without a tag as the VLAN wants it? */
static inline bool too_large(const struct rte_mbuf *m, uint16_t vlan, const struct tx_port *port)
{
	uint32_t with = vlan != BH_VLAN_UNTAGGED ? sizeof(struct rte_vlan_hdr) : 0;
	uint32_t has =
		tag_in_buffer(frame_of((struct rte_mbuf *)(uintptr_t)m)) ? sizeof(struct rte_vlan_hdr) : 0;

	return m->pkt_len + with - has > port->max_frame && !(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
}

#define READY BH_DROP_COUNT

/* Make a frame ready for the wire of a VLAN of a port. READY, or why it can not leave: then it is as it was, but for NO_MEMORY. */
static __rte_always_inline enum bh_drop make_ready(struct rte_mbuf *m, uint16_t vlan,
						   const struct tx_port *port)
{
	const struct frame *f = frame_of(m);
	uint32_t before = m->pkt_len;

	/* without the outer tag the inner one would name a segment that nobody asked about */
	if (f->inner && vlan == BH_VLAN_UNTAGGED)
		return BH_DROP_DOUBLE_TAG;
	if (too_large(m, vlan, port))
		return BH_DROP_TX_SIZE;
	if (retag(m, f, vlan, port) != 0)
		return BH_DROP_NO_MEMORY;
	if (f->flags & FRAME_CHECKSUM_LEFT)
		complete_checksum(m, f, (int)m->pkt_len - (int)before, port);
	return READY;
}

static __rte_always_inline void send_one(struct worker *w, struct rte_mbuf *m,
					 const struct policy_segment *to, uint16_t segment)
{
	const struct tx_port *port = &w->tx->ports[to->port];
	enum bh_drop reason = make_ready(m, to->vlan, port);

	if (reason == READY) {
		leave(w, to->port, m, segment);
		return;
	}
	if (reason == BH_DROP_TX_SIZE && w->policy->image.header->settings.too_big_tell)
		reject_too_big(w, m, port->max_frame - TX_OVERHEAD - inner_length(frame_of(m)));
	lose(w, to->port, m, reason);
}

/* The place of a segment in the policy in force, or NULL: it went while the frame was on its way. */
static inline const struct policy_segment *place(const struct worker *w, uint16_t segment)
{
	const struct policy_segment *to;

	if (!segment || segment >= BH_SEGMENT_IDS)
		return NULL;
	to = &w->policy->segments[segment];
	return to->index == BH_NONE || to->port >= w->tx->port_count ? NULL : to;
}

/* The same for a frame that came in, which leaves its network under no circumstances, whatever the stages before said. NULL: the
 * reason is in *reason. */
static __rte_always_inline const struct policy_segment *
place_for(const struct worker *w, const struct frame *f, uint16_t segment, enum bh_drop *reason)
{
	const struct policy_segment *to = place(w, segment);

	*reason = BH_DROP_NO_DESTINATION;
	if (!to)
		return NULL;
	*reason = BH_DROP_EGRESS;
	if (to->network != f->network)
		return NULL;
	*reason = BH_DROP_LISTENING;
	if (loop_listening(w->loop_gate, f->segment, segment))
		return NULL;
	*reason = BH_DROP_LOOP;
	return loop_closed(w->loop_gate, f->segment, segment) ? NULL : to;
}

/* A reassembled frame: its originals in its place. */
static void send_originals(struct worker *w, struct rte_mbuf *m, const struct policy_segment *to,
			   uint16_t segment)
{
	struct fragment_set *set = frame_of(m)->set;

	for (uint16_t i = 0; i < set->count; i++)
		send_one(w, set->frames[i], to, segment);
	fragment_set_free(w, set);
	rte_pktmbuf_free(m);
}

static __rte_noinline void send_frame(struct worker *w, struct rte_mbuf *m, uint16_t segment)
{
	struct frame *f = frame_of(m);
	enum bh_drop reason;
	const struct policy_segment *to = place_for(w, f, segment, &reason);

	if (unlikely(!to))
		drop_frame(w, m, reason);
	else if (unlikely(f->flags & FRAME_REASSEMBLED))
		send_originals(w, m, to, segment);
	else
		send_one(w, m, to, segment);
}

void tx_frame(struct worker *w, struct rte_mbuf *m, uint16_t segment)
{
	send_frame(w, m, segment);
}

static struct rte_mbuf *copy_of(struct worker *w, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = fault(FAULT_COPY) ? NULL : rte_pktmbuf_copy(m, w->tx->copies, 0, UINT32_MAX);

	if (!copy)
		return NULL;
	*frame_of(copy) = *frame_of(m);
	copy->port = m->port;
	copy->vlan_tci = m->vlan_tci;
	copy->ol_flags = m->ol_flags & ~(RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT);
	return copy;
}

static void copy_one(struct worker *w, struct rte_mbuf *m, const struct policy_segment *to, uint16_t segment)
{
	struct rte_mbuf *copy = copy_of(w, m);

	if (copy)
		send_one(w, copy, to, segment);
	else
		count_drop(w, m, BH_DROP_NO_MEMORY);
}

void tx_copy(struct worker *w, struct rte_mbuf *m, uint16_t segment)
{
	const struct frame *f = frame_of(m);
	enum bh_drop reason;
	const struct policy_segment *to = place_for(w, f, segment, &reason);

	if (!to) {
		count_drop(w, m, reason);
		return;
	}
	if (!(f->flags & FRAME_REASSEMBLED)) {
		copy_one(w, m, to, segment);
		return;
	}
	for (uint16_t i = 0; i < f->set->count; i++)
		copy_one(w, f->set->frames[i], to, segment);
}

/* ---- frames of our own ---- */

void tx_made(struct worker *w, struct rte_mbuf *m, uint16_t segment)
{
	const struct policy_segment *to = place(w, segment);
	struct frame *f = frame_of(m);

	if (!to) {
		rte_pktmbuf_free(m);
		return;
	}
	f->flags |= FRAME_MADE;
	m->port = to->port;
	w->counters->ports[to->port].made++;
	send_one(w, m, to, segment);
}

static void mirror_one(struct worker *w, struct rte_mbuf *m, uint16_t p, uint16_t vlan)
{
	struct rte_mbuf *copy = copy_of(w, m);

	w->counters->ports[p].made++;
	if (!copy || make_ready(copy, vlan, &w->tx->ports[p]) != READY) {
		rte_pktmbuf_free(copy);
		w->counters->ports[p].made_dropped++;
		return;
	}
	frame_of(copy)->flags |= FRAME_MADE;
	leave(w, p, copy, 0);
}

void tx_mirror(struct worker *w, struct rte_mbuf *m, uint16_t p, uint16_t vlan)
{
	const struct frame *f = frame_of(m);

	if (p >= w->tx->port_count)
		return;
	if (!(f->flags & FRAME_REASSEMBLED)) {
		mirror_one(w, m, p, vlan);
		return;
	}
	for (uint16_t i = 0; i < f->set->count; i++)
		mirror_one(w, f->set->frames[i], p, vlan);
}

/* ---- the stage ---- */

/* What most frames are: with their tag in the buffer, whole and complete, to a port of ours that takes them with another tag. For these
 * send_one() has only to write it. */
static inline bool wants_tag_only(const struct rte_mbuf *m, const struct frame *f,
				  const struct policy_segment *to, const struct tx_port *port)
{
	const uint32_t flags =
		FRAME_TAGGED | FRAME_STRIPPED | FRAME_CHECKSUM_LEFT | FRAME_REASSEMBLED | FRAME_MADE;

	return (f->flags & flags) == FRAME_TAGGED && to->vlan != BH_VLAN_UNTAGGED && !port->owner &&
	       m->pkt_len <= port->max_frame;
}

static inline void send_tagged(struct worker *w, struct rte_mbuf *m, const struct frame *f, uint16_t p,
			       uint16_t segment, uint16_t vlan)
{
	write_tag(m, f, vlan);
	gather(w, p, m, m->pkt_len, way_of(m, f, segment));
}

uint16_t tx_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *m = frames[i];
		struct frame *f = frame_of(m);
		uint16_t segment = f->dest;
		enum bh_drop reason;
		const struct policy_segment *to = place_for(w, f, segment, &reason);

		if (likely(to && wants_tag_only(m, f, to, &w->tx->ports[to->port])))
			send_tagged(w, m, f, to->port, segment, to->vlan);
		else
			send_frame(w, m, segment);
	}
	return 0;
}
