/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold of everything that comes out of the world, and of what is left when an input has ended. */
#include <rte_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "classifier.h"
#include "fragmentset.h"
#include "mactable.h"
#include "world.h"

#define DPI_CACHES_MAX (1u << 20)

void world_broken(const char *what, const char *file, int line)
{
	fprintf(stderr, "BROKEN: %s (%s:%d)\n", what, file, line);
	abort();
}

/* ---- frames and events ---- */

static bool is_tag(const uint8_t ethertype[2])
{
	uint16_t type = (uint16_t)(ethertype[0] << 8 | ethertype[1]);

	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

static uint16_t vlan_of(struct rte_mbuf *m)
{
	const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(ethernet + 1);

	if (m->ol_flags & RTE_MBUF_F_TX_VLAN) {
		WORLD_CHECK(world.flags & WORLD_INSERT);
		return m->vlan_tci & 0xfff;
	}
	if (!is_tag((const uint8_t *)&ethernet->ether_type)) {
		WORLD_CHECK(!frame_of(m)->inner);
		return BH_VLAN_UNTAGGED;
	}
	WORLD_CHECK(ethernet->ether_type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || frame_of(m)->inner);
	WORLD_CHECK(m->data_len >= sizeof(*ethernet) + sizeof(*tag));
	return rte_be_to_cpu_16(tag->vlan_tci) & 0xfff;
}

static bool is_mirror(const struct policy *policy, uint16_t port, uint16_t vlan)
{
	for (uint64_t i = 0; i < policy->image.MIRRORS_count; i++)
		if (policy->mirror_port[i] == port && policy->image.MIRRORS_[i].vlan == vlan)
			return true;
	return false;
}

/* All bytes but the tag (the outer one, if the driver has not got it) and, where the policy changes it, the destination. */
uint32_t world_content(const struct rte_mbuf *m)
{
	bool outside = m->ol_flags & (RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
	uint32_t hash = 2166136261u, at = 0;

	for (; m; m = m->next)
		for (uint16_t i = 0; i < m->data_len; i++, at++) {
			const uint8_t *byte = rte_pktmbuf_mtod_offset(m, const uint8_t *, i);

			if (at == 12 && m->data_len >= 18 && !outside && is_tag(byte))
				i += 4, at += 4, byte += 4;
			if (at >= 6)
				hash = (hash ^ *byte) * 16777619u;
		}
	return hash | 1;
}

/* Nothing leaves but to a segment of the policy in force, or to a mirror of it, never where it came from, and unchanged. */
void world_check_leaving(struct rte_mbuf *m, uint16_t port)
{
	const struct policy *policy = world.workers.list[0]->policy;
	const struct frame *f = frame_of(m);

	rte_mbuf_sanity_check(m, 1);
	WORLD_CHECK(m->data_len >= sizeof(struct rte_ether_hdr));
	uint16_t vlan = vlan_of(m);
	WORLD_CHECK(vlan == BH_VLAN_UNTAGGED || (vlan > 0 && vlan < 4095));
	uint16_t segment = policy->by_vlan[port][vlan == BH_VLAN_UNTAGGED ? 4095 : vlan];
	WORLD_CHECK((f->flags & (FRAME_MADE | FRAME_CHECKSUM_LEFT)) || m->hash.usr == world_content(m));
	if (f->flags & FRAME_MADE)
		WORLD_CHECK(segment != SEGMENT_NONE || is_mirror(policy, port, vlan));
	else
		WORLD_CHECK(segment != SEGMENT_NONE && segment != f->segment);
}

uint16_t world_take_frames(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames,
			   uint16_t count)
{
	(void)opaque;
	(void)queue;
	if ((world.flags & WORLD_SMALL) && count > 2)
		count = 2;
	for (uint16_t i = 0; i < count; i++) {
		world_check_leaving(frames[i], port);
		rte_pktmbuf_free(frames[i]);
	}
	return count;
}

void world_check_event(const struct bh_event *event)
{
	if (event->type == BH_EVENT_NOTICE) {
		WORLD_CHECK(event->notice.kind < BH_NOTICE_COUNT);
		WORLD_CHECK(memchr(event->notice.text, 0, sizeof(event->notice.text)));
		return;
	}
	WORLD_CHECK(event->type == BH_EVENT_VERDICT || event->type == BH_EVENT_FLOW);
	WORLD_CHECK(event->flow.verdict <= BH_VERDICT_PENDING && event->flow.end < BH_FLOW_END_COUNT);
	WORLD_CHECK(event->flow.tcp_state < BH_TCP_STATE_COUNT &&
		    event->flow.confidence < BH_CONFIDENCE_COUNT);
	WORLD_CHECK(memchr(event->flow.application, 0, sizeof(event->flow.application)));
	WORLD_CHECK(memchr(event->flow.server_name, 0, sizeof(event->flow.server_name)));
}

/* ---- the balance ---- */

static void check_port(uint16_t port)
{
	uint64_t in = 0, out = 0, held = 0, made = 0, made_gone = 0;

	for (uint16_t i = 0; i < WORLD_WORKERS; i++) {
		const struct bh_port_counters *c = &world.workers.list[i]->counters->ports[port];

		in += c->in + c->copies;
		out += c->out + c->consumed;
		for (unsigned int r = 0; r < BH_DROP_COUNT; r++)
			out += c->drops[r];
		held += c->held;
		made += c->made;
		made_gone += c->made_out + c->made_dropped;
	}
	WORLD_CHECK(held == 0);
	WORLD_CHECK(in == out);
	WORLD_CHECK(made == made_gone);
}

static uint64_t gauge(enum bh_worker_counter cell)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		sum += world.workers.list[i]->counters->cells[cell];
	return sum;
}

static void check_segments(void)
{
	for (uint32_t s = 0; s <= world.counters.counters->segment_ids; s++) {
		uint64_t flows = 0, embryonic = 0, macs = 0;

		for (uint16_t i = 0; i < WORLD_WORKERS; i++) {
			const struct bh_segment_counters *c = &world.workers.list[i]->counters->segments[s];

			flows += c->flows;
			embryonic += c->embryonic;
			macs += c->macs;
		}
		WORLD_CHECK(flows == 0 && embryonic == 0 && macs <= 1);
	}
}

static void check_pool(const struct rte_mempool *pool)
{
	WORLD_CHECK(rte_mempool_avail_count(pool) == pool->size);
}

void world_check_balance(void)
{
	for (uint16_t p = 0; p < WORLD_PORTS; p++)
		check_port(p);
	WORLD_CHECK(gauge(BH_WORKER_FLOWS) == 0);
	WORLD_CHECK(gauge(BH_WORKER_EMBRYONIC) == 0);
	WORLD_CHECK(gauge(BH_WORKER_PENDING) == 0);
	WORLD_CHECK(gauge(BH_WORKER_DETECTING) == 0);
	WORLD_CHECK(gauge(BH_WORKER_FRAGMENT_SETS) == 0);
	/* the library keeps caches; what its sessions had must have come back, or it adds up over many inputs */
	WORLD_CHECK(arena_used(world.workers.classifiers[0]->arena) <= DPI_CACHES_MAX);
	check_segments();
	/* one machine is bound, by each of two policies */
	WORLD_CHECK(mac_table_count(world.workers.macs) <= 2);
	check_pool(world.frames);
	check_pool(world.copies);
	for (uint16_t i = 0; i < WORLD_WORKERS; i++) {
		check_pool(world.workers.list[i]->fragments->pools.packets);
		check_pool(world.workers.list[i]->fragments->pools.tails);
	}
}
