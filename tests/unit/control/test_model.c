/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/region.c control/index.c control/problem.c control/textfile.c control/yaml.c control/value.c control/decode.c control/model.c control/model_apps.c control/model_endpoints.c control/model_networks.c control/model_rules.c control/model_services.c control/model_settings.c control/model_tests.c control/check.c control/cover.c control/area.c dataplane/dpi.c tests/unit/control/policy_text.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpi.h"
#include "policy_text.h"

static struct policy_model *example(void)
{
	struct problems problems = { 0 };
	struct policy_model *model = NULL;

	assert_int_equal(policy_read("policies/shop.yaml", &model, &problems), 0);
	problems_print(&problems, stderr);
	assert_int_equal(problems.errors, 0);
	problems_free(&problems);
	return model;
}

static bool has_app(const struct model_rule *rule, int id)
{
	return id >= 0 && rule->apps.ids[id / 64] >> id % 64 & 1;
}

/* Each key of the language's own example, with its exact meaning. */
static void example_rules(void **state)
{
	struct policy_model *model = example();
	const struct model_rule *rule = model->rules;

	(void)state;
	assert_int_equal(model->rule_count, 7);
	assert_string_equal(rule[0].name, "no-known-bad");
	assert_int_equal(rule[0].action, BH_ACTION_DENY);
	assert_true(rule[0].log);
	assert_int_equal(rule[0].from.items[0].kind, SELECT_GROUP);
	assert_string_equal(model->groups[rule[0].from.items[0].group].name, "blocklist");
	assert_int_equal(rule[0].to.count, 0);
	assert_int_equal(rule[1].to.items[0].kind, SELECT_SEGMENTS);
	assert_string_equal(model->segments[rule[1].to.items[0].segments[0]].name, "app");
	assert_int_equal(rule[1].services.items[0].protocol, 6);
	assert_int_equal(rule[1].services.items[0].first, 8080);
	assert_true(has_app(&rule[1], dpi_protocol_id("http")));
	assert_int_equal(rule[2].services.items[0].first, 5432);
	assert_string_equal(model->mirrors[rule[2].mirror].name, "ids");
	assert_int_equal(rule[3].server_name_count, 2);
	assert_string_equal(rule[3].server_names[0], "*.debian.org");
	assert_false(rule[3].has_apps);
	assert_true(rule[4].has_schedule);
	assert_int_equal(rule[4].schedule.days, 0x1f);
	assert_int_equal(rule[4].schedule.from, 420);
	assert_int_equal(rule[5].limit_rate, 10000000);
	assert_int_equal(rule[5].limit_burst, 125000);
	assert_int_equal(rule[5].services.count, 2);
	assert_int_equal(rule[5].services.items[0].protocol, 1);
	assert_int_equal(rule[5].services.items[0].first, 8 << 8);
	assert_int_equal(rule[5].services.items[0].last, 8 << 8 | 255);
	assert_int_equal(rule[5].services.items[1].protocol, 58);
	assert_true(rule[6].monitor);
	assert_int_equal(rule[6].place.line, 62);
	policy_model_free(model);
}

static void example_settings(void **state)
{
	struct policy_model *model = example();
	const struct bh_settings *settings = &model->settings;

	(void)state;
	assert_int_equal(settings->midstream_pick_up, 60);
	assert_int_equal(settings->midstream_app, BH_MIDSTREAM_TRUST);
	assert_int_equal(settings->timeouts[BH_TIMEOUT_TCP_ESTABLISHED], 3600);
	assert_int_equal(settings->timeouts[BH_TIMEOUT_SCTP], 300);
	assert_int_equal(settings->dpi_max_packets, 32);
	assert_int_equal(settings->dpi_max_bytes, 65536);
	assert_int_equal(settings->dpi_max_ms, 10000);
	assert_int_equal(settings->layer2_allow, 0x3f);
	assert_int_equal(settings->exception_dpi, BH_EXCEPTION_UNKNOWN);
	assert_int_equal(settings->default_log, 1);
	assert_int_equal(settings->quotas_written, 1);
	assert_int_equal(model->segments[0].limits.flows, BH_LIMIT_PERCENT | 5000);
	assert_int_equal(model->segments[0].limits.new_flows, 50000);
	assert_int_equal(model->segments[2].spoof_guard, BH_SPOOF_STRICT);
	assert_true(model->segments[3].dhcp_server);
	assert_false(model->segments[0].dhcp_server);
	assert_int_equal(model->binding_count, 1);
	assert_int_equal(model->bindings[0].address_count, 2);
	assert_int_equal(model->mirrors[0].mirror.vlan, 999);
	assert_int_equal(model->test_count, 2);
	assert_string_equal(model->tests[0].rule, "app-to-db");
	assert_int_equal(model->tests[1].expect, EXPECT_DENY);
	assert_int_equal(model->tests[0].service, 5432);
	assert_string_equal(model->timezone, "UTC");
	policy_model_free(model);
}

static void settings_written(void **state)
{
	struct policy_model *model = good_policy(
		POLICY_HEAD "rules: []\n" POLICY_DEFAULT "mode: monitor\n"
			    "flows: { mid-stream: always, timeouts: { udp: 2m } }\n"
			    "classification: off\n"
			    "layer2: { allow: [arp, 0x88cc, 0x8899], dhcp-servers: [web] }\n"
			    "limits: { macs: 8, segments: { db: { flows: 1.5%, broadcast: unlimited } } }\n"
			    "exceptions: { flows: stateless, dpi: drop }\n");
	const struct bh_settings *settings;

	(void)state;
	assert_non_null(model);
	settings = &model->settings;
	assert_int_equal(settings->monitor, 1);
	assert_int_equal(settings->midstream_pick_up, BH_PICK_UP_ALWAYS);
	assert_int_equal(settings->midstream_app, BH_MIDSTREAM_UNKNOWN);
	assert_int_equal(settings->timeouts[BH_TIMEOUT_UDP], 120);
	assert_int_equal(settings->classification_off, 1);
	assert_int_equal(settings->layer2_allow, 1u << BH_LAYER2_ARP | 1u << BH_LAYER2_LLDP);
	assert_int_equal(model->ethertype_count, 1);
	assert_true(model->segments[0].dhcp_server);
	assert_false(model->segments[3].dhcp_server);
	assert_int_equal(model->segments[0].limits.macs, 8);
	assert_int_equal(model->segments[2].limits.macs, 8);
	assert_int_equal(model->segments[2].limits.flows, BH_LIMIT_PERCENT | 150);
	assert_int_equal(model->segments[2].limits.broadcast, 0);
	assert_int_equal(settings->exception_flows, BH_EXCEPTION_STATELESS);
	assert_int_equal(settings->exception_dpi, BH_EXCEPTION_DROP);
	policy_model_free(model);
}

static void mid_stream(void **state)
{
	static const struct {
		const char *text;
		uint32_t pick_up;
		uint8_t app;
	} cases[] = { { "never", BH_PICK_UP_NEVER, BH_MIDSTREAM_TRUST },
		      { "2m", 120, BH_MIDSTREAM_TRUST },
		      { "{ application: trust, pick-up: always }", BH_PICK_UP_ALWAYS, BH_MIDSTREAM_TRUST },
		      { "{ application: unknown }", 60, BH_MIDSTREAM_UNKNOWN } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[2000];
		struct policy_model *model;

		snprintf(text, sizeof(text), "%srules: []\n%sflows: { mid-stream: %s }\n", POLICY_HEAD,
			 POLICY_DEFAULT, cases[i].text);
		model = good_policy(text);
		assert_non_null(model);
		assert_int_equal(model->settings.midstream_pick_up, cases[i].pick_up);
		assert_int_equal(model->settings.midstream_app, cases[i].app);
		policy_model_free(model);
	}
}

static void services(void **state)
{
	struct policy_model *model = good_policy(
		POLICY_HEAD
		"services: { a: [tcp/80, b], b: [tcp/81-90, udp/1, tcp/85-100] }\n"
		"rules:\n  - { name: r, service: a, action: allow }\n"
		"  - { name: s, service: [proto/6, tcp/5], from-port: 1-5, action: allow }\n" POLICY_DEFAULT);
	const struct service_list *list;

	(void)state;
	assert_non_null(model);
	list = &model->rules[0].services;
	assert_int_equal(list->count, 2); /* merged: what touches is one */
	assert_int_equal(list->items[0].first, 80);
	assert_int_equal(list->items[0].last, 100);
	assert_int_equal(list->items[1].protocol, 17);
	assert_int_equal(model->rules[1].services.count, 1);
	assert_int_equal(model->rules[1].services.items[0].last, 65535);
	assert_int_equal(model->rules[1].source_ports[0].last, 5);
	policy_model_free(model);
}

static void custom_apps(void **state)
{
	struct policy_model *model = good_policy(
		POLICY_HEAD "applications:\n  erp: [\"host:*.ERP.example\", tcp/9443]\n  two: udp/4000-4001\n"
			    "rules:\n  - { name: r, application: [TWO, unknown, \"category:Web\"], action: "
			    "deny }\n" POLICY_DEFAULT);

	(void)state;
	assert_non_null(model);
	assert_int_equal(model->custom_app_count, 3);
	assert_string_equal(model->custom_apps[0].rule, "host:\"*.erp.example\"");
	assert_string_equal(model->custom_apps[1].rule, "tcp:9443");
	assert_string_equal(model->custom_apps[2].rule, "udp:4000-4001");
	assert_true(has_app(&model->rules[0], (int)dpi_builtin_count() + 1));
	assert_true(has_app(&model->rules[0], 0));
	assert_false(has_app(&model->rules[0], (int)dpi_builtin_count()));
	assert_true(model->rules[0].apps.categories[0] >> dpi_category_id("web") & 1);
	policy_model_free(model);
}

static void endpoints(void **state)
{
	struct policy_model *model = example();
	uint8_t address[16], protocol;
	uint32_t segment;
	uint16_t service;
	char why[200];

	(void)state;
	assert_int_equal(policy_parse_endpoint(model, "10.10.0.31@db", address, &segment, why, sizeof(why)),
			 0);
	assert_int_equal(segment, 2);
	assert_int_equal(address[15], 31);
	assert_int_equal(policy_parse_endpoint(model, "2001:db8::1@web", address, &segment, why, sizeof(why)),
			 0);
	assert_int_equal(policy_parse_endpoint(model, "10.10.0.31@dbx", address, &segment, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "did you mean db?"));
	assert_int_equal(policy_parse_endpoint(model, "10.10.0.31", address, &segment, why, sizeof(why)),
			 -EINVAL);
	assert_int_equal(policy_parse_endpoint(model, "x@db", address, &segment, why, sizeof(why)), -EINVAL);
	assert_int_equal(policy_parse_service(model, "tcp/443", &protocol, &service, why, sizeof(why)), 0);
	assert_int_equal(service, 443);
	assert_int_equal(
		policy_parse_service(model, "icmp/echo-request", &protocol, &service, why, sizeof(why)), 0);
	assert_int_equal(service, 8 << 8);
	assert_int_equal(policy_parse_service(model, "postgres", &protocol, &service, why, sizeof(why)), 0);
	assert_int_equal(service, 5432);
	assert_int_equal(policy_parse_service(model, "proto/47", &protocol, &service, why, sizeof(why)), 0);
	assert_int_equal(protocol, 47);
	assert_int_equal(policy_parse_service(model, "tcp/1-2", &protocol, &service, why, sizeof(why)),
			 -EINVAL);
	assert_int_equal(policy_parse_service(model, "nothing", &protocol, &service, why, sizeof(why)),
			 -EINVAL);
	assert_int_equal(policy_parse_service(model, "proto/6", &protocol, &service, why, sizeof(why)),
			 -EINVAL);
	policy_model_free(model);
}

/* ---- mutation ---- */

static uint32_t seed;

static uint32_t next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static char *read_whole(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(1 << 16);

	assert_non_null(file);
	*size = fread(text, 1, 1 << 16, file);
	fclose(file);
	return text;
}

static void read_mutant(const char *text, size_t size)
{
	struct problems problems = { 0 };
	struct policy_model *model = NULL;

	assert_int_equal(policy_read(text_file(text, size), &model, &problems), 0);
	assert_non_null(model);
	if (!problems.errors)
		policy_check(model, &problems);
	assert_true(problems.count == problems.errors + problems.warnings || problems.count == PROBLEMS_MAX);
	policy_model_free(model);
	problems_free(&problems);
}

/* One change at a random place: a bit, a byte of the language, a piece removed or doubled, or the end cut off. */
static size_t mutate(char *text, size_t size, const char *original)
{
	static const char bytes[] = "!&*[]{}:,-#\"'|>%@\t\n 09a\0\xff";
	size_t at = next_random() % size, length = 1 + next_random() % 30;

	memcpy(text, original, size);
	if (at + length > size)
		length = size - at;
	switch (next_random() % 5) {
	case 0:
		text[at] = (char)(text[at] ^ 1 << next_random() % 8);
		return size;
	case 1:
		text[at] = bytes[next_random() % (sizeof(bytes) - 1)];
		return size;
	case 2:
		memmove(text + at, text + at + length, size - at - length);
		return size - length;
	case 3:
		memmove(text + at + length, text + at, size - at);
		return size + length;
	default:
		return at;
	}
}

static void mutants(void **state)
{
	size_t size;
	char *original = read_whole("policies/shop.yaml", &size), *text = malloc(size + 64);

	(void)state;
	seed = 1;
	for (int i = 0; i < 2500; i++)
		read_mutant(text, mutate(text, size, original));
	for (size_t length = 0; length < size; length += 7)
		read_mutant(original, length);
	free(original);
	free(text);
}

/* ---- hostile sizes ---- */

/* Services in services come to 10^20 ports when written out: they are merged as they are read. */
static void nested_services(void **state)
{
	char *text = malloc(100000), *end = text;
	struct problems problems = { 0 };
	struct policy_model *model;

	(void)state;
	end += sprintf(end, "%sservices:\n  s0: [tcp/1, tcp/3]\n", POLICY_HEAD);
	for (int i = 1; i < 200; i++) {
		end += sprintf(end, "  s%d: [", i);
		for (int j = 0; j < 10; j++)
			end += sprintf(end, "s%d,", i - 1);
		end += sprintf(end, "]\n");
	}
	sprintf(end, "rules: []\n%s", POLICY_DEFAULT);
	model = policy_of_text(text, &problems);
	assert_int_equal(problems.errors, 0);
	assert_int_equal(model->services[199].list.count, 2);
	policy_model_free(model);

	/* the other way round each waits for the next: bounded in depth */
	end = text + sprintf(text, "%sservices:\n", POLICY_HEAD);
	for (int i = 0; i < 200; i++)
		end += sprintf(end, "  s%d: [s%d]\n", i, i + 1);
	sprintf(end, "  s200: tcp/1\nrules: []\n%s", POLICY_DEFAULT);
	problems_free(&problems);
	model = policy_of_text(text, &problems);
	assert_true(problems_say(&problems, "nested"));
	policy_model_free(model);
	problems_free(&problems);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_rules),    cmocka_unit_test(example_settings),
		cmocka_unit_test(settings_written), cmocka_unit_test(mid_stream),
		cmocka_unit_test(services),         cmocka_unit_test(custom_apps),
		cmocka_unit_test(endpoints),        cmocka_unit_test(mutants),
		cmocka_unit_test(nested_services),
	};

	if (dpi_catalogue_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
