/* SPDX-License-Identifier: BSD-3-Clause */
/* Names to numbers. Lives in a region; the names are the caller's and must live as long. */
#ifndef CONTROL_INDEX_H
#define CONTROL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct region;

struct index_slot {
	const char *name;
	uint64_t hash;
	uint32_t value;
};

/* Zero-initialised it is empty. */
struct index {
	struct index_slot *slots;
	uint32_t capacity, count;
	bool fold; /* compare without case (ASCII) */
};

/* Add a name that is not there yet: true. One that is: false, and *value is what it stands for (value may be NULL). */
bool index_add(struct index *index, struct region *region, const char *name, uint32_t number,
	       uint32_t *value);
bool index_find(const struct index *index, const char *name, uint32_t *value);
/* All names, in no order; the array is of the region. */
const char **index_names(const struct index *index, struct region *region);

#endif
