/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c dataplane/drop.c dataplane/fragment.c dataplane/fragmentset.c dataplane/reassemble.c dataplane/names.c tests/unit/dataplane/no_sessions.c */
/* What the parser makes of good frames, and the reason that each bad one meets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "eal.h"
#include "flow.h"
#include "parse.h"
#include "pipeline.h"
#include "samples.h"

/* no session here has a frame, so nobody asks */
static struct rte_mempool *pool;
static struct worker *w;

static struct rte_mbuf *last;

static enum bh_drop parse_with(const struct craft *c, uint64_t offloads, unsigned int how)
{
	rte_pktmbuf_free(last);
	last = eal_frame(pool, c->bytes, c->length);
	last->ol_flags = offloads;
	last->vlan_tci = 101;
	return parse_frame(last, how);
}

static const struct frame *parsed(const struct craft *c)
{
	assert_string_equal(parse_with(c, 0, true) == PARSED ? "" : bh_drop_names[parse_with(c, 0, true)],
			    "");
	return frame_of(last);
}

static void expect(const struct craft *c, enum bh_drop reason)
{
	enum bh_drop got = parse_with(c, 0, true);

	assert_string_equal(got == PARSED ? "passed" : bh_drop_names[got],
			    reason == PARSED ? "passed" : bh_drop_names[reason]);
}

static const uint8_t *mapped(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	static uint8_t ring[4][16];
	static unsigned int at;
	uint8_t *m = ring[at++ % 4];

	map4(m, (const uint8_t[]){ a, b, c, d });
	return m;
}

/* ---- good frames ---- */

static void test_samples_pass(void **state)
{
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(samples); i++) {
		samples[i](&c);
		if (parse_with(&c, 0, true) != PARSED)
			print_message("sample %zu\n", i);
		expect(&c, PARSED);
	}
}

static void test_tcp(void **state)
{
	static struct craft c;

	(void)state;
	sample_tcp4(&c);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->kind, FRAME_IPV4);
	assert_int_equal(f->ethertype, 0x0800);
	assert_int_equal(f->tci, 101);
	assert_int_equal(f->flags, FRAME_TAGGED);
	assert_int_equal(f->l3, 18);
	assert_int_equal(f->l4, 38);
	assert_int_equal(f->payload, 58);
	assert_int_equal(f->payload_length, 10);
	assert_int_equal(f->l3_length, 50);
	assert_int_equal(f->wire_length, c.length);
	assert_int_equal(f->tcp_seq, 0x11000000);
	assert_int_equal(f->tcp_ack, 0x22);
	assert_int_equal(f->tcp_flags, 0x18);
	assert_int_equal(f->tcp_window, 0x1000);
	assert_int_equal(f->source_port, 40000);
	assert_int_equal(f->destination_port, 443);
	assert_int_equal(f->segment, SEGMENT_NONE);
	assert_memory_equal(frame_source(f), mapped(10, 0, 0, 1), 16);
	assert_memory_equal(frame_destination(f), mapped(10, 0, 0, 2), 16);
	assert_int_equal(f->key.port[f->reversed], 40000);
	assert_int_equal(f->key.protocol, 6);
}

static void test_both_directions_have_one_key(void **state)
{
	static struct craft c;
	uint8_t swap[4];

	(void)state;
	sample_tcp4(&c);
	const struct flow_key key = parsed(&c)->key;
	assert_false(frame_of(last)->reversed);
	memcpy(swap, c.bytes + 30, 4);
	memcpy(c.bytes + 30, c.bytes + 34, 4);
	memcpy(c.bytes + 34, swap, 4);
	memcpy(swap, c.bytes + 38, 2);
	memcpy(c.bytes + 38, c.bytes + 40, 2);
	memcpy(c.bytes + 40, swap, 2);
	craft_finish(&c);
	const struct frame *f = parsed(&c);
	assert_true(f->reversed);
	assert_true(flow_key_equal(&key, &f->key));
}

static void test_key_orders_ports_of_one_address(void **state)
{
	static struct craft c;

	(void)state;
	craft_ip4(&c, 17);
	craft_udp(&c, 50000, 3785, TEN, 10); /* BFD echo comes back to its sender */
	memcpy(c.bytes + 34, c.bytes + 30, 4);
	craft_finish(&c);
	const struct frame *f = parsed(&c);
	assert_true(f->reversed);
	assert_int_equal(f->key.port[0], 3785);
	craft_put16(c.bytes + CRAFT_L4_4 + 2, 3784);
	craft_finish(&c);
	expect(&c, BH_DROP_IP_LAND);
}

static void test_echo(void **state)
{
	static struct craft c;

	(void)state;
	sample_echo4(&c);
	const struct frame *f = parsed(&c);
	assert_true(f->flags & FRAME_ICMP_REQUEST);
	assert_int_equal(f->icmp, 0x0800);
	assert_int_equal(f->key.icmp_identifier, 0xabcd);
	assert_int_equal(f->key.icmp_type, 8);
	assert_int_equal(f->source_port, 0);
	assert_int_equal(f->payload_length, 10);
	c.bytes[CRAFT_L4_4] = 0;
	craft_finish(&c);
	f = parsed(&c);
	assert_true(f->flags & FRAME_ICMP_REPLY);
	assert_int_equal(f->key.icmp_type, 8);
	sample_echo6(&c);
	f = parsed(&c);
	assert_true(f->flags & FRAME_ICMP_REPLY);
	assert_int_equal(f->key.icmp_type, 128);
	assert_int_equal(f->key.icmp_identifier, 0x1234);
}

static void test_error_has_key_of_what_it_quotes(void **state)
{
	static struct craft c;

	(void)state;
	sample_unreachable4(&c);
	const struct frame *f = parsed(&c);
	assert_true(f->flags & FRAME_ICMP_ERROR);
	assert_int_equal(f->protocol, 1);
	assert_int_equal(f->icmp, 0x0303);
	assert_int_equal(f->key.protocol, 17);
	/* quoted: 10.0.0.9:53 to 10.0.0.1:5000 */
	assert_true(f->reversed);
	assert_memory_equal(f->key.address[0], mapped(10, 0, 0, 1), 16);
	assert_memory_equal(f->key.address[1], mapped(10, 0, 0, 9), 16);
	assert_int_equal(f->key.port[0], 5000);
	assert_int_equal(f->key.port[1], 53);
	sample_too_big6(&c);
	f = parsed(&c);
	assert_true(f->flags & FRAME_ICMP_ERROR);
	assert_int_equal(f->key.protocol, 6);
	assert_int_equal(f->key.port[0], 80);
	assert_int_equal(f->key.port[1], 1234);
}

static void test_error_about_a_query(void **state)
{
	static struct craft c;
	uint8_t quoted[28] = { 0x45, 0, 0,  84, 0, 1, 0, 0, 1, 1, 0,    0,    10, 0,
			       0,    2, 10, 0,  0, 9, 8, 0, 1, 2, 0xab, 0xcd, 0,  1 };

	(void)state;
	craft_ip4(&c, 1);
	craft_icmp(&c, 11, 0, 0);
	craft_add(&c, quoted, sizeof(quoted));
	craft_finish(&c);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->key.icmp_type, 8);
	assert_int_equal(f->key.port[0], 0xabcd);
	assert_int_equal(f->key.protocol, 1);
}

static void test_neighbour_discovery(void **state)
{
	static struct craft c;

	(void)state;
	sample_ns(&c);
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_ND);
	sample_ra(&c);
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_ND | FRAME_ROUTER_ADVERT);
	sample_na(&c);
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_ND);
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	memcpy(c.bytes + CRAFT_L3 + 24, all_nodes, 16);
	craft_finish(&c);
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_ND | FRAME_ANNOUNCE);
	c.bytes[CRAFT_L4_6 + 4] = 0x40; /* solicited, to a group */
	craft_finish(&c);
	expect(&c, BH_DROP_ND_BAD);
	sample_mld(&c);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->flags, FRAME_TAGGED | FRAME_GROUP);
	assert_int_equal(f->l4, CRAFT_L4_6 + 8);
}

static void test_duplicate_address_detection(void **state)
{
	static struct craft c;
	static const uint8_t group[16] = { 0xff, 2, [11] = 1, 0xff, 0, 0, 7 };

	(void)state;
	sample_ns(&c);
	c.length -= 8; /* no option: there is nobody to answer to */
	memset(c.bytes + CRAFT_L3 + 8, 0, 16);
	memcpy(c.bytes + CRAFT_L3 + 24, group, 16);
	craft_finish(&c);
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_ND);
	c.bytes[CRAFT_L3 + 35] = 0; /* no solicited-node group */
	craft_finish(&c);
	expect(&c, BH_DROP_ND_BAD);
	sample_udp6(&c);
	memset(c.bytes + CRAFT_L3 + 8, 0, 16);
	craft_finish(&c);
	expect(&c, BH_DROP_IP_MARTIAN);
}

static void test_arp(void **state)
{
	static struct craft c;

	(void)state;
	sample_arp(&c);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->kind, FRAME_ARP);
	assert_int_equal(f->flags, FRAME_TAGGED);
	assert_memory_equal(frame_source(f), mapped(10, 0, 0, 1), 16);
	assert_memory_equal(frame_destination(f), mapped(10, 0, 0, 2), 16);
	assert_int_equal(f->l3, 18);
	c.bytes[18 + 27] = 1; /* for itself */
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_ANNOUNCE);
	sample_arp(&c);
	memset(c.bytes + 18 + 14, 0, 4); /* a probe */
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED);
	sample_arp(&c);
	c.bytes[18 + 7] = 2;
	memset(c.bytes, 0xff, 6); /* a reply to all */
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_BROADCAST | FRAME_ANNOUNCE);
	sample_rarp(&c);
	f = parsed(&c);
	assert_int_equal(f->kind, FRAME_RARP);
	assert_int_equal(f->flags, FRAME_TAGGED | FRAME_BROADCAST | FRAME_ANNOUNCE);
}

static void test_other_kinds(void **state)
{
	static struct craft c;

	(void)state;
	sample_lldp(&c);
	assert_int_equal(parsed(&c)->kind, FRAME_OTHER);
	assert_int_equal(frame_of(last)->ethertype, 0x88cc);
	sample_bpdu(&c);
	assert_int_equal(parsed(&c)->kind, FRAME_OTHER);
	assert_int_equal(frame_of(last)->ethertype, 0);
	sample_gre4(&c);
	assert_int_equal(parsed(&c)->protocol, 47);
	assert_int_equal(frame_of(last)->payload_length, 10);
}

static void test_chain(void **state)
{
	static struct craft c;

	(void)state;
	sample_chain6(&c);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->protocol, 17);
	assert_int_equal(f->destination_port, 53);
	assert_int_equal(f->l4, CRAFT_L4_6 + 44);
}

/* ---- DHCP ---- */

static void dhcp(struct craft *c, bool ip6, uint16_t source, uint16_t destination, uint8_t first)
{
	uint8_t payload[20] = { first };

	if (ip6)
		craft_ip6(c, 17);
	else
		craft_ip4(c, 17);
	craft_udp(c, source, destination, payload, sizeof(payload));
	craft_finish(c);
}

static void test_dhcp(void **state)
{
	static const struct {
		bool ip6;
		uint16_t source, destination;
		uint8_t first;
		uint32_t flags;
	} rows[] = {
		{ false, 68, 67, 1, FRAME_DHCP_CLIENT },
		{ false, 67, 68, 2, FRAME_DHCP_SERVER },
		{ false, 1067, 68, 2, FRAME_DHCP_SERVER }, /* a client takes it from any port */
		{ false, 67, 67, 2, FRAME_DHCP_SERVER },
		{ false, 67, 67, 1, FRAME_DHCP_CLIENT },
		{ false, 67, 4011, 2, FRAME_DHCP_SERVER },
		{ false, 5000, 53, 2, 0 },
		{ true, 546, 547, 1, FRAME_DHCP_CLIENT },
		{ true, 547, 546, 2, FRAME_DHCP_SERVER },
		{ true, 5000, 547, 13, FRAME_DHCP_SERVER },
		{ true, 5000, 546, 1, FRAME_DHCP_SERVER },
		{ true, 68, 67, 1, 0 },
	};
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		dhcp(&c, rows[i].ip6, rows[i].source, rows[i].destination, rows[i].first);
		assert_int_equal(parsed(&c)->flags & (FRAME_DHCP_CLIENT | FRAME_DHCP_SERVER), rows[i].flags);
	}
}

static void test_nameless_dhcp_client(void **state)
{
	static struct craft c;

	(void)state;
	dhcp(&c, false, 68, 67, 1);
	memset(c.bytes + CRAFT_L3 + 12, 0, 4);
	craft_finish(&c);
	expect(&c, BH_DROP_IP_MARTIAN); /* to one machine */
	memset(c.bytes + CRAFT_L3 + 16, 0xff, 4);
	craft_finish(&c);
	expect(&c, PARSED);
	craft_put16(c.bytes + CRAFT_L4_4, 69);
	craft_finish(&c);
	expect(&c, BH_DROP_IP_MARTIAN);
	sample_igmp(&c);
	memset(c.bytes + CRAFT_L3 + 12, 0, 4);
	craft_finish(&c);
	expect(&c, PARSED);
}

/* ---- one change, one reason ---- */

enum fix { FIX_NOTHING, FIX_HEADER, FIX_ALL };

#define L2(n) (n)
#define L3(n) ((int)CRAFT_L3 + (n))
#define L44(n) ((int)CRAFT_L4_4 + (n))
#define L46(n) ((int)CRAFT_L4_6 + (n))

struct change {
	sample base;
	enum fix fix;
	enum bh_drop reason;
	struct {
		int at;
		uint8_t value;
	} poke[8]; /* at 0 ends the list */
};

/* clang-format off */
static const struct change changes[] = {
	/* layer 2 */
	{ sample_tcp4, FIX_NOTHING, BH_DROP_SOURCE_MAC, { { L2(6), 0x03 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_SOURCE_MAC, { { L2(6), 0 }, { L2(11), 0 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_PRIORITY_TAG, { { L2(15), 0 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_PRIORITY_TAG, { { L2(14), 0xe0 }, { L2(15), 0 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_PRIORITY_TAG, { { L2(14), 0x0f }, { L2(15), 0xff } } },
	{ sample_tcp4, FIX_NOTHING, PARSED, { { L2(14), 0xf0 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_TAG_88A8, { { L2(12), 0x88 }, { L2(13), 0xa8 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_TAG_9100, { { L2(12), 0x91 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_DOUBLE_TAG, { { L2(16), 0x81 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_TAG_88A8, { { L2(16), 0x88 }, { L2(17), 0xa8 } } },
	/* IPv4 header */
	{ sample_tcp4, FIX_HEADER, BH_DROP_IP_HEADER, { { L3(0), 0x65 } } },
	{ sample_tcp4, FIX_HEADER, BH_DROP_IP_HEADER, { { L3(0), 0x44 } } },
	{ sample_tcp4, FIX_HEADER, BH_DROP_IP_HEADER, { { L3(3), 19 } } },
	{ sample_tcp4, FIX_HEADER, BH_DROP_IP_TRUNCATED, { { L3(3), 51 } } },
	{ sample_tcp4, FIX_HEADER, BH_DROP_IP_TRUNCATED, { { L3(2), 0xff } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_IP_CHECKSUM, { { L3(8), 63 } } },
	{ sample_tcp4, FIX_HEADER, BH_DROP_IP_TTL, { { L3(8), 0 } } },
	/* addresses */
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(12), 127 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(12), 224 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(12), 240 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(12), 255 }, { L3(13), 255 }, { L3(14), 255 }, { L3(15), 255 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(12), 0 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(12), 0 }, { L3(15), 0 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(16), 0 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(16), 127 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(16), 250 } } },
	{ sample_udp4, FIX_ALL, PARSED, { { L3(16), 255 }, { L3(17), 255 }, { L3(18), 255 }, { L3(19), 255 } } },
	{ sample_udp4, FIX_ALL, PARSED, { { L3(16), 224 } } },
	{ sample_udp4, FIX_ALL, PARSED, { { L3(12), 192 }, { L3(13), 0 }, { L3(14), 2 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_IP_LAND, { { L3(19), 1 } } },
	/* IPv6 */
	{ sample_tcp6, FIX_NOTHING, BH_DROP_IP_HEADER, { { L3(0), 0x40 } } },
	{ sample_tcp6, FIX_NOTHING, BH_DROP_IP_TRUNCATED, { { L3(5), 21 } } },
	{ sample_tcp6, FIX_NOTHING, BH_DROP_L4_TRUNCATED, { { L3(5), 19 } } },
	{ sample_tcp6, FIX_NOTHING, BH_DROP_IP_TTL, { { L3(7), 0 } } },
	{ sample_mld, FIX_NOTHING, BH_DROP_IP_HEADER, { { L3(5), 0 } } }, /* how a jumbogram begins */
	{ sample_tcp6, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(8), 0xff } } },
	{ sample_tcp6, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(8), 0 }, { L3(9), 0 }, { L3(10), 0 }, { L3(11), 0 } } },
	{ sample_tcp6, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(8), 0 }, { L3(9), 0 }, { L3(10), 0 }, { L3(11), 0 }, { L3(18), 0xff }, { L3(19), 0xff } } },
	{ sample_tcp6, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(24), 0 }, { L3(25), 0 }, { L3(26), 0 }, { L3(27), 0 }, { L3(34), 0xff }, { L3(35), 0xff } } },
	{ sample_tcp6, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(24), 0 }, { L3(25), 0 }, { L3(26), 0 }, { L3(27), 0 }, { L3(39), 1 } } },
	{ sample_udp6, FIX_ALL, BH_DROP_IP_MARTIAN, { { L3(24), 0xff }, { L3(25), 0x01 } } },
	{ sample_udp6, FIX_ALL, PARSED, { { L3(24), 0xff }, { L3(25), 0x02 } } },
	{ sample_tcp6, FIX_ALL, BH_DROP_IP_LAND, { { L3(39), 1 } } },
	/* TCP */
	{ sample_tcp4, FIX_ALL, BH_DROP_L4_LENGTH, { { L44(12), 0x40 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_L4_TRUNCATED, { { L44(12), 0x80 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x00 }, { L44(19), 1 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x01 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x03 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x06 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x08 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x29 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x3f } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_TCP_FLAGS, { { L44(13), 0x15 } } },
	{ sample_tcp4, FIX_ALL, PARSED, { { L44(13), 0x02 } } },
	{ sample_tcp4, FIX_ALL, PARSED, { { L44(13), 0xc2 } } },
	{ sample_tcp4, FIX_ALL, PARSED, { { L44(13), 0x12 } } },
	{ sample_tcp4, FIX_ALL, PARSED, { { L44(13), 0x04 } } },
	{ sample_tcp4, FIX_ALL, PARSED, { { L44(13), 0x14 } } },
	{ sample_tcp4, FIX_ALL, PARSED, { { L44(13), 0x11 } } },
	{ sample_tcp4, FIX_ALL, PARSED, { { L44(13), 0x39 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_L4_PORT, { { L44(2), 0 }, { L44(3), 0 } } },
	{ sample_tcp4, FIX_ALL, BH_DROP_L4_PORT, { { L44(1), 0 }, { L44(0), 0 } } },
	{ sample_tcp4, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L44(25), 'x' } } },
	{ sample_tcp6, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L3(39), 3 } } },
	/* UDP */
	{ sample_udp4, FIX_ALL, BH_DROP_L4_LENGTH, { { L44(5), 0 } } },
	{ sample_udp4, FIX_ALL, BH_DROP_L4_LENGTH, { { L44(5), 7 } } },
	{ sample_udp4, FIX_ALL, BH_DROP_L4_LENGTH, { { L44(5), 18 } } },
	{ sample_udp4, FIX_ALL, BH_DROP_L4_PORT, { { L44(3), 0 } } },
	{ sample_udp4, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L44(8), 'x' } } },
	{ sample_udp4, FIX_NOTHING, PARSED, { { L44(6), 0 }, { L44(7), 0 } } },
	{ sample_udp6, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L46(6), 0 }, { L46(7), 0 } } },
	/* SCTP, IGMP, ICMP */
	{ sample_sctp4, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L44(14), 'x' } } },
	{ sample_igmp, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L44(4), 0xe2 } } },
	{ sample_igmp, FIX_ALL, BH_DROP_GROUP_BAD, { { L3(8), 2 } } },
	{ sample_igmp, FIX_ALL, PARSED, { { L3(8), 2 }, { L44(0), 0x1f } } }, /* mtrace goes further */
	{ sample_mld, FIX_NOTHING, BH_DROP_GROUP_BAD, { { L3(7), 2 } } },
	{ sample_mld, FIX_NOTHING, BH_DROP_GROUP_BAD, { { L46(2), 1 } } }, /* PadN for router alert */
	{ sample_echo4, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L44(8), 'x' } } },
	{ sample_echo6, FIX_NOTHING, BH_DROP_L4_CHECKSUM, { { L46(5), 'x' } } },
	{ sample_unreachable4, FIX_ALL, BH_DROP_ICMP_REDIRECT, { { L44(0), 5 } } },
	{ sample_unreachable4, FIX_ALL, BH_DROP_ICMP_BAD, { { L44(8), 0x55 } } },
	{ sample_unreachable4, FIX_ALL, BH_DROP_ICMP_BAD, { { L44(8), 0x46 } } }, /* header of 24: 4 bytes of UDP */
	{ sample_unreachable4, FIX_ALL, BH_DROP_ICMP_BAD, { { L44(8 + 7), 1 } } }, /* a later fragment */
	{ sample_unreachable4, FIX_ALL, PARSED, { { L44(8 + 6), 0x20 } } }, /* a first one */
	{ sample_unreachable4, FIX_ALL, BH_DROP_ICMP_BAD, { { L44(8 + 9), 1 }, { L44(28), 3 } } }, /* error about an error */
	{ sample_unreachable4, FIX_ALL, PARSED, { { L44(8 + 9), 47 } } },
	{ sample_unreachable4, FIX_ALL, BH_DROP_ICMP_BAD, { { L44(8 + 9), 47 }, { L44(8), 0x4f } } },
	{ sample_too_big6, FIX_ALL, BH_DROP_ICMP_BAD, { { L46(8), 0x40 } } },
	{ sample_too_big6, FIX_ALL, BH_DROP_ICMP_BAD, { { L46(8 + 6), 0 } } }, /* hop-by-hop longer than what is quoted */
	/* neighbour discovery */
	{ sample_ns, FIX_ALL, BH_DROP_ND_BAD, { { L3(7), 254 } } },
	{ sample_ns, FIX_ALL, BH_DROP_ND_BAD, { { L46(1), 1 } } },
	{ sample_ns, FIX_ALL, BH_DROP_ND_BAD, { { L46(8), 0xff } } },
	{ sample_ns, FIX_ALL, BH_DROP_ND_BAD, { { L46(25), 0 } } },
	{ sample_ns, FIX_ALL, BH_DROP_ND_BAD, { { L46(25), 2 } } },
	{ sample_na, FIX_ALL, BH_DROP_ND_BAD, { { L46(8), 0xff } } },
	{ sample_ra, FIX_ALL, BH_DROP_ND_BAD, { { L3(8), 0x20 }, { L3(9), 1 } } },
	{ sample_na, FIX_ALL, BH_DROP_ND_BAD, { { L46(0), 137 } } }, /* too short for a redirect */
	/* ARP */
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(1), 6 } } },
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(3), 1 } } },
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(4), 8 } } },
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(5), 16 } } },
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(7), 0 } } },
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(7), 3 } } },
	{ sample_rarp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(7), 1 } } },
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(14), 224 } } },
	{ sample_arp, FIX_NOTHING, BH_DROP_ARP_BAD, { { L3(8), 0 }, { L3(13), 0 } } },
};
/* clang-format on */

static void test_changes(void **state)
{
	static struct craft c;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(changes); i++) {
		const struct change *change = &changes[i];

		change->base(&c);
		for (size_t k = 0; k < RTE_DIM(change->poke) && change->poke[k].at; k++)
			c.bytes[change->poke[k].at] = change->poke[k].value;
		if (change->fix == FIX_HEADER)
			craft_header_checksum(&c);
		if (change->fix == FIX_ALL)
			craft_finish(&c);
		if (parse_with(&c, 0, true) != change->reason)
			print_message("change %zu\n", i);
		expect(&c, change->reason);
	}
}

/* ---- IPv4 options ---- */

static enum bh_drop with_options(const uint8_t options[8])
{
	static struct craft c;

	craft_ip4(&c, 17);
	c.bytes[CRAFT_L3] = 0x47;
	craft_add(&c, options, 8);
	craft_udp(&c, 5000, 53, TEN, 10);
	craft_finish(&c);
	return parse_with(&c, 0, true);
}

static void test_options(void **state)
{
	(void)state;
	assert_int_equal(with_options((const uint8_t[8]){ 148, 4, 0, 0, 1, 1, 0, 9 }),
			 PARSED); /* router alert */
	assert_int_equal(frame_of(last)->l4, CRAFT_L4_4 + 8);
	assert_int_equal(with_options((const uint8_t[8]){ 7, 7, 4 }), PARSED);
	assert_int_equal(with_options((const uint8_t[8]){ 131, 7, 4 }), BH_DROP_IP_OPTIONS);
	assert_int_equal(with_options((const uint8_t[8]){ 1, 137, 7, 4 }), BH_DROP_IP_OPTIONS);
	assert_int_equal(with_options((const uint8_t[8]){ 7, 9 }), BH_DROP_IP_OPTIONS);
	assert_int_equal(with_options((const uint8_t[8]){ 7, 1 }), BH_DROP_IP_OPTIONS);
	assert_int_equal(with_options((const uint8_t[8]){ 1, 1, 1, 1, 1, 1, 1, 7 }), BH_DROP_IP_OPTIONS);
}

/* ---- IPv6 extension headers ---- */

/* UDP behind a chain; the last byte of `chain`'s headers that names the next one is the caller's business. */
static enum bh_drop with_chain(uint8_t first, const uint8_t *chain, uint32_t length)
{
	static struct craft c;

	craft_ip6(&c, first);
	craft_add(&c, chain, length);
	craft_udp(&c, 5000, 53, TEN, 10);
	craft_lengths(&c);
	craft_transport(&c, 17, CRAFT_L4_6 + length, 18);
	return parse_with(&c, 0, true);
}

#define CHAIN(first, ...)                                                                                    \
	with_chain(first, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define EXTENSION(next) next, 0, 1, 4, 0, 0, 0, 0

static void test_chains(void **state)
{
	(void)state;
	assert_int_equal(CHAIN(60, EXTENSION(17)), PARSED);
	assert_int_equal(CHAIN(60, EXTENSION(60), EXTENSION(17)), PARSED);
	assert_int_equal(CHAIN(60, EXTENSION(60), EXTENSION(60), EXTENSION(17)), BH_DROP_IP6_CHAIN);
	assert_int_equal(CHAIN(60, EXTENSION(0), EXTENSION(17)),
			 BH_DROP_IP6_CHAIN); /* hop-by-hop not first */
	assert_int_equal(CHAIN(0, EXTENSION(0), EXTENSION(17)), BH_DROP_IP6_CHAIN);
	assert_int_equal(CHAIN(43, 43, 0, 4, 0, 0, 0, 0, 0, 17, 0, 4, 0, 0, 0, 0, 0), BH_DROP_IP6_CHAIN);
	assert_int_equal(CHAIN(43, 17, 0, 4, 0, 0, 0, 0, 0), PARSED);
	assert_int_equal(CHAIN(43, 17, 0, 0, 0, 0, 0, 0, 0), BH_DROP_IP6_ROUTING);
	assert_int_equal(CHAIN(43, 17, 0, 4, 1, 0, 0, 0, 0), BH_DROP_IP6_ROUTING);
	assert_int_equal(CHAIN(60, 17, 200, 1, 4, 0, 0, 0, 0), BH_DROP_IP6_CHAIN); /* over the end */
	assert_int_equal(CHAIN(60, 17, 0, 1, 5, 0, 0, 0, 0), BH_DROP_IP6_CHAIN); /* option over its header */
	assert_int_equal(CHAIN(0, 17, 0, 0xc2, 4, 0, 1, 0, 0), BH_DROP_IP_HEADER); /* jumbo payload */
	assert_int_equal(CHAIN(51, 17, 0, 0, 0, 0, 0, 0, 0), BH_DROP_IP6_CHAIN); /* AH without its sequence */
	assert_int_equal(CHAIN(44, 17, 0, 0, 0, 0, 0, 0, 1), PARSED);            /* atomic fragment */
	assert_false(frame_of(last)->flags & FRAME_FRAGMENT);
	assert_int_equal(frame_of(last)->destination_port, 53);
	assert_int_equal(CHAIN(44, 44, 0, 0, 0, 0, 0, 0, 1, 17, 0, 0, 0, 0, 0, 0, 1), BH_DROP_IP6_CHAIN);
}

static void test_chain_bytes(void **state)
{
	uint8_t chain[264] = { 17, 31 }; /* Pad1s */

	(void)state;
	assert_int_equal(with_chain(60, chain, 256), PARSED);
	chain[1] = 32;
	assert_int_equal(with_chain(60, chain, 264), BH_DROP_IP6_CHAIN);
}

static void test_chain_ends(void **state)
{
	(void)state;
	assert_int_equal(CHAIN(50, 1, 2, 3, 4), PARSED);
	assert_int_equal(frame_of(last)->protocol, 50);
	assert_int_equal(frame_of(last)->destination_port, 0);
	assert_int_equal(CHAIN(60, EXTENSION(59)), PARSED);
	assert_int_equal(frame_of(last)->protocol, 59);
	/* nobody walks these: mobility, HIP, shim6, unassigned, experiments */
	static const uint8_t unknown[] = { 135, 139, 140, 148, 200, 253, 254, 255 };
	for (size_t i = 0; i < RTE_DIM(unknown); i++)
		assert_int_equal(CHAIN(60, EXTENSION(unknown[i])), BH_DROP_IP6_CHAIN);
}

/* IPv4's router advertisement meets the guard of IPv6's */
static void test_router_discovery(void **state)
{
	static struct craft c;

	(void)state;
	craft_ip4(&c, 1);
	craft_icmp(&c, 9, 0, 0x0102001e);
	craft_finish(&c);
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED | FRAME_ROUTER_ADVERT);
	c.bytes[CRAFT_L4_4] = 10;
	craft_finish(&c);
	assert_int_equal(parsed(&c)->flags, FRAME_TAGGED);
}

static void test_discovery_behind_fragment_header(void **state)
{
	static struct craft c, d;

	(void)state;
	sample_ns(&d);
	craft_ip6(&c, 44);
	c.bytes[CRAFT_L3 + 7] = 255;
	craft_add(&c, "\x3a\0\0\0\0\0\0\1", 8);
	craft_add(&c, d.bytes + CRAFT_L4_6, d.length - CRAFT_L4_6);
	craft_lengths(&c);
	expect(&c, BH_DROP_FRAGMENT_ND); /* atomic: RFC 6980 */
	c.bytes[CRAFT_L4_6 + 3] = 1;
	expect(&c, BH_DROP_FRAGMENT_ND);
	/* behind destination options it is found as well */
	craft_ip6(&c, 60);
	c.bytes[CRAFT_L3 + 7] = 255;
	craft_add(&c, "\x3a\0\1\4\0\0\0\0", 8);
	craft_add(&c, d.bytes + CRAFT_L4_6, d.length - CRAFT_L4_6);
	craft_lengths(&c);
	expect(&c, PARSED);
	assert_true(frame_of(last)->flags & FRAME_ND);
}

/* ---- fragments ---- */

static void fragment4(struct craft *c, uint8_t protocol, uint16_t field, uint32_t data)
{
	static const uint8_t zeros[2048];

	craft_ip4(c, protocol);
	craft_put16(c->bytes + CRAFT_L3 + 6, field);
	if (protocol == 6 && !(field & 0x1fff) && data >= 20) {
		craft_tcp(c, 40000, 443, 0x02);
		data -= 20;
	}
	craft_add(c, zeros, data);
	craft_lengths(c);
	craft_header_checksum(c);
}

static void test_fragment4(void **state)
{
	static struct craft c;

	(void)state;
	fragment4(&c, 6, 0x2000, 24);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->flags,
			 FRAME_TAGGED | FRAME_FRAGMENT | FRAME_FIRST_FRAGMENT | FRAME_MORE_FRAGMENTS);
	assert_int_equal(f->fragment_id, 0x1234);
	assert_int_equal(f->fragment_length, 24);
	assert_int_equal(f->l4, CRAFT_L4_4);
	assert_int_equal(f->protocol, 6);
	assert_int_equal(f->source_port, 0);
	fragment4(&c, 6, 5, 7);
	f = parsed(&c);
	assert_int_equal(f->flags, FRAME_TAGGED | FRAME_FRAGMENT);
	assert_int_equal(f->fragment_offset, 40);
	fragment4(&c, 17, 0x6000 | 5, 8); /* DF set as well: odd, not evil */
	expect(&c, PARSED);
	fragment4(&c, 6, 0x2000, 16);
	expect(&c, BH_DROP_FRAGMENT_TINY);
	fragment4(&c, 6, 1, 16);
	expect(&c, BH_DROP_FRAGMENT_TINY);
	fragment4(&c, 17, 0x2000, 0);
	expect(&c, BH_DROP_FRAGMENT_BAD);
	fragment4(&c, 17, 0x2000, 12);
	expect(&c, BH_DROP_FRAGMENT_BAD);
	fragment4(&c, 17, 8189, 3);
	expect(&c, PARSED); /* ends at 65515 + 20 */
	fragment4(&c, 17, 8189, 4);
	expect(&c, BH_DROP_FRAGMENT_BAD);
	fragment4(&c, 17, 0x1fff, 1400);
	expect(&c, BH_DROP_FRAGMENT_BAD);
}

static void fragment6(struct craft *c, uint8_t next, uint16_t field, const void *data, uint32_t length)
{
	uint8_t header[8] = { next, 0, (uint8_t)(field >> 8), (uint8_t)field, 0, 1, 2, 3 };

	craft_ip6(c, 44);
	craft_add(c, header, sizeof(header));
	craft_add(c, data, length);
	craft_lengths(c);
}

static void test_fragment6(void **state)
{
	static const uint8_t data[64] = { [12] = 0x50 }, options[24] = { 17, 1 };
	static struct craft c;

	(void)state;
	fragment6(&c, 6, 1, data, 24);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->flags,
			 FRAME_TAGGED | FRAME_FRAGMENT | FRAME_FIRST_FRAGMENT | FRAME_MORE_FRAGMENTS);
	assert_int_equal(f->fragment_id, 0x010203);
	assert_int_equal(f->l4, CRAFT_L4_6 + 8);
	assert_int_equal(f->fragment_length, 24);
	assert_int_equal(f->protocol, 6);
	fragment6(&c, 6, 48, data, 5);
	f = parsed(&c);
	assert_int_equal(f->flags, FRAME_TAGGED | FRAME_FRAGMENT);
	assert_int_equal(f->fragment_offset, 48);
	fragment6(&c, 60, 1, options, 24); /* 16 of options, 8 of UDP */
	f = parsed(&c);
	assert_int_equal(f->protocol, 17);
	assert_int_equal(f->payload, CRAFT_L4_6 + 24);
	fragment6(&c, 60, 1, options, 16);
	expect(&c, BH_DROP_FRAGMENT_TINY); /* RFC 7112 */
	fragment6(&c, 60, 1, options, 8);
	expect(&c, BH_DROP_FRAGMENT_TINY);
	fragment6(&c, 6, 1, data, 16);
	expect(&c, BH_DROP_FRAGMENT_TINY);
	fragment6(&c, 6, 8, data, 16);
	expect(&c, BH_DROP_FRAGMENT_TINY);
	fragment6(&c, 17, 0x21, data, 12);
	expect(&c, BH_DROP_FRAGMENT_BAD);
	fragment6(&c, 17, 0x20, data, 0);
	expect(&c, BH_DROP_FRAGMENT_BAD);
	fragment6(&c, 17, 0xfff8, data, 7);
	expect(&c, PARSED);
	fragment6(&c, 17, 0xfff8, data, 8);
	expect(&c, BH_DROP_FRAGMENT_BAD);
}

/* ---- what the driver says ---- */

static void test_stripped_tag(void **state)
{
	static struct craft c;

	(void)state;
	sample_tcp4(&c);
	memmove(c.bytes + 12, c.bytes + 16, c.length - 16);
	c.length -= 4;
	assert_int_equal(parse_with(&c, 0, true), PARSED);
	assert_int_equal(frame_of(last)->flags, 0); /* untagged is for the segment stage to judge */
	const uint64_t stripped = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	assert_int_equal(parse_with(&c, stripped, true), PARSED);
	const struct frame *f = frame_of(last);
	assert_int_equal(f->flags, FRAME_TAGGED | FRAME_STRIPPED);
	assert_int_equal(f->tci, 101);
	assert_int_equal(f->l3, 14);
	assert_int_equal(f->wire_length, c.length + 4);
	last->vlan_tci = 0xe000;
	assert_int_equal(parse_frame(last, true), BH_DROP_PRIORITY_TAG);
	sample_tcp4(&c);
	assert_int_equal(parse_with(&c, stripped, true), BH_DROP_DOUBLE_TAG);
	assert_int_equal(parse_with(&c, stripped | RTE_MBUF_F_RX_QINQ_STRIPPED, true), BH_DROP_DOUBLE_TAG);
}

/* Tags in the place of the one that a sample has. */
static void retag(struct craft *c, const uint8_t *tags, uint32_t length)
{
	memmove(c->bytes + 12 + length, c->bytes + 16, c->length - 16);
	memcpy(c->bytes + 12, tags, length);
	c->length += length - 4;
}

static void test_inner_tag(void **state)
{
	static const struct {
		uint8_t tags[12];
		uint32_t length;
		uint64_t offloads;
		enum bh_drop reason, otherwise; /* with layer2.double-tags: inside, and without */
	} cases[] = {
		{ "\x81\x00\x00\x65\x81\x00\x40\x07", 8, 0, PARSED, BH_DROP_DOUBLE_TAG },
		{ "\x88\xa8\x00\x65\x81\x00\x40\x07", 8, 0, PARSED, BH_DROP_TAG_88A8 },
		{ "\x91\x00\x00\x65\x81\x00\x40\x07", 8, 0, PARSED, BH_DROP_TAG_9100 },
		/* the outer one was taken off */
		{ "\x81\x00\x40\x07", 4, RTE_MBUF_F_RX_VLAN_STRIPPED, PARSED, BH_DROP_DOUBLE_TAG },
		{ "\x88\xa8\x40\x07", 4, RTE_MBUF_F_RX_VLAN_STRIPPED, BH_DROP_TAG_88A8, BH_DROP_TAG_88A8 },
		{ "\x81\x00\x40\x07\x81\x00\x00\x08", 8, RTE_MBUF_F_RX_VLAN_STRIPPED, BH_DROP_DOUBLE_TAG,
		  BH_DROP_DOUBLE_TAG },
		/* both were */
		{ "", 0, RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED, BH_DROP_DOUBLE_TAG,
		  BH_DROP_DOUBLE_TAG },
		/* one that is not of 802.1Q, three, and of other kinds */
		{ "\x88\xa8\x00\x65", 4, 0, BH_DROP_TAG_88A8, BH_DROP_TAG_88A8 },
		{ "\x91\x00\x00\x65", 4, 0, BH_DROP_TAG_9100, BH_DROP_TAG_9100 },
		{ "\x92\x00\x00\x65\x81\x00\x00\x07", 8, 0, BH_DROP_TAG_9100, BH_DROP_TAG_9100 },
		{ "\x81\x00\x00\x65\x88\xa8\x00\x07", 8, 0, BH_DROP_TAG_88A8, BH_DROP_TAG_88A8 },
		{ "\x88\xa8\x00\x65\x88\xa8\x00\x07", 8, 0, BH_DROP_TAG_88A8, BH_DROP_TAG_88A8 },
		{ "\x81\x00\x00\x65\x81\x00\x00\x07\x81\x00\x00\x08", 12, 0, BH_DROP_DOUBLE_TAG,
		  BH_DROP_DOUBLE_TAG },
		{ "\x88\xa8\x00\x65\x81\x00\x00\x07\x88\xa8\x00\x08", 12, 0, BH_DROP_TAG_88A8,
		  BH_DROP_TAG_88A8 },
		/* neither may be no VLAN */
		{ "\x81\x00\x00\x65\x81\x00\xe0\x00", 8, 0, BH_DROP_PRIORITY_TAG, BH_DROP_DOUBLE_TAG },
		{ "\x81\x00\x00\x65\x81\x00\x0f\xff", 8, 0, BH_DROP_PRIORITY_TAG, BH_DROP_DOUBLE_TAG },
		{ "\x81\x00\x00\x00\x81\x00\x00\x07", 8, 0, BH_DROP_PRIORITY_TAG, BH_DROP_DOUBLE_TAG },
		{ "\x88\xa8\x0f\xff\x81\x00\x00\x07", 8, 0, BH_DROP_PRIORITY_TAG, BH_DROP_TAG_88A8 },
	};
	static struct craft c;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		sample_tcp4(&c);
		retag(&c, cases[i].tags, cases[i].length);
		assert_int_equal(parse_with(&c, cases[i].offloads, PARSE_VERIFY), cases[i].otherwise);
		assert_int_equal(parse_with(&c, cases[i].offloads, PARSE_VERIFY | PARSE_INSIDE),
				 cases[i].reason);
		const struct frame *f = frame_of(last);
		if (cases[i].reason != PARSED)
			continue;
		assert_int_equal(f->tci, 101);
		assert_int_equal(f->inner, 0x4007);
		assert_true(f->flags & FRAME_TAGGED);
		assert_int_equal(f->l3, 14 + cases[i].length);
		assert_int_equal(f->ethertype, 0x0800);
		assert_int_equal(f->wire_length, c.length + (cases[i].offloads ? 4 : 0));
		assert_int_equal(f->source_port, 40000);
	}
	/* with one tag, or none, nothing changes */
	sample_tcp4(&c);
	assert_int_equal(parse_with(&c, 0, PARSE_VERIFY | PARSE_INSIDE), PARSED);
	assert_int_equal(frame_of(last)->inner, 0);
}

static void test_driver_checksums(void **state)
{
	static struct craft c;

	(void)state;
	sample_tcp4(&c);
	c.bytes[CRAFT_L4_4 + 16] ^= 1;
	assert_int_equal(parse_with(&c, 0, true), BH_DROP_L4_CHECKSUM);
	assert_int_equal(parse_with(&c, 0, false), PARSED);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_L4_CKSUM_GOOD, true), PARSED);
	assert_false(frame_of(last)->flags & FRAME_CHECKSUM_LEFT);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_L4_CKSUM_NONE, true), PARSED);
	assert_true(frame_of(last)->flags & FRAME_CHECKSUM_LEFT);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_LRO, true), PARSED);
	sample_tcp4(&c);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_L4_CKSUM_BAD, true), BH_DROP_L4_CHECKSUM);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_IP_CKSUM_BAD, true), BH_DROP_IP_CHECKSUM);
	c.bytes[CRAFT_L3 + 10] ^= 1;
	assert_int_equal(parse_with(&c, 0, true), BH_DROP_IP_CHECKSUM);
	assert_int_equal(parse_with(&c, 0, false), PARSED);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_IP_CKSUM_GOOD, true), PARSED);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_IP_CKSUM_NONE, true), BH_DROP_IP_CHECKSUM);
	/* some drivers call a UDP datagram without checksum bad */
	sample_udp4(&c);
	memset(c.bytes + CRAFT_L4_4 + 6, 0, 2);
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_L4_CKSUM_BAD, true), PARSED);
	sample_echo4(&c);
	c.bytes[CRAFT_L4_4 + 8] ^= 1;
	assert_int_equal(parse_with(&c, RTE_MBUF_F_RX_L4_CKSUM_GOOD, true), BH_DROP_L4_CHECKSUM);
}

static void test_padding_is_no_payload(void **state)
{
	static struct craft c;

	(void)state;
	sample_udp4(&c);
	craft_add(&c, "PADDINGPADDING", 14);
	const struct frame *f = parsed(&c);
	assert_int_equal(f->payload_length, 9);
	assert_int_equal(f->l3_length, 37);
	assert_int_equal(f->wire_length, c.length);
	/* nor is what stands behind UDP's own length */
	sample_udp4(&c);
	c.bytes[CRAFT_L4_4 + 5] = 12;
	craft_transport(&c, 17, CRAFT_L4_4, 12);
	craft_put16(c.bytes + CRAFT_L4_4 + 4, 12);
	assert_int_equal(parsed(&c)->payload_length, 4);
}

/* ---- the stage ---- */

static void test_stage(void **state)
{
	static struct craft c;
	struct rte_mbuf *frames[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		sample_tcp4(&c);
		craft_put16(c.bytes + CRAFT_L4_4, 1000u + (unsigned int)i);
		craft_finish(&c);
		if (i % 2)
			c.bytes[6] = 1;
		frames[i] = eal_frame(pool, c.bytes, c.length);
		frames[i]->port = (uint16_t)(i / 2);
	}
	assert_int_equal(parse_stage(w, frames, 4), 2);
	assert_int_equal(frame_of(frames[0])->source_port, 1000);
	assert_int_equal(frame_of(frames[1])->source_port, 1002);
	assert_int_equal(eal_drops(w, 0, BH_DROP_SOURCE_MAC), 1);
	assert_int_equal(eal_drops(w, 1, BH_DROP_SOURCE_MAC), 1);
	assert_int_equal(w->counters->segments[0].drops, 0); /* no segment yet */
	rte_pktmbuf_free_bulk(frames, 2);
}

static int start(void **state)
{
	(void)state;
	pool = eal_pool("frames", 64, 4096);
	w = eal_worker();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rte_pktmbuf_free(last);
	int leaked = rte_mempool_in_use_count(pool) != 0;
	eal_worker_free(w);
	return leaked;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_pass),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_both_directions_have_one_key),
		cmocka_unit_test(test_key_orders_ports_of_one_address),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_error_has_key_of_what_it_quotes),
		cmocka_unit_test(test_error_about_a_query),
		cmocka_unit_test(test_neighbour_discovery),
		cmocka_unit_test(test_duplicate_address_detection),
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_nameless_dhcp_client),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_chain_bytes),
		cmocka_unit_test(test_chain_ends),
		cmocka_unit_test(test_router_discovery),
		cmocka_unit_test(test_discovery_behind_fragment_header),
		cmocka_unit_test(test_fragment4),
		cmocka_unit_test(test_fragment6),
		cmocka_unit_test(test_stripped_tag),
		cmocka_unit_test(test_inner_tag),
		cmocka_unit_test(test_driver_checksums),
		cmocka_unit_test(test_padding_is_no_payload),
		cmocka_unit_test(test_stage),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
