/* SPDX-License-Identifier: BSD-3-Clause */
/* When schedules are active, and until when. Follows an image that bh_image_open() has checked. */
#include <string.h>

#include "bulkhead/evaluate.h"
#include "bulkhead/image.h"

#define DAY 86400
#define WHEN_MAX (INT64_C(1) << 55) /* as the reader grants for ZONES: no sum below overflows */

static int64_t floor_divide(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

/* Index of the element of ZONES that holds at a moment. */
static uint64_t zone_at(const struct bh_policy *policy, int64_t when)
{
	uint64_t low = 0, high = policy->ZONES_count;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (policy->ZONES_[middle].since <= when)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool schedule_active(const struct bh_schedule *schedule, int64_t local)
{
	const int64_t day = floor_divide(local, DAY);
	const int minute = (int)((local - day * DAY) / 60);
	const int weekday = (int)(day + 3 - floor_divide(day + 3, 7) * 7); /* 1970-01-01 was a Thursday */
	const bool today = schedule->days >> weekday & 1;
	const bool yesterday = schedule->days >> (weekday + 6) % 7 & 1;

	if (schedule->from == schedule->to)
		return today;
	if (schedule->from < schedule->to)
		return today && minute >= schedule->from && minute < schedule->to;
	return (today && minute >= schedule->from) || (yesterday && minute < schedule->to);
}

/* The first moment in (when, until) at which the schedule is not `active`, under one offset; else `until`. */
static int64_t schedule_change(const struct bh_schedule *schedule, bool active, int64_t when, int64_t until,
			       int32_t offset)
{
	const int64_t today = floor_divide(when + offset, DAY);
	const int edges[] = { 0, schedule->from < schedule->to ? schedule->from : schedule->to,
			      schedule->from < schedule->to ? schedule->to : schedule->from };

	for (int64_t day = today; day <= today + 8; day++)
		for (int i = 0; i < 3; i++) {
			int64_t local = day * DAY + edges[i] * 60;

			if (local - offset >= until)
				return until;
			if (local - offset > when && schedule_active(schedule, local) != active)
				return local - offset;
		}
	return until; /* a whole week without change: there is none under this offset */
}

/* When a schedule will be another than `active` next. */
static int64_t schedule_next(const struct bh_policy *policy, const struct bh_schedule *schedule, bool active,
			     int64_t when)
{
	for (uint64_t zone = zone_at(policy, when);; zone++) {
		const bool last = zone + 1 == policy->ZONES_count;
		const int64_t until = last ? INT64_MAX : policy->ZONES_[zone + 1].since;
		const int64_t next =
			schedule_change(schedule, active, when, until, policy->ZONES_[zone].offset);

		if (next != until || last)
			return next;
		if (schedule_active(schedule, until + policy->ZONES_[zone + 1].offset) != active)
			return until;
		when = until;
	}
}

int64_t bh_context_at(const struct bh_policy *policy, int64_t when, struct bh_context *context)
{
	int64_t change = INT64_MAX;

	if (when > WHEN_MAX)
		when = WHEN_MAX;
	if (when < -WHEN_MAX)
		when = -WHEN_MAX;
	memset(context->schedules, 0, sizeof(context->schedules));
	for (uint64_t i = 0; i < policy->SCHEDULES_count; i++) {
		const struct bh_schedule *schedule = &policy->SCHEDULES_[i];
		const int64_t local = when + policy->ZONES_[zone_at(policy, when)].offset;
		const bool active = schedule_active(schedule, local);
		const int64_t next = schedule_next(policy, schedule, active, when);

		if (active)
			context->schedules[i / 64] |= UINT64_C(1) << i % 64;
		if (next < change)
			change = next;
	}
	return change;
}
