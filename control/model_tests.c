/* SPDX-License-Identifier: BSD-3-Clause */
/* tests: questions that a policy carries with the answers it expects. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reader.h"

int policy_parse_endpoint(const struct policy_model *model, const char *text, uint8_t address[16],
			  uint32_t *segment, char *why, size_t why_size)
{
	const char *at = strchr(text, '@');
	char part[64];
	const char **names;
	const char *nearest = NULL;

	if (!at || (size_t)(at - text) >= sizeof(part)) {
		snprintf(why, why_size, "\"%.60s\": expected ADDRESS@SEGMENT, as 10.10.0.11@web", text);
		return -EINVAL;
	}
	snprintf(part, sizeof(part), "%.*s", (int)(at - text), text);
	if (value_address(part, address)) {
		snprintf(why, why_size,
			 "\"%.60s\": %s is no address; expected ADDRESS@SEGMENT, as 10.10.0.11@web", text,
			 part);
		return -EINVAL;
	}
	for (*segment = 0; *segment < model->segment_count; ++*segment)
		if (!strcmp(model->segments[*segment].name, at + 1))
			return 0;
	names = model->memory ? region_alloc(model->memory, (model->segment_count + 1) * sizeof(*names))
			      : NULL;
	for (uint32_t i = 0; names && i < model->segment_count; i++)
		names[i] = model->segments[i].name;
	if (names)
		nearest = nearest_name(at + 1, names, model->segment_count);
	snprintf(why, why_size, "\"%.60s\": no segment is named %.60s%s%s%s", text, at + 1,
		 nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
	return -EINVAL;
}

static void read_endpoint(struct decoder *decoder, const struct node *node, uint8_t address[16],
			  uint32_t *segment)
{
	const char *text = decode_text(decoder, node, "ADDRESS@SEGMENT, as \"10.10.0.11@web\"");
	char why[200];

	if (text &&
	    policy_parse_endpoint(reader_of(decoder)->model, text, address, segment, why, sizeof(why)))
		decode_error(decoder, node->place, "%s", why);
}

static void test_from(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_test *test = target;

	read_endpoint(decoder, node, test->from, &test->from_segment);
}

static void test_to(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_test *test = target;

	read_endpoint(decoder, node, test->to, &test->to_segment);
}

static void test_service(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_test *test = target;
	const char *text = decode_text(decoder, node, "one service, as tcp/443");
	char why[200];

	if (text && policy_parse_service(reader_of(decoder)->model, text, &test->protocol, &test->service,
					 why, sizeof(why)))
		decode_error(decoder, node->place, "%s", why);
}

static void test_from_port(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t port;

	if (decode_unsigned(decoder, node, 1, 65535, &port))
		((struct model_test *)target)->source_port = (uint16_t)port;
}

/* master.app, where both are names of their own; a few names have a dot in themselves. */
static bool application_known(struct reader *reader, const char *name)
{
	const char *dot = strchr(name, '.');

	if (reader_app_id(reader, name) >= 0)
		return true;
	return dot &&
	       reader_app_id(reader, region_text(reader->decoder.region, name, (size_t)(dot - name))) >= 0 &&
	       reader_app_id(reader, dot + 1) >= 0;
}

static void test_application(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_test *test = target;
	const char *name =
		decode_text(decoder, node, "an application's name, as http, TLS.Google or unknown");

	if (!name)
		return;
	if (application_known(reader_of(decoder), name))
		test->application = region_text(decoder->region, name, strlen(name));
	else
		reader_unknown_app(reader_of(decoder), node->place, name);
}

static void test_server_name(struct decoder *decoder, const struct node *node, void *target)
{
	const char *name = decode_text(decoder, node, "a server name, as www.example.com");

	if (name)
		((struct model_test *)target)->server_name = region_text(decoder->region, name, strlen(name));
}

static void test_risk(struct decoder *decoder, const struct node *node, void *target)
{
	reader_risks(reader_of(decoder), node, &((struct model_test *)target)->risks);
}

static void test_at(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_test *test = target;

	if (node->kind == NODE_SCALAR && !value_time(node->text, &test->at))
		test->has_at = true;
	else
		decode_expected(decoder, node, "a time with its zone, as \"2026-11-22T10:00Z\"");
}

static void test_expect(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = { [EXPECT_ALLOW] = "allow",
					     [EXPECT_DENY] = "deny",
					     [EXPECT_REJECT] = "reject",
					     [EXPECT_PENDING] = "pending" };
	struct model_test *test = target;
	int choice = decode_choice(decoder, node, words, DECODE_COUNT(words));

	if (choice >= 0) {
		test->has_expect = true;
		test->expect = (enum model_expect)choice;
	}
}

static void test_rule(struct decoder *decoder, const struct node *node, void *target)
{
	struct reader *reader = reader_of(decoder);
	const char *name = decode_text(decoder, node, "the name of a rule, or default");

	if (!name)
		return;
	if (!strcmp(name, "default") || index_find(&reader->rules, name, NULL))
		((struct model_test *)target)->rule = region_text(decoder->region, name, strlen(name));
	else
		reader_unknown(reader, node->place, "rule", name, &reader->rules);
}

static const struct decode_key test_keys[] = {
	{ "from", test_from, true },
	{ "to", test_to, true },
	{ "service", test_service, true },
	{ "from-port", test_from_port, false },
	{ "application", test_application, false },
	{ "server-name", test_server_name, false },
	{ "risk", test_risk, false },
	{ "at", test_at, false },
	{ "expect", test_expect, true },
	{ "rule", test_rule, false },
};

void read_tests(struct reader *reader, const struct part *part)
{
	struct policy_model *model = reader->model;
	struct decoder *decoder = &reader->decoder;

	for (uint32_t i = 0; i < part->count; i++) {
		if (part->nodes[i]->kind != NODE_LIST) {
			decode_expected(
				decoder, part->nodes[i],
				"a list of tests (- { from: .., to: .., service: .., expect: allow })");
			continue;
		}
		for (const struct node *node = part->nodes[i]->first; node; node = node->next) {
			struct model_test test = { .place = node->place };

			if (!decode_map(decoder, node, "a test", test_keys, DECODE_COUNT(test_keys), &test))
				continue;
			model->tests =
				region_grow(decoder->region, model->tests, model->test_count, sizeof(test));
			model->tests[model->test_count++] = test;
		}
	}
}
