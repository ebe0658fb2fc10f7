/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/loop.c dataplane/probe.c dataplane/siphash.c */
/*
 * Loops, with the main thread and a worker in turn. Two appliances of one group, `we' and `they', over segments 1, 2, .. of one
 * network and segment 100 of another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "eal.h"
#include "loop.h"
#include "notice.h"

#define SEGMENTS 40u
#define OTHER 100u
#define SECOND UINT64_C(1000000)
#define START (UINT64_C(1767225600) * SECOND)

static struct rte_mempool *pool;
static struct worker *w;
static struct bh_counters *counters;
static struct policy policy;
static struct policy_segment segments[BH_SEGMENT_IDS];
static const struct rte_ether_addr macs[1] = { { { 2, 0, 0, 0, 0, 9 } } };
static struct loops *we, *they;
static uint64_t now;
static unsigned int told, suspected;
static char key_file[] = "/tmp/bulkhead-key-XXXXXX";

void notice(struct worker *worker, enum bh_notice_kind kind, const uint8_t *mac, const uint8_t *address,
	    uint16_t segment0, uint16_t segment1, const char *text)
{
	(void)worker, (void)mac, (void)address, (void)segment0, (void)segment1, (void)text;
	assert_int_equal(kind, BH_NOTICE_LOOP);
	suspected++;
}

void log_line(int priority, const char *format, ...)
{
	(void)priority, (void)format;
}

static void hear_notice(void *opaque, enum bh_notice_kind kind, const char *text)
{
	(void)opaque, (void)text;
	assert_int_equal(kind, BH_NOTICE_LOOP);
	told++;
}

static struct loops *start(const char *run, const char *key)
{
	const struct options options = { .run = run, .group = "group", .group_key = key };
	struct loop_need need = { .options = &options,
				  .counters = counters,
				  .workers = 1,
				  .buffers = pool,
				  .macs = macs,
				  .now_us = now,
				  .notice = hear_notice };
	struct loops *l = NULL;

	assert_int_equal(loops_new(&l, &need), 0);
	loops_policy(l, &policy);
	return l;
}

/* The probe that an appliance sends to a segment in this round, as a frame; those of others are thrown away. */
static struct rte_mbuf *probe_of(struct loops *l, uint16_t segment)
{
	struct rte_mbuf *m, *found = NULL;

	for (unsigned int tick = 0; tick < 10; tick++)
		loops_tick(l, &policy, now);
	while (loops_take(l, &m, 1)) {
		if (frame_of(m)->dest == segment && !found)
			found = m;
		else
			rte_pktmbuf_free(m);
	}
	assert_non_null(found);
	return found;
}

/* It comes in by a segment; `keep': the frame is used again. */
static bool hears(struct loops *l, const struct rte_mbuf *m, uint16_t segment)
{
	struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	bool taken;

	f->kind = FRAME_OTHER;
	f->ethertype = PROBE_ETHERTYPE;
	f->l3 = 14;
	f->segment = segment;
	w->unix_offset_us = now - w->now_ns / 1000;
	taken = loops_hear(l, w, m);
	loops_tick(l, &policy, now);
	return taken;
}

static bool is_closed(struct loops *l, uint16_t a, uint16_t b)
{
	return loop_closed(loops_gate(l), a, b) && loop_closed(loops_gate(l), b, a);
}

static int setup(void **state)
{
	(void)state;
	now = START;
	told = suspected = 0;
	memset(w->counters->cells, 0, sizeof(w->counters->cells));
	we = start("/run/a", key_file);
	they = start("/run/b", key_file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loops_free(we);
	loops_free(they);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	return 0;
}

static void own_probe_elsewhere(void **state)
{
	struct rte_mbuf *m = probe_of(we, 1);

	(void)state;
	assert_true(hears(we, m, 1));     /* an uplink gave it back: that joins nothing */
	assert_true(hears(we, m, OTHER)); /* nor do we join these two */
	assert_int_equal(told, 0);
	assert_true(hears(we, m, 2));
	assert_true(is_closed(we, 1, 2));
	assert_false(is_closed(we, 1, 3));
	assert_int_equal(told, 1);
	assert_int_equal(counters->loop_count, 1);
	assert_int_equal(counters->loops[0], 1 << 16 | 2);
	assert_true(hears(we, m, 2));
	assert_int_equal(told, 1);
	/* 10 s after the last */
	now += 10 * SECOND - 1;
	loops_tick(we, &policy, now);
	assert_true(is_closed(we, 1, 2));
	now++;
	loops_tick(we, &policy, now);
	assert_false(is_closed(we, 1, 2));
	assert_int_equal(counters->loop_count, 0);
	assert_int_equal(told, 2);
	rte_pktmbuf_free(m);
}

static void recorded_and_forged(void **state)
{
	struct rte_mbuf *m = probe_of(we, 1);

	(void)state;
	rte_pktmbuf_mtod(m, uint8_t *)[PROBE_FRAME - 1] ^= 1;
	assert_true(hears(we, m, 2));
	rte_pktmbuf_mtod(m, uint8_t *)[PROBE_FRAME - 1] ^= 1;
	for (unsigned int i = 0; i < 3; i++) {
		now += SECOND;
		rte_pktmbuf_free(probe_of(we, 1));
	}
	assert_true(hears(we, m, 2));
	rte_pktmbuf_free(m);
	/* of the process before this one */
	m = probe_of(we, 1);
	loops_free(we);
	now += SECOND;
	we = start("/run/a", key_file);
	rte_pktmbuf_free(probe_of(we, 1));
	assert_true(hears(we, m, 2));
	assert_int_equal(suspected, 3);
	assert_int_equal(w->counters->cells[BH_WORKER_PROBES_REFUSED], 3);
	assert_int_equal(loops_gate(we)->count, 0);
	assert_int_equal(told, 0);
	/* frames that are none of ours go on to whoever judges ethertypes */
	memset(rte_pktmbuf_mtod_offset(m, void *, 14), 0, PROBE_SIZE);
	assert_false(hears(we, m, 2));
	rte_pktmbuf_free(m);
}

/* Of this round, but kept for a while: who has a foot in two segments and no wire between them. */
static void kept_for_a_moment(void **state)
{
	struct rte_mbuf *m = probe_of(we, 1);

	(void)state;
	now += SECOND + 1;
	assert_true(hears(we, m, 2));
	assert_false(is_closed(we, 1, 2));
	assert_int_equal(suspected, 1);
	now--;
	assert_true(hears(we, m, 2));
	assert_true(is_closed(we, 1, 2));
	rte_pktmbuf_free(m);
}

/* Takes what is to be sent; it leaves, or not. */
static uint32_t probes_go(bool leave)
{
	struct rte_mbuf *m;
	uint32_t count = 0;

	for (; loops_take(we, &m, 1); count++) {
		assert_int_equal(frame_of(m)->ethertype, PROBE_ETHERTYPE); /* what tx knows it by */
		if (leave)
			loop_left(loops_gate(we), frame_of(m)->dest);
		rte_pktmbuf_free(m);
	}
	return count;
}

static uint32_t first_probes(void)
{
	return probes_go(true);
}

/* What is new is probed at once, and open when nothing came back for a while. */
static void listening_first(void **state)
{
	const struct loop_gate *gate = loops_gate(we);

	(void)state;
	assert_int_equal(counters->listening, SEGMENTS + 1);
	assert_true(loop_listening(gate, 1, 2));
	assert_false(loop_listening(NULL, 1, 2));
	now += 100 * SECOND; /* nothing was sent yet: however long that takes, it is not listened */
	assert_true(loops_listen(we, &policy, now));
	assert_int_equal(first_probes(), SEGMENTS + 1);
	assert_true(loops_listen(we, &policy, now));
	now += LOOP_LISTEN_US - 1;
	assert_true(loops_listen(we, &policy, now));
	assert_int_equal(first_probes(), 0);
	assert_true(loop_listening(gate, 1, 2));
	now++;
	assert_false(loops_listen(we, &policy, now));
	assert_false(loop_listening(gate, 1, 2));
	assert_int_equal(counters->listening, 0);
	/* a policy takes one away: what is under way goes on; one that gives it back has it listened to again */
	segments[2].index = BH_NONE;
	loops_policy(we, &policy);
	assert_false(loops_listen(we, &policy, now));
	assert_false(loop_listening(gate, 1, 2));
	segments[2].index = 2;
	loops_policy(we, &policy);
	assert_int_equal(counters->listening, 1);
	assert_true(loop_listening(gate, 1, 2));
	assert_false(loop_listening(gate, 1, 3));
	assert_true(loops_listen(we, &policy, now));
	assert_int_equal(first_probes(), 1);
	assert_true(loops_listen(we, &policy, now));
	now -= 1000 * SECOND; /* the clock was set: listened anew, not for a quarter of an hour */
	assert_true(loops_listen(we, &policy, now));
	now += LOOP_LISTEN_US;
	assert_false(loops_listen(we, &policy, now));
	assert_int_equal(first_probes(), 0);
}

/* Everything that is new is listened to and opened. */
static void open_all(void)
{
	assert_true(loops_listen(we, &policy, now));
	first_probes();
	assert_true(loops_listen(we, &policy, now));
	now += LOOP_LISTEN_US;
	assert_false(loops_listen(we, &policy, now));
}

/* A port whose link is down at the start: silence says nothing before a probe was out there. */
static void listening_with_the_link_down(void **state)
{
	const struct loop_gate *gate = loops_gate(we);

	(void)state;
	assert_true(loops_listen(we, &policy, now));
	assert_int_equal(probes_go(false), SEGMENTS + 1);
	for (unsigned int i = 0; i < 10; i++) {
		now += LOOP_LISTEN_US;
		assert_true(loops_listen(we, &policy, now));
	}
	assert_int_equal(probes_go(false), 0); /* the rounds' are enough */
	assert_int_equal(counters->listening, SEGMENTS + 1);
	assert_true(loop_listening(gate, 1, 2));
	/* the link is there: a round's probe leaves */
	for (unsigned int tick = 0; tick < 10; tick++)
		loops_tick(we, &policy, now);
	assert_int_equal(first_probes(), SEGMENTS + 1);
	now += 5 * SECOND; /* and the main thread sees that late */
	assert_true(loops_listen(we, &policy, now));
	now += LOOP_LISTEN_US - 1;
	assert_true(loops_listen(we, &policy, now));
	now++;
	assert_false(loops_listen(we, &policy, now));
	assert_false(loop_listening(gate, 1, 2));
}

/* A policy puts a segment into another network: loops between it and those that are there were nobody's business before. */
static void listening_in_another_network(void **state)
{
	const struct loop_gate *gate = loops_gate(we);

	(void)state;
	open_all();
	loops_policy(we, &policy); /* nothing is another */
	assert_false(loops_listen(we, &policy, now));
	loop_left(loops_gate(we), OTHER); /* before that policy */
	segments[OTHER].network = 1;
	loops_policy(we, &policy);
	assert_int_equal(counters->listening, 1);
	assert_true(loop_listening(gate, 1, OTHER));
	assert_false(loop_listening(gate, 1, 3));
	assert_true(loops_listen(we, &policy, now));
	now += LOOP_LISTEN_US;
	assert_true(loops_listen(we, &policy, now));
	assert_int_equal(first_probes(), 1);
	assert_true(loops_listen(we, &policy, now));
	now += LOOP_LISTEN_US;
	assert_false(loops_listen(we, &policy, now));
	segments[OTHER].network = 2;
}

/* A loop that is there from the start closes its pair before the pair opens. */
static void a_loop_at_the_start(void **state)
{
	struct rte_mbuf *m, *first = NULL;

	(void)state;
	assert_true(loops_listen(we, &policy, now));
	while (loops_take(we, &m, 1)) {
		loop_left(loops_gate(we), frame_of(m)->dest);
		if (frame_of(m)->dest == 1)
			first = m;
		else
			rte_pktmbuf_free(m);
	}
	assert_non_null(first);
	assert_true(loops_listen(we, &policy, now));
	frame_of(first)->kind = FRAME_OTHER;
	frame_of(first)->ethertype = PROBE_ETHERTYPE;
	frame_of(first)->l3 = 14;
	frame_of(first)->segment = 2;
	w->unix_offset_us = now - w->now_ns / 1000;
	assert_true(loops_hear(we, w, first));
	now += LOOP_LISTEN_US;
	assert_false(loops_listen(we, &policy, now));
	assert_true(is_closed(we, 1, 2));
	rte_pktmbuf_free(first);
}

static void a_peers_probe_elsewhere(void **state)
{
	struct rte_mbuf *m = probe_of(they, 1);

	(void)state;
	rte_pktmbuf_free(probe_of(we, 1));
	assert_true(hears(we, m, 2));
	assert_true(is_closed(we, 1, 2));
	/* recorded, and sent again when the peer is silent */
	now += 20 * SECOND;
	assert_true(hears(we, m, 3));
	assert_false(is_closed(we, 1, 3));
	assert_false(is_closed(we, 1, 2));
	rte_pktmbuf_free(m);
}

/* Both join the same segments: exactly one of the two closes. */
static void a_peer_beside_us(void **state)
{
	(void)state;
	rte_pktmbuf_free(probe_of(we, 1));
	rte_pktmbuf_free(probe_of(they, 1));
	for (uint16_t segment = 1; segment <= 2; segment++) {
		struct rte_mbuf *ours = probe_of(we, segment), *theirs = probe_of(they, segment);

		assert_true(hears(we, theirs, segment));
		assert_true(hears(they, ours, segment));
		rte_pktmbuf_free(ours);
		rte_pktmbuf_free(theirs);
	}
	assert_true(is_closed(we, 1, 2) != is_closed(they, 1, 2));
}

static void strangers(void **state)
{
	struct loops *stranger = start("/run/c", NULL);
	struct rte_mbuf *m = probe_of(stranger, 1);

	(void)state;
	rte_pktmbuf_free(probe_of(we, 1));
	assert_true(hears(we, m, 2));
	assert_int_equal(loops_gate(we)->count, 0);
	assert_int_equal(suspected, 0); /* another group's business */
	rte_pktmbuf_free(m);
	loops_free(stranger);
}

static void more_loops_than_places(void **state)
{
	(void)state;
	for (uint16_t segment = 2; segment <= SEGMENTS; segment++) {
		struct rte_mbuf *m = probe_of(we, 1);

		assert_true(hears(we, m, segment));
		rte_pktmbuf_free(m);
	}
	assert_int_equal(loops_gate(we)->count, LOOP_PAIRS);
	assert_true(is_closed(we, 7, 8)); /* all are */
	now += 10 * SECOND;
	loops_tick(we, &policy, now);
	assert_int_equal(loops_gate(we)->count, 0);
}

static void keys(void **state)
{
	static const char *const bad[] = { "", "0123", "0123456789abcdef0123456789abcdeg",
					   "0123456789abcdef0123456789abcdef0" };
	struct options options = { .run = "/run/a", .group = "group", .group_key = "/nonexistent" };
	struct loop_need need = { .options = &options, .counters = counters, .workers = 1 };
	struct loops *l = NULL;
	char path[] = "/tmp/bulkhead-key-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(loops_new(&l, &need), -ENOENT);
	options.group_key = path;
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bad[i], strlen(bad[i]), 0), strlen(bad[i]));
		assert_int_equal(loops_new(&l, &need), -EINVAL);
	}
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_probe_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(recorded_and_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(kept_for_a_moment, setup, teardown),
		cmocka_unit_test_setup_teardown(listening_first, setup, teardown),
		cmocka_unit_test_setup_teardown(listening_with_the_link_down, setup, teardown),
		cmocka_unit_test_setup_teardown(listening_in_another_network, setup, teardown),
		cmocka_unit_test_setup_teardown(a_loop_at_the_start, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peers_probe_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_beside_us, setup, teardown),
		cmocka_unit_test_setup_teardown(strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(more_loops_than_places, setup, teardown),
		cmocka_unit_test(keys),
	};
	int fd = mkstemp(key_file);

	if (fd < 0 || write(fd, "0123456789abcdef0123456789ABCDEF\n", 33) != 33)
		return 99;
	close(fd);
	pool = eal_pool("probes", 1023, 2048);
	w = eal_worker();
	counters = calloc(1, sizeof(*counters));
	for (uint32_t id = 0; id < BH_SEGMENT_IDS; id++)
		segments[id].index = BH_NONE;
	for (uint32_t id = 1; id <= SEGMENTS; id++)
		segments[id] = (struct policy_segment){ .index = id, .network = 1 };
	segments[OTHER] = (struct policy_segment){ .index = OTHER, .network = 2 };
	for (uint32_t id = 1; counters && id <= OTHER; id++)
		snprintf(counters->segments[id], sizeof(counters->segments[id]), "s%u", id);
	policy.segments = segments;
	policy.generation = 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(counters);
	eal_worker_free(w);
	unlink(key_file);
	return failed;
}
