/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/denials.c dataplane/event.c dataplane/bucket.c */
/* Refusals over the rate: none is lost, few are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "denials.h"
#include "eal.h"
#include "event.h"
#include "flow.h"

enum { SLOTS = 256, WEB = 1, APP, DB };
#define SEC 1000000000ull

static struct worker *w;
static struct flow flow;

void flow_record(const struct worker *worker, const struct flow *one, enum bh_flow_end why,
		 struct bh_flow_record *record)
{
	(void)worker;
	(void)why;
	*record = (struct bh_flow_record){ .protocol = one->key.protocol,
					   .verdict = one->verdict,
					   .destination_port = one->key.port[1],
					   .network = "shop",
					   .rule = "no-scans" };
	snprintf(record->segment[0], sizeof(record->segment[0]), "s%u", one->segment[0]);
	snprintf(record->segment[1], sizeof(record->segment[1]), "s%u", one->segment[1]);
}

static int setup(void **state)
{
	(void)state;
	eal_start();
	w = eal_worker();
	w->now_ns = 1000 * SEC;
	w->events = event_ring_new(SLOTS, SOCKET_ID_ANY);
	w->denials = denials_new(1, SOCKET_ID_ANY);
	flow = (struct flow){
		.key.protocol = 6, .segment = { WEB, APP }, .rule_id = 3, .verdict = BH_VERDICT_DENY
	};
	return w->events && w->denials ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	denials_free(w->denials);
	event_ring_free(w->events);
	eal_worker_free(w);
	return 0;
}

/* So many refusals at this moment; returns how many are to be told alone. */
static uint32_t refuse(uint32_t count)
{
	uint32_t alone = 0;

	for (uint32_t i = 0; i < count; i++) {
		flow.key.port[1] = (uint16_t)(1000 + i);
		alone += denials_alone(w, &flow);
	}
	return alone;
}

/* One kind a call. */
static void tell_all(void)
{
	while (denials_tell(w))
		;
}

/* The next event; false: there is none. */
static bool next(struct bh_denials *denials)
{
	const struct bh_event *event = event_peek(w->events);

	if (!event)
		return false;
	assert_int_equal(event->type, BH_EVENT_DENIALS);
	*denials = event->denials;
	event_consume(w->events);
	return true;
}

static void test_few_are_told_alone(void **state)
{
	struct bh_denials d;

	(void)state;
	assert_int_equal(refuse(DENIALS_BURST), DENIALS_BURST);
	w->now_ns += SEC;
	assert_int_equal(refuse(DENIALS_RATE), DENIALS_RATE);
	w->now_ns += 10 * SEC;
	tell_all();
	assert_false(next(&d));
}

static void test_sum(void **state)
{
	struct bh_denials d;

	(void)state;
	assert_int_equal(refuse(DENIALS_BURST + 700), DENIALS_BURST);
	flow.segment[1] = DB;
	assert_int_equal(refuse(40), 0);
	flow.key.protocol = 17;
	assert_int_equal(refuse(2), 0);
	flow.verdict = BH_VERDICT_REJECT;
	assert_int_equal(refuse(1), 0);
	w->now_ns += SEC - 1;
	tell_all();
	assert_false(next(&d));
	w->now_ns++;
	tell_all();
	uint64_t total = 0, kinds = 0;
	while (next(&d)) {
		total += d.count;
		kinds++;
		assert_false(d.others);
		assert_string_equal(d.segment[0], "s1");
		assert_string_equal(d.rule, "no-scans");
		if (d.count != 700)
			continue;
		/* the first of them is the example */
		assert_int_equal(d.destination_port, 1000 + DENIALS_BURST);
		assert_string_equal(d.segment[1], "s2");
		assert_int_equal(d.first_us, 1000000000);
		assert_int_equal(d.last_us, 1000000000);
	}
	assert_int_equal(kinds, 4);
	assert_int_equal(total, 743);
	/* that was all */
	w->now_ns += 5 * SEC;
	tell_all();
	assert_false(next(&d));
}

static void test_more_kinds_than_places(void **state)
{
	struct bh_denials d;
	uint64_t total = 0, named = 0, others = 0;

	(void)state;
	refuse(DENIALS_BURST);
	for (uint32_t i = 0; i < DENIALS_KINDS + 100; i++) {
		flow.rule_id = i;
		assert_int_equal(refuse(3), 0);
	}
	w->now_ns += SEC;
	tell_all();
	while (next(&d)) {
		total += d.count;
		named += !d.others;
		others += d.others;
		assert_string_equal(d.rule, d.others ? "" : "no-scans");
	}
	assert_int_equal(named, DENIALS_KINDS);
	assert_int_equal(others, 1);
	assert_int_equal(total, 3 * (DENIALS_KINDS + 100));
}

/* A full ring loses no count: what was not told is told when there is room, with what came meanwhile. */
static void test_full_ring(void **state)
{
	struct bh_denials d;
	uint64_t total = 0;

	(void)state;
	while (event_begin(w, BH_EVENT_DENIALS))
		event_commit(w);
	refuse(DENIALS_BURST + 5);
	flow.segment[1] = DB;
	refuse(5);
	w->now_ns += SEC;
	tell_all();
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_true(next(&d));
	assert_false(next(&d));
	uint32_t alone = refuse(DENIALS_RATE + 10);
	tell_all();
	while (next(&d))
		total += d.count;
	assert_int_equal(total, 10 + DENIALS_RATE + 10 - alone);
}

/* What is refused between two pieces is told with the rest or a second later, and never twice. */
static void test_counted_while_telling(void **state)
{
	struct bh_denials d;
	uint64_t total = 0, later = 0;

	(void)state;
	refuse(DENIALS_BURST);
	for (uint32_t i = 0; i < DENIALS_KINDS; i++) {
		flow.rule_id = i;
		refuse(1);
	}
	w->now_ns += SEC;
	assert_int_equal(refuse(DENIALS_RATE), DENIALS_RATE);
	uint64_t alone = 0;
	for (bool more = true; more;) {
		more = denials_tell(w);
		flow.rule_id = 7;
		alone += refuse(2);
	}
	while (next(&d))
		total += d.count;
	w->now_ns += SEC;
	tell_all();
	while (next(&d))
		later += d.count;
	assert_true(later > 0);
	assert_int_equal(total + later + alone, DENIALS_KINDS + 2 * (DENIALS_KINDS + 1));
	w->now_ns += 2 * SEC;
	tell_all();
	assert_false(next(&d));
}

/* A ring with room for some of the sums only: what comes before the rest is told goes to the sum of its kind. */
static void test_nearly_full_ring(void **state)
{
	uint32_t sums[DENIALS_KINDS] = { 0 }, counts[DENIALS_KINDS] = { 0 };
	struct bh_denials d;

	(void)state;
	for (uint32_t i = 0; i < SLOTS - DENIALS_KINDS / 2; i++) {
		assert_non_null(event_begin(w, BH_EVENT_DENIALS));
		event_commit(w);
	}
	refuse(DENIALS_BURST);
	for (uint32_t i = 0; i < DENIALS_KINDS; i++) {
		flow.segment[0] = (uint16_t)i;
		assert_int_equal(refuse(1), 0);
	}
	w->now_ns += SEC;
	tell_all();
	/* no place was given up yet */
	while (refuse(1))
		;
	for (uint32_t i = 0; i < DENIALS_KINDS; i++) {
		flow.segment[0] = (uint16_t)i;
		assert_int_equal(refuse(1), 0);
	}
	for (uint32_t i = 0; i < SLOTS - DENIALS_KINDS / 2; i++)
		assert_true(next(&d));
	/* what was told, the rest, and a second later what was counted among the told ones */
	for (uint32_t part = 0; part < 3; part++) {
		while (next(&d)) {
			assert_false(d.others);
			sums[atoi(d.segment[0] + 1)]++;
			counts[atoi(d.segment[0] + 1)] += (uint32_t)d.count;
		}
		w->now_ns += part * SEC;
		tell_all();
	}
	while (next(&d)) {
		sums[atoi(d.segment[0] + 1)]++;
		counts[atoi(d.segment[0] + 1)] += (uint32_t)d.count;
	}
	uint32_t once = 0;
	for (uint32_t i = 0; i < DENIALS_KINDS; i++) {
		assert_in_range(sums[i], 1, 2);
		assert_int_equal(counts[i], i == DENIALS_KINDS - 1 ? 3 : 2); /* one more used up the rate */
		once += sums[i] == 1;
	}
	assert_int_equal(once, DENIALS_KINDS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_few_are_told_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_kinds_than_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counted_while_telling, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nearly_full_ring, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
