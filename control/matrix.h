/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One dimension of the rules' conditions, as a matrix of the image (image.h): for each class of keys, which rules
 * hold there.
 */
#ifndef CONTROL_MATRIX_H
#define CONTROL_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "classes.h"
#include "sections.h"

#define SET_EVERYTHING UINT32_MAX

/* A rule holds for the keys in a set, or outside of it. A rule's literals are OR-ed; without any it never holds. */
struct literal {
	uint32_t rule;
	uint32_t set; /* or SET_EVERYTHING */
	bool negate;
};

/* Zero-initialised: empty. */
struct literals {
	struct literal *list;
	uint64_t count, room;
};

/* 0 or -ENOMEM */
int literals_add(struct literals *literals, uint32_t rule, uint32_t set, bool negate);
void literals_free(struct literals *literals);

struct matrix_source {
	const struct literals *literals;
	uint32_t set_count;
	const struct classes *classes;
	const uint32_t *row_classes; /* row -> class; NULL: rows are classes */
	uint32_t row_count;
	uint32_t rule_count;
};

/* Adds rows to the sections and fills *matrix (all 0 if no rule ever holds). 0, -ENOMEM or -E2BIG. */
int matrix_make(struct sections *sections, const struct matrix_source *source, struct bh_matrix *matrix);

#endif
