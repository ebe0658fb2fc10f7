/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where answers come from: the dataplane's counters, its control socket and the image in force, each opened when it is
 * first needed. bulkheadd and, while that is down, bulkheadctl ask through it.
 */
#ifndef CONTROL_SOURCE_H
#define CONTROL_SOURCE_H

#include <stdbool.h>

#include "bulkhead/evaluate.h"
#include "client.h"
#include "counters.h"

struct source {
	const char *run; /* directory; the caller's */
	struct client client;
	struct counters counters;
	struct bh_policy policy;
	void *image; /* NULL: not open */
	uint32_t generation;
	char why[320]; /* what the last function that failed has to say to a person */
};

void source_init(struct source *source, const char *run);
void source_close(struct source *source);

/* Each returns 0 or -errno with a line in source->why. Once open they stay open. */
int source_client(struct source *source);
int source_counters(struct source *source);
int source_image(struct source *source); /* -ENOENT: no policy is in force */

#endif
