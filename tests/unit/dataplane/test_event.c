/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/event.c */
/* The event ring: in order, never over what was not read, and what was lost is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eal.h"
#include "event.h"

enum { SLOTS = 8 };

static struct worker *w;

static int setup(void **state)
{
	(void)state;
	eal_start();
	w = eal_worker();
	w->events = event_ring_new(SLOTS, SOCKET_ID_ANY);
	w->now_ns = 5000;
	w->unix_offset_us = 100;
	return w->events ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	event_ring_free(w->events);
	eal_worker_free(w);
	return 0;
}

static bool put(uint64_t id)
{
	struct bh_event *event = event_begin(w, BH_EVENT_FLOW);

	if (!event)
		return false;
	event->flow.id = id;
	event_commit(w);
	return true;
}

static void take(uint64_t id, uint32_t lost)
{
	const struct bh_event *event = event_peek(w->events);

	assert_non_null(event);
	assert_int_equal(event->flow.id, id);
	assert_int_equal(event->lost, lost);
	assert_int_equal(event->time_us, 105);
	event_consume(w->events);
}

static void test_order(void **state)
{
	(void)state;
	/* around the end of the ring several times, at every fill */
	for (uint64_t fill = 1; fill <= SLOTS; fill++) {
		for (uint64_t i = 0; i < fill; i++)
			assert_true(put(fill * 100 + i));
		for (uint64_t i = 0; i < fill; i++)
			take(fill * 100 + i, 0);
		assert_null(event_peek(w->events));
	}
}

static void test_full(void **state)
{
	uint64_t lost = w->counters->cells[BH_WORKER_EVENTS_LOST];
	(void)state;

	for (uint64_t i = 0; i < SLOTS; i++)
		assert_true(put(i));
	for (int i = 0; i < 3; i++)
		assert_false(put(99));
	assert_int_equal(w->counters->cells[BH_WORKER_EVENTS_LOST] - lost, 3);
	for (uint64_t i = 0; i < SLOTS; i++)
		take(i, 0);
	/* the next event tells, the one after it has nothing to tell */
	assert_true(put(1) && put(2));
	take(1, 3);
	take(2, 0);
}

/* An event that was begun and given up is none. */
static void test_not_committed(void **state)
{
	(void)state;
	assert_non_null(event_begin(w, BH_EVENT_FLOW));
	assert_null(event_peek(w->events));
	assert_true(put(4));
	take(4, 0);
}

static unsigned int drained;

static void drain(struct event_ring *ring, void *opaque)
{
	assert_ptr_equal(opaque, &drained);
	while (event_peek(ring)) {
		event_consume(ring);
		drained++;
	}
}

static void test_drain(void **state)
{
	(void)state;
	event_ring_on_full(w->events, drain, &drained);
	for (uint64_t i = 0; i < 100; i++)
		assert_true(put(i));
	drain(w->events, &drained);
	assert_int_equal(drained, 100);
	event_ring_on_full(w->events, NULL, NULL);
}

static void test_notice(void **state)
{
	static struct bh_counters directory;
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	const struct bh_event *event;
	(void)state;

	strcpy(directory.segments[3], "web");
	w->directory = &directory;
	event_notice(w, BH_NOTICE_SPOOF, mac, NULL, 3, SEGMENT_NONE,
		     "%s and a text that is longer than it has room %0200d", "seen", 7);
	event = event_peek(w->events);
	assert_non_null(event);
	assert_int_equal(event->type, BH_EVENT_NOTICE);
	assert_int_equal(event->notice.kind, BH_NOTICE_SPOOF);
	assert_memory_equal(event->notice.mac, mac, 6);
	assert_string_equal(event->notice.segment[0], "web");
	assert_string_equal(event->notice.segment[1], "");
	assert_int_equal(strlen(event->notice.text), sizeof(event->notice.text) - 1);
	event_consume(w->events);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_null(event_ring_new(0, SOCKET_ID_ANY));
	assert_null(event_ring_new(12, SOCKET_ID_ANY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),         cmocka_unit_test(test_full),
		cmocka_unit_test(test_not_committed), cmocka_unit_test(test_drain),
		cmocka_unit_test(test_notice),        cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
