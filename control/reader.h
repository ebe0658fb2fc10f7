/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that read a policy (model*.c) share while they do. Nothing here outlives policy_read(). */
#ifndef CONTROL_READER_H
#define CONTROL_READER_H

#include "decode.h"
#include "model.h"
#include "value.h"

#define READER_MAX_ADDRESSES 4000000u
#define READER_MAX_SERVICE_ITEMS 8000000u
#define READER_MAX_FEED_BYTES (64u << 20)

/* What one top-level key holds, over the file and its includes, in order of reading. */
struct part {
	const struct node **nodes;
	uint32_t count;
};

struct reader {
	struct decoder decoder; /* first: a decode_key's function finds the reader by it */
	struct policy_model *model;
	struct part *parts; /* by model.c's table of top-level keys */
	/* names to the model's indices; the model's arrays may move, these do not */
	struct index networks, segments, groups, services, mirrors, rules, apps;
	const struct node **service_nodes; /* of the model's services, for services in services */
	uint8_t *service_states;
	uint32_t service_depth;
	struct index owners; /* (port, VLAN) pairs, as text */
	/* what may still be read, so that a small file can not ask for much memory */
	uint32_t addresses_left, service_items_left;
	size_t feed_bytes_left;
};

static inline struct reader *reader_of(struct decoder *decoder)
{
	return (struct reader *)decoder;
}

/* Each reads the nodes of its top-level key into the model. In this order: the later resolve the names of the earlier. */
void read_networks(struct reader *reader, const struct part *part);
void read_groups(struct reader *reader, const struct part *part);
void read_services(struct reader *reader, const struct part *part);
void read_applications(struct reader *reader, const struct part *part);
void read_mirrors(struct reader *reader, const struct part *part);
void read_rules(struct reader *reader, const struct part *part);
void read_default(struct reader *reader, const struct part *part);
void read_layer2(struct reader *reader, const struct part *part);
void read_flows(struct reader *reader, const struct part *part);
void read_classification(struct reader *reader, const struct part *part);
void read_limits(struct reader *reader, const struct part *part);
void read_exceptions(struct reader *reader, const struct part *part);
void read_tests(struct reader *reader, const struct part *part);

/* Defaults of everything that is not written. */
void settings_defaults(struct reader *reader);
/* Those of the segments, once the networks are read. */
void settings_segment_defaults(struct reader *reader);

/* "NAME: expected .., did you mean ..": a name that is not in the index. `what` is "segment". */
void reader_unknown(struct reader *reader, struct place place, const char *what, const char *name,
		    const struct index *index);
/* Add a name that must be new (else a problem that says where the first is). */
bool reader_define(struct reader *reader, struct index *index, const char *what, const struct node *node,
		   uint32_t number, struct place first);

/* A segment's name or a list of them, appended. */
void reader_segments(struct reader *reader, const struct node *node, uint32_t **segments, uint32_t *count);
/* Addresses, prefixes and ranges, appended. */
void reader_addresses(struct reader *reader, const struct node *node, struct address_set *set);
bool reader_address(struct reader *reader, struct place place, const char *key, const char *text,
		    struct address_set *set);
void reader_selector(struct decoder *decoder, const struct node *node, struct selector *selector);
void reader_service_list(struct reader *reader, const struct node *node, struct service_list *list);
/* The id of an application (nDPI's or the policy's own): -ENOENT. */
int reader_app_id(struct reader *reader, const char *name);
void reader_unknown_app(struct reader *reader, struct place place, const char *name);
/* Risk names, or'ed into *risks. */
void reader_risks(struct reader *reader, const struct node *node, uint64_t *risks);

#endif
