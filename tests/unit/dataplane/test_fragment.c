/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c dataplane/drop.c dataplane/fragment.c dataplane/fragmentset.c dataplane/reassemble.c dataplane/names.c dataplane/owner.c tests/unit/dataplane/no_sessions.c */
/* Fragments go on when their packet is whole, all of them and in order of arrival, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <rte_ring.h>

#include "craft.h"
#include "dice.h"
#include "eal.h"
#include "flow.h"
#include "fragment.h"
#include "handoff.h"
#include "owner.h"
#include "parse.h"
#include "pipeline.h"

#define SETS 8
#define WEB 5 /* stable ids of segments */
#define DB 6
#define NETWORK 3
#define SECOND 1000000000ull

static struct rte_mempool *pool;
static struct worker *w;
static struct bh_image_header header;
static struct policy_segment segments[BH_SEGMENT_IDS];
static struct policy policy = { .image.header = &header, .segments = segments };
static uint64_t entered, left;

/* ---- one datagram and its pieces ---- */

static struct craft whole; /* UDP 5000 to 7000 of `data` bytes behind the IP header */
static bool ip6;
static uint32_t l4;

static void make_whole(bool six, uint32_t payload)
{
	static uint8_t bytes[CRAFT_MAX];

	for (uint32_t i = 0; i < payload; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	ip6 = six;
	l4 = six ? CRAFT_L4_6 : CRAFT_L4_4;
	if (six)
		craft_ip6(&whole, 17);
	else
		craft_ip4(&whole, 17);
	craft_udp(&whole, 5000, 7000, bytes, payload);
	craft_finish(&whole);
}

static uint32_t data_length(void)
{
	return whole.length - l4;
}

/* Bytes [from, to) of the datagram as a fragment, parsed and placed in a segment. */
static struct rte_mbuf *piece_of(uint32_t from, uint32_t to, bool more, uint16_t segment)
{
	static struct craft c;
	uint16_t field = (uint16_t)(ip6 ? from | more : from / 8 | (more ? 0x2000 : 0));

	c.length = 0;
	craft_add(&c, whole.bytes, l4);
	if (ip6) {
		const uint8_t fragment[8] = { 17, 0, (uint8_t)(field >> 8), (uint8_t)field, 9, 8, 7, 6 };
		c.bytes[CRAFT_L3 + 6] = 44;
		craft_add(&c, fragment, sizeof(fragment));
	} else {
		craft_put16(c.bytes + CRAFT_L3 + 6, field);
	}
	craft_add(&c, whole.bytes + l4 + from, to - from);
	craft_lengths(&c);
	craft_header_checksum(&c);
	struct rte_mbuf *m = eal_frame(pool, c.bytes, c.length);
	m->port = 1;
	assert_int_equal(parse_frame(m, true), PARSED);
	struct frame *f = frame_of(m);
	f->segment = segment;
	f->network = f->key.network = NETWORK;
	f->dest = DB;
	return m;
}

static struct rte_mbuf *piece(uint32_t from, uint32_t to)
{
	return piece_of(from, to, to < data_length(), WEB);
}

/* Through the stage; what comes out, if anything. */
static struct rte_mbuf *feed(struct rte_mbuf *m)
{
	entered++;
	return fragment_stage(w, &m, 1) ? m : NULL;
}

/* As tx does it. */
static void send_whole(struct rte_mbuf *m)
{
	struct fragment_set *set = frame_of(m)->set;

	left += set->count;
	rte_pktmbuf_free_bulk(set->frames, set->count);
	fragment_set_free(w, set);
	rte_pktmbuf_free(m);
}

static uint64_t dropped(enum bh_drop reason)
{
	return eal_drops(w, 1, reason);
}

static uint64_t held(void)
{
	return w->counters->ports[1].held;
}

static uint64_t collecting(void)
{
	return w->counters->cells[BH_WORKER_FRAGMENT_SETS];
}

/* Nothing vanishes. */
static void check_identity(void)
{
	uint64_t drops = 0;

	for (int i = 0; i < BH_DROP_COUNT; i++)
		drops += w->counters->ports[1].drops[i];
	assert_int_equal(entered, left + drops + held());
	assert_int_equal(rte_mempool_in_use_count(pool), held());
}

/* It is the datagram, understood as one. */
static void check_whole(struct rte_mbuf *m, uint32_t pieces)
{
	const struct frame *f = frame_of(m);
	uint8_t copy[256];

	assert_true(f->flags & FRAME_REASSEMBLED);
	assert_false(f->flags & FRAME_FRAGMENT);
	assert_int_equal(m->pkt_len, whole.length);
	for (uint32_t at = 0, part; at < whole.length; at += part) {
		part = RTE_MIN(whole.length - at, (uint32_t)sizeof(copy));
		assert_memory_equal(rte_pktmbuf_read(m, at, part, copy), whole.bytes + at, part);
	}
	assert_int_equal(f->protocol, 17);
	assert_int_equal(f->source_port, 5000);
	assert_int_equal(f->destination_port, 7000);
	assert_int_equal(f->payload_length, data_length() - 8);
	assert_int_equal(f->segment, WEB);
	assert_int_equal(f->dest, DB);
	assert_int_equal(f->network, NETWORK);
	assert_int_equal(f->key.network, NETWORK);
	assert_int_equal(f->key.port[f->reversed], 5000);
	assert_int_equal(f->hash, flow_hash(&f->key, 0));
	assert_int_equal(f->set->count, pieces);
	uint32_t bytes = 0;
	for (uint32_t i = 0; i < pieces; i++)
		bytes += f->set->frames[i]->pkt_len;
	assert_int_equal(f->wire_length, bytes);
	assert_int_equal(f->flags & (FRAME_TAGGED | FRAME_STRIPPED | FRAME_BROADCAST), FRAME_TAGGED);
	assert_int_equal(f->tci, 101);
	assert_int_equal(m->port, 1);
}

/* ---- tests ---- */

static int fresh(void **state)
{
	(void)state;
	memset(w->counters, 0, sizeof(*w->counters));
	memset(&header, 0, sizeof(header));
	memset(segments, 0, sizeof(segments));
	header.settings.timeouts[BH_TIMEOUT_FRAGMENT] = 30;
	policy.replay_quotas_off = false;
	w->policy = &policy;
	w->now_ns = SECOND;
	w->fragments = fragments_new(SETS, SOCKET_ID_ANY, 0);
	assert_non_null(w->fragments);
	entered = left = 0;
	return 0;
}

static int settle(void **state)
{
	(void)state;
	fragments_drain(w, BH_DROP_END_OF_RUN);
	assert_int_equal(held(), 0);
	assert_int_equal(collecting(), 0);
	check_identity();
	fragments_free(w->fragments);
	return 0;
}

static void test_others_pass(void **state)
{
	(void)state;
	make_whole(false, 100);
	struct rte_mbuf *m = eal_frame(pool, whole.bytes, whole.length);
	assert_int_equal(parse_frame(m, true), PARSED);
	struct frame before = *frame_of(m);
	assert_ptr_equal(feed(m), m);
	assert_memory_equal(&before, frame_of(m), sizeof(before));
	rte_pktmbuf_free(m);
	left++;
}

static void every_order(bool six)
{
	static const uint32_t cuts[] = { 0, 32, 64, 600, 1008 };
	struct rte_mbuf *pieces[4], *m;

	make_whole(six, 1000);
	for (unsigned int order = 0; order < 256; order++) {
		unsigned int index[4] = { order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 };

		if ((1u << index[0] | 1u << index[1] | 1u << index[2] | 1u << index[3]) != 15)
			continue;
		w->now_ns += SECOND;
		for (unsigned int i = 0; i < 4; i++) {
			pieces[i] = piece(cuts[index[i]], cuts[index[i] + 1]);
			m = feed(pieces[i]);
			assert_true((m != NULL) == (i == 3));
			assert_int_equal(held(), i == 3 ? 0 : i + 1);
			assert_int_equal(collecting(), i != 3);
		}
		check_whole(m, 4);
		for (unsigned int i = 0; i < 4; i++)
			assert_ptr_equal(frame_of(m)->set->frames[i], pieces[i]);
		send_whole(m);
	}
	assert_int_equal(left, 24 * 4);
}

static void test_every_order4(void **state)
{
	(void)state;
	every_order(false);
}

static void test_every_order6(void **state)
{
	(void)state;
	every_order(true);
}

static void test_one_batch(void **state)
{
	struct rte_mbuf *batch[BURST];

	(void)state;
	make_whole(true, 2000);
	batch[0] = piece(0, 1000);
	batch[1] = eal_frame(pool, whole.bytes, whole.length);
	assert_int_equal(parse_frame(batch[1], true), PARSED);
	batch[1]->port = 1;
	batch[2] = piece(0, 1000);
	batch[3] = piece(1000, data_length());
	batch[4] = piece(1000, data_length());
	entered += 5;
	struct rte_mbuf *plain = batch[1];
	assert_int_equal(fragment_stage(w, batch, 5), 2);
	assert_ptr_equal(batch[0], plain);
	check_whole(batch[1], 2);
	assert_int_equal(dropped(BH_DROP_FRAGMENT_DUPLICATE), 2);
	send_whole(batch[1]);
	rte_pktmbuf_free(plain);
	left++;
}

/* 65,507 bytes of UDP: the largest there is, longer than an mbuf can be with its Ethernet header */
static void test_largest(void **state)
{
	(void)state;
	for (int six = 0; six < 2; six++) {
		struct rte_mbuf *m = NULL;
		uint32_t pieces = 0;

		make_whole(six, 65507);
		for (uint32_t at = 0; at < data_length(); at += 1480, pieces++)
			m = feed(piece(at, RTE_MIN(at + 1480, data_length())));
		assert_non_null(m);
		check_whole(m, pieces);
		assert_int_equal(m->nb_segs, 2);
		send_whole(m);
	}
}

/* a first header with options can make more of it than there can be */
static void test_ping_of_death(void **state)
{
	struct rte_mbuf *m = NULL;

	(void)state;
	make_whole(false, 65507);
	/* room for 40 bytes of options in the first fragment */
	memmove(whole.bytes + l4 + 40, whole.bytes + l4, data_length());
	memset(whole.bytes + l4, 1, 40);
	whole.bytes[CRAFT_L3] = 0x4f;
	whole.length += 40;
	l4 += 40;
	struct rte_mbuf *first = piece(0, 1480);
	/* the others have none */
	memmove(whole.bytes + l4 - 40, whole.bytes + l4, data_length());
	whole.bytes[CRAFT_L3] = 0x45;
	whole.length -= 40;
	l4 -= 40;
	assert_null(feed(first));
	for (uint32_t at = 1480; at < data_length(); at += 1480)
		m = feed(piece(at, RTE_MIN(at + 1480, data_length())));
	assert_null(m);
	assert_int_equal(dropped(BH_DROP_FRAGMENT_BAD), 45);
}

static void test_chain_before_fragment_header(void **state)
{
	static const uint8_t hop[8] = { 60, 0, 1, 4 }, options[8] = { 44, 0, 1, 4 };
	static struct craft c;
	struct rte_mbuf *m = NULL;

	(void)state;
	make_whole(true, 200);
	for (uint32_t at = 0; at < 208; at += 104) {
		const uint8_t fragment[8] = { 17, 0, 0, (uint8_t)(at | (at == 0)), 9, 8, 7, 6 };

		craft_ip6(&c, 0);
		craft_add(&c, hop, 8);
		craft_add(&c, options, 8);
		craft_add(&c, fragment, 8);
		craft_add(&c, whole.bytes + l4 + at, 104);
		craft_lengths(&c);
		m = eal_frame(pool, c.bytes, c.length);
		m->port = 1;
		assert_int_equal(parse_frame(m, true), PARSED);
		frame_of(m)->segment = WEB;
		m = feed(m);
	}
	assert_non_null(m);
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, CRAFT_L3);
	assert_int_equal(ip[6], 0);
	assert_int_equal(ip[40], 60);
	assert_int_equal(ip[48], 17);
	assert_int_equal(read16(ip + 4), 16 + 208);
	assert_int_equal(frame_of(m)->destination_port, 7000);
	send_whole(m);
}

static void test_bad_whole(void **state)
{
	(void)state;
	make_whole(false, 200);
	whole.bytes[l4 + 100] ^= 1; /* a decoy: its checksum is wrong */
	assert_null(feed(piece(0, 104)));
	assert_null(feed(piece(104, 208)));
	assert_int_equal(dropped(BH_DROP_L4_CHECKSUM), 2);
	w->now_ns += SECOND;
	header.settings.checksums_ignore = 1;
	assert_null(feed(piece(0, 104)));
	struct rte_mbuf *m = feed(piece(104, 208));
	assert_non_null(m);
	send_whole(m);
}

static void test_overlap(void **state)
{
	static const struct {
		uint32_t from, to;
	} evil[] = { { 0, 48 }, { 40, 104 }, { 0, 104 }, { 32, 48 }, { 24, 40 }, { 96, 104 }, { 64, 208 } };

	(void)state;
	make_whole(false, 200);
	for (size_t i = 0; i < RTE_DIM(evil); i++) {
		uint64_t before = dropped(BH_DROP_FRAGMENT_OVERLAP);

		assert_null(feed(piece(0, 40)));
		assert_null(feed(piece(40, 80)));
		assert_null(feed(piece(80, 104)));
		assert_null(feed(piece(evil[i].from, evil[i].to)));
		assert_int_equal(held(), 0);
		assert_int_equal(collecting(), 0);
		assert_int_equal(dropped(BH_DROP_FRAGMENT_OVERLAP), before + 4);
		/* what would have made it whole, a little later */
		w->now_ns += 29 * SECOND;
		assert_null(feed(piece(104, 208)));
		assert_null(feed(piece(0, 40)));
		assert_int_equal(dropped(BH_DROP_FRAGMENT_OVERLAP), before + 6);
		w->now_ns += 31 * SECOND;
	}
	/* forgotten after the timeout */
	assert_null(feed(piece(0, 104)));
	struct rte_mbuf *m = feed(piece(104, 208));
	assert_non_null(m);
	send_whole(m);
}

static void test_two_ends(void **state)
{
	(void)state;
	make_whole(false, 200);
	assert_null(feed(piece(0, 40)));
	assert_null(feed(piece_of(104, 112, false, WEB)));
	assert_null(feed(piece_of(120, 128, false, WEB)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_BAD), 3);
	w->now_ns += 31 * SECOND;
	assert_null(feed(piece_of(104, 112, false, WEB)));
	assert_null(feed(piece(120, 128)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_BAD), 5);
	w->now_ns += 31 * SECOND;
	assert_null(feed(piece(120, 128)));
	assert_null(feed(piece_of(104, 112, false, WEB)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_BAD), 7);
}

static void test_duplicates(void **state)
{
	(void)state;
	make_whole(false, 200);
	assert_null(feed(piece(0, 104)));
	assert_null(feed(piece(0, 104)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_DUPLICATE), 1);
	assert_int_equal(held(), 1);
	struct rte_mbuf *m = feed(piece(104, 208));
	assert_non_null(m);
	assert_int_equal(frame_of(m)->set->count, 2);
	send_whole(m);
	/* the other uplink's copies come after it was complete */
	w->now_ns += 5000000;
	assert_null(feed(piece(0, 104)));
	assert_null(feed(piece(104, 208)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_DUPLICATE), 3);
	assert_int_equal(held(), 0);
	/* a new packet with the same identification */
	w->now_ns += SECOND;
	assert_null(feed(piece(104, 208)));
	m = feed(piece(0, 104));
	assert_non_null(m);
	send_whole(m);
	/* .. and one at once, cut elsewhere */
	assert_null(feed(piece(0, 80)));
	m = feed(piece(80, 208));
	assert_non_null(m);
	send_whole(m);
}

static void test_same_place_other_bytes(void **state)
{
	(void)state;
	make_whole(false, 2000);
	assert_null(feed(piece(0, 1000)));
	whole.bytes[l4 + 999] ^= 1;
	assert_null(feed(piece(0, 1000)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_OVERLAP), 2);
}

/* Nobody adds to what a machine of another segment began. */
static void test_segments_do_not_mix(void **state)
{
	(void)state;
	make_whole(false, 200);
	assert_null(feed(piece_of(0, 104, true, DB)));
	assert_null(feed(piece_of(104, 208, false, WEB)));
	assert_int_equal(held(), 2);
	assert_int_equal(collecting(), 2);
}

static void test_timeout(void **state)
{
	(void)state;
	make_whole(false, 200);
	assert_null(feed(piece(0, 104)));
	w->now_ns += 30 * SECOND - 1;
	fragments_age(w, 10);
	assert_int_equal(held(), 1);
	w->now_ns += 1;
	fragments_age(w, 0);
	assert_int_equal(held(), 1);
	fragments_age(w, 1);
	assert_int_equal(held(), 0);
	assert_int_equal(dropped(BH_DROP_FRAGMENT_TIMEOUT), 1);
	/* found overdue before it was aged: the same */
	assert_null(feed(piece(0, 104)));
	w->now_ns += 30 * SECOND;
	assert_null(feed(piece(104, 208)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_TIMEOUT), 2);
	assert_int_equal(held(), 1);
}

static void set_id(uint16_t id)
{
	craft_put16(whole.bytes + CRAFT_L3 + 4, id);
}

static void test_table_full(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	make_whole(false, 200);
	for (uint16_t i = 0; i < SETS; i++) {
		set_id(i);
		assert_null(feed(piece(0, 104)));
	}
	set_id(100);
	assert_null(feed(piece(0, 104)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_FULL), 1);
	/* those that have a place are not hurt; what they leave is free */
	set_id(3);
	m = feed(piece(104, 208));
	assert_non_null(m);
	send_whole(m);
	set_id(100);
	assert_null(feed(piece(0, 104)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_FULL), 1);
	assert_int_equal(held(), SETS);
}

static void test_stateless_when_full(void **state)
{
	(void)state;
	header.settings.exception_fragments = BH_EXCEPTION_STATELESS;
	make_whole(false, 200);
	for (uint16_t i = 0; i < SETS; i++) {
		set_id(i);
		assert_null(feed(piece(0, 104)));
	}
	set_id(100);
	struct rte_mbuf *m = feed(piece(0, 104));
	assert_non_null(m);
	const struct frame *f = frame_of(m);
	assert_true(f->flags & FRAME_STATELESS);
	assert_int_equal(f->destination_port, 7000);
	assert_int_equal(f->key.port[!f->reversed], 7000);
	assert_int_equal(f->hash, flow_hash(&f->key, 0));
	rte_pktmbuf_free(m);
	m = feed(piece(104, 208));
	assert_non_null(m);
	assert_true(frame_of(m)->flags & FRAME_STATELESS);
	assert_int_equal(frame_of(m)->destination_port, 0);
	rte_pktmbuf_free(m);
	left += 2;
}

static void test_quota(void **state)
{
	(void)state;
	segments[WEB].limits.fragments = 3;
	make_whole(false, 200);
	for (uint16_t i = 0; i < 3; i++) {
		set_id(i);
		assert_null(feed(piece(0, 104)));
	}
	set_id(3);
	assert_null(feed(piece(0, 104)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_FULL), 1);
	assert_null(feed(piece_of(0, 104, true, DB)));
	assert_int_equal(held(), 4);
	/* a killed set is remembered, which costs as well */
	w->now_ns += 31 * SECOND;
	fragments_age(w, 100);
	for (uint16_t i = 0; i < 2; i++) {
		set_id(i);
		assert_null(feed(piece(0, 104)));
		assert_null(feed(piece(8, 104)));
	}
	assert_int_equal(dropped(BH_DROP_FRAGMENT_OVERLAP), 4);
	set_id(2);
	assert_null(feed(piece(0, 104)));
	set_id(3);
	assert_null(feed(piece(0, 104)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_FULL), 2);
	assert_int_equal(held(), 1);
	/* and is paid back */
	w->now_ns += 31 * SECOND;
	fragments_age(w, 100);
	for (uint16_t i = 0; i < 4; i++) {
		set_id(i);
		assert_null(feed(piece(0, 104)));
	}
	assert_int_equal(dropped(BH_DROP_FRAGMENT_FULL), 3);
	assert_int_equal(held(), 3);
	policy.replay_quotas_off = true;
	assert_null(feed(piece(0, 104)));
	assert_int_equal(held(), 4);
}

/* Two workers hold no more than one would. */
static void test_quota_is_split(void **state)
{
	(void)state;
	make_whole(false, 1000);
	segments[WEB].limits.fragments = 4;
	w->worker_count = 2;
	assert_null(feed(piece(0, 32)));
	assert_null(feed(piece(32, 64)));
	assert_null(feed(piece(64, 96)));
	assert_int_equal(held(), 2);
	assert_int_equal(dropped(BH_DROP_FRAGMENT_FULL), 1);
	w->worker_count = 1;
}

static void test_too_many(void **state)
{
	(void)state;
	make_whole(false, 2000);
	for (uint32_t i = 0; i < FRAGMENTS_A_SET; i++)
		assert_null(feed(piece(i * 8, i * 8 + 8)));
	assert_int_equal(held(), FRAGMENTS_A_SET);
	assert_null(feed(piece(1000, 1008)));
	assert_int_equal(held(), 0);
	assert_int_equal(dropped(BH_DROP_FRAGMENT_FULL), FRAGMENTS_A_SET + 1);
}

static void test_policy(void **state)
{
	(void)state;
	header.settings.fragments_drop = 1;
	make_whole(true, 200);
	assert_null(feed(piece(0, 104)));
	assert_int_equal(dropped(BH_DROP_FRAGMENT_POLICY), 1);
}

static void test_no_buffer(void **state)
{
	struct rte_mbuf *wholes[BURST + 1];

	(void)state;
	make_whole(false, 200);
	for (uint16_t i = 0; i <= BURST; i++) {
		set_id(i);
		assert_null(feed(piece(0, 104)));
		wholes[i] = feed(piece(104, 208));
		assert_true((wholes[i] != NULL) == (i < BURST));
	}
	assert_int_equal(dropped(BH_DROP_NO_MEMORY), 2);
	for (uint16_t i = 0; i < BURST; i++)
		send_whole(wholes[i]);
}

/* A DHCP server does not get past its guard by fragments; neighbour discovery not at all. */
static void test_guards(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	make_whole(false, 200);
	craft_put16(whole.bytes + l4, 67);
	craft_put16(whole.bytes + l4 + 2, 68);
	craft_finish(&whole);
	assert_null(feed(piece(0, 104)));
	assert_null(feed(piece(104, 208)));
	assert_int_equal(dropped(BH_DROP_DHCP_GUARD), 2);
	w->now_ns += SECOND;
	segments[WEB].dhcp_server = 1;
	assert_null(feed(piece(0, 104)));
	m = feed(piece(104, 208));
	assert_non_null(m);
	assert_true(frame_of(m)->flags & FRAME_DHCP_SERVER);
	send_whole(m);
}

static const struct flow_key *m_key(struct rte_mbuf *m)
{
	return &frame_of(m)->key;
}

static void test_reassembled_error(void **state)
{
	static const uint8_t quoted[28] = { 0x45, 0, 0,  37, 0, 1, 0, 0,  63,   17,   0, 0,  10, 0,
					    0,    9, 10, 0,  0, 1, 0, 53, 0x13, 0x88, 0, 17, 0,  0 };

	(void)state;
	make_whole(false, 200);
	craft_ip4(&whole, 1);
	craft_icmp(&whole, 3, 3, 0);
	craft_add(&whole, quoted, sizeof(quoted));
	craft_finish(&whole);
	assert_null(feed(piece(0, 16)));
	struct rte_mbuf *m = feed(piece(16, 36));
	assert_non_null(m);
	assert_true(frame_of(m)->flags & FRAME_ICMP_ERROR);
	assert_memory_equal(m_key(m)->address[0] + 12, ((const uint8_t[]){ 10, 0, 0, 1 }), 4);
	assert_memory_equal(m_key(m)->address[1] + 12, ((const uint8_t[]){ 10, 0, 0, 9 }), 4);
	send_whole(m);
}

/* To the worker of the packet it quotes, which is not that of its own addresses. */
static void test_reassembled_error_of_another_worker(void **state)
{
	static const uint8_t quoted[28] = { 0x45, 0, 0,  37, 0, 1, 0, 0,  63,   17,   0, 0,  10, 0,
					    0,    9, 10, 0,  0, 1, 0, 53, 0x13, 0x88, 0, 17, 0,  0 };
	struct rte_ring *rings[2] = { rte_ring_create("peer0", 16, 0, 0),
				      rte_ring_create("peer1", 16, 0, 0) };
	struct owners owners;
	uint64_t nine, one;
	uint8_t address[16];
	void *m = NULL;

	(void)state;
	map4(address, (const uint8_t[]){ 10, 0, 0, 9 });
	memcpy(&nine, address + 8, 8);
	map4(address, (const uint8_t[]){ 10, 0, 0, 1 });
	memcpy(&one, address + 8, 8);
	owners_init(&owners, 2, (uint64_t[2]){ 0, 0 }, 0);
	uint16_t owner = owner_between(&owners, 0, nine, 0, one);
	w->owners = &owners;
	w->worker_count = 2;
	w->id = !owner;
	w->peers = rings;
	make_whole(false, 200);
	craft_ip4(&whole, 1);
	craft_icmp(&whole, 3, 3, 0);
	craft_add(&whole, quoted, sizeof(quoted));
	craft_finish(&whole);
	assert_null(feed(piece(0, 16)));
	assert_null(feed(piece(16, 36)));
	assert_int_equal(rte_ring_dequeue(rings[owner], &m), 0);
	assert_true(handoff_is_judged(m));
	m = handoff_frame(m);
	assert_int_equal(w->counters->cells[BH_WORKER_HANDED_OVER], 1);
	assert_int_equal(held(), 0);
	/* there it goes on as it is */
	w->id = owner;
	entered -= 2;
	assert_ptr_equal(feed(m), m);
	entered += 1;
	send_whole(m);
	w->worker_count = 1;
	w->id = 0;
	w->peers = NULL;
	w->owners = NULL;
	rte_ring_free(rings[0]);
	rte_ring_free(rings[1]);
}

/* ---- against a naive reference ---- */

#define UNITS 8 /* of 8 bytes */

struct reference {
	uint8_t owner[64]; /* which fragment has unit i (+1), 0: none */
	uint32_t from[64], to[64], count, end;
	bool last[64], killed;
};

enum outcome { HOLD, DUPLICATE, KILL, DEAD, DONE };

static enum outcome reference_add(struct reference *r, uint32_t from, uint32_t to, bool last)
{
	if (r->killed)
		return DEAD;
	for (uint32_t i = 0; i < r->count; i++)
		if (r->from[i] == from && r->to[i] == to && r->last[i] == last)
			return DUPLICATE;
	bool bad = (last && r->end) || (r->end && to > r->end);
	for (uint32_t u = 0; u < 64; u++) {
		bad |= u >= from && u < to && r->owner[u];
		bad |= last && u >= to && r->owner[u];
	}
	if (bad) {
		r->killed = true;
		return KILL;
	}
	memset(r->owner + from, 1, to - from);
	r->from[r->count] = from;
	r->to[r->count] = to;
	r->last[r->count++] = last;
	if (last)
		r->end = to;
	return r->end && !memchr(r->owner, 0, r->end) ? DONE : HOLD;
}

static void test_random_against_reference(void **state)
{
	uint32_t seen[DONE + 1] = { 0 };

	(void)state;
	make_whole(true, 8 * UNITS - 8);
	for (int round = 0; round < 3000; round++) {
		struct reference r = { 0 };
		enum outcome want = HOLD;

		w->now_ns += 60 * SECOND;
		fragments_age(w, 10);
		assert_int_equal(held(), 0);
		for (int n = 0; n < 20 && want != DONE; n++) {
			bool honest = roll(12) != 0; /* pieces of a fair cut come again and again */
			uint32_t from = honest ? 2 * roll(UNITS / 2) : roll(UNITS);
			uint32_t to = honest ? from + 2 : RTE_MIN(from + 1 + roll(3), (uint32_t)UNITS);
			bool last = from && (to == UNITS ? roll(30) != 0 : roll(60) == 0);
			uint64_t before = held();

			want = reference_add(&r, from, to, last);
			struct rte_mbuf *m = feed(piece_of(from * 8, to * 8, !last, WEB));
			/* one that ends early contradicts its UDP length */
			assert_true((m != NULL) == (want == DONE && r.end == UNITS));
			seen[want]++;
			if (want == HOLD)
				assert_int_equal(held(), before + 1);
			if (want == DUPLICATE)
				assert_int_equal(held(), before);
			if (want == KILL || want == DEAD || want == DONE)
				assert_int_equal(held(), 0);
			if (m)
				send_whole(m);
		}
		check_identity();
	}
	for (int i = 0; i <= DONE; i++)
		assert_in_range(seen[i], 50, 60000);
}

static int start(void **state)
{
	(void)state;
	pool = eal_pool("frames", 512, 4096);
	w = eal_worker();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	eal_worker_free(w);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fresh, settle)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(others_pass),
		TEST(every_order4),
		TEST(every_order6),
		TEST(one_batch),
		TEST(largest),
		TEST(ping_of_death),
		TEST(chain_before_fragment_header),
		TEST(bad_whole),
		TEST(overlap),
		TEST(two_ends),
		TEST(duplicates),
		TEST(same_place_other_bytes),
		TEST(segments_do_not_mix),
		TEST(timeout),
		TEST(table_full),
		TEST(stateless_when_full),
		TEST(quota),
		TEST(quota_is_split),
		TEST(too_many),
		TEST(policy),
		TEST(no_buffer),
		TEST(guards),
		TEST(reassembled_error),
		TEST(reassembled_error_of_another_worker),
		TEST(random_against_reference),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
