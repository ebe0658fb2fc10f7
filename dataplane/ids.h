/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stable ids: flows, the MAC table and counters outlive the image they were made under, so they name segments,
 * networks and rules by ids that live as long as the process. A segment is the pair (port name, VLAN), a
 * network and a rule their name. The main thread gives ids when an image is accepted; workers only
 * read struct policy's translation tables.
 */
#ifndef DATAPLANE_IDS_H
#define DATAPLANE_IDS_H

#include <stdint.h>

#include "bulkhead/counters.h"
#include "bulkhead/evaluate.h"

struct ids;

/* Directories of names live in the counters' shared memory, so that readers can name what they sum. */
struct ids *ids_new(struct bh_counters *counters);
void ids_free(struct ids *ids);

/* A new image is about to be read: ids that neither it nor the image in force uses may be given anew. */
void ids_begin(struct ids *ids);
/* The image that was read last is in force now. One that was refused leaves the ids of the one in force alone. */
void ids_commit(struct ids *ids);

/* Id of a rule (1 and up; 0 is the default), a segment (1 and up; 0 counts what belongs to none) or a network
 * (1 and up); makes one if there is none. -ENOSPC when all are used by this image and the one before it.
 * main thread only. */
int ids_rule(struct ids *ids, const char *name);
int ids_segment(struct ids *ids, const char *port, uint16_t vlan, const char *name, uint32_t network_id);
int ids_network(struct ids *ids, const char *name);

#endif
