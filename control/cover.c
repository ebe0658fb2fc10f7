/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"

#define BUDGET 30000000u /* spans and pairs looked at closely */
#define TOGETHER_MAX 64u /* rules that may cover another one together */

struct checker {
	struct areas *areas;
	const struct policy_model *model;
	const struct shape *shapes;
	struct problems *problems;
};

/* ---- parts of conditions ---- */

static bool apps_any(const struct bh_app_set *apps, const uint64_t *other_ids,
		     const uint64_t *other_categories)
{
	for (size_t i = 0; i < BH_APP_IDS / 64; i++)
		if (apps->ids[i] & ~other_ids[i])
			return true;
	for (size_t i = 0; i < BH_APP_CATEGORIES / 64; i++)
		if (apps->categories[i] & ~other_categories[i])
			return true;
	return false;
}

static bool apps_contain(const struct model_rule *outer, const struct model_rule *inner)
{
	if (!outer->has_apps)
		return true;
	/* a protocol's category may change while it is looked at: a category covers no protocol */
	return inner->has_apps && !apps_any(&inner->apps, outer->apps.ids, outer->apps.categories);
}

static int name_compare(const void *key, const void *element)
{
	return strcmp(key, *(char *const *)element);
}

static bool names_have(const struct model_rule *rule, const char *name)
{
	return bsearch(name, rule->server_names, rule->server_name_count, sizeof(*rule->server_names),
		       name_compare);
}

/* Whether a pattern of the rule covers the pattern: the same, or *. and an end of it. */
static bool names_cover(const struct model_rule *rule, const char *name)
{
	char wildcard[256 + 2];

	if (names_have(rule, name))
		return true;
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		snprintf(wildcard, sizeof(wildcard), "*%s", dot);
		if (names_have(rule, wildcard))
			return true;
	}
	return false;
}

static bool names_contain(const struct model_rule *outer, const struct model_rule *inner)
{
	if (!outer->server_name_count)
		return true;
	/* a name that the library cut matches no allow, and every deny that asks for a name */
	if (!inner->server_name_count ||
	    (outer->action == BH_ACTION_ALLOW && inner->action != BH_ACTION_ALLOW))
		return false;
	for (uint32_t i = 0; i < inner->server_name_count; i++)
		if (!names_cover(outer, inner->server_names[i]))
			return false;
	return true;
}

static bool schedule_active(const struct model_schedule *schedule, uint32_t minute_of_week)
{
	uint32_t day = minute_of_week / 1440, minute = minute_of_week % 1440;
	bool today = schedule->days >> day & 1, yesterday = schedule->days >> (day + 6) % 7 & 1;

	if (schedule->from == schedule->to)
		return today;
	if (schedule->from < schedule->to)
		return today && minute >= schedule->from && minute < schedule->to;
	return (today && minute >= schedule->from) || (yesterday && minute < schedule->to);
}

static bool schedules_contain(const struct model_rule *outer, const struct model_rule *inner)
{
	if (!outer->has_schedule)
		return true;
	if (!inner->has_schedule)
		return false;
	if (!memcmp(&outer->schedule, &inner->schedule, sizeof(inner->schedule)))
		return true;
	for (uint32_t minute = 0; minute < 7 * 1440; minute++)
		if (schedule_active(&inner->schedule, minute) && !schedule_active(&outer->schedule, minute))
			return false;
	return true;
}

/* What is not from, to or service. */
static bool rest_contains(const struct checker *checker, uint32_t outer, uint32_t inner)
{
	const struct model_rule *a = &checker->model->rules[outer], *b = &checker->model->rules[inner];

	return (!a->risks || (b->risks && !(b->risks & ~a->risks))) && apps_contain(a, b) &&
	       set_contains(checker->areas, checker->shapes[outer].source_ports,
			    checker->shapes[inner].source_ports) &&
	       schedules_contain(a, b) && names_contain(a, b);
}

static bool rule_covers(const struct checker *checker, uint32_t outer, uint32_t inner)
{
	const struct shape *a = &checker->shapes[outer], *b = &checker->shapes[inner];

	checker->areas->spent++;
	return set_contains(checker->areas, a->services, b->services) &&
	       area_contains(checker->areas, a->from, b->from) &&
	       area_contains(checker->areas, a->to, b->to) && rest_contains(checker, outer, inner);
}

/* Whether one session could match both. May say yes where it is no (names, categories, schedules). */
static bool rules_meet(const struct checker *checker, uint32_t one, uint32_t other)
{
	const struct shape *a = &checker->shapes[one], *b = &checker->shapes[other];

	checker->areas->spent++;
	return set_intersects(checker->areas, a->services, b->services) &&
	       set_intersects(checker->areas, a->source_ports, b->source_ports) &&
	       area_intersects(checker->areas, a->from, b->from) &&
	       area_intersects(checker->areas, a->to, b->to);
}

/* ---- shapes ---- */

#define ADDRESS_PARTS 32u
#define SERVICE_PARTS 64u

/* The bits of the parts that a set has a share of; `cuts` are where the second to the last part begin. */
static uint64_t set_print(const struct set *set, const wide *cuts, uint32_t parts)
{
	uint64_t print = 0;

	for (uint32_t i = 0, part = 0; i < set->count; i++) {
		while (part + 1 < parts && cuts[part] <= set->spans[i].first)
			part++;
		print |= 1ull << part;
		while (part + 1 < parts && cuts[part] <= set->spans[i].last)
			print |= 1ull << ++part;
	}
	return print;
}

/* High half: segments (by number modulo 32). Low half: addresses, in any segment. */
static uint64_t area_print(const struct areas *areas, const struct area *area, const uint64_t *set_prints)
{
	uint64_t print = 0;
	uint32_t segment = 0;

	if (area->rest != SET_EMPTY) {
		uint32_t listed[32] = { 0 }, all[32] = { 0 };

		for (uint32_t i = 0; i < area->cell_count; i++)
			listed[area->cells[i].segment % 32]++;
		for (segment = 0; segment < areas->model->segment_count; segment++)
			all[segment % 32]++;
		for (uint32_t i = 0; i < 32; i++)
			if (all[i] > listed[i])
				print |= 1ull << (32 + i);
		print |= set_prints[area->rest];
	}
	for (uint32_t i = 0; i < area->cell_count; i++)
		if (area->cells[i].set != SET_EMPTY)
			print |= 1ull << (32 + area->cells[i].segment % 32) | set_prints[area->cells[i].set];
	return print;
}

static int wide_compare(const void *one, const void *other)
{
	const wide *a = one, *b = other;

	return *a < *b ? -1 : *a > *b;
}

/* Cut where the sets begin, so that each part has about as many beginnings. */
static void cuts_of(struct areas *areas, const uint32_t *sets, uint32_t count, wide *cuts, uint32_t parts)
{
	uint64_t total = 0;
	uint32_t kept = 0, step;
	wide *starts;

	for (uint32_t i = 0; i < count; i++)
		total += areas->sets[sets[i]].count;
	step = (uint32_t)(total / 65536 + 1); /* a sample does */
	starts = region_alloc(areas->region, (total / step + 2) * sizeof(*starts));
	for (uint64_t i = 0, at = 0; i < count; i++)
		for (uint32_t span = 0; span < areas->sets[sets[i]].count; span++, at++)
			if (at % step == 0)
				starts[kept++] = areas->sets[sets[i]].spans[span].first;
	qsort(starts, kept, sizeof(*starts), wide_compare);
	for (uint32_t i = 0; i + 1 < parts; i++)
		cuts[i] = kept ? starts[(uint64_t)(i + 1) * kept / parts] : 0;
}

static uint32_t services_set(struct areas *areas, const struct service_list *services)
{
	struct span *spans = region_alloc(areas->region, (services->count + 1) * sizeof(*spans));

	if (!services->count)
		return SET_ALL;
	for (uint32_t i = 0; i < services->count; i++)
		spans[i] = (struct span){ (wide)services->items[i].protocol << 16 | services->items[i].first,
					  (wide)services->items[i].protocol << 16 | services->items[i].last };
	return set_of(areas, spans, services->count);
}

static uint32_t source_ports_set(struct areas *areas, const struct model_rule *rule)
{
	struct span *spans = region_alloc(areas->region, (rule->source_port_count + 1) * sizeof(*spans));

	if (!rule->source_port_count)
		return SET_ALL;
	for (uint32_t i = 0; i < rule->source_port_count; i++)
		spans[i] = (struct span){ rule->source_ports[i].first, rule->source_ports[i].last };
	return set_of(areas, spans, rule->source_port_count);
}

static uint64_t rest_print(const struct model_rule *rule)
{
	uint64_t print = 0;

	if (!rule->has_apps)
		print = UINT32_MAX;
	for (uint32_t id = 0; rule->has_apps && id < BH_APP_IDS; id++)
		if (rule->apps.ids[id / 64] >> id % 64 & 1)
			print |= 1ull << id % 31;
	for (size_t i = 0; rule->has_apps && i < BH_APP_CATEGORIES / 64; i++)
		if (rule->apps.categories[i])
			print |= 1ull << 31;
	print |= (uint64_t)!rule->server_name_count << 32 | (uint64_t)!rule->risks << 33;
	print |= (uint64_t)!rule->has_schedule << 34 | (uint64_t)!rule->source_port_count << 35;
	return print;
}

static void shapes_print(struct areas *areas, struct shape *shapes)
{
	const struct policy_model *model = areas->model;
	uint32_t *sets = region_alloc(areas->region, (areas->set_count + model->rule_count) * sizeof(*sets));
	uint64_t *prints = region_alloc(areas->region, areas->set_count * sizeof(*prints));
	uint8_t *is_service = region_alloc(areas->region, areas->set_count);
	wide address_cuts[ADDRESS_PARTS], service_cuts[SERVICE_PARTS];
	uint32_t count = 0;

	for (uint32_t i = 0; i < model->rule_count; i++) {
		is_service[shapes[i].services] = is_service[shapes[i].source_ports] = 1;
		sets[i] = shapes[i].services;
	}
	cuts_of(areas, sets, model->rule_count, service_cuts, SERVICE_PARTS);
	for (uint32_t i = 0; i < areas->set_count; i++)
		if (!is_service[i])
			sets[count++] = i;
	cuts_of(areas, sets, count, address_cuts, ADDRESS_PARTS);
	for (uint32_t i = 0; i < areas->set_count; i++)
		prints[i] = set_print(&areas->sets[i], address_cuts, ADDRESS_PARTS);
	for (uint32_t i = 0; i < model->rule_count; i++) {
		struct shape *shape = &shapes[i];

		shape->print_from = area_print(areas, &areas->areas[shape->from], prints);
		shape->print_to = area_print(areas, &areas->areas[shape->to], prints);
		shape->print_services = set_print(&areas->sets[shape->services], service_cuts, SERVICE_PARTS);
		shape->print_rest = rest_print(&model->rules[i]);
	}
}

struct shape *shapes_of(struct areas *areas)
{
	const struct policy_model *model = areas->model;
	struct shape *shapes = region_alloc(areas->region, (model->rule_count + 1) * sizeof(*shapes));

	for (uint32_t i = 0; i < model->rule_count; i++) {
		struct shape *shape = &shapes[i];

		shape->from = area_of_selector(areas, &model->rules[i].from);
		shape->to = area_of_selector(areas, &model->rules[i].to);
		shape->services = services_set(areas, &model->rules[i].services);
		shape->source_ports = source_ports_set(areas, &model->rules[i]);
		shape->empty = area_is_empty(areas, shape->from) || area_is_empty(areas, shape->to);
	}
	shapes_print(areas, shapes);
	return shapes;
}

/* Areas that meet have a part of the segments and a part of the addresses in common. */
static bool halves_meet(uint64_t one, uint64_t other)
{
	uint64_t both = one & other;

	return both >> 32 && both & UINT32_MAX;
}

/* ---- shadowed ---- */

static bool rule_decides(const struct model_rule *rule)
{
	return rule->enabled && !rule->monitor;
}

/* One rule above that covers it, or BH_NONE. */
static uint32_t covering_rule(const struct checker *checker, uint32_t rule)
{
	const struct shape *inner = &checker->shapes[rule];

	for (uint32_t i = 0; i < rule; i++) {
		const struct shape *outer = &checker->shapes[i];

		if ((inner->print_from & ~outer->print_from) | (inner->print_to & ~outer->print_to) |
		    (inner->print_services & ~outer->print_services) |
		    (inner->print_rest & ~outer->print_rest))
			continue;
		if (rule_decides(&checker->model->rules[i]) && !outer->empty && rule_covers(checker, i, rule))
			return i;
	}
	return BH_NONE;
}

enum dimension { DIMENSION_FROM, DIMENSION_TO, DIMENSION_SERVICE, DIMENSION_COUNT };

/* Rules above that cover it in all dimensions but one, and there leave less and less of it. */
struct together {
	uint32_t left; /* area or set that is left */
	uint32_t rules[TOGETHER_MAX];
	uint32_t count;
};

/* The one dimension in which `outer` covers `inner` in part only, or DIMENSION_COUNT. */
static enum dimension partial_dimension(const struct checker *checker, uint32_t outer, uint32_t inner)
{
	const struct shape *a = &checker->shapes[outer], *b = &checker->shapes[inner];
	bool from = area_contains(checker->areas, a->from, b->from);
	bool to = area_contains(checker->areas, a->to, b->to);
	bool service = set_contains(checker->areas, a->services, b->services);

	checker->areas->spent++;
	if (from + to + service != 2 || !rest_contains(checker, outer, inner))
		return DIMENSION_COUNT;
	return !from ? DIMENSION_FROM : !to ? DIMENSION_TO : DIMENSION_SERVICE;
}

static void together_add(const struct checker *checker, struct together *together, enum dimension dimension,
			 uint32_t rule)
{
	const struct shape *shape = &checker->shapes[rule];
	uint32_t left;

	if (together->count == TOGETHER_MAX)
		return;
	if (dimension == DIMENSION_SERVICE)
		left = set_minus(checker->areas, together->left, shape->services);
	else
		left = area_minus(checker->areas, together->left,
				  dimension == DIMENSION_FROM ? shape->from : shape->to);
	if (left == together->left)
		return;
	together->left = left;
	together->rules[together->count++] = rule;
}

/* Several rules above that cover it together: only what differs in one dimension is looked for. */
static bool covering_rules(const struct checker *checker, uint32_t rule, struct together *result)
{
	const struct shape *inner = &checker->shapes[rule];
	struct together together[DIMENSION_COUNT] = { { .left = inner->from },
						      { .left = inner->to },
						      { .left = inner->services } };

	for (uint32_t i = 0; i < rule && checker->areas->spent < BUDGET; i++) {
		const struct shape *outer = &checker->shapes[i];
		enum dimension dimension;
		bool covered;

		if ((inner->print_rest & ~outer->print_rest) ||
		    !halves_meet(inner->print_from, outer->print_from) ||
		    !halves_meet(inner->print_to, outer->print_to) ||
		    !(inner->print_services & outer->print_services))
			continue;
		if (!!(inner->print_from & ~outer->print_from) + !!(inner->print_to & ~outer->print_to) +
			    !!(inner->print_services & ~outer->print_services) >
		    1)
			continue;
		if (!rule_decides(&checker->model->rules[i]) ||
		    !set_intersects(checker->areas, inner->services, outer->services))
			continue;
		dimension = partial_dimension(checker, i, rule);
		if (dimension == DIMENSION_COUNT)
			continue;
		together_add(checker, &together[dimension], dimension, i);
		covered = dimension == DIMENSION_SERVICE
				  ? together[dimension].left == SET_EMPTY
				  : area_is_empty(checker->areas, together[dimension].left);
		if (covered) {
			*result = together[dimension];
			return true;
		}
	}
	return false;
}

static bool warn_shadowed(const struct checker *checker, uint32_t rule)
{
	const struct model_rule *rules = checker->model->rules, *shadowed = &rules[rule];
	struct together together;
	uint32_t by = covering_rule(checker, rule);
	char names[300] = "";
	size_t length = 0;

	if (by != BH_NONE) {
		problem_add(checker->problems, SEVERITY_WARNING, shadowed->place,
			    "rule %s can never match (shadowed): rule %s (%s:%u) covers it", shadowed->name,
			    rules[by].name, rules[by].place.file, rules[by].place.line);
		return true;
	}
	if (!covering_rules(checker, rule, &together))
		return false;
	for (uint32_t i = 0; i < together.count && i < 3; i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s (line %u)",
					   i ? ", " : "", rules[together.rules[i]].name,
					   rules[together.rules[i]].place.line);
	problem_add(checker->problems, SEVERITY_WARNING, shadowed->place,
		    "rule %s can never match (shadowed): these rules above cover it together: %s%s",
		    shadowed->name, names, together.count > 3 ? ", .." : "");
	return true;
}

/* ---- redundant ---- */

/* Whether a session fares the same by either rule. A limit is a bucket of the rule's own. */
static bool same_effect(const struct model_rule *one, const struct model_rule *other)
{
	return one->action == other->action && one->log == other->log && one->mirror == other->mirror &&
	       !one->limit_rate && !other->limit_rate;
}

static void warn_redundant(const struct checker *checker, uint32_t rule)
{
	const struct policy_model *model = checker->model;
	const struct model_rule *judged = &model->rules[rule];
	const struct shape *shape = &checker->shapes[rule];

	if (judged->limit_rate)
		return;
	for (uint32_t i = rule + 1; i < model->rule_count; i++) {
		const struct shape *below = &checker->shapes[i];

		if (!halves_meet(shape->print_from, below->print_from) ||
		    !halves_meet(shape->print_to, below->print_to) ||
		    !(shape->print_services & below->print_services) ||
		    !(shape->print_rest & below->print_rest & UINT32_MAX))
			continue;
		if (!rule_decides(&model->rules[i]) || !rules_meet(checker, rule, i))
			continue;
		if (!same_effect(judged, &model->rules[i]) || checker->areas->spent >= BUDGET)
			return;
		if (!rule_covers(checker, i, rule))
			continue;
		problem_add(checker->problems, SEVERITY_WARNING, judged->place,
			    "rule %s changes nothing (redundant): without it rule %s (%s:%u) would decide "
			    "the same",
			    judged->name, model->rules[i].name, model->rules[i].place.file,
			    model->rules[i].place.line);
		return;
	}
	if (judged->action == model->settings.default_action && judged->log == model->settings.default_log &&
	    judged->mirror == BH_NONE)
		problem_add(
			checker->problems, SEVERITY_WARNING, judged->place,
			"rule %s changes nothing (redundant): without it the default would decide the same",
			judged->name);
}

void cover_check(struct areas *areas, const struct shape *shapes, struct problems *problems)
{
	const struct checker checker = { areas, areas->model, shapes, problems };

	for (uint32_t i = 0; i < areas->model->rule_count && areas->spent < BUDGET; i++) {
		const struct model_rule *rule = &areas->model->rules[i];

		if (!rule->enabled || shapes[i].empty)
			continue;
		if (!warn_shadowed(&checker, i) && !rule->monitor)
			warn_redundant(&checker, i);
	}
}
