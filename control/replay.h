/* SPDX-License-Identifier: BSD-3-Clause */
/* A capture through the real dataplane: bulkhead-dataplane --replay as a child, its events and counters. */
#ifndef CONTROL_REPLAY_H
#define CONTROL_REPLAY_H

#include <jansson.h>
#include <stdint.h>

#include "bulkhead/evaluate.h"
#include "spool.h"

struct replay {
	const char *capture, *out;           /* out may be NULL */
	const char *ingress, *workers, *mtu; /* NULL: the dataplane's defaults */
	const char *flow_table;              /* size; NULL: so too */
	const char *const *assign;           /* PREFIX=SEGMENT, `assign_count` of them */
	uint32_t assign_count;
	int image_fd;            /* sealed memfd */
	struct bh_policy policy; /* the image, for names */

	/* results */
	struct spool flows;
	uint64_t verdicts[4], notices,
		lost;     /* sessions by enum bh_verdict; events that were lost: none, or it is a fault */
	json_t *counters; /* owned; COUNTERS.json */
};

/* Run it. flows is opened here; the caller closes it and releases counters. 0, or -errno with a line in why ("" where the
 * dataplane told why on stderr). */
int replay_run(struct replay *replay, char *why, size_t why_size);

#endif
