/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is asked for in small pieces and given back all at once. A reader makes thousands of small objects that
 * live exactly as long as the model, so none of them is freed alone and no path of an error has
 * anything to unwind: want of memory is one long jump to the place that owns the region.
 */
#ifndef CONTROL_REGION_H
#define CONTROL_REGION_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

struct region;

/* NULL: no memory. */
struct region *region_new(void);
void region_free(struct region *region);

/* Where region_alloc() jumps (with 1) when there is no memory; returns the place before, to be put back.
 * Without a place region_alloc() gives NULL. */
jmp_buf *region_guard(struct region *region, jmp_buf *place);

/* Zeroed, aligned for anything; never NULL while a guard is set. */
void *region_alloc(struct region *region, size_t size);
char *region_text(struct region *region, const char *text, size_t length);
char *region_format(struct region *region, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for one more element behind `count`: the array, or a larger copy of it. Capacity follows from count (0, 4,
 * 8, 16, ..), so an array must only ever be grown by this function. */
void *region_grow(struct region *region, void *array, uint32_t count, size_t element);

#endif
