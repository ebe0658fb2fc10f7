/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small network for the tests of segment and layer 2: its policy, made by hand, two workers on one MAC table, and
 * frames made from a line. Every frame goes through the real parse, segment and layer2 stages.
 *
 *   network SHOP:  uplink 100 (DHCP, routers)   web 101   app 102   db 103   plain: untagged on port 1
 *   network OTHER: lone 200
 */
#ifndef TESTS_LAYER2_WORLD_H
#define TESTS_LAYER2_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addresses.h"
#include "bindings.h"
#include "eal.h"
#include "event.h"
#include "flowkey.h"
#include "layer2.h"
#include "loop.h"
#include "mactable.h"
#include "pipeline.h"
#include "segment.h"

enum { SHOP = 5, OTHER = 6 };
enum { UPLINK = 10, WEB, APP, DB, PLAIN, LONE };
enum { PASSED = BH_DROP_COUNT, CONSUMED };

#define SEC 1000000000ull
#define MS 1000000ull
#define START (1000 * SEC)

struct world {
	struct bh_image_header header;
	struct bh_network networks[2];
	struct bh_binding bindings[8];
	struct policy policy;
	struct policy_segment segments[BH_SEGMENT_IDS];
	uint16_t by_vlan[BH_MAX_PORTS][4096];
	uint16_t segment_ids[6];
	uint32_t network_index[BH_NETWORK_IDS];
	struct worker *w[2];
	struct rte_mempool *pool;
	/* of the last frame */
	struct frame f;
	struct rte_ether_addr to;
	int reason;
	unsigned int notices[BH_NOTICE_COUNT];
};

static struct world world;

void drop_frame(struct worker *w, struct rte_mbuf *m, enum bh_drop reason)
{
	w->counters->ports[m->port].drops[reason]++;
	world.reason = reason;
	world.f = *frame_of(m);
	rte_pktmbuf_free(m);
}

void consume_frame(struct worker *w, struct rte_mbuf *m)
{
	w->counters->ports[m->port].consumed++;
	world.reason = CONSUMED;
	rte_pktmbuf_free(m);
}

/* Those that the tests of segment_stage say are probes. */
bool loops_hear(struct loops *l, struct worker *w, const struct rte_mbuf *m)
{
	(void)l, (void)w;
	return frame_of((struct rte_mbuf *)(uintptr_t)m)->ethertype == 0x88b6;
}

void event_notice(struct worker *w, enum bh_notice_kind kind, const uint8_t *mac, const uint8_t *address,
		  uint16_t segment0, uint16_t segment1, const char *format, ...)
{
	(void)w, (void)mac, (void)address, (void)segment0, (void)segment1, (void)format;
	world.notices[kind]++;
}

static inline void world_segment(uint16_t id, uint16_t network, uint8_t port, uint16_t vlan)
{
	uint16_t index = id - UPLINK;

	world.segment_ids[index] = id;
	world.segments[id] = (struct policy_segment){
		.index = index, .network = network, .vlan = vlan, .port = port, .dhcp_server = id == UPLINK
	};
	world.by_vlan[port][vlan == BH_VLAN_UNTAGGED ? 4095 : vlan] = id;
}

static inline void world_bind(unsigned int i, uint16_t segment, const char *mac, const char *address4)
{
	struct bh_binding *b = &world.bindings[i];
	struct rte_ether_addr parsed;

	assert_int_equal(rte_ether_unformat_addr(mac, &parsed), 0);
	*b = (struct bh_binding){ .segment = segment - UPLINK };
	memcpy(b->mac, &parsed, 6);
	if (address4) {
		uint8_t a[4];
		assert_int_equal(sscanf(address4, "%hhu.%hhu.%hhu.%hhu", &a[0], &a[1], &a[2], &a[3]), 4);
		memset(b->address + 10, 0xff, 2);
		memcpy(b->address + 12, a, 4);
	}
	world.policy.image.BINDINGS_count = i + 1;
	bindings_free(world.policy.bindings);
	assert_int_equal(bindings_new(&world.policy, &world.policy.bindings), 0);
}

static inline int world_setup(void **state)
{
	struct rte_mempool *pool = world.pool ? world.pool : eal_pool("frames", 255, 2048);
	struct policy *p = &world.policy;

	(void)state;
	memset(&world, 0, sizeof(world));
	world.pool = pool;
	world.header.settings.layer2_allow = (1u << (BH_LAYER2_MLD + 1)) - 1;
	world.header.settings.checksums_ignore = 1;
	memset(world.by_vlan, 0xff, sizeof(world.by_vlan));
	memset(world.network_index, 0xff, sizeof(world.network_index));
	world.network_index[SHOP] = 0;
	world.network_index[OTHER] = 1;
	for (unsigned int i = 0; i < BH_SEGMENT_IDS; i++)
		world.segments[i].index = BH_NONE;
	world_segment(UPLINK, SHOP, 0, 100);
	world_segment(WEB, SHOP, 0, 101);
	world_segment(APP, SHOP, 0, 102);
	world_segment(DB, SHOP, 0, 103);
	world_segment(PLAIN, SHOP, 1, BH_VLAN_UNTAGGED);
	world_segment(LONE, OTHER, 0, 200);
	p->image.header = &world.header;
	p->image.NETWORKS_ = world.networks;
	p->image.BINDINGS_ = world.bindings;
	p->generation = 1;
	p->by_vlan = world.by_vlan;
	p->segments = world.segments;
	p->segment_ids = world.segment_ids;
	p->network_index = world.network_index;
	struct mac_table *macs = mac_table_new(256, 2, SOCKET_ID_ANY);
	assert_non_null(macs);
	for (uint16_t i = 0; i < 2; i++) {
		world.w[i] = eal_worker();
		world.w[i]->id = i;
		world.w[i]->worker_count = 2;
		world.w[i]->policy = p;
		world.w[i]->macs = macs;
		world.w[i]->now_ns = START;
		world.w[i]->layer2 = layer2_new(i, SOCKET_ID_ANY);
		assert_non_null(world.w[i]->layer2);
	}
	return 0;
}

static inline int world_teardown(void **state)
{
	(void)state;
	mac_table_free(world.w[0]->macs);
	for (unsigned int i = 0; i < 2; i++) {
		layer2_free(world.w[i]->layer2);
		eal_worker_free(world.w[i]);
	}
	bindings_free(world.policy.bindings);
	world.policy.bindings = NULL;
	return rte_mempool_avail_count(world.pool) == 255 ? 0 : -1; /* every frame was freed */
}

static inline void world_time(uint64_t now_ns)
{
	world.w[0]->now_ns = world.w[1]->now_ns = now_ns;
}

/* ---- frames ---- */

struct bytes {
	uint8_t data[256];
	uint16_t length, port;
};

static inline void put(struct bytes *b, const void *data, size_t length)
{
	memcpy(b->data + b->length, data, length);
	b->length += (uint16_t)length;
}

static inline void put16(struct bytes *b, uint16_t value)
{
	put(b, (uint8_t[]){ value >> 8, value & 0xff }, 2);
}

static inline void put_mac(struct bytes *b, const char *mac)
{
	struct rte_ether_addr parsed;

	assert_int_equal(rte_ether_unformat_addr(mac, &parsed), 0);
	put(b, &parsed, 6);
}

static inline void put_ip4(struct bytes *b, const char *text)
{
	uint8_t a[4];

	assert_int_equal(sscanf(text, "%hhu.%hhu.%hhu.%hhu", &a[0], &a[1], &a[2], &a[3]), 4);
	put(b, a, 4);
}

#define ALL "ff:ff:ff:ff:ff:ff"

/* Ethernet with the tag of a segment, up to the ethertype */
static inline struct bytes ether(uint16_t segment, const char *from, const char *to, uint16_t ethertype)
{
	struct bytes b = { .port = world.segments[segment].port };

	put_mac(&b, to);
	put_mac(&b, from);
	if (world.segments[segment].vlan != BH_VLAN_UNTAGGED) {
		put16(&b, 0x8100);
		put16(&b, world.segments[segment].vlan);
	}
	put16(&b, ethertype);
	return b;
}

static inline struct bytes arp_of(uint16_t segment, const char *from, const char *to, uint16_t ethertype,
				  uint16_t operation, const char *sha, const char *spa, const char *tpa)
{
	struct bytes b = ether(segment, from, to, ethertype);

	put(&b, "\0\1\10\0\6\4", 6);
	put16(&b, operation);
	put_mac(&b, sha);
	put_ip4(&b, spa);
	put_mac(&b, "00:00:00:00:00:00");
	put_ip4(&b, tpa);
	return b;
}

static inline struct bytes arp_request(uint16_t segment, const char *from, const char *spa, const char *tpa)
{
	return arp_of(segment, from, ALL, 0x0806, 1, from, spa, tpa);
}

static inline struct bytes rarp(uint16_t segment, const char *from)
{
	return arp_of(segment, from, ALL, 0x8035, 3, from, "0.0.0.0", "0.0.0.0");
}

/* IPv4 with the header's checksum right */
static inline struct bytes ip4(uint16_t segment, const char *from, const char *to, const char *source,
			       const char *destination, uint8_t protocol, const void *rest, uint16_t length)
{
	struct bytes b = ether(segment, from, to, 0x0800);
	uint8_t *h = b.data + b.length;
	uint32_t sum = 0;

	put(&b, (uint8_t[]){ 0x45, 0 }, 2);
	put16(&b, 20 + length);
	put(&b, (uint8_t[]){ 0, 1, 0, 0, 64, protocol, 0, 0 }, 8);
	put_ip4(&b, source);
	put_ip4(&b, destination);
	for (unsigned int i = 0; i < 20; i += 2)
		sum += h[i] << 8 | h[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	h[10] = sum >> 8 & 0xff;
	h[11] = sum & 0xff;
	put(&b, rest, length);
	return b;
}

static inline struct bytes udp4(uint16_t segment, const char *from, const char *to, const char *source,
				const char *destination, uint16_t source_port, uint16_t destination_port)
{
	/* the payload begins like a BOOTP message: 2 is a server's reply, 1 a client's request */
	uint8_t udp[12] = {
		source_port >> 8,        source_port & 0xff, destination_port >> 8,
		destination_port & 0xff, [5] = 12,           [8] = destination_port == 68 ? 2 : 1
	};

	return ip4(segment, from, to, source, destination, 17, udp, sizeof(udp));
}

static inline struct bytes data4(uint16_t segment, const char *from, const char *to, const char *source,
				 const char *destination)
{
	return udp4(segment, from, to, source, destination, 1111, 2222);
}

/* ICMPv6 with hop limit 255; addresses as 16 bytes each */
static inline struct bytes icmp6(uint16_t segment, const char *from, const char *to, const uint8_t *source,
				 const uint8_t *destination, const void *rest, uint16_t length)
{
	struct bytes b = ether(segment, from, to, 0x86dd);

	put(&b, (uint8_t[]){ 0x60, 0, 0, 0 }, 4);
	put16(&b, length);
	put(&b, (uint8_t[]){ 58, 255 }, 2);
	put(&b, source, 16);
	put(&b, destination, 16);
	put(&b, rest, length);
	return b;
}

/* ---- running ---- */

/* One frame through parse, segment and layer2 on a worker: PASSED or the drop reason; world.f is what became of it. */
static inline int run(unsigned int worker, struct bytes b)
{
	struct worker *w = world.w[worker];
	struct rte_mbuf *m = eal_frame(world.pool, b.data, b.length);
	static const stage_function stages[] = { parse_stage, segment_stage, layer2_stage };

	m->port = b.port;
	for (unsigned int i = 0; i < RTE_DIM(stages); i++)
		if (stages[i](w, &m, 1) == 0)
			return world.reason;
	world.f = *frame_of(m);
	world.to = rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr;
	rte_pktmbuf_free(m);
	return PASSED;
}

#define M(n) "00:50:56:aa:00:" #n
#define IP(n) "10.10.0." #n

static inline const struct mac_entry *heard(const char *mac)
{
	struct rte_ether_addr parsed;

	assert_int_equal(rte_ether_unformat_addr(mac, &parsed), 0);
	return mac_find(world.w[0]->macs, SHOP, &parsed);
}

#endif
