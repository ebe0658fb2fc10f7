/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to a policy, answered by the evaluator that enforces it. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bulkhead/evaluate.h"
#include "dpi.h"
#include "model.h"

#define SOURCE_PORT 40000 /* where a question gives none */

/* ---- names of applications ---- */

/* Custom applications: ids from the library's count on, in the order in which the names first appear. */
static int custom_id(const struct bh_policy *image, const char *name)
{
	uint32_t id = dpi_builtin_count();

	for (uint64_t i = 0; i < image->CUSTOM_APPS_count; i++) {
		const uint32_t own = image->CUSTOM_APPS_[i].name;
		uint64_t first = 0;

		while (image->CUSTOM_APPS_[first].name != own)
			first++;
		if (first != i)
			continue;
		if (strcasecmp(bh_string(image, own), name) == 0)
			return id < BH_APP_IDS ? (int)id : -ENOENT;
		id++;
	}
	return -ENOENT;
}

static int application_id(const struct bh_policy *image, const char *name, size_t length)
{
	char text[BH_NAME_MAX + 1];
	int id;

	if (length == 0 || length >= sizeof(text))
		return -ENOENT;
	memcpy(text, name, length);
	text[length] = '\0';
	id = dpi_protocol_id(text);
	if (id < 0 || id >= BH_APP_IDS)
		id = custom_id(image, text);
	return id;
}

static uint32_t category_of(int id)
{
	return (uint32_t)id < dpi_builtin_count() ? dpi_protocol_category((uint32_t)id) : 0;
}

/* As the library does: the category of the application, or of what carries it. */
static void knowledge_set(struct bh_knowledge *known, int master, int app)
{
	uint32_t category = category_of(app);

	if (category == 0 && master != 0)
		category = category_of(master);
	known->app_known = true;
	known->master = (uint16_t)master;
	known->app = (uint16_t)app;
	known->category = (uint8_t)category;
}

/* "unknown", "app" or "master.app"; a name may have a dot itself, so each is tried. */
static int application_parse(const struct bh_policy *image, const char *text, struct bh_knowledge *known)
{
	int id = application_id(image, text, strlen(text));

	if (strcasecmp(text, "unknown") == 0)
		id = 0;
	if (id >= 0) {
		knowledge_set(known, 0, id);
		return 0;
	}
	for (const char *dot = strchr(text, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
		const int master = application_id(image, text, (size_t)(dot - text));
		const int app = application_id(image, dot + 1, strlen(dot + 1));

		if (master > 0 && app > 0) {
			knowledge_set(known, master, app);
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- one question ---- */

/*
 * A question that names an application is about a session whose classification has ended: a server name or risk that it
 * does not give is not there. One without is about a session that begins: what it does not give may still come.
 */
int policy_ask(const struct bh_policy *image, const struct model_test *question, struct bh_answer *answer,
	       char *why, size_t why_size)
{
	struct bh_context context = {
		.apps_out_of_force = image->header->app_digest != dpi_catalogue_digest(),
	};
	struct bh_session session = {
		.from_segment = question->from_segment,
		.to_segment = question->to_segment,
		.protocol = question->protocol,
		.service = question->service,
		.source_port = question->source_port != 0 ? question->source_port : SOURCE_PORT,
	};
	const bool ended = question->application != NULL;
	char *name = NULL;

	memcpy(session.from, question->from, sizeof(session.from));
	memcpy(session.to, question->to, sizeof(session.to));
	if (ended && application_parse(image, question->application, &session.knowledge) != 0) {
		snprintf(why, why_size,
			 "no application is called \"%s\"; bulkheadctl applications --all lists the names",
			 question->application);
		return -EINVAL;
	}
	if (question->server_name != NULL) {
		name = strdup(question->server_name);
		if (name == NULL) {
			snprintf(why, why_size, "no memory");
			return -EINVAL;
		}
		for (char *c = name; *c != '\0'; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	}
	session.knowledge.name = name;
	session.knowledge.name_known = ended || name != NULL;
	session.knowledge.risks = question->risks;
	session.knowledge.risks_known = ended || question->risks != 0;
	bh_context_at(image, question->has_at ? question->at : (int64_t)time(NULL), &context);
	bh_evaluate(image, &context, &session, answer);
	free(name);
	return 0;
}

/* ---- the policy's own tests ---- */

static const char *const verdict_names[] = { [BH_VERDICT_ALLOW] = "allow",
					     [BH_VERDICT_DENY] = "deny",
					     [BH_VERDICT_REJECT] = "reject",
					     [BH_VERDICT_PENDING] = "pending" };
static const uint8_t expected_verdicts[] = { [EXPECT_ALLOW] = BH_VERDICT_ALLOW,
					     [EXPECT_DENY] = BH_VERDICT_DENY,
					     [EXPECT_REJECT] = BH_VERDICT_REJECT,
					     [EXPECT_PENDING] = BH_VERDICT_PENDING };

static const char *rule_name(const struct bh_policy *image, uint32_t rule)
{
	return rule == BH_NONE ? "default" : bh_string(image, image->RULES_[rule].name);
}

/* Where the rule that decided stands, for the message. */
static void describe_rule(const struct bh_policy *image, uint32_t rule, char *text, size_t size)
{
	if (rule == BH_NONE)
		snprintf(text, size, "by default");
	else
		snprintf(text, size, "by rule \"%s\" (%s:%u)", rule_name(image, rule),
			 bh_string(image, image->RULES_[rule].file), image->RULES_[rule].line);
}

/* What a pending session waits for. */
static const char *describe_open(uint8_t open)
{
	static const char *const texts[] = {
		[0] = "",
		[BH_OPEN_APP] = "; the application is open",
		[BH_OPEN_NAME] = "; the server name is open",
		[BH_OPEN_RISK] = "; risks are open",
		[BH_OPEN_APP | BH_OPEN_NAME] = "; application and server name are open",
		[BH_OPEN_APP | BH_OPEN_RISK] = "; application and risks are open",
		[BH_OPEN_NAME | BH_OPEN_RISK] = "; server name and risks are open",
		[BH_OPEN_APP | BH_OPEN_NAME | BH_OPEN_RISK] = "; application, server name and risks are open",
	};

	return texts[open & 7];
}

static bool test_passes(const struct bh_policy *image, const struct model_test *test,
			const struct bh_answer *answer)
{
	if (test->has_expect && answer->verdict != expected_verdicts[test->expect])
		return false;
	return test->rule == NULL || strcmp(test->rule, rule_name(image, answer->rule)) == 0;
}

static bool run_test(const struct bh_policy *image, const struct model_test *test, struct problems *problems)
{
	struct bh_answer answer;
	char text[512];

	if (policy_ask(image, test, &answer, text, sizeof(text)) != 0) {
		problem_add(problems, SEVERITY_ERROR, test->place, "test can not be asked: %s", text);
		return false;
	}
	if (test_passes(image, test, &answer))
		return true;
	describe_rule(image, answer.rule, text, sizeof(text));
	problem_add(problems, SEVERITY_ERROR, test->place,
		    "test failed: expected %s%s%s%s, but the policy says %s %s%s",
		    test->has_expect ? verdict_names[expected_verdicts[test->expect]] : "a verdict",
		    test->rule != NULL ? " by \"" : "", test->rule != NULL ? test->rule : "",
		    test->rule != NULL ? "\"" : "", verdict_names[answer.verdict], text,
		    describe_open(answer.open));
	return false;
}

#define WEEK_S (7 * 24 * 3600)
#define BOUNDARIES_MAX 4096u

static bool passes_at(const struct bh_policy *image, const struct model_test *test, int64_t at)
{
	struct model_test then = *test;
	struct bh_answer answer;
	char why[200];

	then.has_at = true;
	then.at = at;
	return policy_ask(image, &then, &answer, why, sizeof(why)) == 0 && test_passes(image, test, &answer);
}

/* A test that says no time is asked as of now: it must not pass by day and keep a policy from being applied by night. */
static void warn_of_hour(const struct bh_policy *image, const struct model_test *test, bool passes,
			 struct problems *problems)
{
	int64_t now = (int64_t)time(NULL), at = now;
	struct bh_context context = {};
	char text[32];

	for (uint32_t i = 0; i < BOUNDARIES_MAX; i++) {
		at = bh_context_at(image, at, &context);
		if (at > now + WEEK_S)
			return;
		if (passes_at(image, test, at) == passes)
			continue;
		time_t moment = (time_t)at;
		struct tm utc;
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%MZ", gmtime_r(&moment, &utc));
		problem_add(problems, SEVERITY_WARNING, test->place,
			    "this test depends on the hour: it %s now and %s at %s; say when, as at: \"%s\"",
			    passes ? "passes" : "fails", passes ? "fails" : "passes", text, text);
		return;
	}
}

uint32_t policy_run_tests(const struct policy_model *model, const struct bh_policy *image,
			  struct problems *problems)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < model->test_count; i++) {
		bool passes = run_test(image, &model->tests[i], problems);

		failed += !passes;
		if (image->SCHEDULES_count && !model->tests[i].has_at)
			warn_of_hour(image, &model->tests[i], passes, problems);
	}
	return failed;
}
