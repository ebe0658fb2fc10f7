/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The evaluator on policies small enough to know the answer by reading them; test_reference.c has the rest.
 *
 * needs: control/compile.c control/objects.c control/selector.c control/classes.c control/matrix.c control/sections.c
 * needs: control/intern.c control/zone.c control/problem.c dataplane/image.c dataplane/evaluate.c dataplane/schedule.c dataplane/dpi.c
 * needs: tests/unit/control/generate.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpi.h"
#include "tests/unit/control/generate.h"

#define HTTP 7
#define SSH 92
#define TLS 91
#define WEB 5 /* a category */

/* A policy of up to 16 rules over one network of two segments, and one session from segment 0 to segment 1. */
struct bench {
	struct generator generator;
	struct policy_model *model;
	void *image;
	struct bh_policy policy;
	struct bh_context context;
	struct bh_session session;
	struct bh_answer answer;
};

static void bench_open(struct bench *b, uint8_t default_action)
{
	*b = (struct bench){ 0 };
	b->model = generate_base(&b->generator, 2);
	b->model->settings.default_action = default_action;
	b->model->rules = generate_alloc(&b->generator, 16 * sizeof(*b->model->rules));
	address_parse("10.0.0.1", b->session.from);
	address_parse("10.0.0.2", b->session.to);
	b->session.to_segment = 1;
	b->session.protocol = 6;
	b->session.service = 80;
	b->session.source_port = 40000;
}

static struct model_rule *bench_rule(struct bench *b, uint8_t action)
{
	struct model_rule *rule = &b->model->rules[b->model->rule_count];

	rule->name = generate_text(&b->generator, "rule-%u", b->model->rule_count++);
	rule->enabled = true;
	rule->action = action;
	rule->mirror = BH_NONE;
	return rule;
}

static struct model_rule *bench_app(struct bench *b, uint8_t action, uint16_t id)
{
	struct model_rule *rule = bench_rule(b, action);

	rule->has_apps = true;
	rule->apps.ids[id / 64] |= UINT64_C(1) << id % 64;
	return rule;
}

static struct model_rule *bench_name(struct bench *b, uint8_t action, const char *name)
{
	struct model_rule *rule = bench_rule(b, action);

	rule->server_name_count = 1;
	rule->server_names = generate_alloc(&b->generator, sizeof(char *));
	rule->server_names[0] = generate_text(&b->generator, "%s", name);
	return rule;
}

static void bench_compile(struct bench *b)
{
	struct problems problems = { 0 };
	char why[200];
	size_t size;

	free(b->image);
	assert_int_equal(policy_compile(b->model, 0, &b->image, &size, &problems), 0);
	assert_int_equal(bh_image_open(&b->policy, b->image, size, why, sizeof(why)), 0);
}

static void bench_close(struct bench *b)
{
	free(b->image);
	generate_free(&b->generator);
}

static void bench_expect(struct bench *b, enum bh_verdict verdict, uint32_t rule, uint8_t open)
{
	bh_evaluate(&b->policy, &b->context, &b->session, &b->answer);
	assert_int_equal(b->answer.verdict, verdict);
	assert_int_equal(b->answer.rule, rule);
	assert_int_equal(b->answer.open, open);
}

static void bench_known(struct bench *b, uint16_t master, uint16_t app, uint8_t category)
{
	b->session.knowledge.app_known = true;
	b->session.knowledge.master = master;
	b->session.knowledge.app = app;
	b->session.knowledge.category = category;
}

static void test_application_pending(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	bench_app(&b, BH_ACTION_ALLOW, HTTP)->log = true;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_PENDING, 0, BH_OPEN_APP);
	bench_known(&b, 0, HTTP, WEB);
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	assert_int_equal(b.answer.log, 1);
	bench_known(&b, HTTP, 200, WEB); /* carried by it */
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	bench_known(&b, 0, SSH, WEB);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	bench_known(&b, 0, 0, 0);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	bench_close(&b);
}

/* "To keep an application out for certain: deny it, deny unknown, then allow the rest." */
static void test_deny_unknown_allow_rest(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	bench_app(&b, BH_ACTION_DENY, SSH);
	bench_app(&b, BH_ACTION_DENY, 0);
	bench_rule(&b, BH_ACTION_ALLOW);
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_PENDING, 2, BH_OPEN_APP);
	bench_known(&b, 0, 0, 0);
	bench_expect(&b, BH_VERDICT_DENY, 1, 0);
	bench_known(&b, TLS, 200, 3);
	bench_expect(&b, BH_VERDICT_ALLOW, 2, 0);
	bench_close(&b);
}

/* What a rule above has settled can not come out of a rule below. */
static void test_settled_outcomes(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	bench_app(&b, BH_ACTION_REJECT, SSH);
	bench_app(&b, BH_ACTION_ALLOW, SSH); /* shadowed: no session can be allowed */
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, BH_OPEN_APP);
	b.model->settings.default_action = BH_ACTION_REJECT;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_REJECT, BH_NONE, BH_OPEN_APP);
	bench_close(&b);
}

/* Every application but unknown, then unknown: nothing is left for the default. */
static void test_nothing_remains(void **state)
{
	struct bench b;
	struct model_rule *rule;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	rule = bench_app(&b, BH_ACTION_ALLOW, 1);
	memset(rule->apps.ids, 0xff, sizeof(rule->apps.ids));
	rule->apps.ids[0] &= ~UINT64_C(1);
	bench_app(&b, BH_ACTION_ALLOW, 0);
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_ALLOW, 0, BH_OPEN_APP);
	rule->apps.ids[0] |= 1;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	bench_close(&b);
}

static void test_category(void **state)
{
	struct bench b;
	struct model_rule *rule;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	rule = bench_rule(&b, BH_ACTION_ALLOW);
	rule->has_apps = true;
	rule->apps.categories[0] = UINT64_C(1) << WEB;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_PENDING, 0, BH_OPEN_APP);
	bench_known(&b, 0, 200, WEB);
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	bench_known(&b, 0, 200, 6);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	bench_close(&b);
}

static void test_server_name(void **state)
{
	static const struct {
		const char *name;
		bool allowed;
	} cases[] = {
		{ "a.debian.org", true },
		{ "b.a.debian.org", true },
		{ "debian.org", false },
		{ "xdebian.org", false },
		{ "a.debian.org.", true },
		{ "a.debian.orgx", false },
		{ ".debian.org", false },
		{ "", false },
		{ ".", false },
		{ "a.debian.org..", false },
	};
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	bench_name(&b, BH_ACTION_ALLOW, "*.debian.org");
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_PENDING, 0, BH_OPEN_NAME);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b.session.knowledge.name = cases[i].name;
		bench_expect(&b, cases[i].allowed ? BH_VERDICT_ALLOW : BH_VERDICT_DENY,
			     cases[i].allowed ? 0 : BH_NONE, 0);
	}
	b.session.knowledge.name = NULL;
	b.session.knowledge.name_known = true;
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	bench_close(&b);
}

static void test_name_cut(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_ALLOW);
	bench_name(&b, BH_ACTION_ALLOW, "a.example");
	bench_name(&b, BH_ACTION_DENY, "b.example");
	bench_compile(&b);
	b.session.knowledge.name = "a.example";
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	b.session.knowledge.name_cut = true;
	bench_expect(&b, BH_VERDICT_DENY, 1, 0);
	bench_close(&b);
}

/* Under ECH the name is a cover: it is believed, or treated like one that was cut, or the session is refused whatever the rules say. */
static void test_ech(void **state)
{
	struct bench b;

	(void)state;
	for (uint8_t ech = BH_ECH_ALLOW; ech <= BH_ECH_DENY; ech++) {
		bench_open(&b, BH_ACTION_ALLOW);
		bench_name(&b, BH_ACTION_ALLOW, "a.example");
		bench_name(&b, BH_ACTION_DENY, "b.example");
		b.model->settings.ech = ech;
		bench_compile(&b);
		b.session.knowledge.name = "a.example";
		bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
		b.session.knowledge.ech = true;
		if (ech == BH_ECH_ALLOW)
			bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
		else
			bench_expect(&b, BH_VERDICT_DENY, ech == BH_ECH_UNKNOWN ? 1 : BH_NONE, 0);
		b.session.knowledge.trust = true; /* a connection under way is refused, too */
		bench_expect(&b, ech == BH_ECH_DENY ? BH_VERDICT_DENY : BH_VERDICT_ALLOW,
			     ech == BH_ECH_DENY ? BH_NONE : 0, 0);
		bench_close(&b);
	}
}

/* A rule whose name is still open takes no application out of the question. */
static void test_open_name_settles_nothing(void **state)
{
	struct bench b;
	struct model_rule *rule;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	rule = bench_name(&b, BH_ACTION_ALLOW, "a.example");
	rule->has_apps = true;
	rule->apps.ids[0] = UINT64_C(1) << HTTP;
	bench_app(&b, BH_ACTION_ALLOW, HTTP);
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_PENDING, 0, BH_OPEN_APP | BH_OPEN_NAME);
	b.session.knowledge.name_known = true;
	bench_expect(&b, BH_VERDICT_PENDING, 1, BH_OPEN_APP);
	bench_known(&b, 0, HTTP, 0);
	b.session.knowledge.name_known = false;
	bench_expect(&b, BH_VERDICT_ALLOW, 0, BH_OPEN_NAME); /* allowed in any case, by which rule is open */
	bench_close(&b);
}

static void test_risk(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_ALLOW);
	bench_rule(&b, BH_ACTION_DENY)->risks = 6;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_PENDING, BH_NONE, BH_OPEN_RISK);
	b.session.knowledge.risks = 1;
	bench_expect(&b, BH_VERDICT_PENDING, BH_NONE, BH_OPEN_RISK);
	b.session.knowledge.risks = 5;
	bench_expect(&b, BH_VERDICT_DENY, 0, 0);
	b.session.knowledge.risks = 8;
	b.session.knowledge.risks_known = true;
	bench_expect(&b, BH_VERDICT_ALLOW, BH_NONE, 0);
	bench_close(&b);
}

static void test_trust_and_out_of_force(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_REJECT);
	bench_app(&b, BH_ACTION_DENY, SSH)->services.count = 0;
	b.model->rules[0].risks = 2;
	bench_app(&b, BH_ACTION_ALLOW, HTTP);
	bench_compile(&b);
	b.session.knowledge.trust = true; /* the application counts as met, the risk does not */
	bench_expect(&b, BH_VERDICT_PENDING, 1, BH_OPEN_RISK);
	b.session.knowledge.risks_known = true;
	bench_expect(&b, BH_VERDICT_ALLOW, 1, 0);
	b.context.apps_out_of_force = true; /* and this is stronger than trust */
	bench_expect(&b, BH_VERDICT_DENY, 0, 0);
	b.model->rules[0].enabled = false;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_REJECT, BH_NONE, 0);
	bench_close(&b);
}

static void test_monitor(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	for (int i = 0; i < BH_MONITORED_MAX + 2; i++)
		bench_rule(&b, BH_ACTION_ALLOW)->monitor = true;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	assert_int_equal(b.answer.monitored_count, BH_MONITORED_MAX);
	assert_int_equal(b.answer.monitored[BH_MONITORED_MAX - 1], BH_MONITORED_MAX - 1);
	bench_close(&b);

	bench_open(&b, BH_ACTION_DENY);
	bench_app(&b, BH_ACTION_ALLOW, HTTP);
	bench_rule(&b, BH_ACTION_ALLOW)->monitor = true; /* HTTP would not come here */
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_PENDING, 0, BH_OPEN_APP);
	assert_int_equal(b.answer.monitored_count, 0);
	bench_known(&b, 0, SSH, 0);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	assert_int_equal(b.answer.monitored_count, 1);
	bench_close(&b);
}

static void test_foreign_segment(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BH_ACTION_ALLOW);
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_ALLOW, BH_NONE, 0);
	b.session.to_segment = 2;
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	b.session.to_segment = BH_NONE;
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	bench_close(&b);
}

/* ::/0 is every IPv6 address and no IPv4 one; its negation the other way round. */
static void test_families(void **state)
{
	struct bench b;
	struct selector_item *item;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	item = generate_alloc(&b.generator, sizeof(*item));
	item->kind = SELECT_ADDRESSES;
	item->addresses.count = 1;
	item->addresses.ranges = generate_alloc(&b.generator, sizeof(struct address_range));
	memset(item->addresses.ranges[0].last, 0xff, 16);
	bench_rule(&b, BH_ACTION_ALLOW)->from = (struct selector){ .items = item, .count = 1 };
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	address_parse("2001:db8::1", b.session.from);
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	item->negate = true;
	bench_compile(&b);
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	address_parse("255.255.255.255", b.session.from);
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	bench_close(&b);
}

/* ---- schedules ---- */

static bool active(const struct bench *b)
{
	return b->context.schedules[0] & 1;
}

static void test_schedule_boundaries(void **state)
{
	struct bench b;
	struct model_rule *rule;
	const int64_t monday = 1780272000; /* 2026-06-01 00:00 UTC, a Monday */

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	rule = bench_rule(&b, BH_ACTION_ALLOW);
	rule->has_schedule = true;
	rule->schedule =
		(struct model_schedule){ .days = 1, .from = 22 * 60, .to = 6 * 60 }; /* Monday's night */
	bench_compile(&b);
	assert_true(bh_context_at(&b.policy, monday, &b.context) == monday + 22 * 3600);
	assert_false(active(&b));
	bench_expect(&b, BH_VERDICT_DENY, BH_NONE, 0);
	assert_true(bh_context_at(&b.policy, monday + 22 * 3600, &b.context) == monday + 30 * 3600);
	assert_true(active(&b));
	bench_expect(&b, BH_VERDICT_ALLOW, 0, 0);
	assert_true(bh_context_at(&b.policy, monday + 30 * 3600, &b.context) ==
		    monday + (7 * 24 + 22) * 3600);
	assert_false(active(&b));
	rule->schedule = (struct model_schedule){ .days = 127 }; /* always: never another */
	bench_compile(&b);
	assert_true(bh_context_at(&b.policy, monday, &b.context) == INT64_MAX);
	assert_true(active(&b));
	bench_close(&b);
}

/* In a zone with summer time, minute by minute over both changes: the boundary is where the state flips, and no other. */
static void test_schedule_summer_time(void **state)
{
	const int64_t starts[] = { 1774666800, 1792810800 }; /* the days before 2026-03-29 and 2026-10-25 */
	struct bench b;
	struct model_rule *rule;

	(void)state;
	bench_open(&b, BH_ACTION_DENY);
	b.model->timezone = generate_text(&b.generator, "Europe/Berlin");
	rule = bench_rule(&b, BH_ACTION_ALLOW);
	rule->has_schedule = true;
	rule->schedule =
		(struct model_schedule){ .days = 64, .from = 150, .to = 210 }; /* Sunday 02:30-03:30 */
	bench_compile(&b);
	for (int i = 0; i < 2; i++) {
		int64_t next = bh_context_at(&b.policy, starts[i], &b.context);
		int64_t minutes = 0;
		bool was = active(&b);

		for (int64_t when = starts[i]; when < starts[i] + 3 * 86400; when += 60) {
			int64_t after = bh_context_at(&b.policy, when, &b.context);

			assert_true(after > when);
			assert_true((active(&b) != was) == (when == next));
			next = after;
			was = active(&b);
			minutes += was;
		}
		/* spring: 02:30 does not exist, 03:00-03:30 is left; autumn: 02:30-03:00 comes twice */
		assert_int_equal(minutes, i == 0 ? 30 : 90);
	}
	bench_close(&b);
}

static int setup(void **state)
{
	(void)state;
	return dpi_catalogue_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_application_pending),
		cmocka_unit_test(test_deny_unknown_allow_rest),
		cmocka_unit_test(test_settled_outcomes),
		cmocka_unit_test(test_nothing_remains),
		cmocka_unit_test(test_category),
		cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_name_cut),
		cmocka_unit_test(test_ech),
		cmocka_unit_test(test_open_name_settles_nothing),
		cmocka_unit_test(test_risk),
		cmocka_unit_test(test_trust_and_out_of_force),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_foreign_segment),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_schedule_boundaries),
		cmocka_unit_test(test_schedule_summer_time),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
