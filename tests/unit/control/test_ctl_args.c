/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/ctl_request.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl.h"

/* Arguments are given as one text, words separated by spaces. */
static void split(char *text, char *command, int *argc, char *argv[16])
{
	*argc = 0;
	argv[(*argc)++] = command;
	for (char *word = strtok(text, " "); word && *argc < 15; word = strtok(NULL, " "))
		argv[(*argc)++] = word;
	argv[*argc] = NULL;
}

static void expect(const char *command, const char *arguments, const char *question)
{
	char text[256], name[32], *argv[16];
	struct ctl_request request;
	json_error_t error;
	int argc;

	strcpy(text, arguments);
	strcpy(name, command);
	split(text, name, &argc, argv);
	ctl_request_parse(&request, command, argc, argv);
	json_t *wanted = json_loads(question, 0, &error);
	assert_non_null(wanted);
	if (!json_equal(wanted, request.question)) {
		char *got = json_dumps(request.question, 0);
		print_error("%s %s\nwanted %s\ngot    %s\n", command, arguments, question, got);
		free(got);
		fail();
	}
	json_decref(wanted);
	ctl_request_free(&request);
}

/* The exit status, and what was said. */
static int status_of(const char *command, const char *arguments, char said[4096])
{
	char text[256], name[32], *argv[16];
	struct ctl_request request;
	int pipes[2], argc, status;
	size_t length = 0;
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	strcpy(text, arguments);
	strcpy(name, command);
	split(text, name, &argc, argv);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		argp_err_exit_status = CTL_USAGE;
		ctl_request_parse(&request, command, argc, argv);
		fflush(NULL);
		_exit(99); /* it was accepted */
	}
	close(pipes[1]);
	while ((n = read(pipes[0], said + length, 4095 - length)) > 0)
		length += (size_t)n;
	said[length] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void refused(const char *command, const char *arguments, const char *part)
{
	char said[4096];
	int status = status_of(command, arguments, said);

	if (status != CTL_USAGE || !strstr(said, part))
		fail_msg("%s %s: status %d: %s", command, arguments, status, said);
}

static void questions(void **state)
{
	(void)state;
	expect("status", "", "{\"command\": \"status\"}");
	expect("rules", "", "{\"command\": \"rules\"}");
	expect("rules", "web-to-app --json", "{\"command\": \"rules\", \"name\": \"web-to-app\"}");
	expect("flows", "", "{\"command\": \"flows\", \"limit\": 1000}");
	expect("flows", "--address 10.0.0.1 --port 443 --protocol TCP --segment web --verdict deny --limit 5",
	       "{\"command\": \"flows\", \"address\": \"10.0.0.1\", \"port\": 443, \"protocol\": 6,"
	       " \"segment\": \"web\", \"verdict\": \"deny\", \"limit\": 5}");
	expect("flows", "--address=2001:db8::1 --protocol icmpv6 --limit=0",
	       "{\"command\": \"flows\", \"address\": \"2001:db8::1\", \"protocol\": 58, \"limit\": 0}");
	expect("flows", "--protocol 47", "{\"command\": \"flows\", \"protocol\": 47, \"limit\": 1000}");
	expect("hosts", "--segment db", "{\"command\": \"hosts\", \"segment\": \"db\"}");
	expect("drops", "-p --all", "{\"command\": \"drops\", \"ports\": true, \"all\": true}");
	expect("stages", "", "{\"command\": \"stages\"}");
	expect("stages", "--on", "{\"command\": \"stages\", \"measure\": true}");
	expect("stages", "--off", "{\"command\": \"stages\", \"measure\": false}");
	expect("stages", "--seconds 5", "{\"command\": \"stages\", \"measure\": true}");
	refused("stages", "--on --off", "one of --on, --off and --seconds");
	refused("stages", "--seconds 0", "is no number from 1 to 3600");
	expect("events", "--follow --type notice --limit 3",
	       "{\"command\": \"events\", \"follow\": true, \"type\": \"notice\", \"limit\": 3}");
	expect("apply", "shop.yaml", "{\"command\": \"apply\", \"path\": \"shop.yaml\"}");
}

static void common_options(void **state)
{
	char json[] = "--json", all[] = "--all", run[] = "--run=/tmp/x", command[] = "bulkheadctl x";
	char *argv[] = { command, json, run, NULL }, *catalogue[] = { command, all, NULL };
	struct ctl_request request;

	(void)state;
	unsetenv("BULKHEAD_RUN");
	ctl_request_parse(&request, "status", 1, argv);
	assert_string_equal(request.run, CTL_RUN);
	assert_false(request.json);
	ctl_request_free(&request);
	setenv("BULKHEAD_RUN", "/tmp/y", 1);
	ctl_request_parse(&request, "status", 1, argv);
	assert_string_equal(request.run, "/tmp/y");
	ctl_request_free(&request);
	ctl_request_parse(&request, "status", 3, argv);
	assert_string_equal(request.run, "/tmp/x");
	assert_true(request.json);
	ctl_request_free(&request);
	unsetenv("BULKHEAD_RUN");
	ctl_request_parse(&request, "applications", 2, catalogue);
	assert_true(request.catalogue);
	ctl_request_free(&request);
}

static void wrong_usage(void **state)
{
	(void)state;
	refused("flows", "--address 10.0.0", "no IPv4 or IPv6 address");
	refused("flows", "--address", "requires an argument");
	refused("flows", "--port 65536", "no number from 1 to 65535");
	refused("flows", "--port -1", "no number");
	refused("flows", "--port 0", "no number from 1");
	refused("flows", "--protocol 0", "no number from 1");
	refused("flows", "--address ::", "can not be looked for");
	refused("apply", "", "policy's file is missing");
	refused("flows", "--port 80x", "no number");
	refused("flows", "--protocol nonsense", "no number from 1 to 255");
	refused("flows", "--verdict maybe", "none of allow, deny, reject, pending");
	refused("flows", "--limit 4294967296", "no number");
	refused("flows", "--nonsense", "unrecognized option");
	refused("flows", "extra", "Too many arguments");
	refused("rules", "one two", "Too many arguments");
	refused("events", "--type all", "none of flow, verdict, denials, notice");
	refused("hosts",
		"--segment "
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"at most 63 bytes");
	refused("apply", "", "missing");
	refused("status", "--follow", "unrecognized option");
}

static void help_has_examples(void **state)
{
	char said[4096];

	(void)state;
	assert_int_equal(status_of("flows", "--help", said), 0);
	assert_non_null(strstr(said, "--segment"));
	assert_non_null(strstr(said, "bulkheadctl flows --segment web"));
	assert_non_null(strstr(said, "--json"));
	assert_int_equal(status_of("events", "--help", said), 0);
	assert_non_null(strstr(said, "--follow"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(common_options),
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(help_has_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
