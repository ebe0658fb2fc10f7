/* SPDX-License-Identifier: BSD-3-Clause */
/* (port, VLAN) to segment, the guards of a segment, and replay's --assign. */
#ifndef DATAPLANE_SEGMENT_H
#define DATAPLANE_SEGMENT_H

#include <stdint.h>

#include "worker.h"

struct assignment;

/* replay --assign PREFIX=SEGMENT: longest prefix wins. */
struct assignment *assignment_new(void);
void assignment_free(struct assignment *a);
/* address as 16 bytes (IPv4 mapped, prefix length + 96); segment: stable id. 0 or -ENOMEM / -EINVAL */
int assignment_add(struct assignment *a, const uint8_t address[16], uint8_t prefix, uint16_t segment);
/* SEGMENT_NONE: none */
uint16_t assignment_find(const struct assignment *a, const uint8_t address[16]);

#endif
