/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the great tables that are made once, at start, and touched at random by every frame: in pages as large as can be
 * had. Where huge pages were reserved they are EAL's; else the kernel is asked for its own (transparent ones), of which no
 * reservation is needed. Not for what a reload makes: it may take the kernel a while to find them.
 */
#ifndef DATAPLANE_PAGES_H
#define DATAPLANE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* A region of `size' bytes, zeroed, aligned to a line of cache at least. socket: the NUMA node that it is wanted on, or
 * SOCKET_ID_ANY. now: every page is taken before this returns, so that no later access waits for one; else by the first access.
 * NULL: size is 0, or there is no memory. It is the caller's, until pages_free(). */
void *pages_new(size_t size, int socket, bool now);

/* size: as it was made with. NULL is allowed. */
void pages_free(void *region, size_t size);

#endif
