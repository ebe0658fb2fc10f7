/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/ids.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "ids.h"

struct fixture {
	struct bh_counters *counters;
	struct ids *ids;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->counters = calloc(1, sizeof(*f->counters));
	f->ids = ids_new(f->counters);
	*state = f;
	return f->ids ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ids_free(f->ids);
	free(f->counters);
	free(f);
	return 0;
}

static void test_ids_outlive_images(void **state)
{
	struct fixture *f = *state;
	int a, b;

	ids_begin(f->ids);
	a = ids_rule(f->ids, "web-to-app");
	b = ids_rule(f->ids, "app-to-db");
	assert_true(a > 0 && b > 0 && a != b);
	ids_begin(f->ids);
	assert_int_equal(ids_rule(f->ids, "app-to-db"), b);
	assert_int_equal(ids_rule(f->ids, "web-to-app"), a);
	assert_string_equal(f->counters->rules[a], "web-to-app");
	assert_string_equal(f->counters->rules[0], "default");
	assert_int_equal(f->counters->rule_ids, 3);
}

static void test_segment_is_its_place(void **state)
{
	struct fixture *f = *state;
	int web;

	ids_begin(f->ids);
	web = ids_segment(f->ids, "trunk", 101, "web", 1);
	assert_int_not_equal(ids_segment(f->ids, "trunk", 102, "app", 1), web);
	assert_int_not_equal(ids_segment(f->ids, "other", 101, "far", 1), web);
	/* renamed, but the same port and VLAN: the same id, the new name */
	assert_int_equal(ids_segment(f->ids, "trunk", 101, "frontend", 2), web);
	assert_string_equal(f->counters->segments[web], "frontend");
	assert_int_equal(f->counters->segment_network[web], 2);
}

static void test_full_space_gives_oldest_anew(void **state)
{
	struct fixture *f = *state;
	char name[32];
	int first, id = 0;

	ids_begin(f->ids);
	first = ids_network(f->ids, "first");
	for (uint32_t i = 2; i < BH_NETWORK_IDS; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		id = ids_network(f->ids, name);
		assert_true(id > 0);
	}
	assert_int_equal(ids_network(f->ids, "one-too-many"), -ENOSPC);
	ids_commit(f->ids);
	/* the image in force and the one being read keep theirs, however many are refused in between */
	for (int refused = 0; refused < 3; refused++) {
		ids_begin(f->ids);
		assert_int_equal(ids_network(f->ids, "one-too-many"), -ENOSPC);
		assert_int_equal(ids_network(f->ids, "first"), first);
	}
	/* one that is accepted leaves them to the next */
	ids_commit(f->ids);
	ids_begin(f->ids);
	assert_int_equal(ids_network(f->ids, "first"), first);
	id = ids_network(f->ids, "one-too-many");
	assert_true(id > 0 && id != first);
	assert_string_equal(f->counters->networks[id], "one-too-many");
	assert_int_equal(ids_network(f->ids, "one-too-many"), id);
	assert_int_equal(ids_network(f->ids, "first"), first);
}

/* An image has thousands of rules: all of them new, in a space that is full of others' names, is a matter of a moment. And every
 * name that is still in use is found. */
static void test_a_full_space_is_quick(void **state)
{
	enum { RULES = 40000 };
	struct fixture *f = *state;
	static int ids[RULES];
	clock_t begin = clock();
	char name[32];

	for (uint32_t image = 0; image < 6; image++) {
		ids_begin(f->ids);
		for (uint32_t i = 0; i < RULES; i++) {
			/* every other one stays for two images */
			snprintf(name, sizeof(name), "r%u-%u", image / (1 + i % 2), i);
			int id = ids_rule(f->ids, name);
			assert_in_range(id, 1, BH_RULE_IDS - 1);
			assert_string_equal(f->counters->rules[id], name);
			if (i % 2 && image % 2)
				assert_int_equal(id, ids[i]);
			ids[i] = id;
		}
		for (uint32_t i = 0; i < RULES; i++) {
			snprintf(name, sizeof(name), "r%u-%u", image / (1 + i % 2), i);
			assert_int_equal(ids_rule(f->ids, name), ids[i]);
		}
		ids_commit(f->ids);
	}
	assert_int_equal(f->counters->rule_ids, BH_RULE_IDS);
	assert_true(clock() - begin < 20 * CLOCKS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ids_outlive_images, setup, teardown),
		cmocka_unit_test_setup_teardown(test_segment_is_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_space_gives_oldest_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_space_is_quick, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
