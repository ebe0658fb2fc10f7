/* SPDX-License-Identifier: BSD-3-Clause */
/* From a model without errors to an image. The same model gives the same bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/image.h"
#include "classes.h"
#include "dpi.h"
#include "matrix.h"
#include "model.h"
#include "objects.h"
#include "sections.h"
#include "selector.h"

#define MAPPED_FIRST ((class_key)0xffff << 32)
#define MAPPED_END ((class_key)1 << 48)

struct compiler {
	const struct policy_model *model;
	int64_t created;
	struct problems *problems;
	struct sections sections;
	struct intern app_sets, name_sets;
	struct selectors selectors;
	struct key_sets service_sets, source_port_sets;
	struct literals services, source_ports;
	struct bh_matrix matrices[BH_MATRIX_COUNT];
};

static int too_many(struct compiler *c, struct place place, uint64_t count, const char *what, uint32_t most)
{
	problem_add(c->problems, SEVERITY_ERROR, place, "%llu %s are too many: a policy may have %u",
		    (unsigned long long)count, what, most);
	return -E2BIG;
}

/* ---- rules ---- */

static uint32_t app_set_index(struct compiler *c, const struct model_rule *rule)
{
	const uint64_t hash = intern_hash(&rule->apps, sizeof(rule->apps), INTERN_SEED);
	struct sections *s = &c->sections;
	uint32_t at = 0, index;
	struct bh_app_set *to;

	if (!rule->has_apps)
		return BH_NONE;
	while (intern_next(&c->app_sets, hash, &at, &index)) {
		const struct bh_app_set *sets = s->list[BH_SECTION_APP_SETS].data;

		if (memcmp(&sets[index], &rule->apps, sizeof(rule->apps)) == 0)
			return index;
	}
	index = (uint32_t)s->list[BH_SECTION_APP_SETS].count;
	to = sections_add(s, BH_SECTION_APP_SETS, 1);
	if (to == NULL)
		return BH_NONE;
	*to = rule->apps;
	s->error = intern_add(&c->app_sets, hash, index);
	return index;
}

static bool names_equal(const struct compiler *c, uint32_t index, const uint32_t *names, uint32_t count)
{
	const struct bh_name_set *set =
		(struct bh_name_set *)c->sections.list[BH_SECTION_NAME_SETS].data + index;
	const uint32_t *list = (uint32_t *)c->sections.list[BH_SECTION_NAMES].data + set->first;

	return set->count == count && memcmp(list, names, count * sizeof(*names)) == 0;
}

/* Strings are kept once, so that equal lists of names are equal lists of offsets. */
static uint32_t name_set_index(struct compiler *c, const struct model_rule *rule)
{
	const uint32_t count = rule->server_name_count;
	struct sections *s = &c->sections;
	uint32_t at = 0, index = BH_NONE;
	uint32_t *names, *list;
	struct bh_name_set *set;
	uint64_t hash;

	if (count == 0)
		return BH_NONE;
	names = malloc(count * sizeof(*names));
	if (names == NULL) {
		s->error = -ENOMEM;
		return BH_NONE;
	}
	for (uint32_t i = 0; i < count; i++)
		names[i] = sections_string(s, rule->server_names[i]);
	hash = intern_hash(names, count * sizeof(*names), INTERN_SEED);
	while (intern_next(&c->name_sets, hash, &at, &index))
		if (names_equal(c, index, names, count))
			goto out;
	index = (uint32_t)s->list[BH_SECTION_NAME_SETS].count;
	set = sections_add(s, BH_SECTION_NAME_SETS, 1);
	if (set != NULL)
		*set = (struct bh_name_set){ (uint32_t)s->list[BH_SECTION_NAMES].count, count };
	list = sections_add(s, BH_SECTION_NAMES, count);
	if (list != NULL) {
		memcpy(list, names, count * sizeof(*names));
		s->error = intern_add(&c->name_sets, hash, index);
	}
out:
	free(names);
	return index;
}

static uint32_t schedule_index(struct compiler *c, const struct model_rule *rule)
{
	const struct model_schedule *from = &rule->schedule;
	struct sections *s = &c->sections;
	const struct bh_schedule *list = s->list[BH_SECTION_SCHEDULES].data;
	const uint32_t count = (uint32_t)s->list[BH_SECTION_SCHEDULES].count;
	struct bh_schedule *to;
	uint32_t name;

	if (!rule->has_schedule || s->error != 0)
		return BH_NONE;
	for (uint32_t i = 0; i < count; i++)
		if (list[i].days == from->days && list[i].from == from->from && list[i].to == from->to)
			return i;
	if (count == BH_MAX_SCHEDULES) {
		s->error = too_many(c, rule->place, (uint64_t)count + 1, "different schedules",
				    BH_MAX_SCHEDULES);
		return BH_NONE;
	}
	name = sections_string(s, rule->name);
	to = sections_add(s, BH_SECTION_SCHEDULES, 1);
	if (to != NULL)
		*to = (struct bh_schedule){
			.name = name, .days = from->days, .from = from->from, .to = from->to
		};
	return count;
}

/* What is looked at once the rule's ends and service match. */
static int compile_rule(struct compiler *c, const struct model_rule *from)
{
	struct sections *s = &c->sections;
	const struct bh_rule rule = {
		.name = sections_string(s, from->name),
		.action = from->action,
		.flags = (from->enabled ? BH_RULE_ENABLED : 0) | (from->log ? BH_RULE_LOG : 0) |
			 (from->monitor ? BH_RULE_MONITOR : 0),
		.app_set = app_set_index(c, from),
		.name_set = name_set_index(c, from),
		.risks = from->risks,
		.limit_rate = from->limit_rate,
		.limit_burst = from->limit_burst,
		.schedule = schedule_index(c, from),
		.mirror = from->mirror,
		.file = sections_string(s, from->place.file),
		.line = from->place.line,
	};
	struct bh_rule *to = sections_add(s, BH_SECTION_RULES, 1);

	if (to != NULL)
		*to = rule;
	return s->error;
}

/* The rule's services as a set of protocol << 16 | key, or everything. */
static int compile_services(struct compiler *c, uint32_t index)
{
	const struct service_list *list = &c->model->rules[index].services;
	struct key_range *ranges;
	uint32_t set;
	int error;

	if (list->count == 0)
		return literals_add(&c->services, index, SET_EVERYTHING, false);
	ranges = malloc(list->count * sizeof(*ranges));
	if (ranges == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->count; i++) {
		const uint32_t protocol = (uint32_t)list->items[i].protocol << 16;

		ranges[i] =
			(struct key_range){ protocol | list->items[i].first, protocol | list->items[i].last };
	}
	error = key_sets_add(&c->service_sets, ranges, list->count, &set);
	free(ranges);
	return error != 0 ? error : literals_add(&c->services, index, set, false);
}

/* Source ports are those of TCP, UDP and SCTP; frames of other protocols have none and so match none. */
static int compile_source_ports(struct compiler *c, uint32_t index)
{
	static const uint32_t protocols[] = { 6, 17, 132 };
	const struct model_rule *rule = &c->model->rules[index];
	struct key_range *ranges;
	uint32_t set, n = 0;
	int error;

	if (rule->source_port_count == 0)
		return literals_add(&c->source_ports, index, SET_EVERYTHING, false);
	ranges = malloc(rule->source_port_count * sizeof(*ranges) * 3);
	if (ranges == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rule->source_port_count; i++)
		for (int p = 0; p < 3; p++)
			ranges[n++] = (struct key_range){ protocols[p] << 16 | rule->source_ports[i].first,
							  protocols[p] << 16 | rule->source_ports[i].last };
	error = key_sets_add(&c->source_port_sets, ranges, n, &set);
	free(ranges);
	return error != 0 ? error : literals_add(&c->source_ports, index, set, false);
}

static int compile_rules(struct compiler *c)
{
	const struct policy_model *m = c->model;
	int error = selectors_init(&c->selectors, m);

	if (m->rule_count > BH_MAX_RULES)
		return too_many(c, m->place, m->rule_count, "rules", BH_MAX_RULES);
	for (uint32_t i = 0; error == 0 && i < m->rule_count; i++) {
		error = compile_rule(c, &m->rules[i]);
		if (error != 0 || !m->rules[i].enabled)
			continue;
		error = selectors_add(&c->selectors, i, c->problems);
		if (error == 0)
			error = compile_services(c, i);
		if (error == 0)
			error = compile_source_ports(c, i);
	}
	return error;
}

/* ---- classes and matrices ---- */

static int make_matrix(struct compiler *c, int id, const struct literals *literals,
		       const struct key_sets *sets, const struct classes *classes,
		       const uint32_t *row_classes, uint32_t row_count)
{
	const struct matrix_source source = {
		.literals = literals,
		.set_count = sets->count,
		.classes = classes,
		.row_classes = row_classes,
		.row_count = row_count,
		.rule_count = c->model->rule_count,
	};

	return matrix_make(&c->sections, &source, &c->matrices[id]);
}

static void write_class(struct compiler *c, const struct class_start *start)
{
	if (start->start >= MAPPED_FIRST && start->start < MAPPED_END) {
		struct bh_class32 *to = sections_add(&c->sections, BH_SECTION_ADDRESSES4, 1);

		if (to != NULL)
			*to = (struct bh_class32){ (uint32_t)start->start, start->class };
	} else {
		struct bh_class128 *to = sections_add(&c->sections, BH_SECTION_ADDRESSES6, 1);

		if (to != NULL)
			*to = (struct bh_class128){ (uint64_t)(start->start >> 64), (uint64_t)start->start,
						    start->class, 0 };
	}
}

static int compile_addresses(struct compiler *c)
{
	static const class_key cuts[] = { MAPPED_FIRST, MAPPED_END };
	const struct key_sets *sets = &c->selectors.addresses;
	struct side_literals *from = &c->selectors.from, *to = &c->selectors.to;
	struct classes classes;
	int error = classes_make(&classes, sets, cuts, 2);

	if (error != 0)
		return error;
	for (uint64_t i = 0; i < classes.start_count; i++)
		write_class(c, &classes.starts[i]);
	error = make_matrix(c, BH_MATRIX_FROM_ADDRESS, &from->address, sets, &classes, NULL, classes.count);
	if (error == 0)
		error = make_matrix(c, BH_MATRIX_TO_ADDRESS, &to->address, sets, &classes, NULL,
				    classes.count);
	for (int i = 0; error == 0 && i < (int)BH_MAX_LAYERS; i++) {
		error = make_matrix(c, BH_MATRIX_FROM_LAYERS + 2 * i + 1, &from->layer_address[i], sets,
				    &classes, NULL, classes.count);
		if (error == 0)
			error = make_matrix(c, BH_MATRIX_TO_LAYERS + 2 * i + 1, &to->layer_address[i], sets,
					    &classes, NULL, classes.count);
	}
	classes_free(&classes);
	return error != 0 ? error : c->sections.error;
}

static int compile_segments(struct compiler *c)
{
	const struct key_sets *sets = &c->selectors.segments;
	const uint32_t rows = c->model->segment_count;
	struct side_literals *from = &c->selectors.from, *to = &c->selectors.to;
	uint32_t *row_classes = calloc(rows + 1u, sizeof(*row_classes));
	struct classes classes = { 0 };
	int error = row_classes == NULL ? -ENOMEM : classes_make(&classes, sets, NULL, 0);

	for (uint64_t i = 0, row = 0; error == 0 && row < rows; row++) {
		while (i + 1 < classes.start_count && classes.starts[i + 1].start <= row)
			i++;
		row_classes[row] = classes.starts[i].class;
	}
	if (error == 0)
		error = make_matrix(c, BH_MATRIX_FROM_SEGMENT, &from->segment, sets, &classes, row_classes,
				    rows);
	if (error == 0)
		error = make_matrix(c, BH_MATRIX_TO_SEGMENT, &to->segment, sets, &classes, row_classes, rows);
	for (int i = 0; error == 0 && i < (int)BH_MAX_LAYERS; i++) {
		error = make_matrix(c, BH_MATRIX_FROM_LAYERS + 2 * i, &from->layer_segment[i], sets, &classes,
				    row_classes, rows);
		if (error == 0)
			error = make_matrix(c, BH_MATRIX_TO_LAYERS + 2 * i, &to->layer_segment[i], sets,
					    &classes, row_classes, rows);
	}
	classes_free(&classes);
	free(row_classes);
	return error;
}

static int compile_class32(struct compiler *c, enum bh_section section, int id, const struct key_sets *sets,
			   const struct literals *literals)
{
	struct classes classes;
	struct bh_class32 *to;
	int error = classes_make(&classes, sets, NULL, 0);

	if (error != 0)
		return error;
	to = sections_add(&c->sections, section, classes.start_count);
	for (uint64_t i = 0; to != NULL && i < classes.start_count; i++)
		to[i] = (struct bh_class32){ (uint32_t)classes.starts[i].start, classes.starts[i].class };
	error = make_matrix(c, id, literals, sets, &classes, NULL, classes.count);
	classes_free(&classes);
	return error != 0 ? error : c->sections.error;
}

static int compile_ports(struct compiler *c)
{
	int error =
		compile_class32(c, BH_SECTION_SERVICES, BH_MATRIX_SERVICE, &c->service_sets, &c->services);

	return error != 0 ? error
			  : compile_class32(c, BH_SECTION_SOURCE_PORTS, BH_MATRIX_SOURCE_PORT,
					    &c->source_port_sets, &c->source_ports);
}

static int compile_matrices(struct compiler *c)
{
	struct bh_matrix *to = sections_add(&c->sections, BH_SECTION_MATRICES, BH_MATRIX_COUNT);

	if (to != NULL)
		memcpy(to, c->matrices, sizeof(c->matrices));
	return c->sections.error;
}

/* ---- */

static int compile_objects(struct compiler *c)
{
	return objects_write(&c->sections, c->model, c->created, c->problems);
}

static int (*const steps[])(struct compiler *) = {
	compile_objects, compile_rules, compile_addresses, compile_segments, compile_ports, compile_matrices,
};

static void compiler_free(struct compiler *c)
{
	sections_free(&c->sections);
	intern_free(&c->app_sets);
	intern_free(&c->name_sets);
	selectors_free(&c->selectors);
	key_sets_free(&c->service_sets);
	key_sets_free(&c->source_port_sets);
	literals_free(&c->services);
	literals_free(&c->source_ports);
}

int policy_compile(const struct policy_model *model, int64_t created, void **image, size_t *size,
		   struct problems *problems)
{
	struct compiler c = { .model = model, .created = created, .problems = problems };
	struct bh_image_header header = { .created = (uint64_t)created, .settings = model->settings };
	const size_t errors = problems->errors;
	int error = 0;

	strncpy(header.name, model->name, sizeof(header.name) - 1);
	header.app_digest = dpi_catalogue_digest();
	sections_init(&c.sections);
	for (size_t i = 0; error == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		error = steps[i](&c);
	if (error == 0)
		error = sections_finish(&c.sections, &header, image, size);
	if (error == -E2BIG && problems->errors == errors)
		problem_add(problems, SEVERITY_ERROR, model->place,
			    "the compiled policy would be larger than %u MiB: let rules share groups",
			    BH_IMAGE_MAX_SIZE >> 20);
	compiler_free(&c);
	return error;
}
