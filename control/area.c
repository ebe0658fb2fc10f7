/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "area.h"

#define MEMO_SIZE 65536u /* a power of two */

/* Answers of set_contains() and set_intersects() for pairs of sets: direct mapped, the latest stays. */
struct memo {
	uint64_t key; /* outer << 32 | inner, + 1 */
	bool contains, intersects;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

/* ---- tables of ids by hash ---- */

static void table_insert(struct table *table, uint64_t hash, uint32_t id)
{
	uint32_t at = (uint32_t)hash & (table->capacity - 1);

	while (table->slots[at])
		at = (at + 1) & (table->capacity - 1);
	table->slots[at] = id + 1;
}

static bool table_full(const struct table *table, uint32_t count)
{
	return count >= table->capacity / 2;
}

static void table_enlarge(struct areas *areas, struct table *table)
{
	table->capacity = table->capacity ? table->capacity * 2 : 1024;
	table->slots = region_alloc(areas->region, table->capacity * sizeof(*table->slots));
}

/* ---- sets ---- */

static int span_compare(const void *one, const void *other)
{
	const struct span *a = one, *b = other;

	return a->first < b->first ? -1 : a->first > b->first;
}

static uint64_t spans_hash(const struct span *spans, uint32_t count)
{
	uint64_t hash = count;

	for (uint32_t i = 0; i < count; i++) {
		hash = mix(hash, (uint64_t)spans[i].first);
		hash = mix(hash, (uint64_t)(spans[i].first >> 64));
		hash = mix(hash, (uint64_t)spans[i].last);
		hash = mix(hash, (uint64_t)(spans[i].last >> 64));
	}
	return hash;
}

/* The id of spans that are in the one form already; they must live as long as the areas. */
static uint32_t set_intern(struct areas *areas, const struct span *spans, uint32_t count)
{
	uint64_t hash = spans_hash(spans, count);
	struct table *table = &areas->set_table;

	areas->spent += count;
	if (table_full(table, areas->set_count)) {
		table_enlarge(areas, table);
		for (uint32_t i = 0; i < areas->set_count; i++)
			table_insert(table, areas->sets[i].hash, i);
	}
	for (uint32_t at = (uint32_t)hash & (table->capacity - 1); table->slots[at];
	     at = (at + 1) & (table->capacity - 1)) {
		const struct set *set = &areas->sets[table->slots[at] - 1];

		if (set->hash == hash && set->count == count &&
		    !memcmp(set->spans, spans, count * sizeof(*spans)))
			return table->slots[at] - 1;
	}
	areas->sets = region_grow(areas->region, areas->sets, areas->set_count, sizeof(*areas->sets));
	areas->sets[areas->set_count] = (struct set){ spans, count, hash };
	table_insert(table, hash, areas->set_count);
	return areas->set_count++;
}

uint32_t set_of(struct areas *areas, struct span *spans, uint32_t count)
{
	uint32_t kept = 0;

	if (!count)
		return SET_EMPTY;
	qsort(spans, count, sizeof(*spans), span_compare);
	for (uint32_t i = 1; i < count; i++) {
		struct span *last = &spans[kept];

		if (last->last == ~(wide)0 || spans[i].first <= last->last + 1) {
			if (spans[i].last > last->last)
				last->last = spans[i].last;
		} else {
			spans[++kept] = spans[i];
		}
	}
	return set_intern(areas, spans, kept + 1);
}

uint32_t set_union(struct areas *areas, uint32_t one, uint32_t other)
{
	const struct set *a = &areas->sets[one], *b = &areas->sets[other];
	struct span *spans;

	if (one == other || other == SET_EMPTY || one == SET_ALL)
		return one;
	if (one == SET_EMPTY || other == SET_ALL)
		return other;
	spans = region_alloc(areas->region, (a->count + b->count) * sizeof(*spans));
	memcpy(spans, a->spans, a->count * sizeof(*spans));
	memcpy(spans + a->count, b->spans, b->count * sizeof(*spans));
	return set_of(areas, spans, a->count + b->count);
}

uint32_t set_complement(struct areas *areas, uint32_t id)
{
	const struct set *set = &areas->sets[id];
	struct span *spans = region_alloc(areas->region, (set->count + 1) * sizeof(*spans));
	uint32_t count = 0;
	wide next = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		if (set->spans[i].first > next)
			spans[count++] = (struct span){ next, set->spans[i].first - 1 };
		next = set->spans[i].last + 1; /* 0 behind the last of all numbers */
	}
	if (!set->count || next)
		spans[count++] = (struct span){ next, ~(wide)0 };
	return set_intern(areas, spans, count);
}

uint32_t set_minus(struct areas *areas, uint32_t from, uint32_t what)
{
	if (what == SET_EMPTY || from == SET_EMPTY)
		return from;
	if (from == what || what == SET_ALL)
		return SET_EMPTY;
	return set_complement(areas, set_union(areas, set_complement(areas, from), what));
}

/* The first span that does not end below the number. */
static uint32_t span_at(const struct set *set, wide at)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->spans[middle].last < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool spans_contain(struct areas *areas, const struct set *outer, const struct set *inner)
{
	for (uint32_t i = 0; i < inner->count; i++) {
		uint32_t at = span_at(outer, inner->spans[i].first);

		areas->spent++;
		if (at == outer->count || outer->spans[at].first > inner->spans[i].first ||
		    outer->spans[at].last < inner->spans[i].last)
			return false;
	}
	return true;
}

static bool spans_intersect(struct areas *areas, const struct set *one, const struct set *other)
{
	if (one->count > other->count)
		return spans_intersect(areas, other, one);
	for (uint32_t i = 0; i < one->count; i++) {
		uint32_t at = span_at(other, one->spans[i].first);

		areas->spent++;
		if (at < other->count && other->spans[at].first <= one->spans[i].last)
			return true;
	}
	return false;
}

static const struct memo *memo_of(struct areas *areas, uint32_t outer, uint32_t inner)
{
	uint64_t key = ((uint64_t)outer << 32 | inner) + 1;
	struct memo *memo = &areas->memo[mix(0, key) >> 20 & (MEMO_SIZE - 1)];

	if (memo->key != key) {
		memo->key = key;
		memo->contains = spans_contain(areas, &areas->sets[outer], &areas->sets[inner]);
		memo->intersects =
			memo->contains || spans_intersect(areas, &areas->sets[outer], &areas->sets[inner]);
	}
	return memo;
}

static wide set_last(const struct set *set)
{
	return set->spans[set->count - 1].last;
}

/* Their ends tell most pairs apart without a look at the memo, which fits no cache. */
bool set_contains(struct areas *areas, uint32_t outer, uint32_t inner)
{
	const struct set *a = &areas->sets[outer], *b = &areas->sets[inner];

	if (outer == inner || outer == SET_ALL || inner == SET_EMPTY)
		return true;
	if (outer == SET_EMPTY || inner == SET_ALL)
		return false;
	if (a->spans[0].first > b->spans[0].first || set_last(a) < set_last(b))
		return false;
	return a->count == 1 || memo_of(areas, outer, inner)->contains;
}

bool set_intersects(struct areas *areas, uint32_t one, uint32_t other)
{
	const struct set *a = &areas->sets[one], *b = &areas->sets[other];

	if (one == SET_EMPTY || other == SET_EMPTY)
		return false;
	if (one == other || one == SET_ALL || other == SET_ALL)
		return true;
	if (a->spans[0].first > set_last(b) || b->spans[0].first > set_last(a))
		return false;
	return (a->count == 1 && b->count == 1) || memo_of(areas, one, other)->intersects;
}

/* ---- areas ---- */

static uint64_t area_hash(const struct area *area)
{
	uint64_t hash = mix(area->rest, area->cell_count);

	for (uint32_t i = 0; i < area->cell_count; i++)
		hash = mix(hash, (uint64_t)area->cells[i].segment << 32 | area->cells[i].set);
	return hash;
}

/* The id of an area; its cells are sorted by segment and are put into the one form here. */
static uint32_t area_intern(struct areas *areas, uint32_t rest, struct cell *cells, uint32_t count)
{
	struct area area = { .cells = cells };
	struct table *table = &areas->area_table;

	/* where every segment is a cell nothing is in rest: take the first cell's set for it */
	if (count && count == areas->model->segment_count)
		rest = cells[0].set;
	for (uint32_t i = 0; i < count; i++)
		if (cells[i].set != rest)
			cells[area.cell_count++] = cells[i];
	area.rest = rest;
	area.hash = area_hash(&area);
	areas->spent += count;
	if (table_full(table, areas->area_count)) {
		table_enlarge(areas, table);
		for (uint32_t i = 0; i < areas->area_count; i++)
			table_insert(table, areas->areas[i].hash, i);
	}
	for (uint32_t at = (uint32_t)area.hash & (table->capacity - 1); table->slots[at];
	     at = (at + 1) & (table->capacity - 1)) {
		const struct area *other = &areas->areas[table->slots[at] - 1];

		if (other->hash == area.hash && other->rest == rest && other->cell_count == area.cell_count &&
		    (!area.cell_count || !memcmp(other->cells, cells, area.cell_count * sizeof(*cells))))
			return table->slots[at] - 1;
	}
	areas->areas = region_grow(areas->region, areas->areas, areas->area_count, sizeof(area));
	areas->areas[areas->area_count] = area;
	table_insert(table, area.hash, areas->area_count);
	return areas->area_count++;
}

/* Walk the cells of two areas side by side, by segment. */
struct pair_walk {
	const struct area *one, *other;
	uint32_t at_one, at_other, seen; /* seen: segments that were cells of either */
	uint32_t segment, set_one, set_other;
};

static bool pair_next(struct pair_walk *walk)
{
	const struct cell *a = walk->at_one < walk->one->cell_count ? &walk->one->cells[walk->at_one] : NULL;
	const struct cell *b =
		walk->at_other < walk->other->cell_count ? &walk->other->cells[walk->at_other] : NULL;

	if (!a && !b)
		return false;
	if (a && b && a->segment != b->segment) {
		if (a->segment < b->segment)
			b = NULL;
		else
			a = NULL;
	}
	walk->segment = a ? a->segment : b->segment;
	walk->set_one = a ? a->set : walk->one->rest;
	walk->set_other = b ? b->set : walk->other->rest;
	walk->at_one += !!a;
	walk->at_other += !!b;
	walk->seen++;
	return true;
}

typedef uint32_t (*set_function)(struct areas *areas, uint32_t one, uint32_t other);

/* Apply a function of two sets in every segment. */
static uint32_t area_combine(struct areas *areas, uint32_t one, uint32_t other, set_function function)
{
	/* copies: the array of areas may move when an area is added, but the function adds sets only */
	struct pair_walk walk = { .one = &areas->areas[one], .other = &areas->areas[other] };
	struct cell *cells = region_alloc(areas->region, (walk.one->cell_count + walk.other->cell_count + 1) *
								 sizeof(*cells));
	uint32_t count = 0;

	while (pair_next(&walk))
		cells[count++] = (struct cell){ walk.segment, function(areas, walk.set_one, walk.set_other) };
	return area_intern(areas, function(areas, walk.one->rest, walk.other->rest), cells, count);
}

uint32_t area_minus(struct areas *areas, uint32_t from, uint32_t what)
{
	return area_combine(areas, from, what, set_minus);
}

uint32_t area_in(const struct areas *areas, uint32_t id, uint32_t segment)
{
	const struct area *area = &areas->areas[id];
	uint32_t low = 0, high = area->cell_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (area->cells[middle].segment < segment)
			low = middle + 1;
		else
			high = middle;
	}
	return low < area->cell_count && area->cells[low].segment == segment ? area->cells[low].set
									     : area->rest;
}

bool area_is_empty(const struct areas *areas, uint32_t area)
{
	return areas->areas[area].rest == SET_EMPTY && !areas->areas[area].cell_count;
}

bool area_contains(struct areas *areas, uint32_t outer, uint32_t inner)
{
	struct pair_walk walk = { .one = &areas->areas[outer], .other = &areas->areas[inner] };

	if (outer == inner || outer == AREA_ALL)
		return true;
	areas->spent++;
	while (pair_next(&walk))
		if (!set_contains(areas, walk.set_one, walk.set_other))
			return false;
	return walk.seen >= areas->model->segment_count ||
	       set_contains(areas, walk.one->rest, walk.other->rest);
}

bool area_intersects(struct areas *areas, uint32_t one, uint32_t other)
{
	struct pair_walk walk = { .one = &areas->areas[one], .other = &areas->areas[other] };

	areas->spent++;
	while (pair_next(&walk))
		if (set_intersects(areas, walk.set_one, walk.set_other))
			return true;
	return walk.seen < areas->model->segment_count &&
	       set_intersects(areas, walk.one->rest, walk.other->rest);
}

/* ---- from the model ---- */

static wide wide_of(const uint8_t address[16])
{
	wide value = 0;

	for (int i = 0; i < 16; i++)
		value = value << 8 | address[i];
	return value;
}

static uint32_t set_of_addresses(struct areas *areas, const struct address_set *addresses)
{
	struct span *spans = region_alloc(areas->region, (addresses->count + 1) * sizeof(*spans));

	for (uint32_t i = 0; i < addresses->count; i++)
		spans[i] = (struct span){ wide_of(addresses->ranges[i].first),
					  wide_of(addresses->ranges[i].last) };
	return set_of(areas, spans, addresses->count);
}

static int cell_compare(const void *one, const void *other)
{
	const struct cell *a = one, *b = other;

	return a->segment < b->segment ? -1 : a->segment > b->segment;
}

/* Everything in some segments, and what `rest` has in the others. */
static uint32_t area_of_segments(struct areas *areas, uint32_t rest, const uint32_t *segments, uint32_t count,
				 uint32_t set)
{
	struct cell *cells = region_alloc(areas->region, (count + 1) * sizeof(*cells));
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++)
		cells[i] = (struct cell){ segments[i], set };
	qsort(cells, count, sizeof(*cells), cell_compare);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || cells[kept - 1].segment != cells[i].segment)
			cells[kept++] = cells[i];
	return area_intern(areas, rest, cells, kept);
}

static uint32_t area_of_group(struct areas *areas, uint32_t which)
{
	const struct model_group *group = &areas->model->groups[which];
	uint32_t members, except;

	if (areas->groups[which])
		return areas->groups[which] - 1;
	members = area_of_segments(areas, set_of_addresses(areas, &group->addresses), group->segments,
				   group->segment_count, SET_ALL);
	except = area_of_segments(areas, set_of_addresses(areas, &group->except_addresses),
				  group->except_segments, group->except_segment_count, SET_ALL);
	areas->groups[which] = area_minus(areas, members, except) + 1;
	return areas->groups[which] - 1;
}

static uint32_t area_of_item(struct areas *areas, const struct selector_item *item)
{
	uint32_t area = AREA_ALL;

	switch (item->kind) {
	case SELECT_ANY:
		break;
	case SELECT_GROUP:
		area = area_of_group(areas, item->group);
		break;
	case SELECT_SEGMENTS:
		area = area_of_segments(areas, SET_EMPTY, item->segments, item->segment_count, SET_ALL);
		break;
	case SELECT_ADDRESSES:
		area = area_intern(areas, set_of_addresses(areas, &item->addresses), NULL, 0);
		break;
	}
	return item->negate ? area_minus(areas, AREA_ALL, area) : area;
}

uint32_t area_of_selector(struct areas *areas, const struct selector *selector)
{
	uint32_t area;

	if (!selector->count)
		return AREA_ALL;
	area = area_of_item(areas, &selector->items[0]);
	for (uint32_t i = 1; i < selector->count && area != AREA_ALL; i++)
		area = area_combine(areas, area, area_of_item(areas, &selector->items[i]), set_union);
	return area;
}

struct areas *areas_new(struct region *region, const struct policy_model *model)
{
	static const struct span all = { 0, ~(wide)0 };
	struct areas *areas = region_alloc(region, sizeof(*areas));

	areas->region = region;
	areas->model = model;
	areas->groups = region_alloc(region, (model->group_count + 1) * sizeof(*areas->groups));
	areas->memo = region_alloc(region, MEMO_SIZE * sizeof(*areas->memo));
	set_intern(areas, &all, 0);           /* SET_EMPTY */
	set_intern(areas, &all, 1);           /* SET_ALL */
	area_intern(areas, SET_ALL, NULL, 0); /* AREA_ALL */
	return areas;
}
