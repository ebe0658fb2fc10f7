/* SPDX-License-Identifier: BSD-3-Clause */
/* The warnings that need the whole policy. */
#include <stdio.h>
#include <string.h>

#include "cover.h"

/* A policy that says so is right; only this version can not do it, and the dataplane will say no. */
static void warn_erspan(const struct policy_model *model, struct problems *problems)
{
	for (uint32_t i = 0; i < model->mirror_count; i++) {
		const struct model_mirror *mirror = &model->mirrors[i];

		if (mirror->mirror.kind == 1)
			problem_add(problems, SEVERITY_WARNING, mirror->place,
				    "mirror %s: erspan is not built yet, so the dataplane will refuse this "
				    "policy; use rspan",
				    mirror->name);
	}
}

static void warn_unused(const struct policy_model *model, struct problems *problems)
{
	for (uint32_t i = 0; i < model->group_count; i++)
		if (!model->groups[i].used)
			problem_add(problems, SEVERITY_WARNING, model->groups[i].place,
				    "group %s is used by no rule", model->groups[i].name);
	for (uint32_t i = 0; i < model->service_count; i++)
		if (!model->services[i].used)
			problem_add(problems, SEVERITY_WARNING, model->services[i].place,
				    "service %s is used by no rule", model->services[i].name);
}

/* [not a, not b] is all but what is in both: hardly ever what was meant. */
static void warn_negative(const struct selector *selector, const char *key, struct problems *problems)
{
	for (uint32_t i = 0; i < selector->count; i++)
		if (!selector->items[i].negate)
			return;
	if (selector->count > 1)
		problem_add(problems, SEVERITY_WARNING, selector->place,
			    "%s: all items of this list are negated, and a list is an OR: it matches "
			    "whatever is not in "
			    "all of them; to keep each of them out negate one group that holds them all",
			    key);
}

static void warn_let_in(struct policy_model *model, struct model_rule *rule, struct problems *problems)
{
	const char *by = rule->has_apps            ? "application"
			 : rule->server_name_count ? "server-name"
			 : rule->risks             ? "risk"
						   : NULL;

	if (!by || !rule->enabled || rule->action != BH_ACTION_ALLOW || rule->monitor)
		return;
	problem_add(problems, SEVERITY_WARNING, rule->place,
		    "rule %s allows by %s: to be recognised, sessions of any application that match its "
		    "other keys are "
		    "let in at first (at most %u packets, %u bytes each way, %u ms)",
		    rule->name, by, model->settings.dpi_max_packets, model->settings.dpi_max_bytes,
		    model->settings.dpi_max_ms);
}

static void warn_any_allow(const struct policy_model *model, const struct shape *shapes, uint32_t at,
			   struct problems *problems)
{
	const struct model_rule *rule = &model->rules[at];
	const struct shape *shape = &shapes[at];

	if (!rule->enabled || rule->monitor || rule->action != BH_ACTION_ALLOW ||
	    at + 1 == model->rule_count || shape->from != AREA_ALL || shape->to != AREA_ALL ||
	    shape->services != SET_ALL || shape->source_ports != SET_ALL || rule->has_apps ||
	    rule->server_name_count || rule->risks || rule->has_schedule)
		return;
	problem_add(problems, SEVERITY_WARNING, rule->place,
		    "rule %s allows everything from any to any, and the rules below it never decide",
		    rule->name);
}

/* ---- rules whose ends can never meet at the appliance ---- */

#define UNLISTED_MAX 64u

/* The segments in which an area has addresses; false if they are most of all, so that no two need be the same. */
static bool area_segments(const struct areas *areas, uint32_t id, uint32_t *segments, uint32_t *count)
{
	const struct area *area = &areas->areas[id];
	uint32_t at = 0;

	*count = 0;
	if (area->rest != SET_EMPTY && areas->model->segment_count - area->cell_count > UNLISTED_MAX)
		return false;
	for (uint32_t segment = 0; area->rest != SET_EMPTY && segment < areas->model->segment_count;
	     segment++) {
		if (at < area->cell_count && area->cells[at].segment == segment)
			at++;
		else
			segments[(*count)++] = segment;
	}
	for (uint32_t i = 0; i < area->cell_count; i++)
		if (area->cells[i].set != SET_EMPTY)
			segments[(*count)++] = area->cells[i].segment;
	return *count;
}

struct ends {
	uint32_t *from, *to; /* segments */
	uint32_t from_count, to_count;
	uint32_t *of_network; /* of each network, one segment of `from` + 1; zero between rules */
};

/* Whether the ends could be in two segments of one network; *shared: a segment in which they could be both. */
static bool ends_meet(const struct ends *ends, const struct model_segment *segments, uint32_t *shared)
{
	bool meet = false;

	*shared = BH_NONE;
	for (uint32_t i = 0; i < ends->from_count; i++) {
		uint32_t *one = &ends->of_network[segments[ends->from[i]].network];

		*one = *one ? BH_NONE : ends->from[i] + 1; /* BH_NONE: more than one */
	}
	for (uint32_t i = 0; i < ends->to_count && !meet; i++) {
		uint32_t one = ends->of_network[segments[ends->to[i]].network];

		if (one && one != ends->to[i] + 1)
			meet = true;
		else if (one)
			*shared = ends->to[i];
	}
	for (uint32_t i = 0; i < ends->from_count; i++)
		ends->of_network[segments[ends->from[i]].network] = 0;
	return meet;
}

static void warn_ends(const struct areas *areas, const struct shape *shape, const struct model_rule *rule,
		      struct ends *ends, struct problems *problems)
{
	const struct model_segment *segments = areas->model->segments;
	uint32_t shared;

	if (shape->from == AREA_ALL &&
	    shape->to == AREA_ALL) /* nothing was written, nothing is wrong with it */
		return;
	if (!area_segments(areas, shape->from, ends->from, &ends->from_count) ||
	    !area_segments(areas, shape->to, ends->to, &ends->to_count) || ends_meet(ends, segments, &shared))
		return;
	if (shared != BH_NONE)
		problem_add(problems, SEVERITY_WARNING, rule->place,
			    "rule %s: both ends can only be in segment %s, and traffic within a segment "
			    "never reaches the "
			    "appliance",
			    rule->name, segments[shared].name);
	else
		problem_add(problems, SEVERITY_WARNING, rule->place,
			    "rule %s can never match: its ends are in different networks, and frames never "
			    "cross from one "
			    "network to another",
			    rule->name);
}

static void check_all(struct region *region, struct policy_model *model, struct problems *problems)
{
	struct areas *areas = areas_new(region, model);
	struct shape *shapes = shapes_of(areas);
	struct ends ends = {
		.from = region_alloc(region, model->segment_count * sizeof(uint32_t)),
		.to = region_alloc(region, model->segment_count * sizeof(uint32_t)),
		.of_network = region_alloc(region, model->network_count * sizeof(uint32_t)),
	};

	warn_unused(model, problems);
	warn_erspan(model, problems);
	for (uint32_t i = 0; i < model->rule_count; i++) {
		struct model_rule *rule = &model->rules[i];

		warn_negative(&rule->from, "from", problems);
		warn_negative(&rule->to, "to", problems);
		warn_ends(areas, &shapes[i], rule, &ends, problems);
		warn_any_allow(model, shapes, i, problems);
		warn_let_in(model, rule, problems);
	}
	cover_check(areas, shapes, problems);
}

void policy_check(struct policy_model *model, struct problems *problems)
{
	struct region *region = region_new();
	jmp_buf out_of_memory;

	if (!region || setjmp(out_of_memory)) {
		problem_add(problems, SEVERITY_WARNING, model->place,
			    "out of memory: not everything was checked");
		region_free(region);
		return;
	}
	region_guard(region, &out_of_memory);
	check_all(region, model, problems);
	region_free(region);
}
