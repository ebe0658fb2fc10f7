/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A group with members Ms (segments), Ma (addresses) and exceptions Es, Ea is (Ms OR Ma) AND NOT Es AND NOT Ea, that is
 *    (Ms - Es) AND NOT Ea   OR   NOT Es AND (Ma - Ea)
 * and its negation
 *    NOT Ms AND NOT Ma   OR   Es   OR   Ea.
 * A conjunction one half of which holds everywhere is no conjunction: without exceptions all of that is plain.
 */
#include "selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_FIRST ((class_key)0xffff << 32)
#define MAPPED_LAST (MAPPED_FIRST | 0xffffffffu)

/* A set or its complement. */
struct term {
	uint32_t set;
	bool negate;
};

/* segment AND address */
struct conjunction {
	struct term segment, address;
};

/* One end of one rule in the making. */
struct end {
	struct selectors *selectors;
	struct side_literals *side;
	uint32_t rule;
	struct conjunction *conjunctions;
	uint32_t count, room;
};

int selectors_init(struct selectors *selectors, const struct policy_model *model)
{
	*selectors = (struct selectors){ .model = model };
	selectors->groups = calloc((size_t)model->group_count + 1, sizeof(*selectors->groups));
	return selectors->groups == NULL ? -ENOMEM : 0;
}

static void side_free(struct side_literals *side)
{
	literals_free(&side->address);
	literals_free(&side->segment);
	for (uint32_t i = 0; i < BH_MAX_LAYERS; i++) {
		literals_free(&side->layer_segment[i]);
		literals_free(&side->layer_address[i]);
	}
}

void selectors_free(struct selectors *selectors)
{
	key_sets_free(&selectors->addresses);
	key_sets_free(&selectors->segments);
	free(selectors->groups);
	side_free(&selectors->from);
	side_free(&selectors->to);
}

/* ---- sets ---- */

static class_key address_key(const uint8_t address[16])
{
	class_key key = 0;

	for (int i = 0; i < 16; i++)
		key = key << 8 | address[i];
	return key;
}

/* `ranges` has room for twice the set's. */
static uint32_t address_ranges(const struct address_set *set, struct key_range *ranges)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		const class_key first = address_key(set->ranges[i].first);
		const class_key last = address_key(set->ranges[i].last);
		const bool ipv4 = first >= MAPPED_FIRST && last <= MAPPED_LAST;

		if (ipv4 || first > MAPPED_LAST || last < MAPPED_FIRST) {
			ranges[count++] = (struct key_range){ first, last };
			continue;
		}
		if (first < MAPPED_FIRST)
			ranges[count++] = (struct key_range){ first, MAPPED_FIRST - 1 };
		if (last > MAPPED_LAST)
			ranges[count++] = (struct key_range){ MAPPED_LAST + 1, last };
	}
	return ranges_normalise(ranges, count);
}

static uint32_t segment_ranges(const uint32_t *segments, uint32_t count, struct key_range *ranges)
{
	for (uint32_t i = 0; i < count; i++)
		ranges[i] = (struct key_range){ segments[i], segments[i] };
	return ranges_normalise(ranges, count);
}

/* The sets of members, of exceptions, and of members without exceptions, of normalised ranges. */
static int add_three(struct key_sets *sets, struct key_range *members, uint32_t count,
		     struct key_range *exceptions, uint32_t exception_count, uint32_t *ids[3])
{
	struct key_range *kept = malloc(((size_t)count + exception_count + 1) * sizeof(*kept));
	uint32_t kept_count;
	int error = -ENOMEM;

	if (kept == NULL)
		return -ENOMEM;
	kept_count = ranges_subtract(members, count, exceptions, exception_count, kept);
	error = key_sets_add(sets, members, count, ids[0]);
	if (error == 0)
		error = key_sets_add(sets, exceptions, exception_count, ids[1]);
	if (error == 0)
		error = key_sets_add(sets, kept, kept_count, ids[2]);
	free(kept);
	return error;
}

static int group_make(struct selectors *selectors, const struct model_group *group, struct group_sets *sets)
{
	const size_t address_room = 2 * ((size_t)group->addresses.count + group->except_addresses.count) + 1;
	const size_t segment_room = (size_t)group->segment_count + group->except_segment_count + 1;
	struct key_range *members = malloc((address_room + segment_room) * sizeof(*members));
	struct key_range *exceptions;
	uint32_t count, exception_count;
	int error;

	if (members == NULL)
		return -ENOMEM;
	exceptions = members + 2 * (size_t)group->addresses.count;
	count = address_ranges(&group->addresses, members);
	exception_count = address_ranges(&group->except_addresses, exceptions);
	error = add_three(&selectors->addresses, members, count, exceptions, exception_count,
			  (uint32_t *[]){ &sets->addresses, &sets->except_addresses, &sets->kept_addresses });
	if (error == 0) {
		exceptions = members + group->segment_count;
		count = segment_ranges(group->segments, group->segment_count, members);
		exception_count =
			segment_ranges(group->except_segments, group->except_segment_count, exceptions);
		error = add_three(
			&selectors->segments, members, count, exceptions, exception_count,
			(uint32_t *[]){ &sets->segments, &sets->except_segments, &sets->kept_segments });
	}
	free(members);
	sets->made = error == 0;
	return error;
}

/* ---- terms ---- */

static bool term_is(const struct key_sets *sets, struct term term, bool everything)
{
	return sets->list[term.set].count == 0 && term.negate == everything;
}

static int add_segment_term(struct end *end, struct term term)
{
	if (term_is(&end->selectors->segments, term, false))
		return 0;
	return literals_add(&end->side->segment, end->rule, term.set, term.negate);
}

static int add_address_term(struct end *end, struct term term)
{
	if (term_is(&end->selectors->addresses, term, false))
		return 0;
	return literals_add(&end->side->address, end->rule, term.set, term.negate);
}

static int add_conjunction(struct end *end, struct term segment, struct term address)
{
	struct selectors *s = end->selectors;

	if (term_is(&s->segments, segment, false) || term_is(&s->addresses, address, false))
		return 0;
	if (term_is(&s->addresses, address, true))
		return add_segment_term(end, segment);
	if (term_is(&s->segments, segment, true))
		return add_address_term(end, address);
	if (end->count == end->room) {
		uint32_t room = end->room * 2 + 8;
		struct conjunction *list = realloc(end->conjunctions, room * sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		end->conjunctions = list;
		end->room = room;
	}
	end->conjunctions[end->count++] = (struct conjunction){ segment, address };
	return 0;
}

static int add_group(struct end *end, uint32_t index, bool negate)
{
	struct selectors *s = end->selectors;
	struct group_sets *g = &s->groups[index];
	int error = g->made ? 0 : group_make(s, &s->model->groups[index], g);

	if (error != 0)
		return error;
	if (negate) {
		error = add_conjunction(end, (struct term){ g->segments, true },
					(struct term){ g->addresses, true });
		if (error == 0)
			error = add_segment_term(end, (struct term){ g->except_segments, false });
		if (error == 0)
			error = add_address_term(end, (struct term){ g->except_addresses, false });
		return error;
	}
	error = add_conjunction(end, (struct term){ g->kept_segments, false },
				(struct term){ g->except_addresses, true });
	if (error == 0)
		error = add_conjunction(end, (struct term){ g->except_segments, true },
					(struct term){ g->kept_addresses, false });
	return error;
}

static int add_item(struct end *end, const struct selector_item *item)
{
	struct selectors *s = end->selectors;
	struct term term = { .negate = item->negate };
	struct key_range *ranges;
	size_t room;
	int error;

	if (item->kind == SELECT_ANY)
		return item->negate ? 0 : literals_add(&end->side->address, end->rule, SET_EVERYTHING, false);
	if (item->kind == SELECT_GROUP)
		return add_group(end, item->group, item->negate);
	room = item->kind == SELECT_SEGMENTS ? item->segment_count : 2 * (size_t)item->addresses.count;
	ranges = malloc((room + 1) * sizeof(*ranges));
	if (ranges == NULL)
		return -ENOMEM;
	if (item->kind == SELECT_SEGMENTS) {
		error = key_sets_add(&s->segments, ranges,
				     segment_ranges(item->segments, item->segment_count, ranges), &term.set);
		if (error == 0)
			error = add_segment_term(end, term);
	} else {
		error = key_sets_add(&s->addresses, ranges, address_ranges(&item->addresses, ranges),
				     &term.set);
		if (error == 0)
			error = add_address_term(end, term);
	}
	free(ranges);
	return error;
}

/* ---- layers ---- */

static uint64_t term_order(struct term term)
{
	return (uint64_t)term.set << 1 | term.negate;
}

static int by_segment(const void *left, const void *right)
{
	const struct conjunction *a = left, *b = right;

	if (term_order(a->segment) != term_order(b->segment))
		return term_order(a->segment) < term_order(b->segment) ? -1 : 1;
	return term_order(a->address) < term_order(b->address)
		       ? -1
		       : term_order(a->address) > term_order(b->address);
}

static int by_address(const void *left, const void *right)
{
	const struct conjunction *a = left, *b = right;

	if (term_order(a->address) != term_order(b->address))
		return term_order(a->address) < term_order(b->address) ? -1 : 1;
	return term_order(a->segment) < term_order(b->segment)
		       ? -1
		       : term_order(a->segment) > term_order(b->segment);
}

/* How many layers there are if the conjunctions that agree in one half share one. */
static uint32_t count_layers(struct end *end, bool segments)
{
	uint32_t layers = 0;

	qsort(end->conjunctions, end->count, sizeof(*end->conjunctions), segments ? by_segment : by_address);
	for (uint32_t i = 0; i < end->count; i++) {
		const struct conjunction *c = &end->conjunctions[i];

		if (i == 0 || (segments ? term_order(c->segment) != term_order(c[-1].segment)
					: term_order(c->address) != term_order(c[-1].address)))
			layers++;
	}
	return layers;
}

static int add_layers(struct end *end, const struct selector *selector, struct problems *problems)
{
	const uint32_t sharing_addresses = count_layers(end, false);
	const bool segments = count_layers(end, true) <= sharing_addresses;
	const uint32_t layers = count_layers(end, segments); /* and sorts */
	uint32_t layer = 0;

	if (layers > BH_MAX_LAYERS) {
		problem_add(
			problems, SEVERITY_ERROR, selector->place,
			"rule \"%s\" joins %u groups whose exceptions cross segments and addresses, and %u "
			"is the most of one end: split the rule in two",
			end->selectors->model->rules[end->rule].name, layers, BH_MAX_LAYERS);
		return -E2BIG;
	}
	for (uint32_t i = 0; i < end->count; i++) {
		const struct conjunction *c = &end->conjunctions[i];
		const bool same = i > 0 && (segments ? term_order(c->segment) == term_order(c[-1].segment)
						     : term_order(c->address) == term_order(c[-1].address));
		int error;

		layer += i > 0 && !same;
		error = literals_add(&end->side->layer_segment[layer], end->rule, c->segment.set,
				     c->segment.negate);
		if (error == 0)
			error = literals_add(&end->side->layer_address[layer], end->rule, c->address.set,
					     c->address.negate);
		if (error != 0)
			return error;
	}
	return 0;
}

static int add_end(struct selectors *selectors, struct side_literals *side, uint32_t rule,
		   const struct selector *selector, struct problems *problems)
{
	struct end end = { .selectors = selectors, .side = side, .rule = rule };
	int error = 0;

	if (selector->count == 0)
		return literals_add(&side->address, rule, SET_EVERYTHING, false);
	for (uint32_t i = 0; error == 0 && i < selector->count; i++)
		error = add_item(&end, &selector->items[i]);
	if (error == 0 && end.count != 0)
		error = add_layers(&end, selector, problems);
	free(end.conjunctions);
	return error;
}

int selectors_add(struct selectors *selectors, uint32_t rule, struct problems *problems)
{
	const struct model_rule *r = &selectors->model->rules[rule];
	int error = add_end(selectors, &selectors->from, rule, &r->from, problems);

	return error != 0 ? error : add_end(selectors, &selectors->to, rule, &r->to, problems);
}
