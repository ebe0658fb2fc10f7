/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoint selectors as sets: `from` and `to` of every rule become literals over sets of addresses and sets of
 * segments, in the form that the image wants (image.h): A(address) OR S(segment) OR layers of both.
 */
#ifndef CONTROL_SELECTOR_H
#define CONTROL_SELECTOR_H

#include "classes.h"
#include "matrix.h"
#include "model.h"

struct side_literals {
	struct literals address, segment;
	struct literals layer_segment[BH_MAX_LAYERS], layer_address[BH_MAX_LAYERS];
};

/* The sets of a group, made when it is first met. */
struct group_sets {
	bool made;
	uint32_t segments, addresses; /* its members */
	uint32_t except_segments, except_addresses;
	uint32_t kept_segments, kept_addresses; /* members without the exceptions of the same kind */
};

struct selectors {
	const struct policy_model *model;
	struct key_sets addresses, segments;
	struct group_sets *groups;
	struct side_literals from, to;
};

/* Ranges of IPv6 addresses that reach over the block of mapped IPv4 addresses (as ::/0 does) do not include it. */

/* 0 or -ENOMEM; then, or after an error, selectors_free(). */
int selectors_init(struct selectors *selectors, const struct policy_model *model);
/* Add the ends of a rule. 0, -ENOMEM, or -E2BIG with a problem: too many groups with exceptions. */
int selectors_add(struct selectors *selectors, uint32_t rule, struct problems *problems);
void selectors_free(struct selectors *selectors);

#endif
