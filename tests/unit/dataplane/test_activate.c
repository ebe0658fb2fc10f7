/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policies coming into force: what is built beside an image, that a refusal changes nothing, ids that outlive images,
 * modules that outlive policies, schedules.
 *
 * needs: dataplane/activate.c dataplane/tables.c dataplane/bindings.c dataplane/modules.c dataplane/imagecopy.c dataplane/ids.c
 * needs: dataplane/bucket.c dataplane/apps.c dataplane/image.c dataplane/evaluate.c dataplane/schedule.c dataplane/dpi.c
 * needs: control/compile.c control/objects.c control/selector.c control/classes.c control/matrix.c control/sections.c
 * needs: control/intern.c control/zone.c control/problem.c tests/unit/control/generate.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "activate.h"
#include "bucket.h"
#include "classify.h"
#include "dpi.h"
#include "imagecopy.h"
#include "tests/unit/control/generate.h"

enum { SEGMENTS = 3, NOW = 1790000000 };

static const char *const ports[] = { "trunk", "other" };
static struct options sizes = { .flows = 10000, .macs = 1000, .fragments = 100 };
static struct bh_counters *counters;
static struct activate *activate;
static const struct policy *published;
static unsigned int publications, notices[BH_NOTICE_COUNT];
static struct generator generator;
static char text[256];

/* ---- the neighbours ---- */

static bool busy; /* sessions are under detection by whatever module */

bool classifier_module_idle(const struct classifier *c, const struct dpi_module *module)
{
	(void)c;
	assert_non_null(module);
	return !busy;
}

static void publish(void *opaque, const struct policy *policy)
{
	(void)opaque;
	published = policy;
	publications++;
}

static void notice(void *opaque, enum bh_notice_kind kind, const char *line)
{
	(void)opaque;
	assert_true(strlen(line) > 0);
	notices[kind]++;
}

static int setup_group(void **state)
{
	(void)state;
	counters = calloc(1, sizeof(*counters));
	return counters ? dpi_catalogue_init() : -1;
}

static int teardown_group(void **state)
{
	(void)state;
	free(counters);
	return 0;
}

static int setup(void **state)
{
	struct activate_need need = { .ports = ports,
				      .port_count = 2,
				      .workers = 1,
				      .sizes = &sizes,
				      .counters = counters,
				      .publish = publish,
				      .notice = notice };
	static struct classifier *const classifiers[1] = { (struct classifier *)(uintptr_t)64 };

	(void)state;
	memset(counters, 0, sizeof(*counters));
	memset(notices, 0, sizeof(notices));
	published = NULL;
	publications = 0;
	busy = false;
	generator = (struct generator){ .state = 5 };
	activate = activate_new(&need);
	if (!activate)
		return -1;
	activate_watch(activate, classifiers);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	activate_free(activate);
	generate_free(&generator);
	return 0;
}

/* Three segments on the first port, VLANs as generate.c gives them, one rule. */
static struct policy_model *model_new(void)
{
	struct policy_model *m = generate_base(&generator, SEGMENTS);

	for (uint32_t i = 0; i < SEGMENTS; i++)
		m->segments[i].port = generate_text(&generator, "trunk");
	m->rule_count = 1;
	m->rules = generate_alloc(&generator, sizeof(*m->rules));
	m->rules[0] = (struct model_rule){ .name = generate_text(&generator, "first"),
					   .enabled = true,
					   .mirror = BH_NONE };
	return m;
}

/* The image of a model as a sealed descriptor; `change` may spoil it first. */
static int seal(const struct policy_model *m, void (*change)(struct bh_image_header *header))
{
	struct problems problems = { 0 };
	void *image;
	size_t size;
	int fd;

	assert_int_equal(policy_compile(m, 0, &image, &size, &problems), 0);
	if (change) {
		change(image);
		((struct bh_image_header *)image)->checksum = bh_image_checksum(image, size);
	}
	fd = image_seal(image, size);
	assert_true(fd >= 0);
	free(image);
	return fd;
}

static int put_changed(const struct policy_model *m, void (*change)(struct bh_image_header *header))
{
	int fd = seal(m, change);
	int error = activate_image(activate, fd, (uint64_t)NOW * 1000000, text, sizeof(text));

	close(fd);
	assert_true(strlen(text) > 0);
	return error;
}

static int put(const struct policy_model *m)
{
	return put_changed(m, NULL);
}

/* ---- tests ---- */

static void test_accepted(void **state)
{
	struct policy_model *m = model_new();
	const struct bh_segment *s;
	uint16_t id;
	(void)state;

	m->rules[0].limit_rate = 8000000;
	m->rules[0].limit_burst = 100000;
	m->ethertypes = generate_alloc(&generator, sizeof(*m->ethertypes));
	m->ethertypes[0] = 0x88cc;
	m->ethertype_count = 1;
	m->segments[1].limits = (struct bh_limits){ .flows = BH_LIMIT_PERCENT | 5000,
						    .embryonic = BH_LIMIT_PERCENT | 1,
						    .macs = BH_LIMIT_PERCENT | 1000,
						    .fragments = 17,
						    .broadcast = 300 };
	assert_null(activate_policy(activate));
	assert_int_equal(activate_descriptor(activate), -ENOENT);
	assert_int_equal(put(m), 0);
	assert_ptr_equal(published, activate_policy(activate));
	assert_int_equal(published->generation, 1);
	assert_int_equal(notices[BH_NOTICE_IMAGE_ACCEPTED], 1);
	assert_non_null(published->modules);
	assert_non_null(published->modules[0]);

	s = &published->image.SEGMENTS_[1];
	id = published->segment_ids[1];
	assert_true(id > 0 && id < BH_SEGMENT_IDS);
	assert_int_equal(published->by_vlan[0][s->vlan], id);
	assert_int_equal(published->by_vlan[1][s->vlan], SEGMENT_NONE);
	assert_int_equal(published->by_vlan[0][4095], SEGMENT_NONE);
	assert_int_equal(published->segments[id].index, 1);
	assert_int_equal(published->segments[id].vlan, s->vlan);
	assert_int_equal(published->segments[id].network, published->network_ids[0]);
	assert_int_equal(published->segments[id].limits.flows, 5000);
	assert_int_equal(published->segments[id].limits.embryonic, 1);
	assert_int_equal(published->segments[id].limits.macs, 100);
	assert_int_equal(published->segments[id].limits.fragments, 17);
	assert_int_equal(published->segments[id].limits.broadcast, 300);
	assert_int_equal(published->segments[0].index, BH_NONE);
	assert_int_equal(published->network_index[published->network_ids[0]], 0);
	assert_true(published->rule_ids[0] > 0);
	assert_string_equal(counters->rules[published->rule_ids[0]], "first");
	assert_true(bucket_take(&published->limits[0], 100000, 1000));
	assert_false(bucket_take(&published->limits[0], 100000, 1000));
	assert_true(published->ethertypes[0x88cc / 64] & 1ull << (0x88cc % 64));
	assert_false(published->ethertypes[0x88cd / 64] & 1ull << (0x88cd % 64));

	assert_int_equal(counters->generation, 1);
	assert_int_equal(counters->accepted_us, (uint64_t)NOW * 1000000);
	assert_true(counters->image_size == published->memory_size);
	assert_false(counters->apps_out_of_force);
	assert_string_equal(counters->policy, published->image.header->name);
}

static void test_untagged(void **state)
{
	struct policy_model *m = model_new();
	(void)state;

	m->segments[2].vlan = BH_VLAN_UNTAGGED;
	m->segments[2].port = generate_text(&generator, "other");
	assert_int_equal(put(m), 0);
	assert_int_equal(published->by_vlan[1][4095], published->segment_ids[2]);
	assert_int_equal(published->segments[published->segment_ids[2]].port, 1);
}

static void test_refused(void **state)
{
	struct policy_model *m = model_new();
	const struct policy *before;
	int fd;
	(void)state;

	assert_int_equal(put(m), 0);
	before = published;
	m->segments[1].port = generate_text(&generator, "elsewhere");
	assert_int_equal(put(m), -ENOENT);
	assert_non_null(strstr(text, "elsewhere"));
	assert_non_null(strstr(text, "trunk, other"));
	m->segments[1].port = m->segments[0].port;
	m->mirrors = generate_alloc(&generator, sizeof(*m->mirrors));
	m->mirrors[0] = (struct model_mirror){ .name = generate_text(&generator, "ids"),
					       .port = generate_text(&generator, "nowhere"),
					       .mirror = { .vlan = 999 } };
	m->mirror_count = 1;
	assert_int_equal(put(m), -ENOENT);
	assert_non_null(strstr(text, "nowhere"));
	m->mirrors[0].mirror.kind = 1;
	assert_int_equal(put(m), -EOPNOTSUPP);
	m->mirror_count = 0;

	/* not sealed, not an image */
	fd = memfd_create("open", MFD_CLOEXEC);
	assert_true(activate_image(activate, fd, 1, text, sizeof(text)) < 0);
	assert_non_null(strstr(text, "sealed"));
	close(fd);
	fd = image_seal("nonsense", 8);
	assert_true(activate_image(activate, fd, 1, text, sizeof(text)) < 0);
	close(fd);
	char *junk = calloc(1, 100000);
	fd = image_seal(junk, 100000);
	assert_true(activate_image(activate, fd, 1, text, sizeof(text)) < 0);
	close(fd);
	free(junk);

	assert_int_equal(publications, 1);
	assert_ptr_equal(activate_policy(activate), before);
	assert_int_equal(counters->generation, 1);
	assert_int_equal(notices[BH_NOTICE_IMAGE_REFUSED], 6);
}

/* One (port, VLAN) is one segment for life, whatever its place or name in the image. */
static void test_ids_stay(void **state)
{
	struct policy_model *m = model_new();
	uint16_t ids[SEGMENTS];
	uint32_t rule;
	(void)state;

	assert_int_equal(put(m), 0);
	memcpy(ids, published->segment_ids, sizeof(ids));
	rule = published->rule_ids[0];
	struct model_segment swap = m->segments[0];
	m->segments[0] = m->segments[2];
	m->segments[2] = swap;
	m->rule_count = 2;
	struct model_rule *rules = generate_alloc(&generator, 2 * sizeof(*rules));
	rules[0] = (struct model_rule){ .name = generate_text(&generator, "new"),
					.enabled = true,
					.mirror = BH_NONE };
	rules[1] = m->rules[0];
	m->rules = rules;
	assert_int_equal(put(m), 0);
	assert_int_equal(published->generation, 2);
	assert_int_equal(published->segment_ids[0], ids[2]);
	assert_int_equal(published->segment_ids[1], ids[1]);
	assert_int_equal(published->segment_ids[2], ids[0]);
	assert_int_equal(published->rule_ids[1], rule);
	assert_int_not_equal(published->rule_ids[0], rule);
}

static void add_app(struct policy_model *m, const char *name, const char *rule)
{
	m->custom_apps = generate_alloc(&generator, sizeof(*m->custom_apps));
	m->custom_apps[0] = (struct model_custom_app){ .name = generate_text(&generator, "%s", name),
						       .rule = generate_text(&generator, "%s", rule) };
	m->custom_app_count = 1;
}

/* The same list of own applications keeps the module; another gets one beside it while sessions still use the old. */
static void test_modules(void **state)
{
	struct policy_model *m = model_new();
	struct dpi_module *plain, *erp;
	(void)state;

	assert_int_equal(put(m), 0);
	plain = published->modules[0];
	assert_int_equal(put(m), 0);
	assert_ptr_equal(published->modules[0], plain);
	busy = true;
	add_app(m, "erp", "tcp:9443");
	assert_int_equal(put(m), 0);
	erp = published->modules[0];
	assert_ptr_not_equal(erp, plain);
	/* still in use, so it is there when the old list comes back */
	activate_tick(activate, (uint64_t)NOW * 1000000);
	m->custom_app_count = 0;
	assert_int_equal(put(m), 0);
	assert_ptr_equal(published->modules[0], plain);
	busy = false;
	activate_tick(activate, (uint64_t)NOW * 1000000);
}

static void other_library(struct bh_image_header *header)
{
	header->app_digest ^= 1;
}

static void test_other_library(void **state)
{
	struct policy_model *m = model_new();
	(void)state;

	assert_int_equal(put_changed(m, other_library), 0);
	assert_true(published->context.apps_out_of_force);
	assert_non_null(published->modules);
	assert_int_equal(counters->apps_out_of_force, 1);
	assert_int_equal(notices[BH_NOTICE_APPLICATIONS], 1);
	assert_non_null(strstr(text, "OUT OF FORCE"));
	assert_int_equal(put(m), 0);
	assert_false(published->context.apps_out_of_force);
	assert_int_equal(counters->apps_out_of_force, 0);
}

/* The rule is active in the hour that begins after NOW. */
static void test_schedule(void **state)
{
	const uint64_t full = (uint64_t)(NOW / 3600 + 1) * 3600;
	struct policy_model *m = model_new();
	(void)state;

	m->timezone = generate_text(&generator, "UTC");
	m->rules[0].has_schedule = true;
	m->rules[0].schedule = (struct model_schedule){ .days = 127,
							.from = (uint16_t)(full / 60 % 1440),
							.to = (uint16_t)((full / 60 + 60) % 1440) };
	assert_int_equal(put(m), 0);
	assert_int_equal(published->context.schedules[0], 0);
	activate_tick(activate, (full - 1) * 1000000);
	assert_int_equal(publications, 1);
	activate_tick(activate, full * 1000000);
	assert_int_equal(publications, 2);
	assert_int_equal(published->generation, 2);
	assert_int_equal(published->context.schedules[0], 1);
	assert_int_equal(counters->generation, 2);
	assert_int_equal(notices[BH_NOTICE_SCHEDULE], 1);
	activate_tick(activate, (full + 1) * 1000000);
	assert_int_equal(publications, 2);
	/* asleep over the boundary: once is enough */
	activate_tick(activate, (full + 7200) * 1000000);
	assert_int_equal(publications, 3);
	assert_int_equal(published->context.schedules[0], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_accepted), TEST(test_untagged),      TEST(test_refused),  TEST(test_ids_stay),
		TEST(test_modules),  TEST(test_other_library), TEST(test_schedule),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
