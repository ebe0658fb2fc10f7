/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/alarm.c dataplane/names.c */
/* Alarms of tables and limits, with two workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "alarm.h"
#include "eal.h"
#include "event.h"
#include "fragment.h"

enum { WEB = 1, DB = 2 };

static struct workers workers = { .count = 2 };
static const struct options sizes = {
	.flows = 2000, .macs = 100, .detecting = 200, .fragments = 40, .dpi_memory = 8000
};
static struct bh_counters *counters;
static struct policy policy;
static struct policy_segment segments[BH_SEGMENT_IDS];
static struct alarms *alarms;
static uint32_t held, events;
static unsigned int told;
static char last[192];

uint32_t fragments_held(const struct fragments *f, uint16_t segment)
{
	(void)f;
	return segment == DB ? held : 0;
}

uint32_t event_ring_used(const struct event_ring *ring)
{
	(void)ring;
	return events;
}

uint32_t event_ring_size(const struct event_ring *ring)
{
	(void)ring;
	return 8192;
}

static void hear(void *opaque, enum bh_notice_kind kind, const char *text)
{
	(void)opaque;
	assert_int_equal(kind, BH_NOTICE_EXHAUSTED);
	snprintf(last, sizeof(last), "%s", text);
	told++;
}

static unsigned int look(void)
{
	told = 0;
	alarms_events(alarms);
	alarms_look(alarms, &policy);
	return told;
}

static int setup(void **state)
{
	struct alarm_need need = {
		.workers = &workers, .sizes = &sizes, .counters = counters, .notice = hear
	};

	(void)state;
	for (uint16_t i = 0; i < workers.count; i++)
		memset(workers.list[i]->counters, 0, sizeof(*workers.list[i]->counters));
	counters->macs = 0;
	held = events = 0;
	segments[DB].limits =
		(struct bh_limits){ .flows = 200, .embryonic = 20, .macs = 10, .fragments = 20 };
	segments[WEB].limits = (struct bh_limits){ 0 };
	alarms = alarms_new(&need);
	return alarms ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	alarms_free(alarms);
	return 0;
}

static void levels_have_hysteresis(void **state)
{
	static const struct {
		uint32_t level, used, next;
	} steps[] = {
		{ 0, 0, 0 },    { 0, 69, 0 },   { 0, 70, 70 },  { 0, 84, 70 },
		{ 0, 85, 85 },  { 0, 95, 95 },  { 0, 100, 95 }, { 95, 90, 95 },
		{ 95, 89, 85 }, { 95, 79, 70 }, { 85, 80, 85 }, { 85, 79, 70 },
		{ 70, 65, 70 }, { 70, 64, 0 },  { 70, 99, 95 }, { 95, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(steps); i++)
		assert_int_equal(alarm_level(steps[i].level, steps[i].used, 100), steps[i].next);
	assert_int_equal(alarm_level(0, 5, 0), 0); /* no limit */
	assert_int_equal(alarm_level(95, 5, 0), 0);
}

static void the_fullest_share_counts(void **state)
{
	uint64_t *cell = &workers.list[1]->counters->cells[BH_WORKER_FLOWS];

	(void)state;
	assert_int_equal(look(), 0);
	*cell = 699;
	assert_int_equal(look(), 0);
	*cell = 700; /* of 1,000: the other worker has none */
	assert_int_equal(look(), 1);
	assert_string_equal(last, "flows: 700 of 1000, over 70 %");
	assert_int_equal(counters->alarm_count, 1);
	assert_int_equal(counters->alarms[0].resource, BH_RESOURCE_FLOWS);
	assert_int_equal(counters->alarms[0].segment, 0);
	assert_int_equal(counters->alarms[0].level, 70);
	assert_int_equal(look(), 0);
	*cell = 649;
	assert_int_equal(look(), 1);
	assert_string_equal(last, "flows: 649 of 1000, under 70 %");
	assert_int_equal(counters->alarm_count, 0);
}

static void every_table_has_one(void **state)
{
	uint64_t *cells = workers.list[0]->counters->cells;

	(void)state;
	cells[BH_WORKER_FLOWS] = 1000;
	cells[BH_WORKER_FRAGMENT_SETS] = 20;
	cells[BH_WORKER_DETECTING] = 100;
	cells[BH_WORKER_DPI_MEMORY] = 3000; /* three quarters: from there on none is begun */
	counters->macs = 100;
	events = 8000;
	assert_int_equal(look(), 6);
	assert_int_equal(counters->alarm_count, 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(counters->alarms[i].level, 95);
}

static void segments_have_their_own(void **state)
{
	struct bh_segment_counters *db = &workers.list[0]->counters->segments[DB];

	(void)state;
	db->flows = 100;
	db->embryonic = 10;
	db->macs = 10;
	held = 10;
	workers.list[0]->counters->segments[WEB].flows = 1u << 20; /* without a limit */
	assert_int_equal(look(), 4);
	assert_int_equal(counters->alarm_count, 4);
	assert_int_equal(counters->alarms[0].segment, DB);
	assert_string_equal(last, "fragments of segment db: 10 of 10, over 95 %");
	/* the segment is not in the next policy */
	segments[DB].index = BH_NONE;
	assert_int_equal(look(), 4);
	assert_int_equal(counters->alarm_count, 0);
	segments[DB].index = 1;
}

static void notices_are_bounded(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 20; id++) {
		segments[id] = (struct policy_segment){ .index = id, .limits = { .flows = 2 } };
		workers.list[0]->counters->segments[id].flows = 1;
	}
	counters->segment_ids = 21;
	assert_int_equal(look(), 8);
	assert_int_equal(look(), 8);
	assert_int_equal(look(), 4);
	assert_int_equal(look(), 0);
	assert_int_equal(counters->alarm_count, 20);
	counters->segment_ids = 3;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_have_hysteresis),
		cmocka_unit_test_setup_teardown(the_fullest_share_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(every_table_has_one, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_have_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(notices_are_bounded, setup, teardown),
	};

	counters = calloc(1, sizeof(*counters));
	for (uint16_t i = 0; i < workers.count; i++) {
		workers.list[i] = eal_worker();
		workers.list[i]->worker_count = workers.count;
	}
	for (uint32_t id = 0; id < BH_SEGMENT_IDS; id++)
		segments[id].index = BH_NONE;
	segments[WEB].index = 0;
	segments[DB].index = 1;
	policy.segments = segments;
	counters->segment_ids = 3;
	strcpy(counters->segments[DB], "db");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (uint16_t i = 0; i < workers.count; i++)
		eal_worker_free(workers.list[i]);
	free(counters);
	return failed;
}
