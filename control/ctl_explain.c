/* SPDX-License-Identifier: BSD-3-Clause */
/* explain: what a policy says of one session, by the evaluator that enforces it. */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/evaluate.h"
#include "dpi.h"
#include "record.h"
#include "value.h"
#include "view.h"

enum {
	KEY_JSON = 256,
	KEY_FROM,
	KEY_TO,
	KEY_SERVICE,
	KEY_SOURCE_PORT,
	KEY_APPLICATION,
	KEY_NAME,
	KEY_RISK,
	KEY_AT,
	KEY_EXPECT,
};

struct explain_arguments {
	const char *path, *from, *to, *service, *expect;
	struct model_test question;
	bool json;
};

static const struct argp_option options[] = {
	{ "from", KEY_FROM, "A@SEG", 0, "Who begins the session: address and segment", 0 },
	{ "to", KEY_TO, "B@SEG", 0, "Who is asked", 0 },
	{ "service", KEY_SERVICE, "S", 0, "tcp/443, udp/53, icmp/echo-request, proto/47", 0 },
	{ "source-port", KEY_SOURCE_PORT, "N", 0, "The initiator's port (default 40000)", 0 },
	{ "application", KEY_APPLICATION, "X", 0, "The application is known to be X (or `unknown')", 0 },
	{ "server-name", KEY_NAME, "N", 0, "The server's name is known to be N", 0 },
	{ "risk", KEY_RISK, "R", 0, "nDPI saw this risk; may be given again", 0 },
	{ "at", KEY_AT, "T", 0, "The moment, for schedules: 2026-11-22T10:00Z (default: now)", 0 },
	{ "expect", KEY_EXPECT, "V", 0, "Exit with 1 unless the verdict is V", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print JSON", 0 },
	{ 0 },
};

static void parse_value(int key, char *argument, struct argp_state *state, struct model_test *question)
{
	char *end;

	if (key == KEY_SOURCE_PORT) {
		unsigned long port = strtoul(argument, &end, 10);
		if (end == argument || *end || *argument == '-' || !port || port > 65535)
			argp_error(state, "\"%s\" is no port", argument);
		question->source_port = (uint16_t)port;
	} else if (key == KEY_AT) {
		if (value_time(argument, &question->at))
			argp_error(state, "\"%s\" is no time; write 2026-11-22T10:00Z", argument);
		question->has_at = true;
	} else {
		int bit = dpi_catalogue_init() ? -ENOENT : dpi_risk_bit(argument);
		if (bit < 0)
			argp_error(state, "\"%s\" is no risk; bulkheadctl applications --all lists them",
				   argument);
		question->risks |= UINT64_C(1) << bit;
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct explain_arguments *arguments = state->input;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case KEY_FROM:
		arguments->from = argument;
		return 0;
	case KEY_TO:
		arguments->to = argument;
		return 0;
	case KEY_SERVICE:
		arguments->service = argument;
		return 0;
	case KEY_APPLICATION:
		arguments->question.application = argument;
		return 0;
	case KEY_NAME:
		arguments->question.server_name = argument;
		return 0;
	case KEY_EXPECT:
		if (strcmp(argument, "allow") && strcmp(argument, "deny") && strcmp(argument, "reject") &&
		    strcmp(argument, "pending"))
			argp_error(state, "\"%s\" is none of allow, deny, reject, pending", argument);
		arguments->expect = argument;
		return 0;
	case KEY_SOURCE_PORT:
	case KEY_RISK:
	case KEY_AT:
		parse_value(key, argument, state, &arguments->question);
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->path)
			return ARGP_ERR_UNKNOWN;
		arguments->path = argument;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->path || !arguments->from || !arguments->to || !arguments->service)
			argp_error(state, "POLICY, --from, --to and --service are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options,
	parse,
	"POLICY --from A@SEG --to B@SEG --service S",
	"What a policy says of one session, by which rule, and what is still open.\v"
	"Without --application the question is that of a session's first packet: as long as what is not "
	"known yet decides between allow and refusal, the verdict is `pending' and packets pass while nDPI "
	"looks. "
	"Examples:\n"
	"  bulkheadctl explain shop.yaml --from 10.10.0.11@app \\\n"
	"        --to 10.10.0.31@db --service tcp/5432\n"
	"  bulkheadctl explain shop.yaml --from 10.10.0.11@app \\\n"
	"        --to 10.10.0.31@db --service tcp/5432 --application ssh --expect deny\n\n"
	"Exit status: 0 the question was answered, whatever the verdict; 1 it could not be, or the verdict "
	"is not "
	"the one of --expect.",
	NULL,
	NULL,
	NULL,
};

/* ---- the answer ---- */

struct explanation {
	const struct policy_model *model;
	const struct bh_policy *image;
	const struct model_test *question;
	struct bh_answer answer;
	bool foreign; /* segments of different networks */
	bool same;    /* one segment */
	bool monitor; /* mode: monitor for all or the network */
};

static const char *verdict_of(const struct explanation *explanation)
{
	return explanation->foreign ? "deny" : record_verdict(explanation->answer.verdict);
}

static json_t *rule_json(const struct bh_policy *image, uint32_t index)
{
	if (index == BH_NONE)
		return json_pack("{s:s, s:s}", "name", "default", "action",
				 view_action(image->header->settings.default_action));
	const struct bh_rule *rule = &image->RULES_[index];
	const char *name = bh_string(image, rule->name), *file = bh_string(image, rule->file);
	return json_pack("{s:o, s:s, s:o, s:I}", "name", record_text(name, strlen(name)), "action",
			 view_action(rule->action), "file", record_text(file, strlen(file)), "line",
			 (json_int_t)rule->line);
}

static void rule_print(const struct bh_policy *image, uint32_t index)
{
	if (index == BH_NONE) {
		printf("default (%s)\n", view_action(image->header->settings.default_action));
		return;
	}
	const struct bh_rule *rule = &image->RULES_[index];
	printf("%s (%s) at %s:%u\n", bh_string(image, rule->name), view_action(rule->action),
	       bh_string(image, rule->file), rule->line);
}

static int explain_json(const struct explanation *explanation)
{
	const struct bh_answer *answer = &explanation->answer;
	json_t *open = json_array(), *monitored = json_array();

	if (answer->open & BH_OPEN_APP)
		json_array_append_new(open, json_string("application"));
	if (answer->open & BH_OPEN_NAME)
		json_array_append_new(open, json_string("server-name"));
	if (answer->open & BH_OPEN_RISK)
		json_array_append_new(open, json_string("risk"));
	for (uint32_t i = 0; i < answer->monitored_count; i++)
		json_array_append_new(monitored, rule_json(explanation->image, answer->monitored[i]));
	json_t *json =
		json_pack("{s:s, s:b, s:o, s:o, s:o, s:b, s:b, s:b, s:b}", "verdict", verdict_of(explanation),
			  "settled", !answer->open, "rule",
			  explanation->foreign ? json_null() : rule_json(explanation->image, answer->rule),
			  "open", open, "monitored", monitored, "log", !answer->open && answer->log,
			  "monitor", explanation->monitor, "same_segment", explanation->same,
			  "different_networks", explanation->foreign);
	int status = ctl_print_json(json);
	json_decref(json);
	return status;
}

static const char *open_text(uint8_t open)
{
	static const char *const texts[8] = {
		"nothing",
		"the application",
		"the server name",
		"the application and the server name",
		"risks",
		"the application and risks",
		"the server name and risks",
		"the application, the server name and risks",
	};

	return texts[open & 7];
}

static void open_print(const struct bh_answer *answer)
{
	if (!answer->open) {
		printf("settled:  at once; nothing that nDPI learns can change it\n");
		return;
	}
	printf("open:     %s, not known yet\n", open_text(answer->open));
	if (answer->verdict == BH_VERDICT_PENDING)
		printf("          an allow and a refusal can still come out: packets pass while nDPI looks "
		       "at them,\n"
		       "          and the packet that settles it is already subject to the answer. The rule "
		       "above is\n"
		       "          the first with an allow that could match\n");
	else if (answer->verdict == BH_VERDICT_ALLOW)
		printf("          only allows can come out; log, limit and mirror will be those of the rule "
		       "that matches\n");
	else
		printf("          no allow can come out any more, whatever it is: refused at the first "
		       "packet\n");
}

static int explain_text(const struct explanation *explanation)
{
	const struct bh_answer *answer = &explanation->answer;

	printf("verdict:  %s%s\n", verdict_of(explanation),
	       explanation->monitor ? " (mode: monitor: recorded only, frames pass)" : "");
	if (explanation->foreign) {
		printf("because:  the segments belong to different networks; frames never cross\n");
		return fflush(stdout) ? CTL_FAILED : CTL_OK;
	}
	printf("rule:     ");
	rule_print(explanation->image, answer->rule);
	open_print(answer);
	for (uint32_t i = 0; i < answer->monitored_count; i++) {
		printf("monitor:  ");
		rule_print(explanation->image, answer->monitored[i]);
	}
	if (explanation->same)
		printf("note:     both ends are in one segment: such frames never reach the appliance\n");
	return fflush(stdout) ? CTL_FAILED : CTL_OK;
}

/* The texts of the arguments, in the words of the policy. */
static int question_read(struct explain_arguments *arguments, const struct policy_model *model)
{
	struct model_test *question = &arguments->question;
	char why[200];
	const char *option = "--from";

	int error = policy_parse_endpoint(model, arguments->from, question->from, &question->from_segment,
					  why, sizeof(why));
	if (!error) {
		option = "--to";
		error = policy_parse_endpoint(model, arguments->to, question->to, &question->to_segment, why,
					      sizeof(why));
	}
	if (!error) {
		option = "--service";
		error = policy_parse_service(model, arguments->service, &question->protocol,
					     &question->service, why, sizeof(why));
	}
	if (error)
		fprintf(stderr, "bulkheadctl: %s: %s\n", option, why);
	return error;
}

static int explain(struct explain_arguments *arguments, const struct policy_load *policy)
{
	struct explanation explanation = { .model = policy->model, .question = &arguments->question };
	const struct model_segment *segments = policy->model->segments;
	struct bh_policy image;
	char why[200];

	if (bh_image_open(&image, policy->image, policy->size, why, sizeof(why))) {
		fprintf(stderr, "bulkheadctl: own image is refused: %s\n", why);
		return CTL_FAILED;
	}
	if (question_read(arguments, policy->model))
		return CTL_FAILED;
	explanation.image = &image;
	if (policy_ask(&image, &arguments->question, &explanation.answer, why, sizeof(why))) {
		fprintf(stderr, "bulkheadctl: %s\n", why);
		return CTL_FAILED;
	}
	uint32_t from = arguments->question.from_segment, to = arguments->question.to_segment;
	explanation.same = from == to;
	explanation.foreign = segments[from].network != segments[to].network;
	explanation.monitor =
		image.header->settings.monitor || policy->model->networks[segments[from].network].monitor;
	int status = arguments->json ? explain_json(&explanation) : explain_text(&explanation);
	if (arguments->expect && strcmp(arguments->expect, verdict_of(&explanation))) {
		fprintf(stderr, "bulkheadctl: expected %s, got %s\n", arguments->expect,
			verdict_of(&explanation));
		status = CTL_FAILED;
	}
	return status;
}

int ctl_explain(int argc, char **argv)
{
	struct explain_arguments arguments = { 0 };
	struct policy_load policy;
	int status = CTL_FAILED;

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CTL_USAGE;
	int error = ctl_policy_load(&policy, arguments.path, 0);
	/* warnings are check's business */
	if (!error && !policy.image)
		problems_print(&policy.problems, stderr);
	if (!error && policy.image)
		status = explain(&arguments, &policy);
	policy_load_free(&policy);
	return status;
}
