/* SPDX-License-Identifier: BSD-3-Clause */
/* Server names, each kept once however many sessions have it. Bounded; belongs to one worker. */
#ifndef DATAPLANE_NAMEPOOL_H
#define DATAPLANE_NAMEPOOL_H

#include <stdint.h>

#include "bulkhead/events.h"

struct name_pool;

/* Room for `capacity` different names (1..2^30). NULL: no memory */
struct name_pool *name_pool_new(uint32_t capacity, int socket);
void name_pool_free(struct name_pool *pool);

/* Id (from 1) of a name of 1..BH_SERVER_NAME_MAX bytes, with one more reference; 0: full, or not such a name. `seed` keeps
 * outsiders from aiming at one bucket; always the same for one pool. */
uint32_t name_pool_intern(struct name_pool *pool, const char *name, uint64_t seed);
/* Give back one reference. 0 is none. */
void name_pool_release(struct name_pool *pool, uint32_t id);

/* NULL: 0. Valid while a reference is held. */
const char *name_pool_text(const struct name_pool *pool, uint32_t id);
uint32_t name_pool_count(const struct name_pool *pool);

#endif
