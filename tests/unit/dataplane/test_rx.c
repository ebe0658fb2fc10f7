/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/rx.c dataplane/handoff.c dataplane/owner.c dataplane/drop.c tests/unit/dataplane/no_sessions.c */
/* Distribution to the owners of flows: in order, counted once, and dropped under a name when it can not be; and which queues are whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eal.h"
#include "flow.h"
#include "fragment.h"
#include "handoff.h"
#include "owner.h"
#include "parse.h"
#include "pipeline.h"
#include "rx.h"

enum { WORKERS = 3, RING = 16, POOL = 255 };

static struct rte_mempool *pool;
static struct worker *workers[WORKERS];
static struct rx rx[WORKERS];
static struct handoff handoff;
static struct policy policy;
static struct owners owners;
static uint32_t addresses[WORKERS]; /* whose owner is this worker */

/* ---- the neighbours: the first byte of a frame is its owner, 255 a frame that parse drops, 254 one that is not IP; forwarded ones
 * are noted ---- */

enum { NOT_IP = 254, BAD = 255 };

static unsigned int received; /* frames that pipeline_receive() has seen */

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

		received++;
		memset(frame_of(frames[i]), 0, sizeof(struct frame));
		if (owner == BAD)
			drop_frame(w, frames[i], BH_DROP_RUNT);
		else
			frames[kept++] = frames[i];
	}
	return kept;
}

unsigned int parse_how(const struct policy *p)
{
	assert_ptr_equal(p, &policy);
	return PARSE_VERIFY;
}

enum bh_drop parse_frame(struct rte_mbuf *m, unsigned int how)
{
	uint8_t owner = *rte_pktmbuf_mtod(m, uint8_t *);
	struct frame *f = frame_of(m);

	assert_int_equal(how, PARSE_VERIFY);
	memset(f, 0, sizeof(*f));
	f->kind = owner == NOT_IP ? FRAME_ARP : FRAME_IPV4;
	if (owner >= NOT_IP)
		return owner == BAD ? BH_DROP_RUNT : PARSED;
	flow_key_put_word(&f->key, 1, addresses[owner]);
	return PARSED;
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
	owners_init(&owners, WORKERS, (uint64_t[2]){ 1, 2 }, 0);
	for (uint16_t i = 0; i < WORKERS; i++)
		while (owner_between(&owners, 0, addresses[i], 0, 0) != i)
			addresses[i]++;
	if (!pool)
		pool = eal_pool("rx", POOL, 256);
	assert_int_equal(handoff_open(&handoff, WORKERS, NULL, RING), 0);
	for (uint16_t i = 0; i < WORKERS; i++) {
		workers[i] = eal_worker();
		workers[i]->id = i;
		workers[i]->worker_count = WORKERS;
		workers[i]->policy = &policy;
		workers[i]->owners = &owners;
		rx_init(&rx[i], i, WORKERS, NULL, &handoff);
	}
	seen_count = received = 0;
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
	static const uint8_t to[] = { 0, 1, 2, NOT_IP, 1, BAD, 2, 0 };
	static const struct {
		uint16_t worker;
		uint8_t number;
	} expected[] = { { 0, 0 }, { 0, 3 }, { 0, 7 }, { 1, 1 }, { 1, 4 }, { 2, 2 }, { 2, 6 } };
	struct rte_mbuf *frames[RTE_DIM(to)];
	(void)state;

	for (uint8_t i = 0; i < RTE_DIM(to); i++)
		frames[i] = frame(to[i], i);
	receive(frames, RTE_DIM(to));
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
	assert_int_equal(received, RTE_DIM(to)); /* each once, where it belongs */
	assert_identity();
}

/* What the fragment stage of another worker has made goes on behind it, in its place among the others. */
static void test_judged(void **state)
{
	struct rte_mbuf *frames[3] = { frame(1, 0), frame(1, 1), frame(1, 2) };
	(void)state;

	receive(frames, 1);
	memset(frame_of(frames[1]), 0, sizeof(struct frame));
	handoff_judged(workers[0], rx[0].out[1], frames[1]);
	receive(frames + 2, 1);
	workers[0]->counters->ports[1].in++; /* it came in some time */
	assert_int_equal(rx_round(workers[1], &rx[1]), 3);
	assert_int_equal(received, 2);
	assert_int_equal(seen_count, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(seen[i].number, i);
	assert_int_equal(workers[0]->counters->cells[BH_WORKER_HANDED_OVER], 3);
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
	struct rte_mbuf *frames[3] = { frame(1, 0), frame(2, 0), frame(2, 1) };
	(void)state;

	receive(frames, 2);
	handoff_judged(workers[0], rx[0].out[2], frames[2]);
}

/* ---- the deal ---- */

static bool has_queue(const struct rx *r, uint16_t port, uint16_t queue)
{
	for (uint16_t i = 0; i < r->queue_count; i++)
		if (r->queues[i].index == port && r->queues[i].queue == queue)
			return true;
	return false;
}

/* Queue q of what spreads by the key is worker q's, so that of all such ports index i is one worker's; the others are dealt round. */
static void test_deal_by_key(void **state)
{
	static struct ports ports = { .count = 4,
				      .ports = { { .rx_queues = 1 },
						 { .rx_queues = 3, .spread = true },
						 { .rx_queues = 1 },
						 { .rx_queues = 2, .spread = true } } };
	(void)state;

	rx_name_owners(&owners, &ports);
	assert_true(owners.by_key);
	for (uint32_t i = 0; i < OWNER_BUCKETS; i++)
		assert_int_equal(owners.worker[i], i % WORKERS);
	for (uint16_t i = 0; i < WORKERS; i++) {
		rx_init(&rx[i], i, WORKERS, &ports, &handoff);
		assert_true(has_queue(&rx[i], 1, i));
		assert_int_equal(has_queue(&rx[i], 3, i), i < 2);
	}
	assert_true(has_queue(&rx[0], 0, 0));
	assert_true(has_queue(&rx[1], 2, 0));
	assert_int_equal(rx[0].queue_count + rx[1].queue_count + rx[2].queue_count, 7);
}

/* Nothing spreads: whoever receives for the others owns less, and less still who also sends for them. */
static void test_deal_by_load(void **state)
{
	static struct ports ports = { .count = 1, .ports = { { .rx_queues = 1, .tx_queues = WORKERS } } };
	uint16_t receives;
	(void)state;

	rx_name_owners(&owners, &ports);
	assert_false(owners.by_key);
	assert_true(owner_part(&owners, 0) >= 1);
	assert_true(owner_part(&owners, 0) < owner_part(&owners, 1));
	assert_in_range(owner_part(&owners, 1), owner_part(&owners, 2) - 1, owner_part(&owners, 2) + 1);
	assert_int_equal(owner_part(&owners, 0) + owner_part(&owners, 1) + owner_part(&owners, 2),
			 OWNER_BUCKETS);
	receives = owner_part(&owners, 0);
	ports.ports[0].tx_queues = 1;
	rx_name_owners(&owners, &ports);
	assert_true(owner_part(&owners, 0) >= 1);
	assert_true(owner_part(&owners, 0) < receives);
	assert_int_equal(owner_part(&owners, 0) + owner_part(&owners, 1) + owner_part(&owners, 2),
			 OWNER_BUCKETS);
	/* by queue 0 workers 0 and 2 send, by queue 1 worker 1 alone */
	ports.ports[0].tx_queues = 2;
	ports.ports[0].rx_queues = WORKERS;
	rx_name_owners(&owners, &ports);
	assert_true(owner_part(&owners, 0) < owner_part(&owners, 1));
	assert_in_range(owner_part(&owners, 1), owner_part(&owners, 2) - 1, owner_part(&owners, 2) + 1);
	ports.ports[0].tx_queues = WORKERS;
	rx_name_owners(&owners, &ports);
	for (uint16_t i = 0; i < WORKERS; i++)
		assert_in_range(owner_part(&owners, i), OWNER_BUCKETS / WORKERS, OWNER_BUCKETS / WORKERS + 1);
}

/* However many there are, each owns some. */
static void test_deal_to_many(void **state)
{
	static struct ports ports = { .count = 1, .ports = { { .rx_queues = 1, .tx_queues = 1 } } };
	(void)state;

	for (uint16_t many = 1; many <= BH_MAX_WORKERS; many++) {
		uint32_t sum = 0;

		owners_init(&owners, many, (const uint64_t[2]){ 1, 2 }, 0);
		rx_name_owners(&owners, &ports);
		for (uint16_t i = 0; i < many; i++) {
			assert_true(owner_part(&owners, i) >= 1);
			sum += owner_part(&owners, i);
		}
		assert_int_equal(sum, OWNER_BUCKETS);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_distribution), TEST(test_judged),      TEST(test_stripped),
		TEST(test_ring_full),    TEST(test_closed),      TEST(test_closed_owner),
		TEST(test_left_over),    TEST(test_deal_by_key), TEST(test_deal_by_load),
		TEST(test_deal_to_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
