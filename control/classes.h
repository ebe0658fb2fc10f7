/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets of keys, and the classes that they cut the key space into: two keys are of one class if no set tells them
 * apart. Keys are addresses (128 bits), segment indices, or protocol << 16 | port.
 */
#ifndef CONTROL_CLASSES_H
#define CONTROL_CLASSES_H

#include <stdint.h>

#include "intern.h"

typedef unsigned __int128 class_key;

struct key_range {
	class_key first, last; /* inclusive */
};

struct key_set {
	uint64_t first; /* in key_sets.ranges */
	uint32_t count;
};

/* Each set is there once. Zero-initialised: none. */
struct key_sets {
	struct key_set *list;
	uint32_t count, room;
	struct key_range *ranges; /* of a set: sorted, disjoint, not adjacent */
	uint64_t range_count, range_room;
	struct intern index;
};

/* Sorts and merges in place; returns how many are left. */
uint32_t ranges_normalise(struct key_range *ranges, uint32_t count);

/* a without b, both normalised; `out` has room for a_count + b_count. Returns how many. */
uint32_t ranges_subtract(const struct key_range *a, uint32_t a_count, const struct key_range *b,
			 uint32_t b_count, struct key_range *out);

/* The id of the set of these ranges, which are normalised in place. 0 or -ENOMEM. */
int key_sets_add(struct key_sets *sets, struct key_range *ranges, uint32_t count, uint32_t *id);
void key_sets_free(struct key_sets *sets);

struct class_start {
	class_key start;
	uint32_t class;
};

struct classes {
	uint32_t count;
	struct class_start *starts; /* keys from `start` on are of `class`; the first start is 0 */
	uint64_t start_count;
	uint64_t *toggle_first; /* class c differs from class c - 1 (class 0: from no set at all) in the .. */
	uint32_t *toggles;      /* .. sets toggles[toggle_first[c] .. toggle_first[c + 1]) */
};

/* Time is that of sorting the ranges. Boundaries are put at `cuts` too. 0 or -ENOMEM. */
int classes_make(struct classes *classes, const struct key_sets *sets, const class_key *cuts,
		 uint32_t cut_count);
void classes_free(struct classes *classes);

#endif
