/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/counters.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters.h"

#define WORKERS 2u

/* A file of counters as the dataplane lays it out; sparse, in memory. */
struct fixture {
	char path[40];
	int fd;
	size_t size;
	struct bh_counters *map;
	struct bh_worker_counters *workers[WORKERS];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t offset = (sizeof(struct bh_counters) + 63) & ~(size_t)63;

	assert_non_null(f);
	f->fd = memfd_create("counters", 0);
	assert_true(f->fd >= 0);
	f->size = offset + WORKERS * sizeof(struct bh_worker_counters);
	assert_int_equal(ftruncate(f->fd, (off_t)f->size), 0);
	f->map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_ptr_not_equal(f->map, MAP_FAILED);
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
	f->map->magic = BH_COUNTERS_MAGIC;
	f->map->version = BH_COUNTERS_VERSION;
	f->map->size = f->size;
	f->map->worker_offset = offset;
	f->map->worker_stride = sizeof(struct bh_worker_counters);
	f->map->worker_count = WORKERS;
	f->map->port_count = 2;
	f->map->drop_count = BH_DROP_COUNT;
	f->map->rule_ids = 3;
	f->map->segment_ids = 2;
	f->map->network_ids = 1;
	for (uint32_t w = 0; w < WORKERS; w++)
		f->workers[w] = (void *)((char *)f->map + offset + w * sizeof(struct bh_worker_counters));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	munmap(f->map, f->size);
	close(f->fd);
	free(f);
	return 0;
}

static void unknown_vlans_are_counted(void **state)
{
	struct fixture *f = *state;
	struct counters counters;
	char why[128];

	f->workers[0]->unknown_vlans[1][200] = 3;
	f->workers[1]->unknown_vlans[1][200] = 4;
	f->workers[1]->unknown_vlans[2][200] = 5; /* there is no such port */
	assert_int_equal(counters_open(&counters, f->path, why, sizeof(why)), 0);
	assert_int_equal(counters_unknown_vlan(&counters, 1, 200), 7);
	assert_int_equal(counters_unknown_vlan(&counters, 0, 200), 0);
	assert_int_equal(counters_unknown_vlan(&counters, 2, 200), 0);
	assert_int_equal(counters_unknown_vlan(&counters, 1, BH_VLANS), 0);
	counters_close(&counters);
}

static void sums_are_over_the_workers(void **state)
{
	struct fixture *f = *state;
	struct counters counters;
	struct bh_port_counters port;
	struct bh_rule_counters rule;
	struct bh_segment_counters segment;
	struct bh_app_counters app;
	char why[128];

	f->workers[0]->ports[1].in = 10;
	f->workers[1]->ports[1].in = 5;
	f->workers[1]->ports[1].drops[BH_DROP_DENY] = 3;
	f->workers[0]->rules[2].bytes = 100;
	f->workers[1]->rules[2].bytes = 11;
	f->workers[0]->segments[1].flows = 7;
	f->workers[1]->apps[BH_APP_IDS - 1].packets = 9;
	f->workers[0]->cells[BH_WORKER_FLOWS] = 1;
	f->workers[1]->cells[BH_WORKER_FLOWS] = 2;
	assert_int_equal(counters_open(&counters, f->path, why, sizeof(why)), 0);
	counters_port(&counters, 1, &port);
	assert_int_equal(port.in, 15);
	assert_int_equal(counters_drops(&port), 3);
	counters_rule(&counters, 2, &rule);
	assert_int_equal(rule.bytes, 111);
	counters_segment(&counters, 1, &segment);
	assert_int_equal(segment.flows, 7);
	counters_app(&counters, BH_APP_IDS - 1, &app);
	assert_int_equal(app.packets, 9);
	assert_int_equal(counters_workers(&counters, BH_WORKER_FLOWS), 3);
	assert_int_equal(counters_worker(&counters, 1, BH_WORKER_FLOWS), 2);
	counters_close(&counters);
}

static void indices_out_of_range_are_zero(void **state)
{
	struct fixture *f = *state;
	struct counters counters;
	struct bh_port_counters port;
	struct bh_rule_counters rule;
	struct bh_segment_counters segment;
	struct bh_app_counters app;
	char why[128];

	memset(f->workers[0], 0xff, sizeof(*f->workers[0]));
	assert_int_equal(counters_open(&counters, f->path, why, sizeof(why)), 0);
	counters_port(&counters, 2, &port);
	assert_int_equal(port.in, 0);
	counters_rule(&counters, UINT32_MAX, &rule);
	assert_int_equal(rule.sessions, 0);
	counters_segment(&counters, BH_SEGMENT_IDS, &segment);
	assert_int_equal(segment.in, 0);
	counters_app(&counters, BH_APP_IDS, &app);
	assert_int_equal(app.flows, 0);
	assert_int_equal(counters_worker(&counters, WORKERS, BH_WORKER_FLOWS), 0);
	assert_string_equal(counters_rule_name(&counters, UINT32_MAX), "");
	assert_string_equal(counters_segment_name(&counters, 2), "");
	counters_close(&counters);
}

static void names_are_always_terminated(void **state)
{
	struct fixture *f = *state;
	struct counters counters;
	char why[128];

	strcpy(f->map->rules[1], "web-to-app");
	memset(f->map->rules[2], 'x', sizeof(f->map->rules[2]));
	strcpy(f->map->segments[0], "web");
	strcpy(f->map->networks[0], "shop");
	f->map->segment_network[1] = UINT32_MAX;
	assert_int_equal(counters_open(&counters, f->path, why, sizeof(why)), 0);
	assert_string_equal(counters_rule_name(&counters, 1), "web-to-app");
	assert_string_equal(counters_rule_name(&counters, 2), "");
	assert_string_equal(counters_segment_name(&counters, 0), "web");
	assert_string_equal(counters_segment_network(&counters, 0), "shop");
	assert_string_equal(counters_segment_network(&counters, 1), "");
	counters_close(&counters);
}

static void identity_tells_what_is_missing(void **state)
{
	struct bh_port_counters port = { .in = 100, .copies = 5, .out = 80, .consumed = 4, .held = 1 };

	(void)state;
	port.drops[BH_DROP_DENY] = 15;
	port.drops[BH_DROP_RUNT] = 5;
	assert_int_equal(counters_identity(&port), 0);
	port.out++;
	assert_int_equal(counters_identity(&port), -1);
	port.made = 7;
	port.made_out = 5;
	assert_int_equal(counters_identity_made(&port), 2);
	port.made_dropped = 2;
	assert_int_equal(counters_identity_made(&port), 0);
}

static void refused(struct fixture *f, const char *part)
{
	struct counters counters;
	char why[128];

	assert_int_equal(counters_open(&counters, f->path, why, sizeof(why)), -71 /* EPROTO */);
	assert_non_null(strstr(why, part));
	assert_null(counters.map);
}

static void other_layouts_are_refused(void **state)
{
	struct fixture *f = *state;
	uint64_t offset = f->map->worker_offset;

	f->map->magic ^= 1;
	refused(f, "not a file of counters");
	f->map->magic ^= 1;
	f->map->version++;
	refused(f, "another version");
	f->map->version--;
	f->map->drop_count++;
	refused(f, "another version");
	f->map->drop_count--;
	f->map->worker_count = BH_MAX_WORKERS + 1;
	refused(f, "impossible sizes");
	f->map->worker_count = WORKERS + 1;
	refused(f, "cut short");
	f->map->worker_count = WORKERS;
	f->map->port_count = BH_MAX_PORTS + 1;
	refused(f, "impossible sizes");
	f->map->port_count = 2;
	f->map->worker_offset = 8;
	refused(f, "impossible layout");
	f->map->worker_offset = UINT64_MAX - 63;
	refused(f, "cut short");
	f->map->worker_offset = offset;
	f->map->worker_stride = 64;
	refused(f, "impossible layout");
	f->map->worker_stride = UINT64_MAX - 63;
	refused(f, "cut short");
	f->map->worker_stride = sizeof(struct bh_worker_counters);
	f->map->size = f->size + 1;
	refused(f, "impossible sizes");
	f->map->size = f->size;
	assert_int_equal(ftruncate(f->fd, 4096), 0);
	refused(f, "not a file of counters");
}

static void directories_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct counters counters;
	char why[128];

	f->map->rule_ids = f->map->segment_ids = f->map->network_ids = UINT32_MAX;
	assert_int_equal(counters_open(&counters, f->path, why, sizeof(why)), 0);
	assert_int_equal(counters.rules, BH_RULE_IDS);
	assert_int_equal(counters.segments, BH_SEGMENT_IDS);
	assert_int_equal(counters.networks, BH_NETWORK_IDS);
	counters_close(&counters);
}

static void no_file_and_no_regular_file(void **state)
{
	struct counters counters;
	char why[128];

	(void)state;
	assert_int_equal(counters_open(&counters, "/nonexistent/counters", why, sizeof(why)),
			 -2 /* ENOENT */);
	assert_int_equal(counters_open(&counters, "/dev/null", why, sizeof(why)), -71);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_vlans_are_counted),
		TEST(sums_are_over_the_workers),
		TEST(indices_out_of_range_are_zero),
		TEST(names_are_always_terminated),
		TEST(other_layouts_are_refused),
		TEST(directories_are_bounded),
		cmocka_unit_test(identity_tells_what_is_missing),
		cmocka_unit_test(no_file_and_no_regular_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
