/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding equal things again: a hash table from 64-bit hashes to indices. Who owns the things compares them: equal
 * hashes are only candidates.
 *
 *	uint32_t at = 0, index;
 *	while (intern_next(&table, hash, &at, &index))
 *		if (things[index] is the one)
 *			return index;
 *	intern_add(&table, hash, new_index);
 */
#ifndef CONTROL_INTERN_H
#define CONTROL_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intern_slot {
	uint64_t hash;
	uint32_t index; /* + 1; 0: the slot is free */
};

/* Zero-initialised: empty. */
struct intern {
	struct intern_slot *slots;
	uint32_t size; /* power of two, or 0 */
	uint32_t count;
};

#define INTERN_SEED UINT64_C(0x9e3779b97f4a7c15)

/* A hash that is the same in every run; `seed` chains the pieces of one thing. */
uint64_t intern_hash(const void *data, size_t size, uint64_t seed);

/* 0 or -ENOMEM */
int intern_add(struct intern *table, uint64_t hash, uint32_t index);

/* The next candidate; *at is 0 before the first. */
bool intern_next(const struct intern *table, uint64_t hash, uint32_t *at, uint32_t *index);

void intern_free(struct intern *table);

#endif
