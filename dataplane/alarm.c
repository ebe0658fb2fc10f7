/* SPDX-License-Identifier: BSD-3-Clause */
#include "alarm.h"

#include <stdio.h>
#include <stdlib.h>

#include "event.h"
#include "fragment.h"

/* Segments looked at in a round: all 4,000 of a large policy within two seconds. */
#define SLICE 256u
/* Notices in a round; who is left out keeps its level and is told in the next. */
#define NOTICES 8u
/* A session is begun under detection up to this part of the library's memory (classify.c). */
#define DPI_ROOM(bytes) ((bytes) / 4 * 3)

static const uint32_t marks[] = { 70, 85, 95 };
#define HYSTERESIS 5u

/* How full, and by what. */
struct measure {
	uint64_t used, size; /* size 0: there is no limit */
};

struct state {
	uint8_t level;
	struct measure last;
};

struct alarms {
	struct alarm_need need;
	uint16_t next; /* segment of the next slice */
	uint32_t notices;
	struct measure events; /* the fullest ring since the last look */
	struct state total[BH_RESOURCE_COUNT];
	struct state segments[BH_SEGMENT_IDS][BH_SEGMENT_RESOURCES];
};

struct alarms *alarms_new(const struct alarm_need *need)
{
	struct alarms *a = calloc(1, sizeof(*a));

	if (a)
		a->need = *need;
	return a;
}

void alarms_free(struct alarms *a)
{
	free(a);
}

uint32_t alarm_level(uint32_t level, uint64_t used, uint64_t size)
{
	uint64_t percent = size ? used * 100 / size : 0;
	uint32_t reached = 0, kept = 0;

	for (unsigned int i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (percent >= marks[i])
			reached = marks[i];
		if (level >= marks[i] && percent + HYSTERESIS >= marks[i])
			kept = marks[i];
	}
	return reached > kept ? reached : kept;
}

/* Of shares the fullest one counts: a worker that has none left refuses, whatever the others have. */
static void fuller(struct measure *most, uint64_t used, uint64_t size)
{
	if (!most->size || used * most->size > most->used * size)
		*most = (struct measure){ used, size };
}

/* ---- what is measured ---- */

static uint64_t cell(const struct alarms *a, uint16_t worker, enum bh_worker_counter counter)
{
	return __atomic_load_n(&a->need.workers->list[worker]->counters->cells[counter], __ATOMIC_RELAXED);
}

static struct measure measure_total(struct alarms *a, enum bh_resource resource)
{
	const struct options *sizes = a->need.sizes;
	const struct {
		enum bh_worker_counter cell;
		uint64_t size;
		uint64_t (*part)(const struct worker *w, uint64_t size); /* a worker's */
	} shared[BH_RESOURCE_COUNT] = {
		[BH_RESOURCE_FLOWS] = { BH_WORKER_FLOWS, sizes->flows, worker_share },
		[BH_RESOURCE_FRAGMENTS] = { BH_WORKER_FRAGMENT_SETS, sizes->fragments, worker_share },
		[BH_RESOURCE_DETECTING] = { BH_WORKER_DETECTING, sizes->detecting, worker_share },
		[BH_RESOURCE_DPI_MEMORY] = { BH_WORKER_DPI_MEMORY, DPI_ROOM(sizes->dpi_memory), worker_even },
	};
	struct measure most = { 0 };

	if (resource == BH_RESOURCE_MACS)
		return (struct measure){ a->need.counters->macs, sizes->macs };
	if (resource == BH_RESOURCE_EVENTS)
		return a->events;
	for (uint16_t i = 0; shared[resource].size && i < a->need.workers->count; i++)
		fuller(&most, cell(a, i, shared[resource].cell),
		       shared[resource].part(a->need.workers->list[i], shared[resource].size));
	return most;
}

static struct measure measure_segment(const struct alarms *a, const struct policy *policy, uint16_t id,
				      enum bh_resource resource)
{
	const struct bh_limits *limits = &policy->segments[id].limits;
	const struct workers *workers = a->need.workers;
	struct measure most = { 0 }, macs = { .size = limits->macs };

	for (uint16_t i = 0; i < workers->count; i++) {
		const struct worker *w = workers->list[i];
		const struct bh_segment_counters *c = &w->counters->segments[id];

		macs.used += __atomic_load_n(&c->macs, __ATOMIC_RELAXED);
		if (resource == BH_RESOURCE_FLOWS && limits->flows)
			fuller(&most, __atomic_load_n(&c->flows, __ATOMIC_RELAXED),
			       worker_share(w, limits->flows));
		else if (resource == BH_RESOURCE_EMBRYONIC && limits->embryonic)
			fuller(&most, __atomic_load_n(&c->embryonic, __ATOMIC_RELAXED),
			       worker_share(w, limits->embryonic));
		else if (resource == BH_RESOURCE_FRAGMENTS && limits->fragments)
			fuller(&most, fragments_held(w->fragments, id), worker_share(w, limits->fragments));
	}
	return resource == BH_RESOURCE_MACS ? macs : most;
}

/* ---- what is told ---- */

static void tell(struct alarms *a, const struct state *state, uint32_t old, enum bh_resource resource,
		 uint16_t segment)
{
	const char *name = segment ? a->need.counters->segments[segment] : "";
	char text[192];

	snprintf(text, sizeof(text), "%s%s%s: %llu of %llu, %s %u %%", bh_resource_names[resource],
		 segment ? " of segment " : "", name, (unsigned long long)state->last.used,
		 (unsigned long long)state->last.size, state->level > old ? "over" : "under",
		 state->level > old ? state->level : old);
	a->need.notice(a->need.opaque, BH_NOTICE_EXHAUSTED, text);
	a->notices++;
}

static void look(struct alarms *a, struct state *state, struct measure now, enum bh_resource resource,
		 uint16_t segment)
{
	uint32_t old = state->level, level = alarm_level(old, now.used, now.size);

	state->last = now;
	if (level == old || a->notices == NOTICES)
		return;
	state->level = (uint8_t)level;
	tell(a, state, old, resource, segment);
}

static void publish_one(struct alarms *a, const struct state *state, uint32_t level, uint32_t resource,
			uint32_t segment, uint32_t *count)
{
	if (state->level != level || *count == BH_ALARMS_MAX)
		return;
	a->need.counters->alarms[(*count)++] = (struct bh_alarm){ .resource = resource,
								  .segment = segment,
								  .level = level,
								  .used = state->last.used,
								  .size = state->last.size };
}

/* The worst first: the list is short. */
static void publish(struct alarms *a)
{
	uint32_t count = 0;

	for (unsigned int i = sizeof(marks) / sizeof(marks[0]); i-- > 0;) {
		for (uint32_t r = 0; r < BH_RESOURCE_COUNT; r++)
			publish_one(a, &a->total[r], marks[i], r, 0, &count);
		for (uint32_t id = 1; id < a->need.counters->segment_ids && id < BH_SEGMENT_IDS; id++)
			for (uint32_t r = 0; r < BH_SEGMENT_RESOURCES; r++)
				publish_one(a, &a->segments[id][r], marks[i], r, id, &count);
	}
	a->need.counters->alarm_count = count;
}

void alarms_events(struct alarms *a)
{
	for (uint16_t i = 0; i < a->need.workers->count; i++) {
		const struct event_ring *ring = a->need.workers->list[i]->events;

		fuller(&a->events, event_ring_used(ring), event_ring_size(ring));
	}
}

static void look_at_segment(struct alarms *a, const struct policy *policy, uint16_t id)
{
	bool there = policy && policy->segments[id].index != BH_NONE;

	for (unsigned int r = 0; r < BH_SEGMENT_RESOURCES; r++) {
		enum bh_resource resource = (enum bh_resource)r;
		struct measure now = { 0 };

		if (there)
			now = measure_segment(a, policy, id, resource);
		look(a, &a->segments[id][r], now, resource, id);
	}
}

void alarms_look(struct alarms *a, const struct policy *policy)
{
	uint32_t ids = RTE_MIN(a->need.counters->segment_ids, BH_SEGMENT_IDS);

	a->notices = 0;
	for (unsigned int r = 0; r < BH_RESOURCE_COUNT; r++)
		look(a, &a->total[r], measure_total(a, (enum bh_resource)r), (enum bh_resource)r, 0);
	a->events = (struct measure){ 0 };
	for (uint32_t n = 0; n < SLICE && n < ids; n++) {
		a->next = a->next + 1u < ids ? (uint16_t)(a->next + 1) : 0;
		if (a->next)
			look_at_segment(a, policy, a->next);
	}
	publish(a);
}
