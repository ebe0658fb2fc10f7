/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions about a running appliance and their answers, as JSON. The same code answers in bulkheadd and, while that is
 * down, in bulkheadctl itself.
 *
 * On bulkheadd's socket RUN/bulkheadd.sock (Unix stream, one question a connection) a question is one line
 *     {"command": "flows", "limit": 100, ...}
 * and the answer is lines: {"begun": true} as soon as somebody works at it (not for events), none or more {"item": {...}},
 * and then {"result": {...}} or {"error": "..."}. Who hangs up before an apply was begun has taken it back.
 * `apply` comes with the image's sealed memfd by SCM_RIGHTS.
 *
 *   command       keys                                                        answers
 *   status                                                                    result
 *   rules         name                                                        result: rules
 *   segments                                                                  result: segments
 *   applications                                                              result: applications
 *   drops         all, ports                                                  result: drops, ports
 *   stages        measure (bool: begin, or end)                               result: measuring, stages
 *   hosts         segment, address                                            items, result: count
 *   flows         address, port, protocol, segment, verdict, limit            items, result: count
 *   events        follow, type, limit                                         items, result: count
 *   apply         path                                                        result: policy, rules, generation, ..
 */
#ifndef CONTROL_QUERY_H
#define CONTROL_QUERY_H

#include <jansson.h>

#include "source.h"

#define QUERY_LINE_MAX 65536u /* bytes of a question */

struct query_sink {
	/* Takes one item (borrowed). Non-zero ends the query with that error. */
	int (*item)(void *opaque, json_t *item);
	void *opaque;
};

/* Answer a question. image_fd: the descriptor that came with it, -1: none; stays the caller's. Returns the result (new
 * reference), or NULL with one line in source->why. */
json_t *query_run(struct source *source, const json_t *question, int image_fd, struct query_sink *sink);

/* One a command; not for others. */
json_t *query_status(struct source *source, const json_t *question);
json_t *query_rules(struct source *source, const json_t *question);
json_t *query_segments(struct source *source, const json_t *question);
json_t *query_applications(struct source *source, const json_t *question);
json_t *query_drops(struct source *source, const json_t *question);
json_t *query_stages(struct source *source, const json_t *question);
json_t *query_hosts(struct source *source, const json_t *question, struct query_sink *sink);
json_t *query_flows(struct source *source, const json_t *question, struct query_sink *sink);
json_t *query_events(struct source *source, const json_t *question, struct query_sink *sink);
json_t *query_apply(struct source *source, const json_t *question, int image_fd);

/* Whether an event is of the type that a question asks for ("flow", "verdict", "notice"; NULL: any). */
bool query_event_matches(const struct bh_event *event, const char *type);

/* A text or a number of a question; NULL or fallback if it is left out. */
const char *query_text(const json_t *question, const char *key);
json_int_t query_number(const json_t *question, const char *key, json_int_t fallback);

#endif
