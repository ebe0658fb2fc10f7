/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/rx.c dataplane/handoff.c dataplane/drop.c tests/unit/dataplane/no_sessions.c */
/* Distribution to the owners of flows: by the owner's hash, in order, counted once, and dropped under a name when it can not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eal.h"
#include "flow.h"
#include "fragment.h"
#include "handoff.h"
#include "pipeline.h"
#include "rx.h"

enum { WORKERS = 3, RING = 16, POOL = 255 };

static struct rte_mempool *pool;
static struct worker *workers[WORKERS];
static struct rx rx[WORKERS];
static struct handoff handoff;
static struct policy policy;

/* ---- the neighbours: the first byte of a frame is its owner, 255 a frame that parse drops; forwarded ones are noted ---- */

static struct {
	uint16_t worker;
	uint8_t number;
} seen[POOL];
static unsigned int seen_count;

uint16_t pipeline_receive(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		uint8_t owner = *rte_pktmbuf_mtod(frames[i], uint8_t *);

		frame_of(frames[i])->owner_hash = owner + WORKERS * 1000u;
		if (owner == 255)
			drop_frame(w, frames[i], BH_DROP_RUNT);
		else
			frames[kept++] = frames[i];
	}
	return kept;
}

void pipeline_forward(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		seen[seen_count].worker = w->id;
		seen[seen_count++].number = rte_pktmbuf_mtod(frames[i], uint8_t *)[1];
		w->counters->ports[frames[i]->port].out++;
		rte_pktmbuf_free(frames[i]);
	}
}

uint16_t port_receive(const struct port *port, uint16_t index, uint16_t queue, struct rte_mbuf **frames,
		      uint16_t count)
{
	(void)port;
	(void)index;
	(void)queue;
	(void)frames;
	(void)count;
	return 0;
}

void fragment_set_free(struct worker *w, struct fragment_set *set)
{
	(void)w;
	(void)set;
}

static int setup(void **state)
{
	(void)state;
	eal_start();
	if (!pool)
		pool = eal_pool("rx", POOL, 256);
	assert_int_equal(handoff_open(&handoff, WORKERS, NULL, RING), 0);
	for (uint16_t i = 0; i < WORKERS; i++) {
		workers[i] = eal_worker();
		workers[i]->id = i;
		workers[i]->worker_count = WORKERS;
		workers[i]->policy = &policy;
		rx_init(&rx[i], i, WORKERS, NULL, &handoff);
	}
	seen_count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	handoff_close(&handoff);
	for (uint16_t i = 0; i < WORKERS; i++)
		eal_worker_free(workers[i]);
	/* whatever happened, no buffer was lost */
	assert_int_equal(rte_mempool_avail_count(pool), POOL);
	return 0;
}

static struct rte_mbuf *frame(uint8_t owner, uint8_t number)
{
	uint8_t bytes[60] = { owner, number };
	struct rte_mbuf *m = eal_frame(pool, bytes, sizeof(bytes));

	m->port = 1;
	return m;
}

/* Receive on worker 0: what is its own goes on at once, as the loop does. */
static void receive(struct rte_mbuf **frames, uint16_t count)
{
	uint16_t own = rx_accept(workers[0], &rx[0], frames, count);

	if (own)
		pipeline_forward(workers[0], frames, own);
}

/* in = out + drops over all workers. */
static void assert_identity(void)
{
	uint64_t in = 0, out = 0;

	for (uint16_t i = 0; i < WORKERS; i++) {
		in += workers[i]->counters->ports[1].in;
		out += workers[i]->counters->ports[1].out;
		for (unsigned int d = 0; d < BH_DROP_COUNT; d++)
			out += workers[i]->counters->ports[1].drops[d];
	}
	assert_int_equal(in, out);
}

static void test_distribution(void **state)
{
	static const uint8_t owners[] = { 0, 1, 2, 0, 1, 255, 2, 0 };
	static const struct {
		uint16_t worker;
		uint8_t number;
	} expected[] = { { 0, 0 }, { 0, 3 }, { 0, 7 }, { 1, 1 }, { 1, 4 }, { 2, 2 }, { 2, 6 } };
	struct rte_mbuf *frames[RTE_DIM(owners)];
	(void)state;

	for (uint8_t i = 0; i < RTE_DIM(owners); i++)
		frames[i] = frame(owners[i], i);
	receive(frames, RTE_DIM(owners));
	assert_int_equal(rx_round(workers[1], &rx[1]), 2);
	assert_int_equal(rx_round(workers[2], &rx[2]), 2);
	assert_int_equal(seen_count, RTE_DIM(expected));
	for (unsigned int i = 0; i < seen_count; i++) {
		assert_int_equal(seen[i].worker, expected[i].worker);
		assert_int_equal(seen[i].number, expected[i].number);
	}
	assert_int_equal(workers[0]->counters->cells[BH_WORKER_HANDED_OVER], 4);
	assert_int_equal(workers[0]->counters->ports[1].in, 8);
	assert_int_equal(workers[0]->counters->ports[1].in_bytes, 8 * 60);
	assert_int_equal(eal_drops(workers[0], 1, BH_DROP_RUNT), 1);
	assert_identity();
}

/* A tag that the driver took off was on the wire. */
static void test_stripped(void **state)
{
	struct rte_mbuf *m = frame(0, 0);
	(void)state;

	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	receive(&m, 1);
	assert_int_equal(workers[0]->counters->ports[1].in_bytes, 64);
}

static void test_ring_full(void **state)
{
	struct rte_mbuf *frames[RING + 5];
	(void)state;

	for (uint8_t i = 0; i < RING + 5; i++)
		frames[i] = frame(1, i);
	receive(frames, RING + 5);
	/* a ring holds one less than its size */
	assert_int_equal(eal_drops(workers[0], 1, BH_DROP_HANDOFF_FULL), 6);
	while (rx_round(workers[1], &rx[1]))
		;
	assert_int_equal(seen_count, RING - 1);
	for (unsigned int i = 0; i < seen_count; i++)
		assert_int_equal(seen[i].number, i);
	assert_identity();
}

static void test_closed(void **state)
{
	struct rte_mbuf *frames[3] = { frame(0, 0), frame(1, 1), frame(2, 2) };
	(void)state;

	/* what was in the private area before must not be followed */
	for (unsigned int i = 0; i < 3; i++)
		memset(frame_of(frames[i]), 0xa5, sizeof(struct frame));
	workers[0]->policy = NULL;
	receive(frames, 3);
	assert_int_equal(eal_drops(workers[0], 1, BH_DROP_NO_POLICY), 3);
	assert_int_equal(seen_count, 0);
	assert_identity();
}

/* Handed over by a worker that saw the first policy a moment earlier. */
static void test_closed_owner(void **state)
{
	struct rte_mbuf *m = frame(2, 0);
	(void)state;

	workers[2]->policy = NULL;
	receive(&m, 1);
	assert_int_equal(rx_round(workers[2], &rx[2]), 1);
	assert_int_equal(eal_drops(workers[2], 1, BH_DROP_NO_POLICY), 1);
	assert_int_equal(seen_count, 0);
	assert_identity();
}

/* What is still under way at the end goes back to its pool: teardown counts. */
static void test_left_over(void **state)
{
	struct rte_mbuf *frames[2] = { frame(1, 0), frame(2, 0) };
	(void)state;

	receive(frames, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_distribution), TEST(test_stripped),     TEST(test_ring_full),
		TEST(test_closed),       TEST(test_closed_owner), TEST(test_left_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
