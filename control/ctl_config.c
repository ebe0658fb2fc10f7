/* SPDX-License-Identifier: BSD-3-Clause */
/* config: bulkhead.yaml checked, and the dataplane's arguments made of it. */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appliance.h"
#include "dataplane_program.h"
#include "record.h"

enum { KEY_JSON = 256, KEY_ARGUMENTS, KEY_EXEC };

struct config_arguments {
	const char *path;
	bool json, arguments, exec;
};

static const struct argp_option options[] = {
	{ "dataplane-arguments", KEY_ARGUMENTS, NULL, 0,
	  "Print the arguments for bulkhead-dataplane, one a line, for a supervisor's script", 0 },
	{ "exec", KEY_EXEC, NULL, 0, "Become bulkhead-dataplane with these arguments (for systemd)", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print problems and the arguments as JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct config_arguments *arguments = state->input;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case KEY_ARGUMENTS:
		arguments->arguments = true;
		return 0;
	case KEY_EXEC:
		arguments->exec = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->path)
			return ARGP_ERR_UNKNOWN;
		arguments->path = argument;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->path)
			argp_error(state, "the file (bulkhead.yaml) is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options,
	parse,
	"BULKHEAD.YAML",
	"Check the configuration of the appliance.\v"
	"Problems go to stderr as file:line:column: error|warning: message. Examples:\n"
	"  bulkheadctl config /etc/bulkhead/bulkhead.yaml\n"
	"  mapfile -t arguments < <(bulkheadctl config bulkhead.yaml --dataplane-arguments)",
	NULL,
	NULL,
	NULL,
};

static int config_json(const struct problems *problems, char **list, size_t count)
{
	json_t *arguments = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(arguments, record_text(list[i], strlen(list[i])));
	json_t *json = json_pack("{s:b, s:I, s:I, s:o, s:o}", "ok", problems->errors == 0, "errors",
				 (json_int_t)problems->errors, "warnings", (json_int_t)problems->warnings,
				 "problems", ctl_problems_json(problems), "dataplane_arguments", arguments);
	int status = ctl_print_json(json);
	json_decref(json);
	return problems->errors ? CTL_FAILED : status;
}

static int config_exec(char **list, size_t count)
{
	char *program = dataplane_program();
	char **argv = calloc(count + 2, sizeof(*argv));

	if (!program || !argv) {
		fprintf(stderr, "bulkheadctl: bulkhead-dataplane was not found\n");
		free(program);
		free(argv);
		return CTL_FAILED;
	}
	argv[0] = program;
	memcpy(argv + 1, list, count * sizeof(*argv));
	execv(program, argv);
	fprintf(stderr, "bulkheadctl: %s: %s\n", program, strerror(errno));
	free(program);
	free(argv);
	return CTL_FAILED;
}

int ctl_config(int argc, char **argv)
{
	struct config_arguments arguments = { 0 };
	struct problems problems = { 0 };
	struct appliance *appliance = NULL;
	char **list = NULL;
	size_t count = 0;
	int status = CTL_FAILED;

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CTL_USAGE;
	int error = appliance_read(arguments.path, &appliance, &problems);
	if (!error && !problems.errors)
		error = appliance_dataplane_arguments(appliance, &list, &count);
	problems_sort(&problems);
	if (error)
		fprintf(stderr, "bulkheadctl: %s: %s\n", arguments.path, strerror(-error));
	else if (arguments.json)
		status = config_json(&problems, list, count);
	else
		problems_print(&problems, stderr);
	if (!error && !arguments.json && !problems.errors) {
		status = CTL_OK;
		if (arguments.exec)
			status = config_exec(list, count);
		for (size_t i = 0; arguments.arguments && i < count; i++)
			puts(list[i]);
		if (fflush(stdout))
			status = CTL_FAILED;
	}
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
	appliance_free(appliance);
	problems_free(&problems);
	return status;
}
