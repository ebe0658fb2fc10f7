/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets of numbers and of (segment, address) pairs, in one form each: equal sets have equal ids, so that to compare is
 * cheap. The checks ask of them what covers what.
 */
#ifndef CONTROL_AREA_H
#define CONTROL_AREA_H

#include "region.h"
#include "model.h"

typedef unsigned __int128 wide; /* an address, or any smaller key */

/* Inclusive. */
struct span {
	wide first, last;
};

/* Sorted, apart from each other by at least one number. */
struct set {
	const struct span *spans;
	uint32_t count;
	uint64_t hash;
};

#define SET_EMPTY 0u
#define SET_ALL 1u

/* The addresses of an area in one segment. */
struct cell {
	uint32_t segment, set;
};

/* A set of (segment, address) pairs: cells, sorted by segment, and for every other segment the addresses of `rest`.
 * No cell's set is that of rest, and not all segments are cells. */
struct area {
	uint32_t rest, cell_count;
	const struct cell *cells;
	uint64_t hash;
};

#define AREA_ALL 0u

struct table {
	uint32_t *slots; /* id + 1 */
	uint32_t capacity;
};

struct areas {
	struct region *region;
	const struct policy_model *model;
	struct set *sets;
	uint32_t set_count;
	struct area *areas;
	uint32_t area_count;
	struct table set_table, area_table;
	uint32_t *groups; /* area of each of the model's groups, + 1 */
	struct memo *memo;
	uint64_t spent; /* spans looked at or made so far: the checks have a budget */
};

/* On want of memory the region's guard is jumped to. */
struct areas *areas_new(struct region *region, const struct policy_model *model);

/* The id of a set of `count` spans in any order; they are sorted in place. */
uint32_t set_of(struct areas *areas, struct span *spans, uint32_t count);
uint32_t set_union(struct areas *areas, uint32_t one, uint32_t other);
uint32_t set_complement(struct areas *areas, uint32_t set);
uint32_t set_minus(struct areas *areas, uint32_t from, uint32_t what);
bool set_contains(struct areas *areas, uint32_t outer, uint32_t inner);
bool set_intersects(struct areas *areas, uint32_t one, uint32_t other);

uint32_t area_of_selector(struct areas *areas, const struct selector *selector);
uint32_t area_minus(struct areas *areas, uint32_t from, uint32_t what);
bool area_is_empty(const struct areas *areas, uint32_t area);
bool area_contains(struct areas *areas, uint32_t outer, uint32_t inner);
bool area_intersects(struct areas *areas, uint32_t one, uint32_t other);
/* The addresses of an area in a segment. */
uint32_t area_in(const struct areas *areas, uint32_t area, uint32_t segment);

#endif
