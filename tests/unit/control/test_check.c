/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/region.c control/index.c control/problem.c control/textfile.c control/yaml.c control/value.c control/decode.c control/model.c control/model_apps.c control/model_endpoints.c control/model_networks.c control/model_rules.c control/model_services.c control/model_settings.c control/model_tests.c control/check.c control/cover.c control/area.c dataplane/dpi.c tests/unit/control/policy_text.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dpi.h"
#include "policy_text.h"

struct checked {
	struct policy_model *model;
	struct problems problems;
};

static void check_text(struct checked *checked, const char *text)
{
	*checked = (struct checked){ 0 };
	checked->model = policy_of_text(text, &checked->problems);
	if (checked->problems.errors)
		problems_print(&checked->problems, stderr);
	assert_int_equal(checked->problems.errors, 0);
	policy_check(checked->model, &checked->problems);
}

static void check_end(struct checked *checked)
{
	policy_model_free(checked->model);
	problems_free(&checked->problems);
}

/* What is warned of for two rules, of which the second is `b`, above a default of deny. */
static bool warned(const char *first, const char *second, const char *words)
{
	struct checked checked;
	char text[4000];
	bool said;

	snprintf(text, sizeof(text),
		 "%sgroups:\n  all-but: { addresses: [10.0.0.0/8], except: [10.1.0.0/16] }\n"
		 "  both: { segments: [web], addresses: [10.0.0.0/8], except: [{ segment: db }] }\n"
		 "rules:\n  - { name: a, %s }\n  - { name: b, %s }\n%s",
		 POLICY_HEAD, first, second, POLICY_DEFAULT);
	check_text(&checked, text);
	said = problems_say(&checked.problems, words);
	check_end(&checked);
	return said;
}

static void shadows(void **state)
{
	static const char *const covered[][2] = {
		{ "action: deny", "from: web, action: allow" },
		{ "from: { segments: [web, app, db, uplink] }, action: deny", "action: allow" },
		{ "from: { address: 10.0.0.0/8 }, action: deny", "from: all-but, action: allow" },
		{ "from: both, action: deny", "from: { segment: web }, action: allow" },
		{ "from: { not: db }, action: deny", "from: both, action: allow" },
		{ "from: { not: { address: 10.1.0.0/16 } }, action: deny", "from: all-but, action: allow" },
		{ "service: tcp/1-100, action: deny", "service: [tcp/5, tcp/7-9], action: allow" },
		{ "service: proto/6, from-port: 1-9, action: deny",
		  "service: tcp/5, from-port: 5, action: allow" },
		{ "application: [http, tls], action: deny", "application: tls, action: allow" },
		{ "server-name: \"*.b.c\", action: deny",
		  "server-name: [\"x.b.c\", \"*.a.b.c\"], action: allow" },
		{ "risk: [tls-weak-cipher], action: deny", "risk: tls-weak-cipher, action: allow" },
		{ "schedule: { between: \"08:00-18:00\" }, action: deny",
		  "schedule: { days: [mon], between: \"09:00-10:00\" }, action: allow" },
		{ "schedule: { days: [mon, tue], between: \"22:00-06:00\" }, action: deny",
		  "schedule: { days: [tue], between: \"00:00-06:00\" }, action: allow" },
		{ "action: deny", "monitor: true, action: allow" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(covered) / sizeof(*covered); i++)
		if (!warned(covered[i][0], covered[i][1], "rule b can never match"))
			fail_msg("%s covers %s", covered[i][0], covered[i][1]);
}

static void no_shadows(void **state)
{
	static const char *const open[][2] = {
		{ "from: { segments: [web, app, db] }, action: deny", "action: allow" },
		{ "from: all-but, action: deny", "from: { address: 10.0.0.0/8 }, action: allow" },
		{ "from: both, action: deny", "from: { address: 10.0.0.1 }, action: allow" },
		{ "service: tcp/1-100, action: deny", "service: tcp/100-101, action: allow" },
		{ "service: [proto/6], from-port: 1-65535, action: deny", "service: tcp/5, action: allow" },
		{ "application: http, action: deny", "action: allow" },
		{ "application: \"category:web\", action: deny", "application: http, action: allow" },
		{ "application: http, action: deny", "application: unknown, action: allow" },
		{ "server-name: \"*.b.c\", action: deny", "server-name: b.c, action: allow" },
		{ "server-name: \"*.b.c\", action: deny", "server-name: ab.c, action: allow" },
		/* a name that was cut matches no allow, and every deny */
		{ "server-name: a.b, action: allow", "server-name: a.b, action: deny" },
		{ "risk: tls-weak-cipher, action: deny", "action: allow" },
		{ "schedule: { between: \"08:00-18:00\" }, action: deny", "action: allow" },
		{ "schedule: { days: [mon], between: \"22:00-06:00\" }, action: deny",
		  "schedule: { days: [mon], between: \"00:00-06:00\" }, action: allow" },
		{ "monitor: true, action: deny", "action: allow" },
		{ "enabled: false, action: deny", "action: allow" },
		{ "action: deny", "enabled: false, action: allow" },
		{ "from: { address: \"::/0\" }, action: deny", "from: { address: 10.0.0.1 }, action: allow" },
		{ "from: { not: web }, action: deny", "from: { address: 10.0.0.1 }, action: allow" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		if (warned(open[i][0], open[i][1], "rule b can never match"))
			fail_msg("%s does not cover %s", open[i][0], open[i][1]);
}

static void redundant(void **state)
{
	(void)state;
	assert_true(warned("from: web, action: allow", "action: allow", "rule a changes nothing"));
	assert_true(warned("action: reject", "action: deny", "rule b changes nothing") == false);
	assert_true(warned("from: web, action: allow", "from: app, action: deny", "rule b changes nothing"));
	assert_true(warned("from: web, service: tcp/1, action: deny", "from: app, action: allow",
			   "rule a changes nothing"));
	assert_false(warned("from: web, service: tcp/1, action: deny", "to: app, action: allow",
			    "changes nothing"));
	assert_false(warned("from: web, action: allow, log: true", "action: allow", "changes nothing"));
	assert_false(warned("from: web, action: allow, limit: { rate: 1 Mbit/s }", "action: allow",
			    "changes nothing"));
	assert_false(warned("from: web, action: allow", "to: app, action: allow", "changes nothing"));
	assert_false(warned("from: web, monitor: true, action: allow", "action: allow", "changes nothing"));
}

static void ends(void **state)
{
	(void)state;
	assert_true(warned("from: web, to: web, action: allow", "action: deny",
			   "both ends can only be in segment web"));
	assert_true(warned("from: web, to: { not: { segments: [app, db, uplink] } }, action: allow",
			   "action: deny", "both ends can only be in segment web"));
	assert_false(warned("from: web, to: [web, app], action: allow", "action: deny", "both ends"));
	assert_false(
		warned("from: web, to: { address: 10.0.0.1 }, action: allow", "action: deny", "both ends"));
	assert_false(warned("action: allow", "from: web, action: deny", "both ends"));
}

static void others(void **state)
{
	struct checked checked;

	(void)state;
	assert_true(warned("action: allow", "from: web, action: deny", "rule a allows everything"));
	assert_false(warned("from: web, action: deny", "action: allow", "allows everything"));
	assert_false(warned("service: tcp/1, action: allow", "action: deny", "allows everything"));
	assert_true(warned("from: [\"!web\", \"!app\"], action: deny", "action: allow", "list are negated"));
	assert_false(warned("from: [\"!web\", app], action: deny", "action: allow", "list are negated"));
	assert_false(warned("from: \"!web\", action: deny", "action: allow", "list are negated"));
	check_text(&checked, POLICY_HEAD
		   "rules:\n"
		   "  - { name: a, application: http, action: allow }\n"
		   "  - { name: b, application: tls, action: deny }\n"
		   "  - { name: c, server-name: a.b, action: allow }\n"
		   "  - { name: d, service: tcp/1, action: allow }\n"
		   "  - { name: e, enabled: false, application: http, action: allow }\n" POLICY_DEFAULT);
	assert_true(problems_say(&checked.problems, "rule a allows by application"));
	assert_true(problems_say(&checked.problems, "rule c allows by server-name"));
	assert_false(problems_say(&checked.problems, "rule b allows by"));
	assert_false(problems_say(&checked.problems, "rule e allows by"));
	check_end(&checked);
}

/* ---- random policies against a plain reading of the language ---- */

static uint32_t seed;

static uint32_t pick(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

struct session {
	uint32_t from_segment, to_segment;
	uint8_t from[16], to[16];
	uint16_t port;
};

static bool in_ranges(const struct address_set *set, const uint8_t address[16])
{
	for (uint32_t i = 0; i < set->count; i++)
		if (memcmp(address, set->ranges[i].first, 16) >= 0 &&
		    memcmp(address, set->ranges[i].last, 16) <= 0)
			return true;
	return false;
}

static bool in_list(const uint32_t *list, uint32_t count, uint32_t value)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return false;
}

static bool item_has(const struct policy_model *model, const struct selector_item *item, uint32_t segment,
		     const uint8_t address[16])
{
	const struct model_group *group = &model->groups[item->group];

	switch (item->kind) {
	case SELECT_GROUP:
		return (in_list(group->segments, group->segment_count, segment) ||
			in_ranges(&group->addresses, address)) &&
		       !in_list(group->except_segments, group->except_segment_count, segment) &&
		       !in_ranges(&group->except_addresses, address);
	case SELECT_SEGMENTS:
		return in_list(item->segments, item->segment_count, segment);
	case SELECT_ADDRESSES:
		return in_ranges(&item->addresses, address);
	default:
		return true;
	}
}

static bool selector_has(const struct policy_model *model, const struct selector *selector, uint32_t segment,
			 const uint8_t address[16])
{
	for (uint32_t i = 0; i < selector->count; i++)
		if (item_has(model, &selector->items[i], segment, address) != selector->items[i].negate)
			return true;
	return !selector->count;
}

static bool rule_has(const struct policy_model *model, const struct model_rule *rule,
		     const struct session *session)
{
	bool service = !rule->services.count;

	for (uint32_t i = 0; i < rule->services.count; i++)
		service |= session->port >= rule->services.items[i].first &&
			   session->port <= rule->services.items[i].last;
	return service && selector_has(model, &rule->from, session->from_segment, session->from) &&
	       selector_has(model, &rule->to, session->to_segment, session->to);
}

/* The first rule that matches, or rule_count; `without` is left out. */
static uint32_t first_match(const struct policy_model *model, const struct session *session, uint32_t without)
{
	uint32_t i;

	for (i = 0; i < model->rule_count; i++)
		if (i != without && rule_has(model, &model->rules[i], session))
			break;
	return i;
}

static int fate(const struct policy_model *model, uint32_t rule)
{
	return rule == model->rule_count ? model->settings.default_action : model->rules[rule].action;
}

static const char *random_selector(void)
{
	static const char *const selectors[] = { "any",
						 "g0",
						 "g1",
						 "g2",
						 "\"!g0\"",
						 "\"!g2\"",
						 "web",
						 "app",
						 "{ segments: [web, db] }",
						 "{ address: 10.0.0.0/30 }",
						 "{ addresses: [10.0.0.1, 10.0.0.4-10.0.0.6] }",
						 "{ not: { address: 10.0.0.2 } }",
						 "[g1, db]",
						 "[\"!web\", g0]",
						 "{ address: 10.0.0.0/31 }",
						 "{ address: 10.0.0.2/31 }" };

	return selectors[pick(sizeof(selectors) / sizeof(*selectors))];
}

static void random_session(struct session *session)
{
	*session =
		(struct session){ .from_segment = pick(4), .to_segment = pick(4), .port = (uint16_t)pick(6) };
	for (int i = 0; i < 2; i++) {
		uint8_t *address = i ? session->to : session->from;

		memcpy(address, (uint8_t[]){ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0 }, 16);
		address[15] = (uint8_t)pick(9);
	}
}

static const char *random_policy(void)
{
	static char text[8000];
	char *end = text;

	end += sprintf(end,
		       "%sgroups:\n  g0: { segments: [web], addresses: [10.0.0.0/29], except: [10.0.0.3] }\n"
		       "  g1: { addresses: [10.0.0.2, 10.0.0.5] }\n"
		       "  g2: { segments: [app, db], except: [{ segment: db }, 10.0.0.1] }\nrules:\n",
		       POLICY_HEAD);
	for (int i = 0; i < 8; i++) {
		uint32_t port = pick(4);

		end += sprintf(end, "  - { name: r%d, from: %s, to: %s, service: tcp/%u-%u, action: %s }\n",
			       i, random_selector(), random_selector(), port, port + pick(3),
			       pick(2) ? "allow" : "deny");
	}
	sprintf(end, "%s", POLICY_DEFAULT);
	return text;
}

/* No warning of a shadowed or redundant rule is ever wrong. */
static void never_wrong(void **state)
{
	uint32_t shadowed = 0, unneeded = 0;

	(void)state;
	seed = 7;
	for (int round = 0; round < 400; round++) {
		bool never[8] = { 0 }, nothing[8] = { 0 };
		struct checked checked;

		check_text(&checked, random_policy());
		for (uint32_t i = 0; i < 8; i++) {
			char words[40];

			sprintf(words, "rule r%u can never match (shadowed)", i);
			shadowed += never[i] = problems_say(&checked.problems, words);
			sprintf(words, "rule r%u changes nothing", i);
			unneeded += nothing[i] = problems_say(&checked.problems, words);
		}
		for (int i = 0; i < 1500; i++) {
			struct session session;
			uint32_t first;

			random_session(&session);
			first = first_match(checked.model, &session, BH_NONE);
			if (first == checked.model->rule_count)
				continue;
			assert_false(never[first]);
			if (nothing[first])
				assert_int_equal(
					fate(checked.model, first),
					fate(checked.model, first_match(checked.model, &session, first)));
		}
		check_end(&checked);
	}
	/* and they are given: about 100 and 750 */
	assert_true(shadowed > 80);
	assert_true(unneeded > 500);
}

/* ---- size ---- */

/* 10,000 rules, 100,000 addresses, 4,000 segments: the time is for ASan, many times what it is without. */
static void large(void **state)
{
	size_t room = 8u << 20;
	char *text = malloc(room), *end = text;
	struct timespec begin, done;
	struct checked checked;

	(void)state;
	seed = 3;
	end += sprintf(end, "version: 1\nname: large\nnetworks:\n  n:\n    segments:\n");
	for (int i = 0; i < 4000; i++)
		end += sprintf(end, "      s%d: { port: p%d, vlan: %d }\n", i, i / 4000, i % 4000 + 1);
	end += sprintf(end, "groups:\n");
	for (int i = 0; i < 1000; i++) {
		end += sprintf(end, "  g%d: { addresses: [", i);
		for (int j = 0; j < 100; j++)
			end += sprintf(end, "10.%u.%u.%u,", pick(250), pick(250), pick(250));
		end += sprintf(end, "] }\n");
	}
	end += sprintf(end, "rules:\n");
	for (int i = 0; i < 10000; i++)
		end += sprintf(
			end,
			"  - { name: r%d, from: g%u, to: { segment: s%u }, service: tcp/%u, action: %s }\n",
			i, pick(1000), pick(4000), pick(60000), pick(2) ? "allow" : "reject");
	sprintf(end, "%s", POLICY_DEFAULT);
	assert_true((size_t)(end - text) < room);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	check_text(&checked, text);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &done);
	assert_int_equal(checked.model->rule_count, 10000);
	assert_true(done.tv_sec - begin.tv_sec < 20);
	check_end(&checked);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shadows), cmocka_unit_test(no_shadows), cmocka_unit_test(redundant),
		cmocka_unit_test(ends),    cmocka_unit_test(others),     cmocka_unit_test(never_wrong),
		cmocka_unit_test(large),
	};

	if (dpi_catalogue_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
