/* SPDX-License-Identifier: BSD-3-Clause */
#include "classes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX (~(class_key)0)
#define NO_SET UINT32_MAX

/* ---- ranges and sets ---- */

static int range_compare(const void *left, const void *right)
{
	const struct key_range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

uint32_t ranges_normalise(struct key_range *ranges, uint32_t count)
{
	uint32_t kept = 0;

	if (count == 0)
		return 0;
	qsort(ranges, count, sizeof(*ranges), range_compare);
	for (uint32_t i = 1; i < count; i++) {
		struct key_range *last = &ranges[kept];

		if (last->last == KEY_MAX || ranges[i].first <= last->last + 1) {
			if (ranges[i].last > last->last)
				last->last = ranges[i].last;
		} else {
			ranges[++kept] = ranges[i];
		}
	}
	return kept + 1;
}

uint32_t ranges_subtract(const struct key_range *a, uint32_t a_count, const struct key_range *b,
			 uint32_t b_count, struct key_range *out)
{
	uint32_t count = 0, j = 0;

	for (uint32_t i = 0; i < a_count; i++) {
		class_key first = a[i].first;
		bool left = true;

		while (j < b_count && b[j].last < first)
			j++;
		for (uint32_t k = j; left && k < b_count && b[k].first <= a[i].last; k++) {
			if (b[k].first > first)
				out[count++] = (struct key_range){ first, b[k].first - 1 };
			left = b[k].last < a[i].last;
			first = b[k].last + 1; /* wraps only if nothing is left */
		}
		if (left)
			out[count++] = (struct key_range){ first, a[i].last };
	}
	return count;
}

static int key_sets_append(struct key_sets *sets, const struct key_range *ranges, uint32_t count)
{
	if (sets->count == sets->room) {
		uint32_t room = sets->room * 2 + 64;
		struct key_set *list = realloc(sets->list, room * sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		sets->list = list;
		sets->room = room;
	}
	if (sets->range_room - sets->range_count < count) {
		uint64_t room = sets->range_room * 3 / 2 + count + 64;
		struct key_range *list = realloc(sets->ranges, room * sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		sets->ranges = list;
		sets->range_room = room;
	}
	if (count != 0)
		memcpy(sets->ranges + sets->range_count, ranges, count * sizeof(*ranges));
	sets->list[sets->count++] = (struct key_set){ sets->range_count, count };
	sets->range_count += count;
	return 0;
}

int key_sets_add(struct key_sets *sets, struct key_range *ranges, uint32_t count, uint32_t *id)
{
	uint64_t hash;
	uint32_t at = 0;
	int error;

	count = ranges_normalise(ranges, count);
	hash = intern_hash(ranges, count * sizeof(*ranges), INTERN_SEED);
	while (intern_next(&sets->index, hash, &at, id)) {
		const struct key_set *set = &sets->list[*id];

		if (set->count == count &&
		    (count == 0 || memcmp(sets->ranges + set->first, ranges, count * sizeof(*ranges)) == 0))
			return 0;
	}
	*id = sets->count;
	error = key_sets_append(sets, ranges, count);
	return error != 0 ? error : intern_add(&sets->index, hash, *id);
}

void key_sets_free(struct key_sets *sets)
{
	free(sets->list);
	free(sets->ranges);
	intern_free(&sets->index);
	*sets = (struct key_sets){ 0 };
}

/* ---- classes: one sweep over all boundaries ---- */

/* At a key one set begins or ends (whichever: sets' ranges are disjoint), or with NO_SET: a boundary only. */
struct event {
	class_key at;
	uint32_t set;
};

struct sweep {
	class_key hash; /* XOR of a random key for each set we are in: tells classes apart */
	bool *in;       /* by set: are we in it? */
	bool *told;     /* by set: were we in it at the class that was found last? */
	bool *changed;  /* by set: is it in `changes`? */
	uint32_t *changes;
	uint32_t change_count;
	struct intern index; /* class by hash */
	class_key *hashes;   /* by class */
	uint64_t toggle_count, toggle_room, class_room;
};

static uint64_t scramble(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

/*
 * 128 bits: with a million classes the chance that two of them meet is 2^-89. Who could bring it about by calculation
 * writes the policy anyway.
 */
static class_key set_hash(uint32_t set)
{
	return (class_key)scramble(2 * (uint64_t)set + 1) << 64 |
	       scramble((2 * (uint64_t)set + 2) * INTERN_SEED);
}

static int event_compare(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->set < b->set ? -1 : a->set > b->set;
}

static struct event *events_make(const struct key_sets *sets, const class_key *cuts, uint32_t cut_count,
				 uint64_t *count)
{
	struct event *events = malloc((2 * sets->range_count + cut_count + 1) * sizeof(*events));
	uint64_t n = 0;

	if (events == NULL)
		return NULL;
	for (uint32_t set = 0; set < sets->count; set++)
		for (uint32_t i = 0; i < sets->list[set].count; i++) {
			const struct key_range *range = &sets->ranges[sets->list[set].first + i];

			events[n++] = (struct event){ range->first, set };
			if (range->last != KEY_MAX)
				events[n++] = (struct event){ range->last + 1, set };
		}
	for (uint32_t i = 0; i < cut_count; i++)
		events[n++] = (struct event){ cuts[i], NO_SET };
	events[n++] = (struct event){ 0, NO_SET };
	qsort(events, n, sizeof(*events), event_compare);
	*count = n;
	return events;
}

static void sweep_toggle(struct sweep *sweep, uint32_t set)
{
	sweep->in[set] = !sweep->in[set];
	sweep->hash ^= set_hash(set);
	if (!sweep->changed[set]) {
		sweep->changed[set] = true;
		sweep->changes[sweep->change_count++] = set;
	}
}

static int sweep_grow(struct sweep *sweep, struct classes *classes)
{
	if (classes->count + 2 > sweep->class_room) {
		uint64_t room = sweep->class_room * 2 + 64;
		class_key *hashes = realloc(sweep->hashes, room * sizeof(*hashes));
		uint64_t *first;

		if (hashes == NULL)
			return -ENOMEM;
		sweep->hashes = hashes;
		first = realloc(classes->toggle_first, room * sizeof(*first));
		if (first == NULL)
			return -ENOMEM;
		classes->toggle_first = first;
		sweep->class_room = room;
	}
	if (sweep->toggle_count + sweep->change_count > sweep->toggle_room) {
		uint64_t room = sweep->toggle_room * 2 + sweep->change_count + 64;
		uint32_t *toggles = realloc(classes->toggles, room * sizeof(*toggles));

		if (toggles == NULL)
			return -ENOMEM;
		classes->toggles = toggles;
		sweep->toggle_room = room;
	}
	return 0;
}

/* A class that was not met before: write down in which sets it differs from the one found last. */
static int sweep_found(struct sweep *sweep, struct classes *classes)
{
	int error = sweep_grow(sweep, classes);

	if (error != 0)
		return error;
	classes->toggle_first[classes->count] = sweep->toggle_count;
	for (uint32_t i = 0; i < sweep->change_count; i++) {
		uint32_t set = sweep->changes[i];

		sweep->changed[set] = false;
		if (sweep->in[set] == sweep->told[set])
			continue;
		sweep->told[set] = sweep->in[set];
		classes->toggles[sweep->toggle_count++] = set;
	}
	sweep->change_count = 0;
	sweep->hashes[classes->count] = sweep->hash;
	classes->toggle_first[++classes->count] = sweep->toggle_count;
	return intern_add(&sweep->index, (uint64_t)sweep->hash, classes->count - 1);
}

static int sweep_class(struct sweep *sweep, struct classes *classes, uint32_t *class)
{
	uint32_t at = 0;

	while (intern_next(&sweep->index, (uint64_t)sweep->hash, &at, class))
		if (sweep->hashes[*class] == sweep->hash)
			return 0;
	*class = classes->count;
	return sweep_found(sweep, classes);
}

static int sweep_run(struct sweep *sweep, struct classes *classes, const struct event *events, uint64_t count,
		     const class_key *cuts, uint32_t cut_count)
{
	for (uint64_t i = 0; i < count;) {
		const class_key at = events[i].at;
		bool cut = false;
		uint32_t class;
		int error;

		for (; i < count && events[i].at == at; i++)
			if (events[i].set != NO_SET)
				sweep_toggle(sweep, events[i].set);
		error = sweep_class(sweep, classes, &class);
		if (error != 0)
			return error;
		for (uint32_t c = 0; c < cut_count; c++)
			cut |= cuts[c] == at;
		if (!cut && classes->start_count > 0 &&
		    classes->starts[classes->start_count - 1].class == class)
			continue;
		classes->starts[classes->start_count++] = (struct class_start){ at, class };
	}
	return 0;
}

int classes_make(struct classes *classes, const struct key_sets *sets, const class_key *cuts,
		 uint32_t cut_count)
{
	struct sweep sweep = {
		.in = calloc(sets->count + 1, sizeof(bool)),
		.told = calloc(sets->count + 1, sizeof(bool)),
		.changed = calloc(sets->count + 1, sizeof(bool)),
		.changes = calloc(sets->count + 1, sizeof(uint32_t)),
	};
	uint64_t count = 0;
	struct event *events = events_make(sets, cuts, cut_count, &count);
	int error = -ENOMEM;

	*classes = (struct classes){ 0 };
	if (events != NULL)
		classes->starts = malloc(count * sizeof(*classes->starts));
	if (classes->starts != NULL && sweep.in != NULL && sweep.told != NULL && sweep.changed != NULL &&
	    sweep.changes != NULL)
		error = sweep_run(&sweep, classes, events, count, cuts, cut_count);
	free(events);
	free(sweep.in);
	free(sweep.told);
	free(sweep.changed);
	free(sweep.changes);
	free(sweep.hashes);
	intern_free(&sweep.index);
	if (error != 0)
		classes_free(classes);
	return error;
}

void classes_free(struct classes *classes)
{
	free(classes->starts);
	free(classes->toggle_first);
	free(classes->toggles);
	*classes = (struct classes){ 0 };
}
