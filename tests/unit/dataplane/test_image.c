/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The image reader against every truncation and every flipped bit of an image with all sections in use, with the checksum as
 * it was and put right. What it lets through is evaluated: the sanitizers see to it that nothing is read out of bounds.
 *
 * needs: control/compile.c control/objects.c control/selector.c control/classes.c control/matrix.c control/sections.c
 * needs: control/intern.c control/zone.c control/problem.c dataplane/image.c dataplane/evaluate.c dataplane/schedule.c dataplane/dpi.c
 * needs: tests/unit/control/generate.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpi.h"
#include "tests/unit/control/generate.h"

#define SESSIONS 6
#define LONG_NAME 200 /* bytes of a server name: more than an application's pattern may have */

static struct {
	struct generator generator;
	struct policy_model *model;
	void *image;
	size_t size;
} fixture;

/* The first group gets segments and addresses: its negation is a layer. */
static void layered_group(struct generator *g, struct policy_model *model)
{
	struct model_group *groups = generate_alloc(g, (model->group_count + 1) * sizeof(*groups));

	memcpy(groups, model->groups, model->group_count * sizeof(*groups));
	model->group_count += model->group_count == 0;
	model->groups = groups;
	groups[0].name = generate_text(g, "layered");
	groups[0].segments = generate_alloc(g, sizeof(uint32_t));
	groups[0].segment_count = 1;
	groups[0].addresses.ranges = generate_alloc(g, sizeof(struct address_range));
	groups[0].addresses.count = 1;
	address_parse("10.0.0.3", groups[0].addresses.ranges[0].first);
	address_parse("10.0.0.9", groups[0].addresses.ranges[0].last);
}

/* A policy in which every section has an element and a side has layers. */
static struct policy_model *full_model(struct generator *g)
{
	struct policy_model *model = generate_policy(g, 6);
	struct model_rule *rule = &model->rules[0];

	model->timezone = generate_text(g, "Europe/Berlin");
	model->binding_count = 1;
	model->bindings = generate_alloc(g, sizeof(*model->bindings));
	model->mirror_count = 1;
	model->mirrors = generate_alloc(g, sizeof(*model->mirrors));
	model->mirrors[0] = (struct model_mirror){ .name = generate_text(g, "ids"),
						   .port = generate_text(g, "trunk"),
						   .mirror = { .vlan = 999 } };
	model->custom_app_count = 2;
	model->custom_apps = generate_alloc(g, 2 * sizeof(*model->custom_apps));
	for (int i = 0; i < 2; i++)
		model->custom_apps[i] =
			(struct model_custom_app){ .name = generate_text(g, "erp"),
						   .rule = generate_text(g, "tcp:%d", 9443 + i) };
	model->ethertype_count = 1;
	model->ethertypes = generate_alloc(g, sizeof(*model->ethertypes));
	model->ethertypes[0] = 0x88cc;
	layered_group(g, model);
	rule->from.items = rule->to.items = generate_alloc(g, sizeof(*rule->from.items));
	rule->from.items[0] = (struct selector_item){ .kind = SELECT_GROUP, .negate = true };
	rule->from.count = rule->to.count = 1;
	rule->enabled = true;
	rule->mirror = 0;
	rule->has_schedule = true;
	rule->schedule = (struct model_schedule){ .days = 31, .from = 1380, .to = 360 };
	rule->has_apps = true;
	rule->apps.ids[0] = 3;
	rule->server_name_count = 3;
	rule->server_names = generate_alloc(g, 3 * sizeof(char *));
	rule->server_names[0] = generate_text(g, "*.a.example");
	rule->server_names[2] = generate_text(g, "a.example");
	rule->server_names[1] = memset(generate_alloc(g, LONG_NAME + 1), '0', LONG_NAME);
	return model;
}

static int setup(void **state)
{
	struct problems problems = { 0 };

	(void)state;
	fixture.generator.state = 20;
	if (dpi_catalogue_init() != 0)
		return -1;
	fixture.model = full_model(&fixture.generator);
	return policy_compile(fixture.model, 1790000000, &fixture.image, &fixture.size, &problems);
}

static int teardown(void **state)
{
	(void)state;
	free(fixture.image);
	generate_free(&fixture.generator);
	return 0;
}

/* Open a copy of exactly this size; what opens must be safe to ask. Returns bh_image_open()'s error. */
static int open_and_ask(const void *image, size_t size)
{
	struct generator g = { .state = 1 };
	struct bh_policy policy;
	char why[120] = "";
	int error = bh_image_open(&policy, image, size, why, sizeof(why));

	assert_true((error == 0) == (why[0] == '\0'));
	if (error != 0) {
		assert_true(error == -EINVAL || error == -E2BIG || error == -EPROTONOSUPPORT);
		assert_null(policy.header);
		return error;
	}
	for (int i = 0; i < SESSIONS; i++) {
		struct bh_context context = { 0 };
		struct bh_session session;
		struct bh_answer answer;
		int64_t when = generate_moment(&g);

		generate_session(&g, fixture.model, &session);
		assert_true(bh_context_at(&policy, when, &context) > when);
		bh_evaluate(&policy, &context, &session, &answer);
		assert_true(answer.rule == BH_NONE || answer.rule < policy.RULES_count);
	}
	return 0;
}

static void put_right(void *image, size_t size)
{
	((struct bh_image_header *)image)->checksum = bh_image_checksum(image, size);
}

static void test_every_section_is_used(void **state)
{
	const struct bh_image_header *header = fixture.image;
	struct bh_policy policy;

	(void)state;
	assert_int_equal(open_and_ask(fixture.image, fixture.size), 0);
	for (int i = 0; i < BH_SECTION_COUNT; i++)
		assert_true(header->sections[i].count > 0);
	assert_int_equal(bh_image_open(&policy, fixture.image, fixture.size, NULL, 0), 0);
	assert_true(policy.MATRICES_[BH_MATRIX_FROM_LAYERS].row_count > 0);
	assert_true(policy.MATRICES_[BH_MATRIX_TO_LAYERS].row_count > 0);
}

static void test_truncations(void **state)
{
	(void)state;
	for (size_t size = 0; size < fixture.size; size++) {
		uint8_t *copy = malloc(size + 1); /* malloc(0) may be NULL */

		assert_non_null(copy);
		memcpy(copy, fixture.image, size);
		assert_int_not_equal(open_and_ask(copy, size), 0);
		if (size >= sizeof(struct bh_image_header)) {
			/* an honest header over too little: only padding may be missing */
			((struct bh_image_header *)copy)->size = size;
			put_right(copy, size);
			if (open_and_ask(copy, size) == 0)
				assert_true(fixture.size - size < 64);
		}
		free(copy);
	}
}

static void test_bit_flips(void **state)
{
	uint8_t *copy = malloc(fixture.size);
	const struct bh_image_header *header = fixture.image;
	uint32_t refused = 0, opened = 0;

	(void)state;
	memcpy(copy, fixture.image, fixture.size);
	for (size_t bit = 0; bit < fixture.size * 8; bit++) {
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(open_and_ask(copy, fixture.size), 0);
		put_right(copy, fixture.size);
		if (open_and_ask(copy, fixture.size) == 0)
			opened++;
		else
			refused++;
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		((struct bh_image_header *)copy)->checksum = header->checksum;
	}
	print_message("%zu bits: %u refused for what they say, %u harmless\n", fixture.size * 8, refused,
		      opened);
	assert_true(refused > 0 && opened > 0);
	free(copy);
}

/* Several wrong words at once reach what single bits do not. */
static void test_garbage(void **state)
{
	struct generator g = { .state = 7 };
	uint64_t *copy = malloc(fixture.size);
	uint32_t opened = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		static const uint64_t values[] = { 0, 1, UINT32_MAX, UINT64_MAX, (uint64_t)1 << 63, 64 };
		const uint32_t changes = 1 + generate_number(&g, 3);

		memcpy(copy, fixture.image, fixture.size);
		for (uint32_t i = 0; i < changes; i++) {
			uint32_t at = 1 + generate_number(&g, (uint32_t)(fixture.size / 4) - 1);
			uint64_t value = values[generate_number(&g, 6)];

			memcpy((uint8_t *)copy + at * 4 - (at == fixture.size / 4 - 1 ? 4 : 0), &value, 8);
		}
		put_right(copy, fixture.size);
		opened += open_and_ask(copy, fixture.size) == 0;
	}
	assert_true(opened > 0 && opened < 20000);
	free(copy);
}

static void test_alignment_and_why(void **state)
{
	uint8_t *copy = malloc(fixture.size + 8);
	struct bh_policy policy;
	char why[8];

	(void)state;
	memcpy(copy + 1, fixture.image, fixture.size);
	assert_int_equal(bh_image_open(&policy, copy + 1, fixture.size, why, sizeof(why)), -EINVAL);
	assert_int_equal(strlen(why), sizeof(why) - 1); /* cut, and terminated */
	assert_int_equal(bh_image_open(&policy, copy + 1, fixture.size, NULL, 0), -EINVAL);
	free(copy);
}

/* What is handed to the library is short: thousands of patterns that all are the same megabytes would take minutes. */
static void test_long_patterns(void **state)
{
	struct bh_policy policy;
	char *copy = aligned_alloc(64, (fixture.size + 63) & ~(size_t)63), why[160];
	struct bh_image_header *header = (struct bh_image_header *)copy;

	(void)state;
	memcpy(copy, fixture.image, fixture.size);
	assert_int_equal(bh_image_open(&policy, copy, fixture.size, why, sizeof(why)), 0);
	uint32_t name = policy.NAMES_[0];
	for (uint64_t i = 1; i < policy.NAMES_count && strlen(bh_string(&policy, name)) < LONG_NAME; i++)
		name = policy.NAMES_[i];
	assert_int_equal(strlen(bh_string(&policy, name)), LONG_NAME);
	((struct bh_custom_app *)(uintptr_t)policy.CUSTOM_APPS_)[0].rule = name;
	header->checksum = bh_image_checksum(copy, fixture.size);
	assert_int_equal(bh_image_open(&policy, copy, fixture.size, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "application 0"));
	free(copy);
}

static void test_checksum(void **state)
{
	struct bh_image_header header = { .magic = 1 };
	uint64_t before = bh_image_checksum(&header, sizeof(header));
	const uint8_t odd[3] = { 1, 2, 3 }, padded[8] = { 1, 2, 3 };

	(void)state;
	header.checksum = 12345;
	assert_true(bh_image_checksum(&header, sizeof(header)) == before);
	header.created = 1;
	assert_true(bh_image_checksum(&header, sizeof(header)) != before);
	assert_true(bh_image_checksum(odd, 3) == bh_image_checksum(padded, 8));
	/* FNV-1a of one word, by hand */
	assert_true(bh_image_checksum(padded, 8) ==
		    (UINT64_C(0xcbf29ce484222325) ^ UINT64_C(0x030201)) * UINT64_C(0x100000001b3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_section_is_used),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_alignment_and_why),
		cmocka_unit_test(test_long_patterns),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
