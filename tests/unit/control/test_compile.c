/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiler: the same bytes for the same model, limits told with their place, sizes at scale, time zones as the C
 * library knows them. What the images mean is in test_reference.c and test_evaluate.c.
 *
 * needs: control/compile.c control/objects.c control/selector.c control/classes.c control/matrix.c control/sections.c
 * needs: control/intern.c control/zone.c control/problem.c dataplane/image.c dataplane/evaluate.c dataplane/schedule.c dataplane/dpi.c
 * needs: tests/unit/control/generate.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "classes.h"
#include "dpi.h"
#include "generate.h"
#include "zone.h"

/* ---- ranges ---- */

/* Sets of small numbers as bits, against ranges. */
static uint64_t bits_of(const struct key_range *ranges, uint32_t count)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < count; i++)
		for (class_key key = ranges[i].first; key <= ranges[i].last; key++)
			bits |= UINT64_C(1) << (unsigned)key;
	return bits;
}

static uint32_t random_ranges(struct generator *g, struct key_range *ranges)
{
	uint32_t count = generate_number(g, 6);

	for (uint32_t i = 0; i < count; i++) {
		ranges[i].first = generate_number(g, 64);
		ranges[i].last = ranges[i].first + generate_number(g, (uint32_t)(64 - ranges[i].first));
	}
	return count;
}

static void test_ranges(void **state)
{
	struct generator g = { .state = 3 };

	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct key_range a[6], b[6], out[12];
		uint32_t a_count = random_ranges(&g, a), b_count = random_ranges(&g, b), count;
		uint64_t bits = bits_of(a, a_count);

		a_count = ranges_normalise(a, a_count);
		assert_true(bits_of(a, a_count) == bits);
		for (uint32_t i = 1; i < a_count; i++)
			assert_true(a[i - 1].last + 1 < a[i].first);
		b_count = ranges_normalise(b, b_count);
		count = ranges_subtract(a, a_count, b, b_count, out);
		assert_true(count <= a_count + b_count);
		assert_true(bits_of(out, count) == (bits & ~bits_of(b, b_count)));
	}
}

static void test_ranges_at_the_end(void **state)
{
	const class_key end = ~(class_key)0;
	struct key_range all = { 0, end }, out[2];
	struct key_range list[] = { { end, end }, { 5, end }, { 0, 4 } };

	(void)state;
	assert_int_equal(ranges_normalise(list, 3), 1);
	assert_true(list[0].first == 0 && list[0].last == end);
	assert_int_equal(ranges_subtract(&all, 1, &all, 1, out), 0);
	assert_int_equal(ranges_subtract(&all, 1, &(struct key_range){ end, end }, 1, out), 1);
	assert_true(out[0].first == 0 && out[0].last == end - 1);
}

/* ---- images ---- */

static int compile(const struct policy_model *model, int64_t created, struct bh_policy *policy, void **image,
		   size_t *size, struct problems *problems)
{
	char why[200];
	int error = policy_compile(model, created, image, size, problems);

	return error != 0 ? error : bh_image_open(policy, *image, *size, why, sizeof(why));
}

static void test_determinism(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 40; seed++) {
		struct problems problems = { 0 };
		struct generator g[2] = { { .state = seed }, { .state = seed } };
		struct bh_policy policies[3];
		void *images[3];
		size_t sizes[3];

		for (int i = 0; i < 3; i++)
			assert_int_equal(compile(generate_policy(&g[i % 2], 20), i == 2 ? 1790000000 : 0,
						 &policies[i], &images[i], &sizes[i], &problems),
					 0);
		assert_int_equal(sizes[0], sizes[1]);
		assert_memory_equal(images[0], images[1], sizes[0]);
		if (policies[0].ZONES_count == 1 && seed % 2 == 0) /* else the zone's list is shorter */
			assert_true(policies[2].header->created == 1790000000);
		for (int i = 0; i < 3; i++)
			free(images[i]);
		generate_free(&g[0]);
		generate_free(&g[1]);
	}
}

static void test_digest_ignores_the_date(void **state)
{
	struct generator g = { .state = 1 };
	struct policy_model *model = generate_base(&g, 2);
	struct problems problems = { 0 };
	struct bh_policy a, b, c;
	void *images[3];
	size_t size;

	(void)state;
	assert_int_equal(compile(model, 0, &a, &images[0], &size, &problems), 0);
	assert_int_equal(compile(model, 1790000000, &b, &images[1], &size, &problems), 0);
	model->settings.default_log = 1;
	assert_int_equal(compile(model, 0, &c, &images[2], &size, &problems), 0);
	assert_true(a.header->source_digest == b.header->source_digest);
	assert_true(a.header->checksum != b.header->checksum);
	assert_true(a.header->source_digest != c.header->source_digest);
	for (int i = 0; i < 3; i++)
		free(images[i]);
	generate_free(&g);
}

static struct model_rule *any_rule(struct generator *g, struct policy_model *model, uint32_t rules)
{
	model->rules = generate_alloc(g, rules * sizeof(*model->rules));
	model->rule_count = rules;
	for (uint32_t i = 0; i < rules; i++) {
		model->rules[i].name = generate_text(g, "rule-%u", i);
		model->rules[i].place = (struct place){ "p.yaml", i + 1, 3 };
		model->rules[i].enabled = true;
		model->rules[i].mirror = BH_NONE;
	}
	return model->rules;
}

/* Nine groups of one selector, each of a segment but one address of its own: nine layers. */
static void test_too_many_layers(void **state)
{
	struct generator g = { .state = 1 };
	struct policy_model *model = generate_base(&g, 9);
	struct model_rule *rule = any_rule(&g, model, 1);
	struct problems problems = { 0 };
	struct bh_policy policy;
	void *image;
	size_t size;

	(void)state;
	model->group_count = 9;
	model->groups = generate_alloc(&g, 9 * sizeof(*model->groups));
	rule->from.items = generate_alloc(&g, 9 * sizeof(*rule->from.items));
	rule->from.place = (struct place){ "p.yaml", 77, 5 };
	for (uint32_t i = 0; i < 9; i++) {
		struct model_group *group = &model->groups[i];

		group->name = generate_text(&g, "group-%u", i);
		group->segments = generate_alloc(&g, sizeof(uint32_t));
		group->segments[0] = i;
		group->segment_count = 1;
		group->except_addresses.count = 1;
		group->except_addresses.ranges = generate_alloc(&g, sizeof(struct address_range));
		address_parse("10.0.0.1", group->except_addresses.ranges[0].first);
		group->except_addresses.ranges[0].first[15] = (uint8_t)i;
		memcpy(group->except_addresses.ranges[0].last, group->except_addresses.ranges[0].first, 16);
		rule->from.items[i] = (struct selector_item){ .kind = SELECT_GROUP, .group = i };
	}
	rule->from.count = 8;
	assert_int_equal(compile(model, 0, &policy, &image, &size, &problems), 0);
	free(image);
	rule->from.count = 9;
	assert_int_equal(policy_compile(model, 0, &image, &size, &problems), -E2BIG);
	assert_int_equal(problems.errors, 1);
	assert_int_equal(problems.list[0].place.line, 77);
	assert_non_null(strstr(problems.list[0].message, "split"));
	/* the same exception everywhere is one layer */
	for (uint32_t i = 0; i < 9; i++)
		model->groups[i].except_addresses = model->groups[0].except_addresses;
	assert_int_equal(compile(model, 0, &policy, &image, &size, &problems), 0);
	assert_true(policy.MATRICES_[BH_MATRIX_FROM_LAYERS].row_count != 0);
	assert_true(policy.MATRICES_[BH_MATRIX_FROM_LAYERS + 2].row_count == 0);
	free(image);
	problems_free(&problems);
	generate_free(&g);
}

static void test_equal_things_are_shared(void **state)
{
	struct generator g = { .state = 1 };
	struct policy_model *model = generate_base(&g, 2);
	struct model_rule *rules = any_rule(&g, model, 4);
	struct problems problems = { 0 };
	struct bh_policy policy;
	void *image;
	size_t size;

	(void)state;
	for (int i = 0; i < 4; i++) {
		rules[i].has_apps = true;
		rules[i].apps.ids[0] = i == 3 ? 4 : 2;
		rules[i].server_name_count = i == 3 ? 1 : 2;
		rules[i].server_names = generate_alloc(&g, 2 * sizeof(char *));
		rules[i].server_names[0] = generate_text(&g, "a.example");
		rules[i].server_names[1] = generate_text(&g, "b.example");
		rules[i].has_schedule = true;
		rules[i].schedule.days = i == 3 ? 1 : 2;
	}
	rules[1].enabled = false; /* still listed, still checked */
	assert_int_equal(compile(model, 0, &policy, &image, &size, &problems), 0);
	assert_int_equal(policy.RULES_count, 4);
	assert_int_equal(policy.APP_SETS_count, 2);
	assert_int_equal(policy.NAME_SETS_count, 2);
	assert_int_equal(policy.SCHEDULES_count, 2);
	assert_int_equal(policy.NAMES_count, 3);
	assert_int_equal(policy.RULES_[0].app_set, policy.RULES_[2].app_set);
	assert_string_equal(bh_string(&policy, policy.RULES_[3].name), "rule-3");
	assert_string_equal(bh_string(&policy, policy.RULES_[3].file), "p.yaml");
	assert_int_equal(policy.RULES_[1].flags, 0);
	free(image);
	generate_free(&g);
}

static void test_bad_zone(void **state)
{
	static const char *const names[] = { "Mars/Olympus", "../../../etc/passwd", "/etc/passwd",
					     "Europe",       "tzdata.zi",           "" };
	struct generator g = { .state = 1 };
	struct policy_model *model = generate_base(&g, 1);
	struct bh_zone *zones;
	uint32_t count;
	struct problems problems = { 0 };
	void *image;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_not_equal(zone_read(names[i], 0, &zones, &count), 0);
	model->timezone = generate_text(&g, "Mars/Olympus");
	assert_int_equal(policy_compile(model, 0, &image, &size, &problems), -ENOENT);
	assert_int_equal(problems.errors, 1);
	problems_free(&problems);
	generate_free(&g);
}

/* ---- time zones ---- */

static int32_t listed_offset(const struct bh_zone *zones, uint32_t count, int64_t when)
{
	uint32_t i = 0;

	while (i + 1 < count && zones[i + 1].since <= when)
		i++;
	return zones[i].offset;
}

static void compare_zone(const char *name, int64_t created, int64_t first, int64_t last)
{
	struct bh_zone *zones;
	uint32_t count;

	assert_int_equal(zone_read(name, created, &zones, &count), 0);
	assert_true(zones[0].since == INT64_MIN);
	setenv("TZ", name, 1);
	tzset();
	for (int64_t when = first; when < last; when += 7 * 3600 + 1800) {
		time_t moment = (time_t)when;
		struct tm local;

		localtime_r(&moment, &local);
		if (listed_offset(zones, count, when) != local.tm_gmtoff)
			fail_msg("%s at %lld: %d, not %ld", name, (long long)when,
				 listed_offset(zones, count, when), local.tm_gmtoff);
	}
	free(zones);
}

static void test_zones_as_libc(void **state)
{
	static const char *const names[] = { "UTC",
					     "Europe/Berlin",
					     "America/New_York",
					     "Australia/Lord_Howe",
					     "America/Santiago",
					     "Africa/Casablanca",
					     "Asia/Kolkata",
					     "Europe/Dublin",
					     "Pacific/Apia",
					     "America/St_Johns",
					     "Asia/Gaza",
					     "Antarctica/Troll" };
	const int64_t now = 1795000000;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* 1950 to 2099: beyond 2037 it is the file's rule that counts */
		compare_zone(names[i], 0, -631152000, 4102444800 - 86400 * 2);
		compare_zone(names[i], now, now - 365 * 86400, now + INT64_C(15) * 365 * 86400);
	}
}

/* ---- scale ---- */

/* 10,000 rules, 100,000 addresses in groups, 4,000 segments: bounds on size (time is for the bench). */
static void test_scale(void **state)
{
	struct generator g = { .state = 9 };
	struct policy_model *model = generate_base(&g, 4000);
	struct model_rule *rules = any_rule(&g, model, 10000);
	struct problems problems = { 0 };
	struct bh_policy policy;
	void *image;
	size_t size;

	(void)state;
	model->group_count = 100;
	model->groups = generate_alloc(&g, 100 * sizeof(*model->groups));
	for (uint32_t i = 0; i < 100; i++) {
		struct address_set *set = &model->groups[i].addresses;

		set->count = 1000;
		set->ranges = generate_alloc(&g, 1000 * sizeof(*set->ranges));
		for (int n = 0; n < 1000; n++) {
			uint32_t address = generate_number(&g, 1 << 24);

			address_parse("10.0.0.0", set->ranges[n].first);
			for (int byte = 0; byte < 3; byte++)
				set->ranges[n].first[13 + byte] = (uint8_t)(address >> (16 - 8 * byte));
			memcpy(set->ranges[n].last, set->ranges[n].first, 16);
		}
	}
	for (int i = 0; i < 10000; i++) {
		struct selector_item *items = generate_alloc(&g, 2 * sizeof(*items));

		items[0] = (struct selector_item){ .kind = SELECT_GROUP,
						   .group = generate_number(&g, 100),
						   .negate = i % 10 == 0 };
		items[1] = (struct selector_item){ .kind = SELECT_SEGMENTS, .segment_count = 1 };
		items[1].segments = generate_alloc(&g, sizeof(uint32_t));
		items[1].segments[0] = generate_number(&g, 4000);
		rules[i].from = (struct selector){ .items = &items[0], .count = i % 5 != 1 };
		rules[i].to = (struct selector){ .items = &items[i % 2], .count = i % 7 != 1 };
	}
	assert_int_equal(compile(model, 0, &policy, &image, &size, &problems), 0);
	assert_true(size < 64u << 20);
	free(image);
	generate_free(&g);
}

static int setup(void **state)
{
	(void)state;
	return dpi_catalogue_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),          cmocka_unit_test(test_ranges_at_the_end),
		cmocka_unit_test(test_determinism),     cmocka_unit_test(test_digest_ignores_the_date),
		cmocka_unit_test(test_too_many_layers), cmocka_unit_test(test_equal_things_are_shared),
		cmocka_unit_test(test_bad_zone),        cmocka_unit_test(test_zones_as_libc),
		cmocka_unit_test(test_scale),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
