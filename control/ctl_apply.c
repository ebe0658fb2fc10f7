/* SPDX-License-Identifier: BSD-3-Clause */
/* apply: compiled here, where the file and the terminal are; what travels is the image. */
#include "ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl_show.h"

/* The dataplane's own line says the same, and perhaps more: only that is added. */
static int apply_print(const json_t *result)
{
	const char *note = show_text(result, "note");
	char line[200];

	int length = snprintf(
		line, sizeof(line),
		"policy %s (%" JSON_INTEGER_FORMAT " rules) in force as generation %" JSON_INTEGER_FORMAT,
		show_text(result, "policy"), show_number(result, "rules"), show_number(result, "generation"));
	printf("%s, %.1f ms\n", line, json_number_value(json_object_get(result, "milliseconds")));
	if (!strncmp(note, line, (size_t)length))
		note += length + strspn(note + length, ",;:. ");
	if (*note)
		printf("%s\n", note);
	return fflush(stdout) ? CTL_FAILED : CTL_OK;
}

static int apply_image(struct ctl_request *request, const struct policy_load *policy)
{
	char path[PATH_MAX];
	int status = CTL_FAILED;

	/* the daemon's working directory is another one */
	if (realpath(request->policy, path)) {
		json_t *text = json_string(path);
		if (text)
			json_object_set_new(request->question, "path", text);
	}
	int fd = push_seal(policy->image, policy->size);
	if (fd < 0) {
		fprintf(stderr, "bulkheadctl: memfd: %s\n", strerror(-fd));
		return CTL_FAILED;
	}
	json_t *result = ctl_ask(request, fd, NULL);
	close(fd);
	if (!result)
		return CTL_FAILED;
	if (request->json) {
		json_object_set_new(result, "warnings", json_integer((json_int_t)policy->problems.warnings));
		status = ctl_print_json(result);
	} else {
		status = apply_print(result);
	}
	json_decref(result);
	return status;
}

/* For a program that asked with --json: the same problems as `check --json' tells. */
static void apply_refused(const struct policy_load *policy)
{
	json_t *json = json_pack(
		"{s:b, s:I, s:I, s:o}", "ok", 0, "errors", (json_int_t)policy->problems.errors, "warnings",
		(json_int_t)policy->problems.warnings, "problems", ctl_problems_json(&policy->problems));

	ctl_print_json(json);
	json_decref(json);
}

int ctl_apply(int argc, char **argv)
{
	struct ctl_request request;
	struct policy_load policy;
	int status = CTL_FAILED;

	ctl_request_parse(&request, "apply", argc, argv);
	int error = policy_load_tested(&policy, request.policy, time(NULL));
	if (error)
		fprintf(stderr, "bulkheadctl: %s: %s\n", request.policy, strerror(-error));
	if (!request.json || policy.image)
		problems_print(&policy.problems, stderr);
	if (!error && policy.image)
		status = apply_image(&request, &policy);
	else if (!error && request.json)
		apply_refused(&policy);
	else if (!error)
		fprintf(stderr, "bulkheadctl: %s was not applied; what was in force stays in force\n",
			request.policy);
	policy_load_free(&policy);
	ctl_request_free(&request);
	return status;
}
