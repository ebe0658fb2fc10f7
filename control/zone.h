/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_ZONE_H
#define CONTROL_ZONE_H

#include <stdint.h>

#include "bulkhead/image.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

/*
 * The changes of a time zone's offset, by the TZif file (RFC 8536) of that name. created: Unix seconds; the list
 * reaches from a year before to 15 years after. 0: all that the file tells, and its rule for the future until the
 * end of 2099, so that the list does not depend on the day. "UTC" needs no file.
 * Returns 0 and a list to free(), -ENOENT (no such zone), -EINVAL (not a name, or not a zone's file) or -ENOMEM.
 */
int zone_read(const char *name, int64_t created, struct bh_zone **zones, uint32_t *count);

#endif
