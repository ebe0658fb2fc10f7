/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A policy as the reader (yaml.c, model.c) hands it to the checks and the compiler: names are resolved to
 * indices, defaults are filled in, every thing knows the place where it was written. All memory belongs to the
 * model and goes with policy_model_free(). Address ranges are inclusive, 16 bytes, IPv4 as ::ffff:a.b.c.d.
 */
#ifndef CONTROL_MODEL_H
#define CONTROL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bulkhead/image.h"

struct place {
	const char *file;      /* as the user named it, or as the include did */
	uint32_t line, column; /* from 1 */
};

/* ---- problems: all of a run are gathered, then printed as file:line:column: error|warning: message ---- */

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct problem {
	struct place place;
	enum severity severity;
	char *message; /* one line: what is wrong, and the remedy */
};

struct problems {
	struct problem *list;
	size_t count;
	size_t errors, warnings; /* all of them; the list keeps PROBLEMS_MAX */
	char **files;            /* in order of reading */
	size_t file_count;
};

#define PROBLEMS_MAX 10000u

void problem_add(struct problems *problems, enum severity severity, struct place place, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));
/* Tell that a file begins to be read now: problems_sort() goes by this order. The name is copied. */
void problems_file(struct problems *problems, const char *file);
/* Sorted by file in order of reading, line, column. */
void problems_sort(struct problems *problems);
/* file:line:column: error|warning: message, a line each; a last line tells what the list had no room for. */
void problems_print(const struct problems *problems, FILE *out);
void problems_free(struct problems *problems);
/* The nearest of `count` names to `word` by edit distance (case ignored), or NULL if none is near. */
const char *nearest_name(const char *word, const char *const *names, size_t count);

/* ---- the model ---- */

struct address_range {
	uint8_t first[16], last[16];
};

struct address_set {
	struct address_range *ranges; /* as written, may overlap */
	uint32_t count;
};

enum selector_kind { SELECT_ANY, SELECT_GROUP, SELECT_SEGMENTS, SELECT_ADDRESSES };

struct selector_item {
	struct place place;
	bool negate;
	enum selector_kind kind;
	uint32_t group;     /* SELECT_GROUP */
	uint32_t *segments; /* SELECT_SEGMENTS: indices in model.segments */
	uint32_t segment_count;
	struct address_set addresses; /* SELECT_ADDRESSES */
};

/* OR of items; count 0: the key was left out (any). */
struct selector {
	struct place place;
	struct selector_item *items;
	uint32_t count;
};

struct model_group {
	char *name;
	struct place place;
	uint32_t *segments; /* indices */
	uint32_t segment_count;
	struct address_set addresses;        /* of `addresses` and `file` */
	struct address_set except_addresses; /* removed last */
	uint32_t *except_segments;           /* removed last */
	uint32_t except_segment_count;
	bool used;
};

/* protocol and an inclusive range of keys: destination ports (TCP, UDP, SCTP), type << 8 | code (ICMP, ICMPv6), 0..65535
 * for every frame of any other protocol. */
struct service_item {
	uint8_t protocol;
	uint16_t first, last;
};

struct service_list {
	struct service_item *items; /* flattened: named services are expanded */
	uint32_t count;             /* 0: any */
};

struct model_service {
	char *name;
	struct place place;
	struct service_list list;
	bool used;
};

struct model_network {
	char *name;
	struct place place;
	bool monitor;
	uint32_t first_segment, segment_count;
};

struct model_segment {
	char *name;
	char *port;
	struct place place;
	uint32_t network;
	uint16_t vlan; /* or BH_VLAN_UNTAGGED */
	bool uplink, dhcp_server;
	uint8_t spoof_guard;
	struct bh_limits limits;
};

struct model_binding {
	struct place place;
	uint32_t segment;
	uint8_t mac[6];
	uint8_t (*addresses)[16];
	uint32_t address_count; /* 0: the MAC alone */
};

struct model_mirror {
	char *name;
	struct place place;
	struct bh_mirror mirror; /* name and port unset here */
	char *port;
	bool used;
};

struct model_schedule {
	uint8_t days;
	uint16_t from, to; /* minutes; see bh_schedule */
};

struct model_rule {
	char *name;
	struct place place; /* of the rule's first key */
	bool enabled, log, monitor;
	uint8_t action; /* enum bh_action */
	struct selector from, to;
	struct service_list services;
	struct place service_place;
	struct {
		uint16_t first, last;
	} * source_ports;           /* from-port */
	uint32_t source_port_count; /* 0: any */
	bool has_apps;
	struct bh_app_set apps;
	char **server_names; /* lower case, sorted by strcmp, no doubles */
	uint32_t server_name_count;
	uint64_t risks;
	uint64_t limit_rate, limit_burst; /* bits a second, bytes; 0: none */
	bool has_schedule;
	struct model_schedule schedule;
	uint32_t mirror; /* index or BH_NONE */
};

struct model_custom_app {
	char *name;
	char *rule; /* nDPI's syntax, one element for each pattern */
	struct place place;
};

enum model_expect { EXPECT_ALLOW, EXPECT_DENY, EXPECT_REJECT, EXPECT_PENDING };

/* One question to the policy: a test, or the arguments of explain. */
struct model_test {
	struct place place;
	uint8_t from[16], to[16];
	uint32_t from_segment, to_segment; /* indices */
	uint8_t protocol;
	uint16_t service;     /* as in bh_session */
	uint16_t source_port; /* 0: none given (40000 is used) */
	char *application;    /* NULL: not given (not yet known) ; master.app or a name or "unknown" */
	char *server_name;    /* NULL: not given */
	uint64_t risks;
	bool has_at;
	int64_t at; /* Unix seconds */
	bool has_expect;
	enum model_expect expect;
	char *rule; /* NULL: not asked; else the rule's name or "default" */
};

struct policy_model {
	char *name;
	struct place place;
	struct bh_settings settings; /* all defaults filled in; layer2_allow included */
	uint16_t *ethertypes;
	uint32_t ethertype_count;
	char *timezone; /* "UTC" */
	struct model_network *networks;
	uint32_t network_count;
	struct model_segment *segments; /* those of a network are consecutive */
	uint32_t segment_count;
	struct model_binding *bindings;
	uint32_t binding_count;
	struct model_group *groups;
	uint32_t group_count;
	struct model_service *services;
	uint32_t service_count;
	struct model_mirror *mirrors;
	uint32_t mirror_count;
	struct model_custom_app *custom_apps;
	uint32_t custom_app_count;
	struct model_rule *rules;
	uint32_t rule_count;
	struct place default_place;
	struct model_test *tests;
	uint32_t test_count;
	void *memory; /* the reader's region */
};

/* Read a policy and its includes. Always gives back what could be read; it is fit for check and compile only if
 * problems->errors is 0. dpi_catalogue_init() must have been called. 0, or -ENOMEM. */
int policy_read(const char *path, struct policy_model **model, struct problems *problems);
void policy_model_free(struct policy_model *model);

/* "10.10.0.11@web" to address and segment, "tcp/443" to protocol and service: for explain and tests. 0 or -EINVAL
 * with one line in why. */
int policy_parse_endpoint(const struct policy_model *model, const char *text, uint8_t address[16],
			  uint32_t *segment, char *why, size_t why_size);
int policy_parse_service(const struct policy_model *model, const char *text, uint8_t *protocol,
			 uint16_t *service, char *why, size_t why_size);

/* The warnings of policy-language.md ("Checking") that need the whole model: shadowed and redundant rules, unused names,
 * rules within one segment, any any allow above the end, applications that must be let in first. */
void policy_check(struct policy_model *model, struct problems *problems);

/* ---- compile.c ---- */

/* Compile a model without errors to an image (malloc'ed). created: Unix seconds, 0 in replay. Returns 0, -ENOMEM, or -E2BIG
 * with a problem added that says what is too large, or -ENOENT or -EINVAL with one that the time zone can not be read.
 * dpi_catalogue_init() must have been called. */
int policy_compile(const struct policy_model *model, int64_t created, void **image, size_t *size,
		   struct problems *problems);

/* ---- explain.c: asks the image by the evaluator that enforces it ---- */

struct bh_policy;
struct bh_answer;
/* Judge one question; `answer` as bh_evaluate gives it. Returns 0 or -EINVAL (unknown application; why). */
int policy_ask(const struct bh_policy *image, const struct model_test *question, struct bh_answer *answer,
	       char *why, size_t why_size);
/* Run the policy's own tests; each failure is a problem (error) at the test's place. Returns the number of failures. */
uint32_t policy_run_tests(const struct policy_model *model, const struct bh_policy *image,
			  struct problems *problems);

#endif
