/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices of what frames do, at a bounded rate: a machine that misbehaves does so thousands of times a second. */
#ifndef DATAPLANE_NOTICE_H
#define DATAPLANE_NOTICE_H

#include <stdint.h>

#include "bulkhead/events.h"

struct worker;

/* mac and address may be NULL, segments SEGMENT_NONE. Over the rate it is left out, and the next one tells how many were. */
void notice(struct worker *w, enum bh_notice_kind kind, const uint8_t *mac, const uint8_t *address,
	    uint16_t segment0, uint16_t segment1, const char *text);

#endif
