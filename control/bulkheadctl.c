/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkheadctl: the command line. The table of commands, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/version.h"
#include "ctl.h"

static const struct command {
	const char *name, *arguments, *summary;
	int (*run)(int argc, char **argv); /* NULL: a heading */
} commands[] = {
	{ "Offline: no appliance is asked", NULL, NULL, NULL },
	{ "check", "POLICY", "read, check and compile a policy", ctl_check },
	{ "explain", "POLICY --from A@SEG --to B@SEG --service S", "what a policy says of one session",
	  ctl_explain },
	{ "test", "POLICY", "run the tests that a policy carries", ctl_test },
	{ "replay", "--policy POLICY IN.pcap", "run a capture through the real dataplane", ctl_replay },
	{ "compile", "POLICY -o IMAGE", "write a policy's image to a file", ctl_compile },
	{ "applications --all", "", "every name of an application, category or risk", NULL },
	{ "config", "BULKHEAD.YAML", "check the appliance's configuration", ctl_config },
	{ "Online: a running appliance", NULL, NULL, NULL },
	{ "status", "", "does it forward, by what, how full is it", ctl_status },
	{ "apply", "POLICY", "put a policy into force", ctl_apply },
	{ "rules", "[RULE]", "rules in force and what they decided", ctl_rules },
	{ "flows", "", "live sessions", ctl_flows },
	{ "hosts", "", "machines and where they are", ctl_hosts },
	{ "segments", "", "segments and their traffic", ctl_segments },
	{ "applications", "", "applications that were seen", ctl_applications },
	{ "drops", "", "what was not delivered, and why", ctl_drops },
	{ "stages", "[--seconds N]", "where the workers' time goes", ctl_stages },
	{ "events", "[--follow]", "verdicts, ends of sessions, notices", ctl_events },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
	fputs("Usage: bulkheadctl [--run DIR] COMMAND [ARGUMENT...]\n"
	      "The command line of Bulkhead, a firewall between the machines of one subnet.\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = &commands[i];
		if (!command->arguments)
			fprintf(out, "\n%s\n", command->name);
		else
			fprintf(out, "  %-20s %s\n", command->name, command->summary);
	}
	fputs("\nbulkheadctl COMMAND --help tells the rest, with examples. All commands take --json.\n\n"
	      "Examples:\n"
	      "  bulkheadctl check policy.yaml && bulkheadctl apply policy.yaml\n"
	      "  bulkheadctl explain policy.yaml --from 10.10.0.11@app --to 10.10.0.31@db --service "
	      "tcp/5432\n"
	      "  bulkheadctl flows --segment web --verdict deny\n\n"
	      "  --run DIR   directory of the sockets (default: $BULKHEAD_RUN or " CTL_RUN ")\n"
	      "  --version   print it\n\n"
	      "Exit status: 0 done, 1 the answer is no or it failed, 2 wrong usage.\n",
	      out);
}

static int unknown(const char *word)
{
	const char *names[COMMAND_COUNT], *near;
	size_t count = 0;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].run)
			names[count++] = commands[i].name;
	}
	near = nearest_name(word, names, count);
	fprintf(stderr, "bulkheadctl: there is no command \"%s\"", word);
	if (near)
		fprintf(stderr, "; did you mean %s?", near);
	fputs("\nbulkheadctl --help lists them.\n", stderr);
	return CTL_USAGE;
}

static int run_command(const char *name, int argc, char **argv)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		char *full;
		if (!commands[i].run || strcmp(commands[i].name, name))
			continue;
		/* argp names the program by argv[0] in its messages and in its usage */
		if (asprintf(&full, "bulkheadctl %s", name) < 0)
			return CTL_FAILED;
		argv[0] = full;
		int status = commands[i].run(argc, argv);
		free(full);
		return status;
	}
	return unknown(name);
}

int main(int argc, char **argv)
{
	int at = 1;

	argp_err_exit_status = CTL_USAGE;
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "--run") && at + 1 < argc) {
			setenv("BULKHEAD_RUN", argv[++at], 1);
		} else if (!strncmp(argv[at], "--run=", 6)) {
			setenv("BULKHEAD_RUN", argv[at] + 6, 1);
		} else if (!strcmp(argv[at], "--run")) {
			fputs("bulkheadctl: --run wants the directory of the sockets; bulkheadctl --help\n",
			      stderr);
			return CTL_USAGE;
		} else if (!strcmp(argv[at], "--version")) {
			puts(BULKHEAD_VERSION);
			return CTL_OK;
		} else if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")) {
			help(stdout);
			return CTL_OK;
		} else {
			fprintf(stderr, "bulkheadctl: unknown option %s; bulkheadctl --help\n", argv[at]);
			return CTL_USAGE;
		}
	}
	if (at < argc && !strcmp(argv[at], "help")) {
		if (at + 1 < argc) {
			char *arguments[] = { argv[at], (char[]){ "--help" }, NULL };
			return run_command(argv[at + 1], 2, arguments);
		}
		help(stdout);
		return CTL_OK;
	}
	if (at == argc) {
		help(stderr);
		return CTL_USAGE;
	}
	return run_command(argv[at], argc - at, argv + at);
}
