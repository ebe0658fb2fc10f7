/* SPDX-License-Identifier: BSD-3-Clause */
/* Offline: check, compile, test. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bulkhead/evaluate.h"
#include "dpi.h"
#include "record.h"

int ctl_policy_load(struct policy_load *policy, const char *path, int64_t created)
{
	int error = policy_load(policy, path, created);

	if (error)
		fprintf(stderr, "bulkheadctl: %s: %s\n", path, strerror(-error));
	return error;
}

json_t *ctl_problems_json(const struct problems *problems)
{
	json_t *list = json_array();

	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		const char *file = problem->place.file ? problem->place.file : "";
		json_array_append_new(
			list, json_pack("{s:o, s:I, s:I, s:s, s:o}", "file", record_text(file, strlen(file)),
					"line", (json_int_t)problem->place.line, "column",
					(json_int_t)problem->place.column, "severity",
					problem->severity == SEVERITY_ERROR ? "error" : "warning", "message",
					record_text(problem->message, strlen(problem->message))));
	}
	return list;
}

/* ---- arguments that the three have in common ---- */

enum { KEY_JSON = 256 };

struct policy_arguments {
	const char *path, *output;
	bool json, verbose;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct policy_arguments *arguments = state->input;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case 'o':
		arguments->output = argument;
		return 0;
	case 'v':
		arguments->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->path)
			return ARGP_ERR_UNKNOWN;
		arguments->path = argument;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->path)
			argp_error(state, "the policy's file is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void parse_all(const struct argp *argp, int argc, char **argv, struct policy_arguments *arguments)
{
	memset(arguments, 0, sizeof(*arguments));
	if (argp_parse(argp, argc, argv, 0, NULL, arguments))
		exit(CTL_USAGE);
}

static json_t *policy_json(const struct policy_load *policy)
{
	const struct policy_model *model = policy->model;
	const char *name = model && model->name ? model->name : "";

	return json_pack(
		"{s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "ok", policy->image != NULL, "policy",
		record_text(name, strlen(name)), "rules", (json_int_t)(model ? model->rule_count : 0),
		"segments", (json_int_t)(model ? model->segment_count : 0), "image_bytes",
		(json_int_t)(policy->image ? policy->size : 0), "errors", (json_int_t)policy->problems.errors,
		"warnings", (json_int_t)policy->problems.warnings, "problems",
		ctl_problems_json(&policy->problems));
}

static int print_and_free(json_t *json)
{
	int status = ctl_print_json(json);

	json_decref(json);
	return status;
}

static void summary(const struct policy_load *policy)
{
	printf("policy %s: %u rules, %u segments in %u networks, image of %zu bytes\n", policy->model->name,
	       policy->model->rule_count, policy->model->segment_count, policy->model->network_count,
	       policy->size);
}

/* ---- check ---- */

static const struct argp_option check_options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print problems and figures as JSON", 0 },
	{ "verbose", 'v', NULL, 0, "Say what the policy has, if it is good", 0 },
	{ 0 },
};

static const struct argp check_argp = {
	check_options,
	parse,
	"POLICY",
	"Read, check and compile a policy; put nothing into force.\v"
	"Every problem of the run is printed to stderr as file:line:column: error|warning: message. A good "
	"policy without warnings prints nothing.\n\n"
	"Exit status: 0 no error (warnings may be), 1 any error.",
	NULL,
	NULL,
	NULL,
};

int ctl_check(int argc, char **argv)
{
	struct policy_arguments arguments;
	struct policy_load policy;

	parse_all(&check_argp, argc, argv, &arguments);
	int status =
		ctl_policy_load(&policy, arguments.path, time(NULL)) || !policy.image ? CTL_FAILED : CTL_OK;
	if (arguments.json) {
		if (print_and_free(policy_json(&policy)))
			status = CTL_FAILED;
	} else {
		problems_print(&policy.problems, stderr);
		if (arguments.verbose && policy.image)
			summary(&policy);
	}
	policy_load_free(&policy);
	return status;
}

/* ---- compile ---- */

static const struct argp_option compile_options[] = {
	{ "output", 'o', "IMAGE", 0, "File of the image", 0 },
	{ "json", KEY_JSON, NULL, 0, "Print problems and figures as JSON", 0 },
	{ 0 },
};

static const struct argp compile_argp = {
	compile_options,
	parse,
	"POLICY -o IMAGE",
	"Check a policy and write its image, for `bulkhead-dataplane --replay' or to look at.\v"
	"The same policy always gives the same image: no time is written into it.",
	NULL,
	NULL,
	NULL,
};

/* Beside the target and renamed: a reader never sees half an image. */
static int image_write(const char *path, const void *image, size_t size)
{
	char *temporary;
	int error = 0;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		error = -errno;
		goto err_free;
	}
	FILE *out = fdopen(fd, "w");
	if (!out) {
		error = -errno;
		close(fd);
		goto err_unlink;
	}
	if (fwrite(image, 1, size, out) != size || fflush(out) || fchmod(fd, 0644))
		error = -EIO;
	if (fclose(out))
		error = -EIO;
	if (!error && rename(temporary, path))
		error = -errno;
err_unlink:
	if (error)
		unlink(temporary);
err_free:
	free(temporary);
	return error;
}

int ctl_compile(int argc, char **argv)
{
	struct policy_arguments arguments;
	struct policy_load policy;

	parse_all(&compile_argp, argc, argv, &arguments);
	if (!arguments.output) {
		fprintf(stderr, "%s: where to write the image: -o IMAGE\n", argv[0]);
		return CTL_USAGE;
	}
	int status = ctl_policy_load(&policy, arguments.path, 0) || !policy.image ? CTL_FAILED : CTL_OK;
	if (!status) {
		int error = image_write(arguments.output, policy.image, policy.size);
		if (error) {
			fprintf(stderr, "bulkheadctl: %s: %s\n", arguments.output, strerror(-error));
			status = CTL_FAILED;
		}
	}
	if (arguments.json) {
		if (print_and_free(policy_json(&policy)))
			status = CTL_FAILED;
	} else {
		problems_print(&policy.problems, stderr);
		if (!status)
			summary(&policy);
	}
	policy_load_free(&policy);
	return status;
}

/* ---- test ---- */

static const struct argp_option test_options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print the failures as JSON", 0 },
	{ 0 },
};

static const struct argp test_argp = {
	test_options,
	parse,
	"POLICY",
	"Run the `tests:' that a policy carries, by the evaluator that enforces it.\v"
	"A failure is printed at the place of its test.\n\nExit status: 0 all passed, 1 any failed.",
	NULL,
	NULL,
	NULL,
};

int ctl_test(int argc, char **argv)
{
	struct policy_arguments arguments;
	struct policy_load policy;
	struct problems failures = { 0 };
	struct bh_policy image;
	uint32_t failed = 0;
	char why[200];
	int status = CTL_FAILED;

	parse_all(&test_argp, argc, argv, &arguments);
	if (ctl_policy_load(&policy, arguments.path, 0))
		goto out;
	if (policy.image && bh_image_open(&image, policy.image, policy.size, why, sizeof(why))) {
		fprintf(stderr, "bulkheadctl: %s: own image is refused: %s\n", arguments.path, why);
		goto out;
	}
	if (policy.image) {
		failed = policy_run_tests(policy.model, &image, &failures);
		problems_sort(&failures);
		status = failed ? CTL_FAILED : CTL_OK;
	}
	uint32_t tests = policy.model ? policy.model->test_count : 0;
	/* warnings are check's business */
	const struct problems *told = policy.image ? &failures : &policy.problems;
	if (arguments.json) {
		json_t *json =
			json_pack("{s:b, s:I, s:I, s:o}", "ok", status == CTL_OK, "tests", (json_int_t)tests,
				  "failed", (json_int_t)failed, "problems", ctl_problems_json(told));
		if (print_and_free(json))
			status = CTL_FAILED;
	} else {
		problems_print(told, stderr);
		if (policy.image)
			printf("%s: %u tests passed, %u failed\n", arguments.path, tests - failed, failed);
	}
out:
	problems_free(&failures);
	policy_load_free(&policy);
	return status;
}
