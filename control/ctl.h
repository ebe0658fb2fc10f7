/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkheadctl: one function a command. Exit status: 0 done, 1 the answer is no or it failed, 2 wrong usage. */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

#include "load.h"
#include "query.h"

#define CTL_OK 0
#define CTL_FAILED 1
#define CTL_USAGE 2
#define CTL_RUN "/run/bulkhead"

/* argv[0] is "bulkheadctl COMMAND". Return the exit status. */
int ctl_check(int argc, char **argv);
int ctl_compile(int argc, char **argv);
int ctl_test(int argc, char **argv);
int ctl_explain(int argc, char **argv);
int ctl_replay(int argc, char **argv);
int ctl_config(int argc, char **argv);
int ctl_applications(int argc, char **argv);
int ctl_apply(int argc, char **argv);
int ctl_status(int argc, char **argv);
int ctl_rules(int argc, char **argv);
int ctl_flows(int argc, char **argv);
int ctl_hosts(int argc, char **argv);
int ctl_segments(int argc, char **argv);
int ctl_stages(int argc, char **argv);
int ctl_drops(int argc, char **argv);
int ctl_events(int argc, char **argv);

/* ---- ctl_request.c: the arguments of online commands as a question ---- */

struct ctl_request {
	const char *run; /* directory of the sockets */
	bool json;
	bool catalogue;       /* applications --all: no question at all */
	const char *policy;   /* apply: the file */
	unsigned int seconds; /* stages: measure for so long, 0: do not wait */
	json_t *question;     /* owned */
};

/* Reads the arguments; leaves the program with status 2 on wrong ones, and with 0 after --help. */
void ctl_request_parse(struct ctl_request *request, const char *command, int argc, char **argv);
void ctl_request_free(struct ctl_request *request);

/* ---- ctl_ask.c ---- */

/* Ask bulkheadd, or the dataplane itself while that is down. Returns the result (new reference) or NULL: what is wrong was
 * printed to stderr. */
json_t *ctl_ask(const struct ctl_request *request, int image_fd, struct query_sink *sink);
/* Print a JSON document and a newline. CTL_OK, or CTL_FAILED if stdout can not take it. */
int ctl_print_json(const json_t *json);

/* ---- ctl_policy.c ---- */

/* policy_load(), and an error of its own told on stderr. */
int ctl_policy_load(struct policy_load *policy, const char *path, int64_t created);
json_t *ctl_problems_json(const struct problems *problems);

#endif
