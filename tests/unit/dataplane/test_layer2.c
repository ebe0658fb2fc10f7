/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/segment.c dataplane/assignment.c dataplane/guard.c dataplane/bindings.c dataplane/notice.c */
/* needs: dataplane/layer2.c dataplane/echoes.c dataplane/protocol.c dataplane/mactable.c dataplane/learn.c dataplane/place.c */
/* needs: dataplane/store.c dataplane/addresses.c dataplane/rates.c dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c */
/* needs: dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c */
/* Destinations, guards of protocols, learning, moves, storms and the spoof guard that learns. */
#include "layer2_world.h"

/* A machine makes itself heard. */
static void hear(uint16_t segment, const char *mac, const char *address)
{
	assert_int_equal(run(0, arp_request(segment, mac, address, IP(254))), PASSED);
}

/* ---- where to ---- */

static void test_destinations(void **state)
{
	(void)state;
	hear(WEB, M(11), IP(11));
	hear(DB, M(31), IP(31));
	assert_int_equal(world.notices[BH_NOTICE_MAC_LEARNED], 2);
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
	assert_int_equal(world.f.dest, DB);
	assert_false(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(run(0, data4(WEB, M(12), M(11), IP(12), IP(11))), BH_DROP_SAME_SEGMENT);
	assert_int_equal(run(0, data4(WEB, M(11), M(77), IP(11), IP(77))), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	assert_int_equal(run(0, data4(WEB, M(11), ALL, IP(11), "10.10.0.255")), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	/* a MAC is known in its own network only */
	assert_int_equal(run(0, data4(LONE, M(13), M(31), IP(11), IP(31))), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	/* a bound machine's place is known before it is heard */
	world_bind(0, APP, M(21), NULL);
	assert_int_equal(run(0, data4(WEB, M(11), M(21), IP(11), IP(21))), PASSED);
	assert_int_equal(world.f.dest, APP);
	/* a segment that the next policy has no more is no place */
	world.segments[DB].index = BH_NONE;
	world.policy.generation++;
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
}

/* The policy changed while a frame was on its way to the worker that owns its flow. */
static void test_segment_gone(void **state)
{
	struct bytes b = arp_request(WEB, M(11), IP(11), IP(31));
	struct rte_mbuf *m = eal_frame(world.pool, b.data, b.length);

	(void)state;
	assert_int_equal(parse_stage(world.w[0], &m, 1), 1);
	assert_int_equal(segment_stage(world.w[0], &m, 1), 1);
	world.segments[WEB].index = BH_NONE;
	assert_int_equal(layer2_stage(world.w[1], &m, 1), 0);
	assert_int_equal(world.reason, BH_DROP_UNKNOWN_VLAN);
	assert_int_equal(mac_table_count(world.w[0]->macs), 0);
}

static void test_own_mac(void **state)
{
	struct rte_ether_addr own;

	(void)state;
	rte_ether_unformat_addr(M(01), &own);
	assert_int_equal(layer2_own_mac(world.w[0]->layer2, &own), 0);
	assert_int_equal(run(0, data4(WEB, M(01), M(31), IP(11), IP(31))), BH_DROP_SOURCE_MAC);
	for (unsigned int i = 1; i < BH_MAX_PORTS; i++)
		assert_int_equal(layer2_own_mac(world.w[0]->layer2, &own), 0);
	assert_int_equal(layer2_own_mac(world.w[0]->layer2, &own), -ENOSPC);
}

/* ---- guards of protocols ---- */

static struct bytes other(uint16_t ethertype, const char *to)
{
	struct bytes b = ether(WEB, M(11), to, ethertype);

	put(&b, "\1\1\1\1\1\1\1\1", 8);
	return b;
}

static void allow_ethertype(uint16_t ethertype)
{
	world.policy.ethertypes[ethertype / 64] |= 1ull << ethertype % 64;
}

static void test_ethertypes(void **state)
{
	(void)state;
	memset(world.policy.ethertypes, 0, sizeof(world.policy.ethertypes));
	assert_int_equal(run(0, other(0x88cc, "01:80:c2:00:00:0e")), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, other(0x8809, "01:80:c2:00:00:02")), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, other(0x0026, "01:80:c2:00:00:00")), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, other(0x8863, ALL)), BH_DROP_ETHERTYPE);
	assert_int_equal(mac_table_count(world.w[0]->macs), 0);
	world.header.settings.layer2_allow |=
		1u << BH_LAYER2_LLDP | 1u << BH_LAYER2_LACP | 1u << BH_LAYER2_BPDU;
	assert_int_equal(run(0, other(0x88cc, "01:80:c2:00:00:0e")), PASSED);
	assert_true(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(run(0, other(0x8809, "01:80:c2:00:00:02")), PASSED);
	assert_int_equal(run(0, other(0x0026, "01:80:c2:00:00:00")), PASSED);
	assert_int_equal(run(0, other(0x0026, "01:00:0c:cc:cc:cd")), PASSED);
	assert_int_equal(run(0, other(0x0026, "01:00:0c:cc:cc:cc")), BH_DROP_ETHERTYPE); /* CDP */
	struct bytes marker = other(0x8809, "01:80:c2:00:00:02"); /* a slow protocol that is not LACP */
	marker.data[18] = 2;
	assert_int_equal(run(0, marker), BH_DROP_ETHERTYPE);
	allow_ethertype(0x8863);
	assert_int_equal(run(0, other(0x8863, ALL)), PASSED);
	assert_int_equal(run(0, other(0x8864, ALL)), BH_DROP_ETHERTYPE);
	memset(world.policy.ethertypes, 0, sizeof(world.policy.ethertypes));
}

static void test_monitor_passes_other_ethertypes(void **state)
{
	(void)state;
	world.networks[0].monitor = 1;
	assert_int_equal(run(0, other(0x8863, ALL)), PASSED);
	assert_true(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(world.notices[BH_NOTICE_ETHERTYPE], 1);
	/* what belongs to one link never passes by monitor: a BPDU would take a port of the hypervisor down */
	assert_int_equal(run(0, other(0x0026, "01:80:c2:00:00:00")), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, other(0x88cc, "01:80:c2:00:00:0e")), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, other(0x888e, "01:80:c2:00:00:03")), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, other(0x88f7, "01:1b:19:00:00:00")), BH_DROP_ETHERTYPE);
	world.networks[0].monitor = 0;
	world.header.settings.monitor = 1;
	assert_int_equal(run(0, other(0x8863, ALL)), PASSED);
}

static void test_protocols_left_out(void **state)
{
	static const uint8_t igmp[8] = { 0x13 };

	(void)state;
	assert_int_equal(run(0, ip4(WEB, M(11), "01:00:5e:00:00:fb", IP(11), "224.0.0.251", 2, igmp, 8)),
			 PASSED);
	assert_true(world.f.flags & FRAME_PROTECTED);
	/* to one machine it is no group management: the rules decide */
	assert_int_equal(run(0, ip4(WEB, M(11), M(31), IP(11), IP(31), 2, igmp, 8)), PASSED);
	assert_false(world.f.flags & FRAME_PROTECTED);
	world.header.settings.layer2_allow = 0;
	assert_int_equal(run(0, ip4(WEB, M(11), "01:00:5e:00:00:fb", IP(11), "224.0.0.251", 2, igmp, 8)),
			 BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, arp_request(WEB, M(11), IP(11), IP(31))), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, rarp(WEB, M(11))), BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, udp4(WEB, M(11), ALL, "0.0.0.0", "255.255.255.255", 68, 67)),
			 BH_DROP_ETHERTYPE);
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
}

static void test_dhcp(void **state)
{
	(void)state;
	hear(UPLINK, M(01), IP(1));
	hear(DB, M(31), IP(31));
	assert_int_equal(run(0, udp4(WEB, M(11), ALL, "0.0.0.0", "255.255.255.255", 68, 67)), PASSED);
	assert_true(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	assert_true(layer2_candidate(&world.policy, &world.f, UPLINK));
	assert_false(layer2_candidate(&world.policy, &world.f, DB));
	/* a renewal goes to the server, never to some machine */
	assert_int_equal(run(0, udp4(WEB, M(11), M(01), IP(11), IP(1), 68, 67)), PASSED);
	assert_int_equal(world.f.dest, UPLINK);
	assert_int_equal(run(0, udp4(WEB, M(11), M(31), IP(11), IP(31), 68, 67)), BH_DROP_NO_DESTINATION);
	/* a datagram to port 67 from any port is no DHCP: the rules decide */
	assert_int_equal(run(0, udp4(WEB, M(11), M(31), IP(11), IP(31), 4444, 67)), PASSED);
	assert_false(world.f.flags & FRAME_PROTECTED);
	/* nor is one from port 67 to any port, though it enters where servers are */
	assert_int_equal(run(0, udp4(UPLINK, M(01), M(31), IP(1), IP(31), 67, 5432)), PASSED);
	assert_false(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(run(0, udp4(UPLINK, M(01), M(31), IP(1), IP(31), 67, 68)), PASSED);
	assert_true(world.f.flags & FRAME_PROTECTED);
	assert_int_equal(world.f.dest, DB);
}

/* ---- rates ---- */

static unsigned int pass_of(unsigned int count, struct bytes b, int other_reason)
{
	unsigned int passed = 0;

	for (unsigned int i = 0; i < count; i++) {
		int reason = run(i % 2, b);
		assert_true(reason == PASSED || reason == other_reason);
		passed += reason == PASSED;
	}
	return passed;
}

static void test_storm(void **state)
{
	struct bytes storm = data4(WEB, M(11), ALL, IP(11), "10.10.0.255");
	struct bytes other = data4(WEB, M(12), ALL, IP(12), "10.10.0.255");

	(void)state;
	hear(WEB, M(11), IP(11));
	hear(WEB, M(12), IP(12));
	world.segments[WEB].limits.broadcast = 100;
	world.segments[APP].limits.broadcast = 100;
	/* two workers share the segment's rate, of which two machines can have all */
	assert_int_equal(pass_of(500, storm, BH_DROP_STORM), 12);
	assert_int_equal(pass_of(500, other, BH_DROP_STORM), 12);
	world_time(START + SEC / 10);
	assert_int_equal(pass_of(500, storm, BH_DROP_STORM) + pass_of(500, other, BH_DROP_STORM), 10);
	/* unknown unicast is a storm, known is not; ARP has a bucket of its own; other segments have theirs */
	assert_int_equal(run(0, data4(WEB, M(11), M(77), IP(11), IP(77))), BH_DROP_STORM);
	hear(DB, M(31), IP(31));
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
	hear(WEB, M(11), IP(11));
	assert_int_equal(run(0, data4(APP, M(21), ALL, IP(21), "10.10.0.255")), PASSED);
	/* replay of a policy that writes no limits */
	world.policy.replay_quotas_off = true;
	assert_int_equal(pass_of(500, storm, BH_DROP_STORM), 500);
	world.policy.replay_quotas_off = false;
}

static void test_storm_of_one_machine(void **state)
{
	(void)state;
	hear(WEB, M(11), IP(11));
	hear(WEB, M(12), IP(12));
	world.segments[WEB].limits.broadcast = 100;
	assert_int_equal(pass_of(500, data4(WEB, M(11), ALL, IP(11), "10.10.0.255"), BH_DROP_STORM), 12);
	/* the other's frames still pass, and the first one's bucket fills again */
	assert_int_equal(run(0, data4(WEB, M(12), ALL, IP(12), "10.10.0.255")), PASSED);
	world_time(START + SEC / 50);
	assert_int_equal(run(0, data4(WEB, M(11), ALL, IP(11), "10.10.0.255")), PASSED);
	assert_int_equal(run(0, data4(WEB, M(11), ALL, IP(11), "10.10.0.255")), BH_DROP_STORM);
}

static void test_guard_rate(void **state)
{
	(void)state;
	assert_int_equal(pass_of(10500, arp_request(WEB, M(11), IP(11), IP(31)), BH_DROP_GUARD_RATE), 10000);
	assert_int_equal(run(0, rarp(WEB, M(11))), PASSED);
	hear(DB, M(31), IP(31));
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
}

/* ---- learning and moves, by frames ---- */

static void test_limit(void **state)
{
	(void)state;
	world.segments[WEB].limits.macs = 2;
	hear(WEB, M(11), IP(11));
	hear(WEB, M(12), IP(12));
	assert_int_equal(run(0, data4(WEB, M(13), M(31), IP(13), IP(31))), BH_DROP_MAC_LIMIT);
	assert_int_equal(run(1, data4(WEB, M(13), M(31), IP(13), IP(31))), BH_DROP_MAC_LIMIT);
	assert_int_equal(world.notices[BH_NOTICE_MAC_LIMIT], 2);
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
	hear(DB, M(13), IP(13));
	world_time(START + 2 * SEC); /* nor by a move */
	assert_int_equal(run(0, rarp(WEB, M(13))), BH_DROP_MAC_LIMIT);
	assert_int_equal(world.w[0]->counters->segments[WEB].macs, 2);
	world.policy.replay_quotas_off = true;
	assert_int_equal(run(0, rarp(WEB, M(13))), PASSED);
	world.policy.replay_quotas_off = false;
}

static void test_move(void **state)
{
	(void)state;
	hear(WEB, M(11), IP(11));
	/* somebody with the MAC of a machine that talks */
	assert_int_equal(run(0, data4(DB, M(11), M(77), IP(11), IP(77))), BH_DROP_MAC_MOVE);
	assert_int_equal(heard(M(11))->segment, WEB);
	/* vMotion announces */
	assert_int_equal(run(0, rarp(DB, M(11))), PASSED);
	assert_int_equal(heard(M(11))->segment, DB);
	assert_int_equal(heard(M(11))->moved_ns, START);
	assert_int_equal(heard(M(11))->moves, 1);
	assert_int_equal(world.notices[BH_NOTICE_MAC_MOVED], 1);
	assert_int_equal(world.w[0]->counters->segments[WEB].macs, 0);
	assert_int_equal(world.w[0]->counters->segments[DB].macs, 1);
	/* a change of portgroup that nobody announces: accepted once the old place is silent */
	world_time(START + SEC - 1);
	assert_int_equal(run(0, data4(APP, M(11), M(77), IP(11), IP(77))), BH_DROP_MAC_MOVE);
	world_time(START + SEC);
	assert_int_equal(run(0, data4(APP, M(11), M(77), IP(11), IP(77))), PASSED);
	assert_int_equal(heard(M(11))->segment, APP);
}

static struct frame forwarded(uint16_t from, const char *source, const char *destination)
{
	assert_int_equal(run(0, data4(from, source, destination, IP(11), IP(21))), PASSED);
	return world.f;
}

/* What a worker remembers of machines that talk is what the table says, whatever becomes of them. */
static void test_remembered_machines(void **state)
{
	(void)state;
	hear(WEB, M(11), IP(11));
	hear(APP, M(21), IP(21));
	for (int i = 0; i < 3; i++) /* from the second on it is remembered */
		assert_int_equal(forwarded(WEB, M(11), M(21)).dest, APP);
	/* still noted as heard, though the table is asked no more often than that */
	world_time(START + 10 * MS);
	forwarded(WEB, M(11), M(21));
	assert_int_equal(heard(M(11))->last_ns, START + 10 * MS);
	/* another who uses its MAC is told from it, and from our own frame that comes back */
	assert_int_equal(run(0, data4(DB, M(11), M(77), IP(11), IP(77))), BH_DROP_MAC_MOVE);
	assert_int_equal(run(0, data4(DB, M(11), M(21), IP(11), IP(21))), BH_DROP_REFLECTED);
	/* the destination moves: its next frame goes there */
	world_time(START + 20 * MS);
	assert_int_equal(run(0, rarp(DB, M(21))), PASSED);
	assert_int_equal(forwarded(WEB, M(11), M(21)).dest, DB);
	/* by the other worker's memory too */
	assert_int_equal(run(1, data4(WEB, M(11), M(21), IP(11), IP(21))), PASSED);
	assert_int_equal(world.f.dest, DB);
	assert_int_equal(run(0, rarp(UPLINK, M(21))), BH_DROP_REFLECTED);
	/* to where it is already */
	assert_int_equal(run(0, data4(DB, M(31), M(21), IP(31), IP(21))), BH_DROP_SAME_SEGMENT);
	/* bound elsewhere by a new policy */
	world_bind(0, APP, M(21), NULL);
	world.policy.generation++;
	mac_table_serve(world.w[0], 1000);
	assert_int_equal(forwarded(WEB, M(11), M(21)).dest, APP);
	/* forgotten: it is flooded, but for where the policy binds it */
	bindings_free(world.policy.bindings);
	world.policy.bindings = NULL;
	world.policy.generation++;
	mac_table_serve(world.w[0], 1000);
	world_time(START + 400 * SEC);
	assert_int_equal(forwarded(WEB, M(11), M(21)).dest, SEGMENT_FLOOD);
}

static void test_reflected_announcement(void **state)
{
	(void)state;
	hear(WEB, M(11), IP(11));
	assert_int_equal(run(0, rarp(WEB, M(11))), PASSED);
	world_time(START + 5 * MS); /* our own copy comes back by the other uplink */
	assert_int_equal(run(0, rarp(UPLINK, M(11))), BH_DROP_REFLECTED);
	assert_int_equal(heard(M(11))->segment, WEB);
}

static void test_duplicates(void **state)
{
	struct bytes one = data4(WEB, M(11), M(21), IP(11), IP(21));
	struct bytes all = data4(WEB, M(11), ALL, IP(11), "255.255.255.255");

	(void)state;
	hear(APP, M(21), IP(21));
	for (uint8_t drop = 0; drop < 2; drop++) {
		world.header.settings.duplicates_drop = drop;
		world_time(START + (1 + drop) * SEC);
		assert_int_equal(run(0, one), PASSED);
		assert_int_equal(run(0, one), drop ? BH_DROP_DUPLICATE : PASSED);
		assert_int_equal(run(0, all), PASSED);
		assert_int_equal(run(0, all), PASSED); /* to everybody: each is a question */
		world_time(START + (1 + drop) * SEC + MS);
		assert_int_equal(run(0, one), PASSED);
	}
	assert_int_equal(world.w[0]->counters->cells[BH_WORKER_DUPLICATES], 2);
}

static void test_addresses_shown(void **state)
{
	static const uint8_t own[16] = { [10] = 0xff, 0xff, 10, 10, 0, 11 };

	(void)state;
	/* a router's packets have everybody's source; its ARP has its own */
	run(0, data4(WEB, M(11), M(31), IP(99), IP(31)));
	run(0, arp_request(WEB, M(11), IP(11), IP(31)));
	run(0, data4(WEB, M(11), M(31), IP(98), IP(31)));
	assert_memory_equal(heard(M(11))->address4, own, 16);
}

/* ---- spoof guard: learn ---- */

static void test_learn_guard(void **state)
{
	(void)state;
	world.segments[WEB].spoof_guard = BH_SPOOF_LEARN;
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
	assert_int_equal(run(0, data4(WEB, M(12), M(31), IP(11), IP(31))), BH_DROP_SPOOF);
	assert_int_equal(run(1, data4(WEB, M(12), M(31), IP(11), IP(31))), BH_DROP_SPOOF);
	assert_int_equal(run(0, arp_request(WEB, M(12), IP(11), IP(31))), BH_DROP_SPOOF);
	assert_int_equal(run(0, arp_request(WEB, M(12), "0.0.0.0", IP(11))), PASSED); /* probe */
	assert_int_equal(run(0, arp_of(WEB, M(12), M(31), 0x0806, 2, M(13), IP(13), IP(31))), BH_DROP_SPOOF);
	assert_int_equal(world.notices[BH_NOTICE_SPOOF], 4);
	assert_int_equal(run(0, data4(WEB, M(12), M(31), IP(12), IP(31))), PASSED);
	/* what another segment, unguarded, has said by ARP holds too: the gateway's address is the gateway's */
	hear(UPLINK, M(01), IP(1));
	assert_int_equal(run(0, arp_request(WEB, M(12), IP(1), IP(31))), BH_DROP_SPOOF);
	/* an unguarded segment can not take a guarded machine's address over */
	hear(APP, M(21), IP(11));
	assert_int_equal(run(0, data4(WEB, M(11), M(31), IP(11), IP(31))), PASSED);
	/* a machine that moved has its address with it */
	assert_int_equal(run(0, rarp(DB, M(11))), PASSED);
	world.segments[DB].spoof_guard = BH_SPOOF_LEARN;
	assert_int_equal(run(0, data4(DB, M(11), M(31), IP(11), IP(31))), PASSED);
	/* ten minutes of silence free it, to the nanosecond */
	world_time(START + 600 * SEC - 1);
	assert_int_equal(run(0, data4(WEB, M(12), M(31), IP(11), IP(31))), BH_DROP_SPOOF);
	world_time(START + 600 * SEC);
	assert_int_equal(run(0, data4(WEB, M(12), M(31), IP(11), IP(31))), PASSED);
	/* use keeps it, on whichever worker */
	for (unsigned int i = 0; i < 2; i++) {
		world_time(START + (1000 + 400 * i) * SEC);
		assert_int_equal(run(i, data4(WEB, M(12), M(31), IP(11), IP(31))), PASSED);
	}
	world_time(START + 1999 * SEC);
	assert_int_equal(run(0, data4(WEB, M(13), M(31), IP(11), IP(31))), BH_DROP_SPOOF);
}

static void test_learn_guard_keeps_bindings(void **state)
{
	(void)state;
	world.segments[WEB].spoof_guard = BH_SPOOF_LEARN;
	world_bind(0, DB, M(31), IP(31));
	assert_int_equal(run(0, data4(WEB, M(11), M(21), IP(31), IP(21))), BH_DROP_SPOOF);
}

/* One segment can use up its own share of the table of addresses, and is then let no further. */
static void test_learn_guard_is_bounded(void **state)
{
	struct bytes b = data4(WEB, M(11), M(31), IP(0), IP(31));
	unsigned int passed = 0;

	(void)state;
	world.segments[WEB].spoof_guard = world.segments[APP].spoof_guard = BH_SPOOF_LEARN;
	for (unsigned int i = 1; i < 200; i++) {
		char from[32];
		snprintf(from, sizeof(from), "10.10.1.%u", i);
		b = data4(WEB, M(11), M(31), from, IP(31));
		passed += run(i % 2, b) == PASSED;
		mac_table_serve(world.w[0], 32);
	}
	assert_int_equal(passed, 64);
	assert_int_equal(run(0, data4(APP, M(21), M(31), IP(21), IP(31))), PASSED);
	/* an address that moved away counts where it is */
	assert_int_equal(run(0, rarp(APP, M(11))), PASSED);
	assert_int_equal(run(0, data4(APP, M(11), M(31), "10.10.1.7", IP(31))), PASSED);
	assert_int_equal(run(0, data4(WEB, M(12), M(31), "10.10.2.1", IP(31))), PASSED);
	assert_int_equal(run(0, data4(WEB, M(12), M(31), "10.10.2.2", IP(31))), BH_DROP_SPOOF);
}

/* ---- layer2.unicast-known ---- */

static void test_unicast_known(void **state)
{
	struct rte_ether_addr known;

	(void)state;
	rte_ether_unformat_addr(M(31), &known);
	hear(DB, M(31), IP(31));
	hear(WEB, M(11), IP(11));
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	world.header.settings.unicast_known = 1;
	assert_int_equal(run(1, arp_request(WEB, M(11), IP(11), IP(31))), PASSED);
	assert_int_equal(world.f.dest, DB);
	assert_true(rte_is_same_ether_addr(&world.to, &known));
	assert_false(world.f.flags & FRAME_BROADCAST);
	/* on its own segment the machine has heard it itself */
	assert_int_equal(run(0, arp_request(DB, M(32), IP(32), IP(31))), BH_DROP_SAME_SEGMENT);
	/* unknown, gratuitous: to all */
	assert_int_equal(run(0, arp_request(WEB, M(11), IP(11), IP(77))), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	assert_int_equal(run(0, arp_request(DB, M(31), IP(31), IP(31))), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	/* by the policy's word alone */
	world_bind(0, APP, M(21), IP(21));
	assert_int_equal(run(0, arp_request(WEB, M(11), IP(11), IP(21))), PASSED);
	assert_int_equal(world.f.dest, APP);
	/* a machine that fell silent is unknown again */
	world_time(START + 300 * SEC);
	assert_int_equal(run(0, arp_request(WEB, M(11), IP(11), IP(31))), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
}

static void test_unicast_known_discovery(void **state)
{
	static const uint8_t a[16] = { 0xfe, 0x80, [15] = 0x11 }, b[16] = { 0xfe, 0x80, [15] = 0x31 };
	static const uint8_t solicited_a[16] = { 0xff, 2, [11] = 1, 0xff, 0, 0, 0x11 };
	static const uint8_t solicited_b[16] = { 0xff, 2, [11] = 1, 0xff, 0, 0, 0x31 };
	uint8_t ask[32] = { 135, [8] = 0xfe, 0x80, [23] = 0x11, 1, 1, 0, 0x50, 0x56, 0xaa, 0, 0x31 };
	struct rte_ether_addr known;

	(void)state;
	rte_ether_unformat_addr(M(31), &known);
	world.header.settings.unicast_known = 1;
	assert_int_equal(run(0, icmp6(DB, M(31), "33:33:ff:00:00:11", b, solicited_a, ask, 32)), PASSED);
	assert_int_equal(world.f.dest, SEGMENT_FLOOD);
	ask[23] = 0x31;
	ask[31] = 0x11;
	assert_int_equal(run(0, icmp6(WEB, M(11), "33:33:ff:00:00:31", a, solicited_b, ask, 32)), PASSED);
	assert_int_equal(world.f.dest, DB);
	assert_true(rte_is_same_ether_addr(&world.to, &known));
}

/* ---- any number of workers ---- */

/* A mixed capture: machines that talk, move, forge and fall silent. */
static struct bytes story(unsigned int step, unsigned int *dice)
{
	char mac[24], ip[24];
	unsigned int machine, segment;

	*dice = *dice * 1103515245u + 12345u;
	machine = *dice >> 16 & 7;
	*dice = *dice * 1103515245u + 12345u;
	/* at home mostly, elsewhere now and then */
	segment = UPLINK + ((*dice >> 16 & 15) ? machine & 3 : *dice >> 24 & 3);
	snprintf(mac, sizeof(mac), "00:50:56:bb:00:%02x", machine);
	snprintf(ip, sizeof(ip), "10.10.0.%u", 10 + ((*dice >> 20 & 31) ? machine : *dice >> 27));
	if (step % 13 == 0)
		return rarp((uint16_t)segment, mac);
	if (step % 500 > 450 && step % 5 == 0) /* one flaps */
		return rarp(UPLINK + step % 3, "00:50:56:bb:00:03");
	if (step % 7 == 0)
		return arp_request((uint16_t)segment, mac, ip, IP(254));
	return data4((uint16_t)segment, mac, "00:50:56:bb:00:01", ip, IP(11));
}

static uint64_t tell_story(unsigned int workers)
{
	uint64_t digest = 0;
	unsigned int dice = 7;

	for (unsigned int step = 0; step < 4000; step++) {
		world_time(START + step * 37 * MS + (step / 500) * 150 * SEC);
		struct bytes b = story(step, &dice);
		int reason = run(step % workers, b);
		digest = flow_mix(digest ^ (uint64_t)reason, world.f.dest + (uint64_t)world.f.flags);
		/* the next stage of the same frame already sees what it changed */
		const struct mac_entry *e = heard("00:50:56:bb:00:03");
		digest = flow_mix(digest, e ? e->segment + ((uint64_t)e->moves << 16) : 1);
		mac_table_serve(world.w[0], 64);
	}
	return digest;
}

static uint64_t story_by(unsigned int workers)
{
	void *none = NULL;

	world_setup(&none);
	world.w[0]->replay = world.w[1]->replay = true;
	world.segments[WEB].spoof_guard = world.segments[APP].spoof_guard = BH_SPOOF_LEARN;
	world.segments[WEB].limits.broadcast = 5;
	world.segments[DB].limits.macs = 3;
	world.header.settings.unicast_known = 1;
	uint64_t digest = tell_story(workers);
	for (unsigned int r = 0; r < BH_DROP_COUNT; r++)
		digest = flow_mix(digest, world.w[0]->counters->ports[0].drops[r] +
						  world.w[1]->counters->ports[0].drops[r]);
	for (unsigned int n = 0; n < BH_NOTICE_COUNT; n++)
		digest = flow_mix(digest, world.notices[n]);
	for (unsigned int s = UPLINK; s <= LONE; s++)
		digest = flow_mix(digest, world.w[0]->counters->segments[s].macs +
						  world.w[1]->counters->segments[s].macs);
	/* the story is one: every chapter must have happened */
	assert_true(world.notices[BH_NOTICE_MAC_MOVED] > 10 && world.notices[BH_NOTICE_MAC_FLAPPING] > 0);
	assert_true(world.notices[BH_NOTICE_SPOOF] > 10 && world.notices[BH_NOTICE_MAC_LIMIT] > 0);
	assert_int_equal(world_teardown(&none), 0);
	return digest;
}

static void test_workers_agree(void **state)
{
	(void)state;
	uint64_t one = story_by(1);
	assert_true(one == story_by(1));
	assert_true(one == story_by(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_destinations, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_segment_gone, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_own_mac, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_ethertypes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_monitor_passes_other_ethertypes, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_protocols_left_out, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_dhcp, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_storm, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_storm_of_one_machine, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_guard_rate, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_limit, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_move, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_remembered_machines, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_reflected_announcement, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_duplicates, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_addresses_shown, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_learn_guard, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_learn_guard_keeps_bindings, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_learn_guard_is_bounded, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_unicast_known, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_unicast_known_discovery, world_setup, world_teardown),
		cmocka_unit_test(test_workers_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
