/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulkhead/counters.h"
#include "bulkhead/evaluate.h"
#include "bulkhead/sizes.h"
#include "ctl_show.h"
#include "replay.h"

enum {
	KEY_JSON = 256,
	KEY_POLICY,
	KEY_ASSIGN,
	KEY_OUT,
	KEY_FLOWS,
	KEY_COUNTERS,
	KEY_WORKERS,
	KEY_FLOW_TABLE,
	KEY_INGRESS,
	KEY_MTU
};

struct replay_arguments {
	const char *policy, *flows, *counters;
	const char **assign;
	struct replay replay;
	bool json;
};

static const struct argp_option options[] = {
	{ "policy", KEY_POLICY, "P", 0, "The policy that judges", 0 },
	{ "assign", KEY_ASSIGN, "PREFIX=SEGMENT", 0,
	  "Addresses of PREFIX are machines of SEGMENT (longest prefix wins); may be given again. Layer 2 is "
	  "then bypassed: for captures from elsewhere, without VLAN tags",
	  0 },
	{ "out", KEY_OUT, "OUT.pcap", 0, "Write what leaves the dataplane", 0 },
	{ "flows", KEY_FLOWS, "FLOWS.json", 0, "Write a record of each session, one EVE flow record a line",
	  0 },
	{ "counters", KEY_COUNTERS, "COUNTERS.json", 0, "Write the counters", 0 },
	{ "workers", KEY_WORKERS, "N", 0, "Use N workers, in lock-step; the result is the same", 0 },
	{ "flow-table", KEY_FLOW_TABLE, "N", 0, "Room for N sessions, as sizes.flows of the appliance", 0 },
	{ "ingress", KEY_INGRESS, "PORT", 0, "The port of the policy by which frames enter", 0 },
	{ "mtu", KEY_MTU, "N", 0, "MTU of the policy's ports; without it frames of any size leave", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print the counters as JSON", 0 },
	{ 0 },
};

/* The argument, if it is a number within bounds. */
static char *number(struct argp_state *state, const char *option, char *text, long least, long most)
{
	if (!*text || strspn(text, "0123456789") != strlen(text) || atol(text) < least || atol(text) > most)
		argp_error(state, "--%s %s: a number from %ld to %ld", option, text, least, most);
	return text;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct replay_arguments *arguments = state->input;
	struct replay *replay = &arguments->replay;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case KEY_POLICY:
		arguments->policy = argument;
		return 0;
	case KEY_ASSIGN:
		if (!strchr(argument, '='))
			argp_error(state, "--assign %s: write PREFIX=SEGMENT", argument);
		if (replay->assign_count == BH_ASSIGNMENTS_MOST)
			argp_error(state, "more than %u --assign", BH_ASSIGNMENTS_MOST);
		arguments->assign[replay->assign_count++] = argument;
		return 0;
	case KEY_OUT:
		replay->out = argument;
		return 0;
	case KEY_FLOWS:
		arguments->flows = argument;
		return 0;
	case KEY_COUNTERS:
		arguments->counters = argument;
		return 0;
	case KEY_WORKERS:
		replay->workers = number(state, "workers", argument, 1, BH_MAX_WORKERS);
		return 0;
	case KEY_MTU:
		replay->mtu = number(state, "mtu", argument, BH_MTU_LEAST, BH_MTU_MOST);
		return 0;
	case KEY_FLOW_TABLE:
		replay->flow_table = number(state, "flow-table", argument, BH_FLOWS_LEAST, BH_FLOWS_MOST);
		return 0;
	case KEY_INGRESS:
		replay->ingress = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (replay->capture)
			return ARGP_ERR_UNKNOWN;
		replay->capture = argument;
		return 0;
	case ARGP_KEY_END:
		if (!replay->capture || !arguments->policy)
			argp_error(state, "--policy P and a capture are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options,
	parse,
	"--policy P IN.pcap",
	"Run a capture through the real dataplane, on the capture's clock.\v"
	"The same capture and policy give the same result every time, to the byte, with any number of "
	"workers. "
	"Frames carry the VLAN tags of the policy's segments, or --assign gives addresses to segments. "
	"Examples:\n"
	"  bulkheadctl replay --policy shop.yaml trunk.pcap --out out.pcap --flows flows.json\n"
	"  bulkheadctl replay --policy shop.yaml --assign 10.0.0.0/8=web --assign 0.0.0.0/0=uplink \\\n"
	"        elsewhere.pcap --flows flows.json --counters counters.json\n\n"
	"Warnings of the policy go to stderr and do not change the exit status. Exit status: 0 done; 1 "
	"errors in "
	"the policy, or the dataplane could not do it.",
	NULL,
	NULL,
	NULL,
};

static int close_written(FILE *out, const char *path, int error)
{
	if (fclose(out) && !error)
		error = -errno;
	if (error)
		fprintf(stderr, "bulkheadctl: %s: %s\n", path, strerror(-error));
	return error;
}

static int results_write(struct replay_arguments *arguments)
{
	struct replay *replay = &arguments->replay;
	FILE *out;

	if (arguments->flows) {
		out = fopen(arguments->flows, "we");
		if (!out) {
			fprintf(stderr, "bulkheadctl: %s: %s\n", arguments->flows, strerror(errno));
			return -EIO;
		}
		if (close_written(out, arguments->flows, spool_write(&replay->flows, out)))
			return -EIO;
	}
	if (arguments->counters) {
		out = fopen(arguments->counters, "we");
		if (!out) {
			fprintf(stderr, "bulkheadctl: %s: %s\n", arguments->counters, strerror(errno));
			return -EIO;
		}
		int error = json_dumpf(replay->counters, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF
				    ? -EIO
				    : 0;
		if (close_written(out, arguments->counters, error))
			return -EIO;
	}
	return 0;
}

static void sum_ports(const json_t *counters, const char *key, json_int_t *sum)
{
	json_t *port;
	const char *name;

	*sum = 0;
	json_object_foreach(json_object_get(counters, "ports"), name, port)
	{
		*sum += show_number(port, key);
	}
}

static int summary_print(const struct replay_arguments *arguments)
{
	const struct replay *replay = &arguments->replay;
	json_int_t out, copies, consumed;
	const char *reason;
	json_t *frames;

	sum_ports(replay->counters, "out", &out);
	sum_ports(replay->counters, "copies", &copies);
	sum_ports(replay->counters, "consumed", &consumed);
	printf("%s by policy %s (%llu rules)\n", replay->capture, show_text(replay->counters, "policy"),
	       (unsigned long long)replay->policy.RULES_count);
	printf("frames    %" JSON_INTEGER_FORMAT " in, %" JSON_INTEGER_FORMAT " copies, %" JSON_INTEGER_FORMAT
	       " out, %" JSON_INTEGER_FORMAT " consumed; the identity %s\n",
	       show_number(replay->counters, "frames"), copies, out, consumed,
	       show_flag(replay->counters, "identity") ? "holds" : "DOES NOT HOLD");
	printf("sessions  %llu: %llu allow, %llu deny, %llu reject, %llu undecided\n",
	       (unsigned long long)replay->flows.count,
	       (unsigned long long)replay->verdicts[BH_VERDICT_ALLOW],
	       (unsigned long long)replay->verdicts[BH_VERDICT_DENY],
	       (unsigned long long)replay->verdicts[BH_VERDICT_REJECT],
	       (unsigned long long)replay->verdicts[BH_VERDICT_PENDING]);
	json_object_foreach(json_object_get(replay->counters, "drops"), reason, frames)
	{
		printf("dropped   %" JSON_INTEGER_FORMAT " %s\n", json_integer_value(frames), reason);
	}
	return fflush(stdout) ? CTL_FAILED : CTL_OK;
}

/* Writing over what is still to be read would leave neither. */
static bool overwrites(const struct replay_arguments *arguments)
{
	const char *outputs[] = { arguments->replay.out, arguments->flows, arguments->counters };
	struct stat capture, output;

	if (stat(arguments->replay.capture, &capture))
		return false; /* the dataplane will say what is wrong with it */
	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++) {
		if (!outputs[i] || stat(outputs[i], &output) || output.st_dev != capture.st_dev ||
		    output.st_ino != capture.st_ino)
			continue;
		fprintf(stderr, "bulkheadctl: %s is the capture itself; choose another file for the result\n",
			outputs[i]);
		return true;
	}
	return false;
}

static int replay_do(struct replay_arguments *arguments, const struct policy_load *policy)
{
	struct replay *replay = &arguments->replay;
	char why[320];
	int status = CTL_FAILED;

	if (overwrites(arguments))
		return CTL_FAILED;
	if (bh_image_open(&replay->policy, policy->image, policy->size, why, sizeof(why))) {
		fprintf(stderr, "bulkheadctl: own image is refused: %s\n", why);
		return CTL_FAILED;
	}
	replay->image_fd = push_seal(policy->image, policy->size);
	if (replay->image_fd < 0) {
		fprintf(stderr, "bulkheadctl: memfd: %s\n", strerror(-replay->image_fd));
		return CTL_FAILED;
	}
	if (replay_run(replay, why, sizeof(why)))
		fprintf(stderr, "bulkheadctl: %s: %s\n", replay->capture, why);
	else if (!results_write(arguments))
		status = arguments->json ? ctl_print_json(replay->counters) : summary_print(arguments);
	spool_close(&replay->flows);
	json_decref(replay->counters);
	close(replay->image_fd);
	return status;
}

int ctl_replay(int argc, char **argv)
{
	struct replay_arguments arguments = { 0 };
	struct policy_load policy;
	int status = CTL_FAILED;

	arguments.assign = calloc(BH_ASSIGNMENTS_MOST, sizeof(*arguments.assign));
	if (!arguments.assign || argp_parse(&argp, argc, argv, 0, NULL, &arguments)) {
		free(arguments.assign);
		return CTL_USAGE;
	}
	arguments.replay.assign = arguments.assign;
	int error = ctl_policy_load(&policy, arguments.policy, 0);
	problems_print(&policy.problems, stderr);
	if (!error && policy.image)
		status = replay_do(&arguments, &policy);
	policy_load_free(&policy);
	free(arguments.assign);
	return status;
}
