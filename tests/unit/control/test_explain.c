/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions to a policy and the policy's own tests.
 *
 * needs: control/compile.c control/objects.c control/selector.c control/classes.c control/matrix.c control/sections.c
 * needs: control/intern.c control/zone.c control/problem.c control/explain.c
 * needs: dataplane/image.c dataplane/evaluate.c dataplane/schedule.c dataplane/dpi.c tests/unit/control/generate.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpi.h"
#include "generate.h"

static struct {
	struct generator generator;
	struct policy_model *model;
	void *image;
	struct bh_policy policy;
} shop;

static struct model_rule *add_rule(const char *name, uint8_t action)
{
	struct model_rule *rule = &shop.model->rules[shop.model->rule_count++];

	rule->name = generate_text(&shop.generator, "%s", name);
	rule->place = (struct place){ "shop.yaml", 10 + shop.model->rule_count, 5 };
	rule->enabled = true;
	rule->action = action;
	rule->mirror = BH_NONE;
	return rule;
}

static void add_service(struct model_rule *rule, uint16_t port)
{
	rule->services.items = generate_alloc(&shop.generator, sizeof(struct service_item));
	rule->services.items[0] = (struct service_item){ 6, port, port };
	rule->services.count = 1;
}

static void add_app(struct model_rule *rule, int id)
{
	assert_true(id >= 0);
	rule->has_apps = true;
	rule->apps.ids[id / 64] |= UINT64_C(1) << id % 64;
}

/* app-to-db: postgresql on 5432; updates: a server name on 443; erp: an application of the policy's own on 9443;
 * no-bad-tls: a risk on 8443, above an allow; office: by the hour on 22. */
static int setup(void **state)
{
	struct generator *g = &shop.generator;
	struct problems problems = { 0 };
	struct model_rule *rule;
	char why[200];
	size_t size;

	(void)state;
	if (dpi_catalogue_init() != 0)
		return -1;
	shop.model = generate_base(g, 3);
	shop.model->rules = generate_alloc(g, 16 * sizeof(*rule));
	shop.model->custom_app_count = 3;
	shop.model->custom_apps = generate_alloc(g, 3 * sizeof(*shop.model->custom_apps));
	for (int i = 0; i < 3; i++)
		shop.model->custom_apps[i] =
			(struct model_custom_app){ .name = generate_text(g, i == 1 ? "crm" : "our-erp"),
						   .rule = generate_text(g, "tcp:%d", 9443 + i) };
	rule = add_rule("app-to-db", BH_ACTION_ALLOW);
	add_service(rule, 5432);
	add_app(rule, dpi_protocol_id("postgresql"));
	rule = add_rule("updates", BH_ACTION_ALLOW);
	add_service(rule, 443);
	rule->server_names = generate_alloc(g, sizeof(char *));
	rule->server_names[0] = generate_text(g, "*.debian.org");
	rule->server_name_count = 1;
	rule = add_rule("erp", BH_ACTION_ALLOW);
	add_service(rule, 9443);
	add_app(rule, (int)dpi_builtin_count() + 1); /* crm */
	rule = add_rule("no-bad-tls", BH_ACTION_REJECT);
	add_service(rule, 8443);
	rule->risks = 4;
	add_service(add_rule("tls", BH_ACTION_ALLOW), 8443);
	add_app(&shop.model->rules[4], dpi_protocol_id("TLS"));
	rule = add_rule("office", BH_ACTION_ALLOW);
	add_service(rule, 22);
	rule->has_schedule = true;
	rule->schedule = (struct model_schedule){ .days = 31, .from = 420, .to = 1140 };
	rule = add_rule("category", BH_ACTION_ALLOW);
	add_service(rule, 81);
	rule->has_apps = true;
	rule->apps.categories[0] = UINT64_C(1) << dpi_protocol_category((uint32_t)dpi_protocol_id("HTTP"));
	if (policy_compile(shop.model, 0, &shop.image, &size, &problems) != 0)
		return -1;
	return bh_image_open(&shop.policy, shop.image, size, why, sizeof(why));
}

static int teardown(void **state)
{
	(void)state;
	free(shop.image);
	generate_free(&shop.generator);
	return 0;
}

static struct model_test question(uint16_t port, const char *application)
{
	struct model_test test = { .place = { "shop.yaml", 99, 5 },
				   .to_segment = 1,
				   .protocol = 6,
				   .service = port,
				   .application = (char *)(uintptr_t)application };

	address_parse("10.10.0.11", test.from);
	address_parse("10.10.0.31", test.to);
	return test;
}

static void expect(const struct model_test *test, enum bh_verdict verdict, const char *rule)
{
	struct bh_answer answer;
	char why[200] = "";

	assert_int_equal(policy_ask(&shop.policy, test, &answer, why, sizeof(why)), 0);
	assert_int_equal(answer.verdict, verdict);
	assert_string_equal(answer.rule == BH_NONE
				    ? "default"
				    : bh_string(&shop.policy, shop.policy.RULES_[answer.rule].name),
			    rule);
}

static void test_applications(void **state)
{
	static const struct {
		uint16_t port;
		const char *application;
		enum bh_verdict verdict;
		const char *rule;
	} cases[] = {
		{ 5432, NULL, BH_VERDICT_PENDING, "app-to-db" },
		{ 5432, "PostgreSQL", BH_VERDICT_ALLOW, "app-to-db" },
		{ 5432, "postgresql", BH_VERDICT_ALLOW, "app-to-db" },
		{ 5432, "ssh", BH_VERDICT_DENY, "default" },
		{ 5432, "unknown", BH_VERDICT_DENY, "default" },
		{ 8443, "TLS.Google", BH_VERDICT_ALLOW, "tls" },
		{ 8443, "tls", BH_VERDICT_ALLOW, "tls" },
		{ 8443, "Google", BH_VERDICT_DENY, "default" },
		{ 9443, "crm", BH_VERDICT_ALLOW, "erp" },
		{ 9443, "TLS.CRM", BH_VERDICT_ALLOW, "erp" },
		{ 9443, "our-erp", BH_VERDICT_DENY, "default" },
		{ 81, "HTTP", BH_VERDICT_ALLOW, "category" },
		{ 81, "ssh", BH_VERDICT_DENY, "default" },
		{ 82, NULL, BH_VERDICT_DENY, "default" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_test test = question(cases[i].port, cases[i].application);

		expect(&test, cases[i].verdict, cases[i].rule);
	}
}

static void test_unknown_names(void **state)
{
	static const char *const names[] = { "Postgres2",      "TLS.", ".Google",    "TLS.Nothing",
					     "Nothing.Google", "",     "unknown.TLS" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct model_test test = question(443, names[i]);
		struct bh_answer answer;
		char why[200] = "";

		assert_int_equal(policy_ask(&shop.policy, &test, &answer, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, names[i]));
	}
}

static void test_names_and_risks(void **state)
{
	struct model_test test = question(443, NULL);

	(void)state;
	expect(&test, BH_VERDICT_PENDING, "updates");
	test.server_name = (char *)(uintptr_t) "Deb.Debian.ORG";
	expect(&test, BH_VERDICT_ALLOW, "updates");
	test.server_name = (char *)(uintptr_t) "debian.org";
	expect(&test, BH_VERDICT_DENY, "default");
	test = question(443, "TLS"); /* a session that has ended without a name */
	expect(&test, BH_VERDICT_DENY, "default");
	test = question(8443, NULL);
	expect(&test, BH_VERDICT_PENDING, "tls");
	test.risks = 4;
	expect(&test, BH_VERDICT_REJECT, "no-bad-tls");
	test = question(8443, "TLS");
	test.risks = 8;
	expect(&test, BH_VERDICT_ALLOW, "tls");
}

static void test_at(void **state)
{
	struct model_test test = question(22, NULL);

	(void)state;
	test.has_at = true;
	test.at = 1780272000 + 12 * 3600; /* a Monday noon */
	expect(&test, BH_VERDICT_ALLOW, "office");
	test.at += 12 * 3600;
	expect(&test, BH_VERDICT_DENY, "default");
}

static void test_own_tests(void **state)
{
	struct problems problems = { 0 };
	struct policy_model model = { 0 };
	struct model_test tests[6];

	(void)state;
	tests[0] = question(5432, "postgresql");
	tests[0].has_expect = true;
	tests[0].expect = EXPECT_ALLOW;
	tests[0].rule = (char *)(uintptr_t) "app-to-db";
	tests[1] = tests[0];
	tests[1].rule = (char *)(uintptr_t) "updates"; /* fails: another rule */
	tests[2] = question(5432, NULL);
	tests[2].has_expect = true;
	tests[2].expect = EXPECT_DENY; /* fails: pending */
	tests[3] = question(5432, "ssh");
	tests[3].rule = (char *)(uintptr_t) "default";
	tests[4] = question(5432, "nonsense"); /* fails: no such application */
	tests[5] = question(5432, NULL);
	tests[5].has_expect = true;
	tests[5].expect = EXPECT_PENDING;
	model.tests = tests;
	model.test_count = 6;
	assert_int_equal(policy_run_tests(&model, &shop.policy, &problems), 3);
	assert_int_equal(problems.errors, 3);
	assert_string_equal(problems.list[0].message,
			    "test failed: expected allow by \"updates\", but the policy says allow by rule "
			    "\"app-to-db\" (shop.yaml:11)");
	assert_string_equal(problems.list[1].message,
			    "test failed: expected deny, but the policy says pending by rule \"app-to-db\" "
			    "(shop.yaml:11); the application is open");
	assert_non_null(strstr(problems.list[2].message, "nonsense"));
	assert_int_equal(problems.list[2].place.line, 99);
	problems_free(&problems);
}

/* Told whatever the hour is: a scheduled rule's test without a time, and no other. */
static void test_of_hour(void **state)
{
	struct problems problems = { 0 };
	struct policy_model model = { 0 };
	struct model_test tests[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		tests[i] = question(i == 1 ? 8443 : 22, NULL);
		tests[i].has_expect = true;
		tests[i].expect = i == 1 ? EXPECT_PENDING : EXPECT_ALLOW;
		tests[i].place.line = (uint32_t)i + 1;
	}
	tests[2].has_at = true;
	tests[2].at = 1780272000 + 12 * 3600; /* a Monday noon */
	model.tests = tests;
	model.test_count = 3;
	policy_run_tests(&model, &shop.policy, &problems);
	problems_sort(&problems);
	assert_int_equal(problems.warnings, 1);
	const struct problem *told = &problems.list[problems.count - 1];
	assert_int_equal(told->place.line, 1);
	assert_non_null(strstr(told->message, "this test depends on the hour: it "));
	problems_free(&problems);
}

/* An image whose list of applications is another than the library's: application rules alone are out of force. */
static void test_foreign_catalogue(void **state)
{
	struct model_test test = question(5432, "postgresql");
	const struct bh_image_header *header = shop.image;
	struct bh_image_header *copy = malloc(header->size);
	struct bh_policy policy;
	struct bh_answer answer;
	char why[200];

	(void)state;
	memcpy(copy, header, header->size);
	copy->app_digest++;
	copy->checksum = bh_image_checksum(copy, copy->size);
	assert_int_equal(bh_image_open(&policy, copy, copy->size, why, sizeof(why)), 0);
	assert_int_equal(policy_ask(&policy, &test, &answer, why, sizeof(why)), 0);
	assert_int_equal(answer.verdict, BH_VERDICT_DENY);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_applications),      cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_names_and_risks),   cmocka_unit_test(test_at),
		cmocka_unit_test(test_own_tests),         cmocka_unit_test(test_of_hour),
		cmocka_unit_test(test_foreign_catalogue),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
