/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/tx.c dataplane/checksum.c dataplane/drop.c dataplane/reject.c dataplane/bucket.c tests/unit/dataplane/no_sessions.c */
/* Re-tagging, copies, full queues and rejects, on a queue that is a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "eal.h"
#include "flow.h"
#include "fragment.h"
#include "loop.h"
#include "reject.h"
#include "tx.h"

/* what tx needs of sessions and fragments here: there are none */
void fragment_set_free(struct worker *w, struct fragment_set *set)
{
	(void)w;
	set->count = 0;
}

enum { WEB = 1, APP = 2, PLAIN = 3 };

static struct rte_mempool *pool;
static struct rte_mbuf *sent[256];
static unsigned int sent_count, queue_room;

static uint16_t list_burst(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames,
			   uint16_t count)
{
	uint16_t taken = 0;

	(void)opaque;
	(void)port;
	(void)queue;
	while (taken < count && sent_count < queue_room)
		sent[sent_count++] = frames[taken++];
	return taken;
}

static struct policy_segment segments[BH_SEGMENT_IDS];
static struct bh_image_header header;
static struct policy policy;
static struct worker *w;

static int setup(void **state)
{
	struct tx_port port = { .burst = list_burst, .max_frame = 1522 };

	(void)state;
	if (!pool)
		pool = eal_pool("frames", 511, 2048);
	w = eal_worker();
	for (unsigned int i = 0; i < BH_SEGMENT_IDS; i++)
		segments[i].index = BH_NONE;
	segments[WEB] = (struct policy_segment){ .index = 0, .vlan = 101 };
	segments[APP] = (struct policy_segment){ .index = 1, .vlan = 102 };
	segments[PLAIN] = (struct policy_segment){ .index = 2, .vlan = BH_VLAN_UNTAGGED };
	header = (struct bh_image_header){ 0 };
	policy.image.header = &header;
	policy.segments = segments;
	w->policy = &policy;
	w->tx = tx_new(&port, 1, pool, 0);
	sent_count = 0;
	queue_room = RTE_DIM(sent);
	return w->tx ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sent_count; i++)
		rte_pktmbuf_free(sent[i]);
	tx_free(w->tx);
	eal_worker_free(w);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	return 0;
}

/* Ethernet, optionally a tag with priority 5 and DEI, IPv4, TCP with 4 bytes */
static struct rte_mbuf *frame(bool tagged)
{
	uint8_t bytes[128] = { 2, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 1 };
	size_t at = 12;
	struct rte_mbuf *m;
	struct frame *f;

	if (tagged) {
		memcpy(bytes + at, "\x81\x00\xb0\x65", 4);
		at += 4;
	}
	memcpy(bytes + at, "\x08\x00", 2);
	at += 2;
	memcpy(bytes + at, "\x45\x00\x00\x2c\x00\x01\x00\x00\x40\x06\x00\x00\x0a\x0a\x00\x0b\x0a\x0a\x00\x15",
	       20);
	memcpy(bytes + at + 20,
	       "\x9c\x41\x1f\x90\x00\x00\x00\x07\x00\x00\x00\x00\x50\x02\xff\xff\x00\x00\x00\x00"
	       "data",
	       24);
	m = eal_frame(pool, bytes, at + 44);
	f = frame_of(m);
	f->kind = FRAME_IPV4;
	f->protocol = IPPROTO_TCP;
	f->l3 = (uint16_t)at;
	f->l4 = (uint16_t)(at + 20);
	f->payload = (uint16_t)(at + 40);
	f->payload_length = 4;
	f->l3_length = 44;
	f->tcp_flags = RTE_TCP_SYN_FLAG;
	f->tcp_seq = 7;
	f->source_port = 40001;
	f->destination_port = 8080;
	memcpy(f->key.address[0], "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x0a\x00\x0b", 16);
	memcpy(f->key.address[1], "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x0a\x00\x15", 16);
	f->segment = WEB;
	f->dest = APP;
	f->flags = tagged ? FRAME_TAGGED : 0;
	f->tci = tagged ? 0xb065 : 0;
	f->wire_length = m->pkt_len;
	w->counters->ports[0].in++;
	return m;
}

static const uint8_t *bytes_of(unsigned int i)
{
	return rte_pktmbuf_mtod(sent[i], const uint8_t *);
}

static void assert_identity(void)
{
	const struct bh_port_counters *p = &w->counters->ports[0];
	uint64_t drops = 0;

	for (unsigned int r = 0; r < BH_DROP_COUNT; r++)
		drops += p->drops[r];
	assert_int_equal(p->in + p->copies, p->out + drops + p->consumed + p->held);
	assert_int_equal(p->made, p->made_out + p->made_dropped);
}

static void test_tag_is_rewritten_and_priority_kept(void **state)
{
	struct rte_mbuf *m = frame(true);
	uint8_t before[64];
	uint32_t length = m->pkt_len;

	(void)state;
	memcpy(before, rte_pktmbuf_mtod(m, void *), length);
	tx_frame(w, m, APP);
	tx_flush(w);
	assert_int_equal(sent_count, 1);
	assert_int_equal(sent[0]->pkt_len, length);
	before[14] = 0xb0;
	before[15] = 102;
	assert_memory_equal(bytes_of(0), before, length);
	assert_identity();
}

static void test_tag_is_taken_off_and_put_on(void **state)
{
	(void)state;
	tx_frame(w, frame(true), PLAIN);
	tx_frame(w, frame(false), APP);
	tx_flush(w);
	assert_int_equal(sent_count, 2);
	assert_memory_equal(bytes_of(0) + 12, "\x08\x00\x45", 3);
	assert_int_equal(sent[0]->pkt_len, 58);
	assert_memory_equal(bytes_of(1) + 12, "\x81\x00\x00\x66\x08\x00\x45", 7);
	assert_int_equal(sent[1]->pkt_len, 62);
	assert_identity();
}

static void test_stripped_tag(void **state)
{
	struct rte_mbuf *m = frame(false);

	(void)state;
	frame_of(m)->flags = FRAME_TAGGED | FRAME_STRIPPED;
	frame_of(m)->tci = m->vlan_tci = 0xb065;
	m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	tx_port(w->tx, 0)->insert = true;
	tx_frame(w, m, APP);
	m = frame(false);
	frame_of(m)->flags = FRAME_TAGGED | FRAME_STRIPPED;
	frame_of(m)->tci = m->vlan_tci = 0xb065;
	tx_flush(w);
	tx_port(w->tx, 0)->insert = false;
	tx_frame(w, m, APP);
	tx_flush(w);
	assert_int_equal(sent_count, 2);
	assert_true(sent[0]->ol_flags & RTE_MBUF_F_TX_VLAN);
	assert_int_equal(sent[0]->vlan_tci, 0xb066);
	assert_int_equal(sent[0]->pkt_len, 58);
	assert_false(sent[1]->ol_flags & RTE_MBUF_F_TX_VLAN);
	assert_memory_equal(bytes_of(1) + 12, "\x81\x00\xb0\x66\x08\x00", 6);
	assert_identity();
}

/* A frame with a second tag 0x4007 behind the first, which is of 802.1ad or was taken off. */
static struct rte_mbuf *double_tagged(bool stripped)
{
	static const uint8_t outer[4] = { 0x88, 0xa8, 0xb0, 0x65 }, inner[4] = { 0x81, 0x00, 0x40, 0x07 };
	struct rte_mbuf *m = frame(false);
	struct frame *f = frame_of(m);
	uint16_t grown = stripped ? 4 : 8;
	uint8_t *data = (uint8_t *)rte_pktmbuf_prepend(m, grown);

	memmove(data, data + grown, 12);
	memcpy(data + 12, outer, 4);
	memcpy(data + 8 + grown, inner, 4);
	f->flags = FRAME_TAGGED | (stripped ? FRAME_STRIPPED : 0);
	f->tci = m->vlan_tci = 0xb065;
	f->inner = 0x4007;
	f->l3 += grown;
	f->l4 += grown;
	f->payload += grown;
	return m;
}

static void test_inner_tag_stays(void **state)
{
	(void)state;
	tx_frame(w, double_tagged(false), APP);
	tx_frame(w, double_tagged(true), APP);
	tx_frame(w, double_tagged(false), PLAIN);
	tx_frame(w, double_tagged(true), PLAIN);
	tx_flush(w);
	assert_int_equal(sent_count, 2);
	assert_memory_equal(bytes_of(0) + 12, "\x88\xa8\xb0\x66\x81\x00\x40\x07\x08\x00\x45", 11);
	assert_memory_equal(bytes_of(1) + 12, "\x81\x00\xb0\x66\x81\x00\x40\x07\x08\x00\x45", 11);
	/* without the outer tag the inner one would be a VLAN of the port's */
	assert_int_equal(eal_drops(w, 0, BH_DROP_DOUBLE_TAG), 2);
	assert_identity();
}

static void test_answers_have_the_inner_tag(void **state)
{
	(void)state;
	header.settings.too_big_tell = 1;
	for (int stripped = 0; stripped < 2; stripped++) {
		struct rte_mbuf *m = double_tagged(stripped);

		frame_of(m)->tcp_flags = RTE_TCP_ACK_FLAG;
		reject_frame(w, m, true);
		assert_non_null(rte_pktmbuf_append(m, 1460));
		frame_of(m)->l3_length = 1501;
		*rte_pktmbuf_mtod_offset(m, uint8_t *, frame_of(m)->l3 + 6) = 0x40;
		tx_frame(w, m, APP);
		tx_flush(w);
		assert_int_equal(sent_count, 3);
		for (int i = 0; i < 3; i++) {
			const uint8_t *b = bytes_of((unsigned int)i);

			assert_memory_equal(b + 12, stripped ? "\x81\x00" : "\x88\xa8", 2);
			assert_memory_equal(b + 14, i == 1 ? "\xb0\x66" : "\xb0\x65", 2);
			assert_memory_equal(b + 16, "\x81\x00\x40\x07\x08\x00\x45", 7);
			assert_int_equal(rte_ipv4_cksum((const void *)(b + 22)), 0);
		}
		/* the second tag takes four bytes of the MTU of 1504 */
		assert_memory_equal(bytes_of(2) + 42, "\x03\x04", 2);
		assert_memory_equal(bytes_of(2) + 46, "\0\0\x05\xdc", 4);
		while (sent_count)
			rte_pktmbuf_free(sent[--sent_count]);
	}
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_SIZE), 2);
	assert_identity();
}

static void test_full_queue_drops(void **state)
{
	(void)state;
	queue_room = 3;
	for (int i = 0; i < 5; i++)
		tx_frame(w, frame(true), APP);
	tx_flush(w);
	assert_int_equal(sent_count, 3);
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_FULL), 2);
	assert_int_equal(w->counters->segments[APP].out, 3);
	assert_identity();
}

static void test_queue_of_a_port_that_is_down(void **state)
{
	_Atomic bool up = false;

	(void)state;
	tx_port(w->tx, 0)->up = &up;
	queue_room = 3;
	for (int i = 0; i < 5; i++)
		tx_frame(w, frame(true), APP);
	tx_flush(w);
	/* the driver was not asked */
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_DOWN), 5);
	assert_int_equal(sent_count, 0);
	up = true;
	for (int i = 0; i < 5; i++)
		tx_frame(w, frame(true), APP);
	tx_flush(w);
	assert_int_equal(sent_count, 3);
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_FULL), 2);
	assert_identity();
}

/* Whoever listens for loops counts from when a probe did leave. */
static void test_a_probe_that_left_is_told(void **state)
{
	struct loop_gate gate = { 0 };
	_Atomic bool up = false;

	(void)state;
	w->loop_gate = &gate;
	tx_port(w->tx, 0)->up = &up;
	for (unsigned int i = 0; i < 4; i++) {
		struct rte_mbuf *m = tx_buffer(w);

		assert_non_null(m);
		assert_non_null(rte_pktmbuf_append(m, PROBE_FRAME));
		/* down; its queue is full; another frame of our own; it leaves */
		up = i > 0;
		queue_room = i > 1 ? RTE_DIM(sent) : sent_count;
		frame_of(m)->ethertype = i == 2 ? 0 : PROBE_ETHERTYPE;
		tx_made(w, m, APP);
		tx_flush(w);
		assert_int_equal(gate.left[0], i < 3 ? 0 : 1 << APP);
	}
	assert_int_equal(sent_count, 2);
	assert_int_equal(w->counters->ports[0].made_dropped, 2);
	assert_identity();
}

static void test_many_frames_flush_by_themselves(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++)
		tx_frame(w, frame(true), APP);
	tx_flush(w);
	assert_int_equal(sent_count, 200);
	assert_identity();
}

static void test_segment_that_went(void **state)
{
	(void)state;
	tx_frame(w, frame(true), 77);
	tx_frame(w, frame(true), SEGMENT_NONE);
	tx_flush(w);
	assert_int_equal(eal_drops(w, 0, BH_DROP_NO_DESTINATION), 2);
	assert_identity();
}

/* No stage asks for it; if one ever does, the frame stays in its network. */
static void test_another_network(void **state)
{
	(void)state;
	segments[APP].network = 5;
	tx_frame(w, frame(true), APP);
	w->counters->ports[0].copies++;
	struct rte_mbuf *m = frame(true);
	tx_copy(w, m, APP);
	tx_frame(w, m, PLAIN);
	tx_flush(w);
	assert_int_equal(eal_drops(w, 0, BH_DROP_EGRESS), 2);
	assert_int_equal(sent_count, 1);
	assert_identity();
}

static void test_too_large(void **state)
{
	struct rte_mbuf *m = frame(true);

	(void)state;
	assert_non_null(rte_pktmbuf_append(m, 1500));
	tx_frame(w, m, APP);
	tx_flush(w);
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_SIZE), 1);
	assert_identity();
}

/* 1544 bytes of IPv4 for a port of MTU 1504, as the IP header says. */
static struct rte_mbuf *large(bool tagged)
{
	struct rte_mbuf *m = frame(tagged);

	assert_non_null(rte_pktmbuf_append(m, 1500));
	frame_of(m)->l3_length = 1544;
	*rte_pktmbuf_mtod_offset(m, uint8_t *, frame_of(m)->l3 + 6) = 0x40;
	return m;
}

static void test_too_large_is_told(void **state)
{
	(void)state;
	header.settings.too_big_tell = 1;
	for (int tagged = 0; tagged < 2; tagged++) {
		tx_frame(w, large(tagged), APP);
		tx_flush(w);
		assert_int_equal(sent_count, tagged + 1);
		const uint8_t *made = bytes_of(tagged);
		const struct rte_ipv4_hdr *ip = (const void *)(made + 18);
		/* to the sender, on its segment, in the destination's name */
		assert_memory_equal(made, "\x02\0\0\0\x01\x01\x02\0\0\0\x02\x01\x81\0\0\x65\x08\0", 18);
		assert_memory_equal(&ip->src_addr, "\x0a\x0a\x00\x15\x0a\x0a\x00\x0b", 8);
		assert_int_equal(rte_ipv4_cksum(ip), 0);
		/* fragmentation needed, 1504; the header and what of the packet goes into 576 bytes */
		assert_memory_equal(made + 38, "\x03\x04", 2);
		assert_memory_equal(made + 42, "\0\0\x05\xe0\x45\x00\x00\x2c", 8);
		assert_int_equal(sent[tagged]->pkt_len, 18 + 576);
		assert_int_equal(rte_be_to_cpu_16(ip->total_length), 576);
		assert_int_equal((uint16_t)~rte_raw_cksum(made + 38, 556), 0);
	}
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_SIZE), 2);
	assert_int_equal(w->counters->ports[0].made_out, 2);
	assert_identity();
}

static void test_too_large_is_told_of_ip6(void **state)
{
	struct rte_mbuf *m = large(true);
	struct frame *f = frame_of(m);
	const struct rte_ipv6_hdr *ip;

	(void)state;
	header.settings.too_big_tell = 1;
	f->kind = FRAME_IPV6;
	f->flags |= FRAME_FRAGMENT | FRAME_FIRST_FRAGMENT;
	memcpy(f->key.address[0], "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x11", 16);
	memcpy(f->key.address[1], "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x21", 16);
	tx_frame(w, m, APP);
	tx_flush(w);
	assert_int_equal(sent_count, 1);
	ip = (const void *)(bytes_of(0) + 18);
	assert_memory_equal(ip->src_addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x21", 16);
	assert_memory_equal(bytes_of(0) + 58, "\x02\x00", 2);
	assert_memory_equal(bytes_of(0) + 62, "\0\0\x05\xe0", 4);
	assert_int_equal(sent[0]->pkt_len, 18 + 1280);
	assert_int_equal(rte_be_to_cpu_16(ip->payload_len), 1240);
	uint32_t sum = rte_raw_cksum(bytes_of(0) + 58, 1240) + rte_ipv6_phdr_cksum(ip, 0);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	assert_identity();
}

/* A bridge does not fragment, and what nobody may answer is not answered. */
static void test_too_large_is_not_told(void **state)
{
	static const struct {
		uint32_t flags;
		uint16_t dest;
		uint8_t fragment, end;
		const char *address;
	} cases[] = {
		{ .dest = APP, .fragment = 0x00 },                                    /* no DF */
		{ .dest = APP, .fragment = 0x40, .flags = FRAME_FRAGMENT },           /* not the first */
		{ .dest = APP, .fragment = 0x40, .flags = FRAME_ICMP_ERROR },         /* an error itself */
		{ .dest = APP, .fragment = 0x40, .flags = FRAME_BROADCAST },          /* for many */
		{ .dest = SEGMENT_FLOOD, .fragment = 0x40 },                          /* for who knows whom */
		{ .dest = APP, .fragment = 0x40, .address = "\0\0\0\0" },             /* of nobody */
		{ .dest = APP, .fragment = 0x40, .address = "\xe0\0\0\1", .end = 1 }, /* to a group */
	};

	(void)state;
	header.settings.too_big_tell = 1;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		struct rte_mbuf *m = large(true);
		struct frame *f = frame_of(m);

		f->flags |= cases[i].flags;
		f->dest = cases[i].dest;
		*rte_pktmbuf_mtod_offset(m, uint8_t *, f->l3 + 6) = cases[i].fragment;
		if (cases[i].address)
			memcpy(f->key.address[cases[i].end] + 12, cases[i].address, 4);
		tx_frame(w, m, APP);
	}
	header.settings.too_big_tell = 0;
	tx_frame(w, large(true), APP);
	tx_flush(w);
	assert_int_equal(sent_count, 0);
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_SIZE), RTE_DIM(cases) + 1);
	assert_identity();
}

/* Nor are more told than a second has answers. */
static void test_too_large_is_told_at_a_rate(void **state)
{
	(void)state;
	header.settings.too_big_tell = 1;
	bucket_init(&w->rejects, 10, 10);
	w->now_ns = 1000000000;
	for (int i = 0; i < 15; i++)
		tx_frame(w, large(true), APP);
	tx_flush(w);
	assert_int_equal(sent_count, 10);
	assert_int_equal(eal_drops(w, 0, BH_DROP_TX_SIZE), 15);
	assert_identity();
}

static void test_copies_are_frames_of_their_own(void **state)
{
	struct rte_mbuf *m = frame(true);

	(void)state;
	w->counters->ports[0].copies++;
	tx_copy(w, m, PLAIN);
	tx_frame(w, m, APP);
	tx_flush(w);
	assert_int_equal(sent_count, 2);
	assert_memory_equal(bytes_of(0) + 12, "\x08\x00\x45", 3);
	assert_memory_equal(bytes_of(1) + 12, "\x81\x00\xb0\x66\x08\x00", 6);
	assert_identity();
}

static void test_mirror_is_made(void **state)
{
	struct rte_mbuf *m = frame(true);

	(void)state;
	tx_mirror(w, m, 0, 999);
	tx_frame(w, m, APP);
	tx_flush(w);
	assert_int_equal(sent_count, 2);
	assert_memory_equal(bytes_of(0) + 12, "\x81\x00\xb3\xe7\x08\x00", 6);
	assert_int_equal(w->counters->ports[0].made_out, 1);
	assert_identity();
}

static void test_checksum_left_to_hardware(void **state)
{
	struct rte_mbuf *m = frame(true);
	const struct rte_ipv4_hdr *ip;

	(void)state;
	frame_of(m)->flags |= FRAME_CHECKSUM_LEFT;
	memset(rte_pktmbuf_append(m, 6), 0xa5, 6); /* what stands behind the packet is not part of it */
	tx_mirror(w, m, 0, 999);
	tx_frame(w, m, PLAIN); /* the header moves by a tag */
	tx_flush(w);
	ip = (const void *)(bytes_of(0) + 18);
	assert_int_equal(rte_ipv4_udptcp_cksum_verify(ip, ip + 1), 0);
	ip = (const void *)(bytes_of(1) + 14);
	assert_int_equal(rte_ipv4_udptcp_cksum_verify(ip, ip + 1), 0);
	assert_identity();
}

static void test_reject_answers_syn(void **state)
{
	struct rte_mbuf *m = frame(true);
	const struct rte_ipv4_hdr *ip;
	const struct rte_tcp_hdr *tcp;

	(void)state;
	reject_frame(w, m, false);
	drop_frame(w, m, BH_DROP_REJECT);
	tx_flush(w);
	assert_int_equal(sent_count, 1);
	assert_memory_equal(bytes_of(0), "\x02\0\0\0\x01\x01\x02\0\0\0\x02\x01\x81\0\0\x65\x08\0", 18);
	ip = (const void *)(bytes_of(0) + 18);
	tcp = (const void *)(ip + 1);
	assert_memory_equal(&ip->src_addr, "\x0a\x0a\x00\x15", 4);
	assert_int_equal(rte_be_to_cpu_16(tcp->src_port), 8080);
	assert_int_equal(tcp->tcp_flags, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG);
	assert_int_equal(rte_be_to_cpu_32(tcp->recv_ack), 7 + 4 + 1);
	assert_int_equal(rte_ipv4_cksum(ip), 0);
	assert_int_equal(rte_ipv4_udptcp_cksum_verify(ip, tcp), 0);
	assert_identity();
}

static void test_reject_tells_both_ends(void **state)
{
	struct rte_mbuf *m = frame(true);

	(void)state;
	frame_of(m)->tcp_flags = RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG;
	frame_of(m)->tcp_ack = 4242;
	reject_frame(w, m, true);
	drop_frame(w, m, BH_DROP_REJECT);
	tx_flush(w);
	assert_int_equal(sent_count, 2);
	assert_int_equal(
		rte_be_to_cpu_32(((const struct rte_tcp_hdr *)(const void *)(bytes_of(0) + 38))->sent_seq),
		4242);
	assert_memory_equal(bytes_of(1), "\x02\0\0\0\x02\x01\x02\0\0\0\x01\x01\x81\0\0\x66\x08\0", 18);
	assert_int_equal(
		rte_be_to_cpu_32(((const struct rte_tcp_hdr *)(const void *)(bytes_of(1) + 38))->sent_seq),
		7);
	assert_identity();
}

static void test_reject_never_answers(void **state)
{
	struct rte_mbuf *m = frame(true);

	(void)state;
	frame_of(m)->tcp_flags = RTE_TCP_RST_FLAG;
	reject_frame(w, m, true);
	frame_of(m)->tcp_flags = RTE_TCP_SYN_FLAG;
	frame_of(m)->flags |= FRAME_BROADCAST;
	reject_frame(w, m, true);
	frame_of(m)->flags = FRAME_TAGGED | FRAME_ICMP_ERROR;
	frame_of(m)->protocol = IPPROTO_ICMP;
	reject_frame(w, m, true);
	frame_of(m)->flags = FRAME_TAGGED;
	frame_of(m)->dest = SEGMENT_FLOOD;
	reject_frame(w, m, true);
	frame_of(m)->dest = APP;
	memset(frame_of(m)->key.address[0] + 12, 0, 4); /* who has no address yet */
	reject_frame(w, m, true);
	memset(frame_of(m)->key.address, 0, 32);
	frame_of(m)->kind = FRAME_IPV6;
	reject_frame(w, m, true);
	drop_frame(w, m, BH_DROP_REJECT);
	tx_flush(w);
	assert_int_equal(sent_count, 0);
	assert_identity();
}

static void test_reject_udp_quotes_the_packet(void **state)
{
	struct rte_mbuf *m = frame(true);

	(void)state;
	frame_of(m)->protocol = IPPROTO_UDP;
	reject_frame(w, m, false);
	drop_frame(w, m, BH_DROP_REJECT);
	tx_flush(w);
	assert_int_equal(sent_count, 1);
	assert_int_equal(sent[0]->pkt_len, 18 + 20 + 8 + 44);
	assert_memory_equal(bytes_of(0) + 38, "\x03\x0d", 2);
	assert_memory_equal(bytes_of(0) + 46, "\x45\x00\x00\x2c", 4);
	assert_int_equal((uint16_t)~rte_raw_cksum(bytes_of(0) + 38, 8 + 44), 0);
	assert_identity();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_tag_is_rewritten_and_priority_kept),
		TEST(test_tag_is_taken_off_and_put_on),
		TEST(test_stripped_tag),
		TEST(test_inner_tag_stays),
		TEST(test_answers_have_the_inner_tag),
		TEST(test_full_queue_drops),
		TEST(test_queue_of_a_port_that_is_down),
		TEST(test_a_probe_that_left_is_told),
		TEST(test_many_frames_flush_by_themselves),
		TEST(test_segment_that_went),
		TEST(test_another_network),
		TEST(test_too_large),
		TEST(test_too_large_is_told),
		TEST(test_too_large_is_told_of_ip6),
		TEST(test_too_large_is_not_told),
		TEST(test_too_large_is_told_at_a_rate),
		TEST(test_copies_are_frames_of_their_own),
		TEST(test_mirror_is_made),
		TEST(test_checksum_left_to_hardware),
		TEST(test_reject_answers_syn),
		TEST(test_reject_tells_both_ends),
		TEST(test_reject_never_answers),
		TEST(test_reject_udp_quotes_the_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
