/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/segment.c dataplane/assignment.c dataplane/guard.c dataplane/bindings.c dataplane/notice.c */
/* needs: dataplane/layer2.c dataplane/echoes.c dataplane/protocol.c dataplane/mactable.c dataplane/learn.c dataplane/place.c */
/* needs: dataplane/store.c dataplane/addresses.c dataplane/rates.c dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c */
/* needs: dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c */
/* (port, VLAN) to segment, --assign, and the guards that ask nothing but the policy. */
#include "layer2_world.h"

static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
static const uint8_t none6[16];
/* made from 00:50:56:aa:00:31 */
static const uint8_t link_local31[16] = { 0xfe, 0x80, [8] = 2, 0x50, 0x56, 0xff, 0xfe, 0xaa, 0, 0x31 };

/* ---- segments ---- */

static void test_vlans(void **state)
{
	(void)state;
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
	assert_int_equal(world.f.segment, WEB);
	assert_int_equal(world.f.network, SHOP);
	assert_int_equal(world.f.key.network, SHOP);
	assert_int_equal(world.f.hash, flow_hash(&world.f.key, 0));
	assert_int_equal(world.w[0]->counters->segments[WEB].in, 1);
	assert_int_equal(world.w[0]->counters->segments[WEB].in_bytes, 18 + 32);
	assert_int_equal(run(0, data4(PLAIN, M(12), M(31), IP(12), IP(31))), PASSED);
	assert_int_equal(world.f.segment, PLAIN);

	struct bytes b = data4(WEB, M(11), M(31), IP(11), IP(31));
	b.data[15] = 77;
	assert_int_equal(run(0, b), BH_DROP_UNKNOWN_VLAN);
	b = data4(PLAIN, M(11), M(31), IP(11), IP(31));
	b.port = 0;
	assert_int_equal(run(0, b), BH_DROP_UNTAGGED);
	/* a tag is never taken for its absence */
	b = data4(PLAIN, M(11), M(31), IP(11), IP(31));
	memmove(b.data + 16, b.data + 12, b.length - 12);
	memcpy(b.data + 12, "\x81\x00\x0f\xff", 4);
	b.length += 4;
	assert_int_equal(run(0, b), BH_DROP_PRIORITY_TAG);
	/* the same addresses in another network are another key */
	assert_int_equal(run(0, data4(LONE, M(11), M(31), IP(11), IP(31))), PASSED);
	assert_int_equal(world.f.key.network, OTHER);
}

/* ---- DHCP and router advertisements ---- */

static struct bytes dhcp_offer(uint16_t segment)
{
	return udp4(segment, M(66), ALL, IP(66), "255.255.255.255", 67, 68);
}

static struct bytes router(uint16_t segment, uint8_t type)
{
	uint8_t rest[40] = { type };

	return icmp6(segment, M(31), "33:33:00:00:00:01", link_local31, all_nodes, rest,
		     type == 134 ? 16 : 40);
}

static void test_servers_and_routers(void **state)
{
	(void)state;
	assert_int_equal(run(0, dhcp_offer(WEB)), BH_DROP_DHCP_GUARD);
	assert_int_equal(world.notices[BH_NOTICE_DHCP_GUARD], 1);
	assert_int_equal(run(0, dhcp_offer(UPLINK)), PASSED);
	assert_int_equal(run(0, router(WEB, 134)), BH_DROP_RA_GUARD);
	assert_int_equal(world.notices[BH_NOTICE_RA_GUARD], 1);
	assert_int_equal(run(0, router(WEB, 137)), BH_DROP_RA_GUARD);
	assert_int_equal(run(0, router(UPLINK, 137)), BH_DROP_RA_GUARD);
	assert_int_equal(run(0, router(UPLINK, 134)), PASSED);
}

static void test_notices_are_bounded(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(run(0, dhcp_offer(WEB)), BH_DROP_DHCP_GUARD);
	assert_int_equal(world.notices[BH_NOTICE_DHCP_GUARD], 10);
	world_time(START + SEC);
	for (unsigned int i = 0; i < 1000; i++)
		run(0, dhcp_offer(WEB));
	assert_int_equal(world.notices[BH_NOTICE_DHCP_GUARD], 15);
}

static void test_probes_are_consumed(void **state)
{
	struct bytes b = ether(DB, M(33), M(11), 0x88b6);

	(void)state;
	put(&b, "BHLP", 4);
	assert_int_equal(run(0, b), BH_DROP_ETHERTYPE); /* as in replay */
	world.w[0]->loops = (struct loops *)1;
	/* its source is our own, which is bound to no segment */
	world.segments[DB].spoof_guard = BH_SPOOF_STRICT;
	assert_int_equal(run(0, b), CONSUMED);
	assert_int_equal(world.w[0]->counters->ports[b.port].consumed, 1);
}

/* What a guard refuses it refuses behind a second tag, too. */
static struct bytes inside(struct bytes b, uint8_t vlan)
{
	memmove(b.data + 20, b.data + 16, b.length - 16u);
	memcpy(b.data + 16, (uint8_t[]){ 0x81, 0x00, 0x00, vlan }, 4);
	b.length += 4;
	return b;
}

static void test_guards_inside(void **state)
{
	struct bytes bpdu = ether(WEB, M(11), "01:80:c2:00:00:00", 0x0026),
		     lldp = ether(WEB, M(11), M(31), 0x88cc);

	(void)state;
	put(&bpdu, "\x42\x42\x03\x00", 4);
	put(&lldp, "\0\0\0\0", 4);
	assert_int_equal(run(0, inside(data4(WEB, M(11), M(31), IP(11), IP(31)), 7)), BH_DROP_DOUBLE_TAG);
	world.header.settings.double_tags_inside = 1;
	assert_int_equal(run(0, inside(data4(WEB, M(11), M(31), IP(11), IP(31)), 7)), PASSED);
	assert_int_equal(world.f.key.network, SHOP);
	assert_int_equal(world.f.key.inner, 7);
	uint32_t hash = world.f.hash;
	assert_int_equal(run(0, inside(data4(WEB, M(11), M(31), IP(11), IP(31)), 8)), PASSED);
	assert_int_not_equal(world.f.hash, hash);
	assert_int_equal(run(0, inside(dhcp_offer(WEB), 7)), BH_DROP_DHCP_GUARD);
	assert_int_equal(run(0, inside(router(WEB, 134), 7)), BH_DROP_RA_GUARD);
	assert_int_equal(run(0, inside(router(UPLINK, 134), 7)), PASSED);
	assert_int_equal(run(0, inside(bpdu, 7)), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, inside(lldp, 7)), BH_DROP_ETHERTYPE);
	world.segments[DB].spoof_guard = BH_SPOOF_STRICT;
	world_bind(0, DB, M(31), IP(31));
	assert_int_equal(run(0, inside(arp_request(DB, M(31), IP(31), IP(11)), 7)), PASSED);
	assert_int_equal(run(0, inside(arp_request(DB, M(31), IP(1), IP(11)), 7)), BH_DROP_SPOOF);
	assert_int_equal(run(0, inside(data4(DB, M(31), M(11), IP(33), IP(11)), 7)), BH_DROP_SPOOF);
	assert_int_equal(run(0, inside(data4(WEB, M(31), M(11), IP(31), IP(11)), 7)), BH_DROP_SPOOF);
	/* probes are never sent with two tags */
	struct bytes probe = ether(WEB, M(11), M(31), 0x88b6);
	put(&probe, "BHLP", 4);
	assert_int_equal(run(0, inside(probe, 7)), BH_DROP_ETHERTYPE);
}

/* ---- spoof guard: strict ---- */

static void strict_db(void)
{
	world.segments[DB].spoof_guard = BH_SPOOF_STRICT;
	world_bind(0, DB, M(31), IP(31));
	world_bind(1, DB, M(32), NULL);
}

static void test_strict_addresses(void **state)
{
	(void)state;
	strict_db();
	assert_int_equal(run(0, data4(DB, M(31), M(11), IP(31), IP(11))), PASSED);
	assert_int_equal(run(0, data4(DB, M(31), M(11), IP(33), IP(11))), BH_DROP_SPOOF);
	assert_int_equal(run(0, data4(DB, M(33), M(11), IP(31), IP(11))), BH_DROP_SPOOF);
	/* bound without an address: any that is nobody else's */
	assert_int_equal(run(0, data4(DB, M(32), M(11), IP(40), IP(11))), PASSED);
	assert_int_equal(run(0, data4(DB, M(32), M(11), IP(31), IP(11))), BH_DROP_SPOOF);
	/* other ethertypes have a MAC too */
	struct bytes b = ether(DB, M(33), M(11), 0x88cc);
	put(&b, "\0\0\0\0", 4);
	assert_int_equal(run(0, b), BH_DROP_SPOOF);
	/* DHCP clients have no address yet */
	assert_int_equal(run(0, udp4(DB, M(31), ALL, "0.0.0.0", "255.255.255.255", 68, 67)), PASSED);
	assert_int_equal(world.notices[BH_NOTICE_SPOOF], 4);
	/* without a binding nobody is let in */
	world.policy.image.BINDINGS_count = 0;
	bindings_free(world.policy.bindings);
	world.policy.bindings = NULL;
	assert_int_equal(run(0, data4(DB, M(31), M(11), IP(31), IP(11))), BH_DROP_SPOOF);
}

static void test_strict_arp(void **state)
{
	(void)state;
	strict_db();
	assert_int_equal(run(0, arp_request(DB, M(31), IP(31), IP(11))), PASSED);
	assert_int_equal(run(0, arp_request(DB, M(31), "0.0.0.0", IP(31))), PASSED); /* probe */
	assert_int_equal(run(0, arp_request(DB, M(31), IP(1), IP(11))), BH_DROP_SPOOF);
	assert_int_equal(run(0, arp_of(DB, M(31), M(11), 0x0806, 2, M(32), IP(31), IP(11))), BH_DROP_SPOOF);
	assert_int_equal(run(0, rarp(DB, M(31))), PASSED);
	assert_int_equal(run(0, rarp(DB, M(33))), BH_DROP_SPOOF);
}

static struct bytes neighbour(uint8_t type, const uint8_t *source, const uint8_t *target, const char *option)
{
	uint8_t rest[32] = { type };
	uint8_t solicited[16] = { 0xff, 2, [11] = 1, 0xff, target[13], target[14], target[15] };
	struct rte_ether_addr mac;
	uint16_t length = 24;

	memcpy(rest + 8, target, 16);
	if (option) {
		rest[24] = type == 135 ? 1 : 2;
		rest[25] = 1;
		rte_ether_unformat_addr(option, &mac);
		memcpy(rest + 26, &mac, 6);
		length = 32;
	}
	return icmp6(DB, M(31), "33:33:ff:00:00:01", source, type == 135 ? solicited : all_nodes, rest,
		     length);
}

static void test_strict_discovery(void **state)
{
	uint8_t other[16];

	(void)state;
	strict_db();
	memcpy(other, link_local31, 16);
	other[15] = 0x99;
	/* the link-local address made from the MAC needs no binding; another does */
	assert_int_equal(run(0, neighbour(135, link_local31, other, M(31))), PASSED);
	assert_int_equal(run(0, neighbour(135, other, link_local31, M(31))), BH_DROP_SPOOF);
	assert_int_equal(run(0, neighbour(135, link_local31, other, M(32))), BH_DROP_SPOOF);
	assert_int_equal(run(0, neighbour(135, none6, link_local31, NULL)), PASSED); /* DAD */
	assert_int_equal(run(0, neighbour(136, link_local31, link_local31, M(31))), PASSED);
	assert_int_equal(run(0, neighbour(136, link_local31, other, M(31))), BH_DROP_SPOOF);
	assert_int_equal(run(0, neighbour(136, link_local31, link_local31, M(32))), BH_DROP_SPOOF);
}

/* The source of an ICMP error is its sender's, not the one of the packet it quotes. */
static void test_strict_icmp_error(void **state)
{
	/* unreachable, quoting a datagram from the web machine to the sender */
	uint8_t icmp[36] = { 3,  1,  [8] = 0x45, [11] = 28, [16] = 64, 17,   [20] = 10, 10,   0, 11,
			     10, 10, 0,          31,        4,         0x57, 8,         0xae, 0, 8 };

	(void)state;
	strict_db();
	assert_int_equal(run(0, ip4(DB, M(31), M(11), IP(31), IP(11), 1, icmp, sizeof(icmp))), PASSED);
	assert_int_equal(run(0, ip4(DB, M(31), M(11), IP(99), IP(11), 1, icmp, sizeof(icmp))), BH_DROP_SPOOF);
}

static void test_bound_elsewhere(void **state)
{
	(void)state;
	world_bind(0, DB, M(31), IP(31));
	/* whatever the guard of the segment it is heard on; and an announcement does not help */
	assert_int_equal(run(0, data4(WEB, M(31), M(11), IP(31), IP(11))), BH_DROP_SPOOF);
	assert_int_equal(run(0, rarp(WEB, M(31))), BH_DROP_SPOOF);
	assert_int_equal(run(0, data4(LONE, M(31), M(11), IP(31), IP(11))), PASSED); /* another network */
	/* bound to two: either */
	world_bind(1, APP, M(31), IP(31));
	assert_int_equal(run(0, data4(WEB, M(31), M(11), IP(31), IP(11))), BH_DROP_SPOOF);
	assert_int_equal(run(0, data4(APP, M(31), M(11), IP(31), IP(11))), PASSED);
}

static void test_many_bindings(void **state)
{
	enum { N = 1000 };
	static struct bh_binding many[N];
	struct policy p = world.policy;
	struct bindings *b;
	struct rte_ether_addr mac, owner;
	uint16_t segment;
	uint8_t address[16] = { [10] = 0xff, 0xff, 10, 20 };

	(void)state;
	p.image.BINDINGS_ = many;
	p.image.BINDINGS_count = N;
	for (uint16_t i = 0; i < N; i++) {
		many[i] = (struct bh_binding){ .segment = i % 2, .mac = { 2, 0, 0, 0, i >> 8, i & 0xff } };
		memcpy(many[i].address, address, 14);
		many[i].address[14] = i >> 8;
		many[i].address[15] = i & 0xff;
	}
	assert_int_equal(bindings_new(&p, &b), 0);
	for (uint16_t i = 0; i < N; i++) {
		memcpy(&mac, many[i].mac, 6);
		uint16_t own = UPLINK + i % 2, other = UPLINK + !(i % 2);
		assert_int_equal(bindings_place(b, SHOP, &mac), own);
		assert_int_equal(bindings_place(b, OTHER, &mac), SEGMENT_NONE);
		assert_true(bindings_allow(b, SHOP, own, &mac, many[i].address));
		assert_false(bindings_allow(b, SHOP, own, &mac, many[(i + 2) % N].address));
		assert_false(bindings_allow(b, SHOP, other, &mac, many[i].address));
		assert_true(bindings_owner(b, SHOP, many[i].address, &owner, &segment));
		assert_true(rte_is_same_ether_addr(&owner, &mac));
		assert_int_equal(segment, own);
	}
	mac.addr_bytes[0] = 6;
	assert_int_equal(bindings_place(b, SHOP, &mac), SEGMENT_NONE);
	bindings_free(b);
}

/* ---- replay --assign ---- */

static void address4(uint8_t out[16], const char *text)
{
	struct bytes b = { 0 };

	put_ip4(&b, text);
	memset(out, 0, 16);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, b.data, 4);
}

static int add(struct assignment *a, const char *text, uint8_t prefix, uint16_t segment)
{
	uint8_t address[16];

	address4(address, text);
	return assignment_add(a, address, 96 + prefix, segment);
}

static uint16_t find(const struct assignment *a, const char *text)
{
	uint8_t address[16];

	address4(address, text);
	return assignment_find(a, address);
}

static void test_longest_prefix(void **state)
{
	struct assignment *a = assignment_new();
	uint8_t six[16] = { 0x20, 1, 0xd, 0xb8 };

	(void)state;
	assert_int_equal(find(a, IP(1)), SEGMENT_NONE);
	assert_int_equal(add(a, "10.0.0.0", 8, WEB), 0);
	assert_int_equal(add(a, "10.10.0.0", 24, APP), 0);
	assert_int_equal(add(a, "10.10.0.31", 32, DB), 0);
	assert_int_equal(add(a, "10.10.0.77", 24, APP), 0);      /* said twice */
	assert_int_equal(add(a, "10.10.0.0", 24, WEB), -EINVAL); /* contradicted */
	assert_int_equal(assignment_add(a, six, 129, WEB), -EINVAL);
	assert_int_equal(assignment_add(a, six, 32, UPLINK), 0);
	for (unsigned int i = 0; i < 200; i++) {
		char text[32];
		snprintf(text, sizeof(text), "10.99.%u.0", i);
		assert_int_equal(add(a, text, 24, i % 2 ? WEB : APP), 0);
	}
	assert_int_equal(find(a, IP(31)), DB);
	assert_int_equal(find(a, IP(32)), APP);
	assert_int_equal(find(a, "10.11.0.1"), WEB);
	assert_int_equal(find(a, "10.99.7.1"), WEB);
	assert_int_equal(find(a, "10.99.8.1"), APP);
	assert_int_equal(find(a, "11.0.0.1"), SEGMENT_NONE);
	six[15] = 9;
	assert_int_equal(assignment_find(a, six), UPLINK);
	assignment_free(a);
}

static void test_assigned_frames(void **state)
{
	struct assignment *a = assignment_new();
	uint8_t error[36] = { 3,  1,  [8] = 0x45, [11] = 28, [16] = 64, 17,   [20] = 10, 10,   0, 11,
			      10, 10, 0,          31,        4,         0x57, 8,         0xae, 0, 8 };

	(void)state;
	assert_int_equal(add(a, "10.10.0.0", 28, WEB), 0);
	assert_int_equal(add(a, "10.10.0.31", 32, DB), 0);
	assert_int_equal(add(a, "10.10.0.50", 32, LONE), 0);
	world.w[0]->assignment = a;
	world.segments[WEB].spoof_guard = BH_SPOOF_STRICT; /* guards are passed by */
	/* tags and MACs do not matter: untagged on a port that has none, one MAC for all */
	struct bytes b = data4(PLAIN, M(66), M(66), IP(11), IP(31));
	b.port = 0;
	assert_int_equal(run(0, b), PASSED);
	assert_int_equal(world.f.segment, WEB);
	assert_int_equal(world.f.dest, DB);
	assert_true(world.f.flags & FRAME_ASSIGNED);
	assert_int_equal(mac_table_count(world.w[0]->macs), 0);
	assert_int_equal(run(0, data4(APP, M(66), M(66), IP(31), IP(11))), PASSED);
	assert_int_equal(world.f.segment, DB);
	assert_int_equal(world.f.dest, WEB);
	assert_int_equal(run(0, data4(WEB, M(66), M(66), IP(11), IP(12))), BH_DROP_SAME_SEGMENT);
	assert_int_equal(run(0, data4(WEB, M(66), M(66), IP(11), IP(99))), BH_DROP_UNASSIGNED);
	assert_int_equal(run(0, data4(WEB, M(66), M(66), IP(99), IP(11))), BH_DROP_UNASSIGNED);
	assert_int_equal(run(0, data4(WEB, M(66), M(66), IP(11), IP(50))), BH_DROP_UNASSIGNED);
	assert_int_equal(run(0, data4(WEB, M(66), M(66), IP(11), "224.0.0.251")), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	/* an error is from its sender to whom it tells, whoever the quoted packet was from */
	assert_int_equal(run(0, ip4(WEB, M(66), M(66), IP(31), IP(11), 1, error, sizeof(error))), PASSED);
	assert_int_equal(world.f.segment, DB);
	assert_int_equal(world.f.dest, WEB);
	/* ARP keeps its guard; DHCP is IP like any other; what has no address has no segment */
	assert_int_equal(run(0, arp_request(WEB, M(66), IP(11), IP(31))), PASSED);
	assert_true(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(run(0, udp4(WEB, M(66), M(66), IP(31), IP(11), 67, 68)), PASSED);
	assert_false(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(run(0, ether(WEB, M(66), M(66), 0x88cc)), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, rarp(WEB, M(66))), BH_DROP_ETHERTYPE);
	assignment_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vlans, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_servers_and_routers, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_notices_are_bounded, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_probes_are_consumed, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_guards_inside, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_strict_addresses, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_strict_arp, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_strict_discovery, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_strict_icmp_error, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_bound_elsewhere, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_many_bindings, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_longest_prefix, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_assigned_frames, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
