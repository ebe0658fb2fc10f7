/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bounded allocator over one region, for what nDPI asks for while it looks at packets. Two-level segregated fit
 * (Masmano et al., 2004): allocate and release take constant time, neighbours are joined at once, and nothing ever comes
 * from the heap. One thread owns an arena; others may only release.
 */
#ifndef DATAPLANE_ARENA_H
#define DATAPLANE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena;

#define ARENA_MAX 64                    /* arenas at a time in a process */
#define ARENA_LARGEST ((size_t)1 << 26) /* bytes of the largest allocation that is looked at */

/* An arena in `region` (aligned to 64, up to 64 GiB), which stays the caller's and must outlive it. NULL: too small, or
 * ARENA_MAX arenas exist. Main thread. */
struct arena *arena_new(void *region, size_t size);
/* Forget the arena; nothing in it may be used or released any more. Main thread. */
void arena_delete(struct arena *arena);

/* size bytes aligned to 16, not zeroed; NULL: full. Owner. */
void *arena_allocate(struct arena *arena, size_t size);
/* Owner. What was not allocated here, or was released before, is left alone and counted. */
void arena_release(struct arena *arena, void *pointer);

size_t arena_used(const struct arena *arena);     /* bytes, with their headers; owner */
size_t arena_capacity(const struct arena *arena); /* bytes */
uint64_t arena_bogus(const struct arena *arena);  /* releases that were left alone */

/* The allocator hooks of nDPI are one for the process: these serve the arena that the calling thread has entered, or the
 * heap while it has entered none. What came from an arena goes back to it from any thread. */
void arena_enter(struct arena *arena);
void arena_leave(void);
void *arena_hook_allocate(size_t size);
void arena_hook_release(void *pointer);

#endif
