/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bulkhead/control.h"

#define DEFAULT_LIMIT 1000

enum {
	KEY_JSON = 256,
	KEY_RUN,
	KEY_ADDRESS,
	KEY_PORT,
	KEY_PROTOCOL,
	KEY_SEGMENT,
	KEY_VERDICT,
	KEY_LIMIT,
	KEY_FOLLOW,
	KEY_TYPE,
	KEY_ALL,
	KEY_CATALOGUE,
	KEY_ON,
	KEY_OFF,
	KEY_SECONDS,
	KEY_PORTS = 'p',
};

static const struct argp_option common_options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print JSON", 1 },
	{ "run", KEY_RUN, "DIR", 0, "Directory of the sockets (default: $BULKHEAD_RUN or " CTL_RUN ")", 1 },
	{ 0 },
};

static const struct argp_option flow_options[] = {
	{ "address", KEY_ADDRESS, "A", 0, "Sessions with this address at either end", 0 },
	{ "port", KEY_PORT, "N", 0, "Sessions with this port at either end", 0 },
	{ "protocol", KEY_PROTOCOL, "P", 0, "tcp, udp, icmp, icmpv6, sctp or a number", 0 },
	{ "segment", KEY_SEGMENT, "S", 0, "Sessions from or to this segment", 0 },
	{ "verdict", KEY_VERDICT, "V", 0, "allow, deny, reject or pending", 0 },
	{ "limit", KEY_LIMIT, "N", 0, "Show at most N (default 1000; 0: all)", 0 },
	{ 0 },
};

static const struct argp_option host_options[] = {
	{ "address", KEY_ADDRESS, "A", 0, "Machines that were seen with this address", 0 },
	{ "segment", KEY_SEGMENT, "S", 0, "Machines of this segment", 0 },
	{ 0 },
};

static const struct argp_option drop_options[] = {
	{ "ports", KEY_PORTS, NULL, 0, "Port by port", 0 },
	{ "all", KEY_ALL, NULL, 0, "Reasons that never happened too", 0 },
	{ 0 },
};

static const struct argp_option stage_options[] = {
	{ "on", KEY_ON, NULL, 0, "Begin to measure, from zero", 0 },
	{ "off", KEY_OFF, NULL, 0, "Measure no more; what was measured stays to be shown", 0 },
	{ "seconds", KEY_SECONDS, "N", 0, "Measure for so long, 1 to 3600, and show that", 0 },
	{ 0 },
};

static const struct argp_option event_options[] = {
	{ "follow", KEY_FOLLOW, NULL, 0, "Go on with what comes, until interrupted", 0 },
	{ "type", KEY_TYPE, "T", 0, "Only flow, verdict, denials or notice", 0 },
	{ "limit", KEY_LIMIT, "N", 0, "Begin with at most N past events (default 1000; 0: all)", 0 },
	{ 0 },
};

static const struct argp_option application_options[] = {
	{ "all", KEY_CATALOGUE, NULL, 0,
	  "Offline: every name that policies may use: applications, categories and risks", 0 },
	{ 0 },
};

struct request_state {
	struct ctl_request *request;
	const char *argument_key; /* the positional argument's place in the question; NULL: none is taken */
	bool argument_needed, argument_seen;
};

/* In a filter zero is no value: it would match all. */
static long number(struct argp_state *state, const char *text, long least, long most)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		argp_error(state, "\"%s\" is no number from %ld to %ld", text, least, most);
	return value;
}

static long protocol_number(struct argp_state *state, const char *text)
{
	static const struct {
		const char *name;
		long number;
	} names[] = {
		{ "tcp", IPPROTO_TCP },       { "udp", IPPROTO_UDP },   { "icmp", IPPROTO_ICMP },
		{ "icmpv6", IPPROTO_ICMPV6 }, { "sctp", IPPROTO_SCTP },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcasecmp(text, names[i].name))
			return names[i].number;
	}
	return number(state, text, 1, 255);
}

static void check_word(struct argp_state *state, const char *word, const char *const *words, const char *list)
{
	for (; *words; words++) {
		if (!strcmp(word, *words))
			return;
	}
	argp_error(state, "\"%s\" is none of %s", word, list);
}

static void check_address(struct argp_state *state, const char *text)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, text, &address) != 1 && inet_pton(AF_INET6, text, &address) != 1)
		argp_error(state, "\"%s\" is no IPv4 or IPv6 address", text);
	else if (IN6_IS_ADDR_UNSPECIFIED(&address) && strchr(text, ':'))
		argp_error(state, "%s can not be looked for", text);
}

static void set_text(struct argp_state *state, json_t *question, const char *key, const char *text)
{
	json_t *value = json_string(text);

	if (!value)
		argp_error(state, "an argument is not UTF-8");
	json_object_set_new(question, key, value);
}

/* Options that become a key of the question. */
static error_t parse_question(int key, char *argument, struct argp_state *state, json_t *question)
{
	static const char *const verdicts[] = { "allow", "deny", "reject", "pending", NULL };
	static const char *const types[] = { "flow", "verdict", "denials", "notice", NULL };

	switch (key) {
	case KEY_ADDRESS:
		check_address(state, argument);
		set_text(state, question, "address", argument);
		return 0;
	case KEY_PORT:
		json_object_set_new(question, "port", json_integer(number(state, argument, 1, 65535)));
		return 0;
	case KEY_PROTOCOL:
		json_object_set_new(question, "protocol", json_integer(protocol_number(state, argument)));
		return 0;
	case KEY_SEGMENT:
		if (strlen(argument) > BH_NAME_MAX)
			argp_error(state, "names have at most %d bytes", BH_NAME_MAX);
		set_text(state, question, "segment", argument);
		return 0;
	case KEY_VERDICT:
		check_word(state, argument, verdicts, "allow, deny, reject, pending");
		set_text(state, question, "verdict", argument);
		return 0;
	case KEY_TYPE:
		check_word(state, argument, types, "flow, verdict, denials, notice");
		set_text(state, question, "type", argument);
		return 0;
	case KEY_LIMIT:
		json_object_set_new(question, "limit", json_integer(number(state, argument, 0, UINT32_MAX)));
		return 0;
	case KEY_FOLLOW:
		json_object_set_new(question, "follow", json_true());
		return 0;
	case KEY_PORTS:
		json_object_set_new(question, "ports", json_true());
		return 0;
	case KEY_ALL:
		json_object_set_new(question, "all", json_true());
		return 0;
	case KEY_ON:
	case KEY_OFF:
		if (json_object_get(question, "measure"))
			argp_error(state, "one of --on, --off and --seconds");
		json_object_set_new(question, "measure", json_boolean(key == KEY_ON));
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_one(int key, char *argument, struct argp_state *state)
{
	struct request_state *parse = state->input;
	struct ctl_request *request = parse->request;

	switch (key) {
	case KEY_JSON:
		request->json = true;
		return 0;
	case KEY_RUN:
		request->run = argument;
		return 0;
	case KEY_CATALOGUE:
		request->catalogue = true;
		return 0;
	case KEY_SECONDS:
		request->seconds = (unsigned int)number(state, argument, 1, 3600);
		return parse_question(KEY_ON, NULL, state, request->question);
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case ARGP_KEY_ARG:
		if (!parse->argument_key || parse->argument_seen)
			return ARGP_ERR_UNKNOWN;
		parse->argument_seen = true;
		set_text(state, request->question, parse->argument_key, argument);
		request->policy = argument;
		return 0;
	case ARGP_KEY_END:
		if (parse->argument_needed && !parse->argument_seen)
			argp_error(state, "the policy's file is missing");
		return 0;
	default:
		return parse_question(key, argument, state, request->question);
	}
}

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
	return key == KEY_JSON || key == KEY_RUN ? parse_one(key, argument, state) : ARGP_ERR_UNKNOWN;
}

static const struct argp common_argp = { common_options, parse_common, NULL, NULL, NULL, NULL, NULL };
static const struct argp_child common_child[] = { { &common_argp, 0, NULL, 1 }, { 0 } };

static const struct online {
	const char *command;
	const char *argument_key;
	bool argument_needed;
	bool limited;
	struct argp argp;
} online[] = {
#define ONLINE(options, usage, doc)                                                                          \
	{                                                                                                    \
		options, parse_one, usage, doc, common_child, NULL, NULL                                     \
	}
	{ "status", NULL, false, false,
	  ONLINE(NULL, NULL,
		 "Whether the appliance forwards, by which policy, and how full it is.\v"
		 "Works without bulkheadd too (as root): the dataplane's counters are read directly. "
		 "\"busy\" is the share of a worker's rounds that brought frames. The identity says that "
		 "every "
		 "frame that came in is accounted for: in + copies = out + drops + consumed + held.\n\n"
		 "Exit status: 0 the dataplane is up, 1 it is down.") },
	{ "rules", "name", false, false,
	  ONLINE(NULL, "[RULE]",
		 "The rules in force in their order, and what each decided.\v"
		 "Counters belong to a rule's name: they go on over reloads. A monitor rule counts what it "
		 "would "
		 "have decided.") },
	{ "flows", NULL, false, true,
	  ONLINE(flow_options, NULL,
		 "Live sessions.\vExamples:\n"
		 "  bulkheadctl flows --segment web --verdict deny\n"
		 "  bulkheadctl flows --address 10.10.0.31 --port 5432 --protocol tcp\n"
		 "  bulkheadctl flows --limit 0 --json | jq '.flows[] | .app_proto'\n\n"
		 "With --json the records have the field names of Suricata's EVE flow events.") },
	{ "hosts", NULL, false, false,
	  ONLINE(host_options, NULL, "Machines: where each MAC address is, and how often it moved.") },
	{ "segments", NULL, false, false,
	  ONLINE(NULL, NULL, "Segments of the policy in force, and what went in and out of each.") },
	{ "applications", NULL, false, false,
	  ONLINE(application_options, NULL,
		 "Applications that nDPI saw, the one with most bytes first.\v"
		 "With --all no appliance is asked: it lists the names that a policy's `application', "
		 "`category:' "
		 "and `risk' may use.") },
	{ "drops", NULL, false, false,
	  ONLINE(drop_options, NULL,
		 "Frames that were not delivered, by reason, with what the reason means.") },
	{ "stages", NULL, false, false,
	  ONLINE(stage_options, NULL,
		 "Where the workers' time goes: cycles a frame of each stage of a frame's way.\v"
		 "It is off until it is asked for, and costs nothing then. Cycles are those of the "
		 "time-stamp "
		 "counter and count interruptions too; polling in vain counts for nothing. A stage that "
		 "another calls "
		 "(a flood is sent from within policy) is part of that one.\n\nExamples:\n"
		 "  bulkheadctl stages --seconds 10\n"
		 "  bulkheadctl stages --on; sleep 60; bulkheadctl stages --json; bulkheadctl stages "
		 "--off") },
	{ "events", NULL, false, true,
	  ONLINE(event_options, NULL,
		 "Verdicts, ends of sessions and notices.\v"
		 "bulkheadd keeps the last few thousand. Sessions appear if their rule has `log: true'. With "
		 "--json: one EVE record a line.\n\nExample:\n  bulkheadctl events --follow --type notice") },
	{ "apply", "path", true, false,
	  ONLINE(NULL, "POLICY",
		 "Check and compile a policy, run its own tests, and put it into force.\v"
		 "Waits until every worker judges by it. If anything is wrong, or a test fails, the old "
		 "policy "
		 "stays as it is. "
		 "Works "
		 "without bulkheadd too (as root).") },
};

void ctl_request_parse(struct ctl_request *request, const char *command, int argc, char **argv)
{
	const char *run = getenv("BULKHEAD_RUN");
	const struct online *entry = NULL;

	for (size_t i = 0; i < sizeof(online) / sizeof(online[0]); i++) {
		if (!strcmp(online[i].command, command))
			entry = &online[i];
	}
	memset(request, 0, sizeof(*request));
	request->run = run && *run ? run : CTL_RUN;
	request->question = json_pack("{s:s}", "command", command);
	if (!entry || !request->question)
		abort(); /* a command that is not in the table above, or no memory at the very start */
	if (entry->limited)
		json_object_set_new(request->question, "limit", json_integer(DEFAULT_LIMIT));
	struct request_state state = { .request = request,
				       .argument_key = entry->argument_key,
				       .argument_needed = entry->argument_needed };
	if (argp_parse(&entry->argp, argc, argv, 0, NULL, &state))
		exit(CTL_USAGE);
}

void ctl_request_free(struct ctl_request *request)
{
	json_decref(request->question);
	request->question = NULL;
}
