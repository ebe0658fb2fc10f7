/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How full tables and limits are: a notice and an entry in the counters when 70, 85 or 95 % are reached, each once; a level
 * ends 5 below its mark, so that a table that stands at one does not ring at each frame. Main thread only.
 */
#ifndef DATAPLANE_ALARM_H
#define DATAPLANE_ALARM_H

#include <stdint.h>

#include "log.h"
#include "options.h"
#include "policy.h"
#include "workers.h"

struct alarms;

struct alarm_need {
	const struct workers *workers;
	const struct options *sizes;
	struct bh_counters *counters;
	notice_function notice;
	void *opaque;
};

/* NULL: no memory */
struct alarms *alarms_new(const struct alarm_need *need);
void alarms_free(struct alarms *a);

/* Before the rings of events are drained: how full they were counts. */
void alarms_events(struct alarms *a);
/* All tables and a slice of the segments; ten times a second. policy NULL: none is in force. */
void alarms_look(struct alarms *a, const struct policy *policy);

/* The level (0, 70, 85, 95) that follows `level` when `used` of `size` are. */
uint32_t alarm_level(uint32_t level, uint64_t used, uint64_t size);

#endif
