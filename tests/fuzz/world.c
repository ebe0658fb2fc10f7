/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <rte_ether.h>
#include <string.h>

#include "assign.h"
#include "classify.h"
#include "event.h"
#include "flow.h"
#include "fragment.h"
#include "guarded.h"
#include "mactable.h"
#include "pipeline.h"

/* Between two inputs: longer than a machine is remembered, and than any fragment is held. */
#define PAUSE_NS 400000000000u
/* A Monday, a minute before the schedule of policies/c.yaml begins. */
#define START_US 1795471140000000u

static struct worker *worker(uint16_t id)
{
	return world.workers.list[id];
}

/* ---- what comes out ---- */

static void drain_events(struct event_ring *ring, void *opaque)
{
	const struct bh_event *event;

	(void)opaque;
	while ((event = event_peek(ring))) {
		world_check_event(event);
		event_consume(ring);
	}
}

/* Frames that another worker re-tagged for a queue of the first. */
static void send_for_others(void)
{
	void *frame;

	for (uint16_t p = 0; p < WORLD_PORTS; p++)
		while (rte_ring_sc_dequeue(world.shared[p], &frame) == 0)
			tx_take(worker(0), p, frame);
}

void world_settle(void)
{
	/* the first worker's queues last: by then it has what the others gave it */
	for (uint16_t i = WORLD_WORKERS; i-- > 1;)
		tx_flush(worker(i));
	send_for_others();
	tx_flush(worker(0));
	mac_table_serve(worker(0), UINT32_MAX);
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		drain_events(worker(i)->events, NULL);
}

/* ---- time ---- */

static void pass(uint64_t ns)
{
	world.now_ns += ns;
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		worker(i)->now_ns = world.now_ns;
	activate_tick(world.activate, START_US + (world.now_ns - world.started_ns) / 1000);
}

static void age(uint32_t budget)
{
	for (uint16_t i = 0; i < WORLD_WORKERS; i++) {
		flow_age(worker(i), budget);
		classifier_age(worker(i), budget);
		fragments_age(worker(i), budget);
	}
}

/* ---- policies ---- */

void world_publish(void *opaque, const struct policy *policy)
{
	(void)opaque;
	for (uint16_t i = 0; i < world.workers.count; i++)
		worker(i)->policy = policy;
}

void world_notice(void *opaque, enum bh_notice_kind kind, const char *text)
{
	(void)opaque;
	WORLD_CHECK(kind < BH_NOTICE_COUNT && text[0]);
}

static void assign(void)
{
	static const char *const list[] = { "10.10.0.11/32=web",   "10.10.0.21/32=app",
					    "10.10.0.31/32=db",    "10.0.0.1/32=web",
					    "0.0.0.0/1=app",       "128.0.0.0/1=uplink",
					    "::/0=uplink",         "2001:db8::11/128=web",
					    "2001:db8::21/128=app" };
	char why[192];

	assignment_free(world.assignment);
	world.assignment = NULL;
	if (world.flags & WORLD_ASSIGNED) {
		world.assignment = assignment_new();
		for (size_t i = 0; i < RTE_DIM(list); i++)
			WORLD_CHECK(
				!assign_add(world.assignment, worker(0)->policy, list[i], why, sizeof(why)));
	}
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		worker(i)->assignment = world.given ? world.given : world.assignment;
}

void world_policy(uint32_t policy)
{
	char text[256];

	world.policy = policy % world.image_count;
	WORLD_CHECK(!activate_image(world.activate, world.images[world.policy],
				    START_US + (world.now_ns - world.started_ns) / 1000, text, sizeof(text)));
	world.generation = worker(0)->policy->generation;
	assign();
}

/* ---- items ---- */

static void visit(struct worker *w, struct flow *flow, void *opaque)
{
	struct bh_event event = { .type = BH_EVENT_FLOW };

	(void)opaque;
	flow_record(w, flow, BH_FLOW_END_LIVE, &event.flow);
	world_check_event(&event);
}

void world_list(void)
{
	struct bh_host hosts[16];
	uint16_t ids[16][2];

	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		for (uint32_t cursor = 0; flow_walk(worker(i), &cursor, 64, visit, NULL);)
			;
	for (uint32_t cursor = 0; mac_table_list(world.workers.macs, &cursor, hosts, ids, RTE_DIM(hosts));)
		;
}

/* Gathered frames go their way: received by the worker of their port, and on wherever their flow belongs. */
static void run_burst(void)
{
	uint16_t count = world.burst_count, id, own;

	if (!count)
		return;
	world.burst_count = 0;
	id = world.burst[0]->port % WORLD_WORKERS;
	own = rx_accept(worker(id), &world.rx[id], world.burst, count);
	if (own)
		pipeline_forward(worker(id), world.burst, own);
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		rx_round(worker(i), &world.rx[i]);
	world_settle();
}

static void operate(const struct sequence_frame *item)
{
	uint8_t argument = item->length > 1 ? item->bytes[1] : 0;

	switch (item->length ? item->bytes[0] % OPERATION_COUNT : OPERATION_COUNT) {
	case OPERATION_RELOAD:
		world_policy(argument);
		break;
	case OPERATION_LIST:
		world_list();
		break;
	case OPERATION_AGE:
		age(argument);
		break;
	default:
		break;
	}
}

/* One mbuf with these bytes; what lies behind them may not be touched. */
static struct rte_mbuf *buffer(const uint8_t *bytes, uint16_t length)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.frames);

	WORLD_CHECK(m);
	memset(frame_of(m), 0, sizeof(struct frame));
	guarded_attach(m, length);
	memcpy(rte_pktmbuf_append(m, length), bytes, length);
	return m;
}

static uint16_t first_part(const struct sequence_frame *item)
{
	uint16_t length = item->length, split = length;

	switch (item->flags & ITEM_SPLIT) {
	case 1 << 5:
		split = 128;
		break;
	case 2 << 5:
		split = length / 2;
		break;
	case 3 << 5:
		split = length > 4 ? length - 4 : length;
		break;
	default:
		break;
	}
	/* a driver fills the first segment with the header at least, and the room of a segment is what it is */
	split = RTE_MAX(split, (uint16_t)64);
	return RTE_MIN(RTE_MIN(split, length), (uint16_t)WORLD_FRAME_ROOM);
}

static void take_tag(struct rte_mbuf *m)
{
	const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	if (m->data_len < sizeof(*ethernet) + sizeof(struct rte_vlan_hdr) ||
	    ethernet->ether_type != RTE_BE16(RTE_ETHER_TYPE_VLAN) || rte_vlan_strip(m))
		return;
	m->ol_flags |= RTE_MBUF_F_RX_VLAN;
}

static struct rte_mbuf *make_frame(const struct sequence_frame *item)
{
	static const uint64_t said[] = { RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
					 RTE_MBUF_F_RX_L4_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_NONE };
	uint16_t at = first_part(item);
	struct rte_mbuf *m = buffer(item->bytes, at), *last = m;

	while (at < item->length) {
		uint16_t part = RTE_MIN((uint16_t)(item->length - at), (uint16_t)WORLD_FRAME_ROOM);

		last->next = buffer(item->bytes + at, part);
		last = last->next;
		m->pkt_len += part;
		m->nb_segs++;
		at += part;
	}
	m->ol_flags |= said[(item->flags & ITEM_CHECKSUM) >> 3];
	m->port = item->flags & ITEM_PORT ? 1 : 0;
	if (item->flags & ITEM_STRIPPED)
		take_tag(m);
	m->hash.usr = world_content(m);
	return m;
}

void world_item(const struct sequence_frame *item)
{
	bool operation = item->flags & ITEM_OPERATION;
	uint16_t port = item->flags & ITEM_PORT ? 1 : 0;

	if (operation || !item->length || world.burst_count == BURST ||
	    (world.burst_count && world.burst[0]->port != port))
		run_burst();
	if (!world.burst_count) {
		pass(sequence_step_ns(item->time));
		age(UINT32_MAX);
	}
	if (operation) {
		operate(item);
	} else if (item->length) {
		world.burst[world.burst_count++] = make_frame(item);
		if (!(item->flags & ITEM_JOINED))
			run_burst();
	}
}

/* ---- inputs ---- */

static void set_flags(uint8_t flags)
{
	world.flags = flags;
	for (uint16_t i = 0; i < WORLD_WORKERS; i++) {
		worker(i)->replay = !(flags & WORLD_LIVE);
		worker(i)->seed = flags & WORLD_SEEDED ? 0x5eed5eed5eed5eed : 0;
		worker(i)->start_ns = world.now_ns;
		worker(i)->unix_offset_us = START_US - world.now_ns / 1000;
		for (uint16_t p = 0; p < WORLD_PORTS; p++) {
			tx_port(worker(i)->tx, p)->insert = flags & WORLD_INSERT;
			tx_port(worker(i)->tx, p)->checksums = flags & WORLD_INSERT;
			tx_port(worker(i)->tx, p)->owner = i && flags & WORLD_SHARED ? world.shared[p] : NULL;
		}
	}
	while ((flags & WORLD_POOR) && world.hoard_count < RTE_DIM(world.hoard) &&
	       (world.hoard[world.hoard_count] = rte_pktmbuf_alloc(world.copies)))
		world.hoard_count++;
}

void world_begin(const struct sequence_head *head)
{
	if (world.now_ns > WORLD_LAST_NS) {
		world_close();
		world_open();
	}
	world.started_ns = world.now_ns;
	set_flags(head->world);
	/* one that was put in force for the last input will do, unless a schedule turned meanwhile */
	if (!worker(0)->policy || world.policy != head->policy % world.image_count ||
	    world.generation != worker(0)->policy->generation)
		world_policy(head->policy);
	else
		assign();
}

void world_end(void)
{
	run_burst();
	world_list();
	/* fragments first, while their sessions live; then machines, and what has the longest time by command */
	for (uint16_t i = 0; i < WORLD_WORKERS && world.flags & WORLD_DRAINED; i++)
		fragments_drain(worker(i), BH_DROP_END_OF_RUN);
	pass(PAUSE_NS / 8);
	age(UINT32_MAX);
	world_settle();
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		flow_end_all(worker(i), BH_FLOW_END_END_OF_RUN);
	pass(PAUSE_NS);
	age(UINT32_MAX);
	world_settle();
	rte_pktmbuf_free_bulk(world.hoard, world.hoard_count);
	world.hoard_count = 0;
	world_check_balance();
}

void world_run(const struct sequence *sequence)
{
	world_begin(&sequence->head);
	for (uint32_t i = 0; i < sequence->count; i++)
		world_item(&sequence->frames[i]);
	world_end();
}
