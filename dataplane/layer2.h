/* SPDX-License-Identifier: BSD-3-Clause */
/* Learning, destination segments, storm and guard buckets. */
#ifndef DATAPLANE_LAYER2_H
#define DATAPLANE_LAYER2_H

#include <rte_ether.h>
#include <stdbool.h>

#include "worker.h"

struct layer2; /* what a worker's stage needs that is not in the MAC table */

struct layer2 *layer2_new(uint16_t worker_id, int socket);
void layer2_free(struct layer2 *l);

/* Replay with several workers: what came a moment ago is one memory, so that the number of workers changes nothing. `owner`
 * must outlive it. */
void layer2_share(struct layer2 *l, const struct layer2 *owner);

/* A MAC of our ports: frames that come from it are dropped (SOURCE_MAC). Before frames flow. 0 or -ENOSPC */
int layer2_own_mac(struct layer2 *l, const struct rte_ether_addr *mac);

struct frame;
/* May a copy of a flooded FRAME_PROTECTED frame go to this segment (stable id)? What DHCP
 * clients ask goes to layer2.dhcp-servers only. */
bool layer2_candidate(const struct policy *policy, const struct frame *f, uint16_t segment);

#endif
