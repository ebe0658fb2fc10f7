/* SPDX-License-Identifier: BSD-3-Clause */
/* rules, mirrors and schedules. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dpi.h"
#include "reader.h"

/* ---- mirrors ---- */

static void mirror_rspan_port(struct decoder *decoder, const struct node *node, void *target)
{
	const char *name = decode_name(decoder, node, false);

	if (name)
		((struct model_mirror *)target)->port = region_text(decoder->region, name, strlen(name));
}

static void mirror_rspan_vlan(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_mirror *mirror = target;

	if (node->kind != NODE_SCALAR || value_vlan(node->text, &mirror->mirror.vlan) ||
	    mirror->mirror.vlan == BH_VLAN_UNTAGGED)
		decode_expected(decoder, node, "a VLAN id from 1 to 4094");
}

static const struct decode_key rspan_keys[] = {
	{ "port", mirror_rspan_port, true },
	{ "vlan", mirror_rspan_vlan, true },
};

static void mirror_rspan(struct decoder *decoder, const struct node *node, void *target)
{
	((struct model_mirror *)target)->mirror.kind = 0;
	decode_map(decoder, node, "rspan", rspan_keys, DECODE_COUNT(rspan_keys), target);
}

static void mirror_erspan_to(struct decoder *decoder, const struct node *node, void *target)
{
	if (node->kind != NODE_SCALAR ||
	    value_address(node->text, ((struct model_mirror *)target)->mirror.to))
		decode_expected(decoder, node, "the address of the collector, as 10.9.0.5");
}

static void mirror_erspan_session(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t session;

	/* ten bits in the header of ERSPAN type II */
	if (decode_unsigned(decoder, node, 0, 1023, &session))
		((struct model_mirror *)target)->mirror.session = (uint32_t)session;
}

static const struct decode_key erspan_keys[] = {
	{ "to", mirror_erspan_to, true },
	{ "session", mirror_erspan_session, false },
};

static void mirror_erspan(struct decoder *decoder, const struct node *node, void *target)
{
	((struct model_mirror *)target)->mirror.kind = 1;
	decode_map(decoder, node, "erspan", erspan_keys, DECODE_COUNT(erspan_keys), target);
}

static const struct decode_key mirror_keys[] = {
	{ "rspan", mirror_rspan, false },
	{ "erspan", mirror_erspan, false },
};

static void read_mirror(struct reader *reader, const struct node *node)
{
	struct policy_model *model = reader->model;
	struct decoder *decoder = &reader->decoder;
	struct model_mirror *mirror;
	uint32_t first = 0;

	if (!decode_key_is_name(decoder, node))
		return;
	index_find(&reader->mirrors, node->key, &first);
	if (!reader_define(reader, &reader->mirrors, "mirror", node, model->mirror_count,
			   model->mirror_count ? model->mirrors[first].place : node->place))
		return;
	model->mirrors = region_grow(decoder->region, model->mirrors, model->mirror_count, sizeof(*mirror));
	mirror = &model->mirrors[model->mirror_count++];
	*mirror = (struct model_mirror){ .name = region_text(decoder->region, node->key, strlen(node->key)),
					 .place = node_key_place(node) };
	if (decode_map(decoder, node, "a mirror", mirror_keys, DECODE_COUNT(mirror_keys), mirror) &&
	    !node_get(node, "rspan") == !node_get(node, "erspan"))
		decode_error(decoder, mirror->place,
			     "mirror %s: write either rspan: { port: .., vlan: .. } or erspan: "
			     "{ to: .., session: .. }",
			     mirror->name);
}

void read_mirrors(struct reader *reader, const struct part *part)
{
	for (uint32_t i = 0; i < part->count; i++) {
		if (part->nodes[i]->kind != NODE_MAP) {
			decode_expected(&reader->decoder, part->nodes[i],
					"a map of mirrors ({ ids: { rspan: { port: trunk, vlan: 999 } } })");
			continue;
		}
		for (const struct node *node = part->nodes[i]->first; node; node = node->next)
			read_mirror(reader, node);
	}
}

/* ---- the keys of a rule ---- */

static void rule_name(struct decoder *decoder, const struct node *node, void *target)
{
	struct reader *reader = reader_of(decoder);
	struct model_rule *rule = target;
	const char *name = decode_name(decoder, node, true);
	uint32_t first;

	if (!name)
		return;
	if (!strcmp(name, "default")) {
		decode_error(decoder, node->place,
			     "default is the name of what decides below the last rule; take another");
		return;
	}
	rule->name = region_text(decoder->region, name, strlen(name));
	if (!index_add(&reader->rules, decoder->region, rule->name, reader->model->rule_count, &first))
		decode_error(decoder, node->place, "a rule named %s is defined already (%s:%u)", name,
			     reader->model->rules[first].place.file, reader->model->rules[first].place.line);
}

static void rule_from(struct decoder *decoder, const struct node *node, void *target)
{
	reader_selector(decoder, node, &((struct model_rule *)target)->from);
}

static void rule_to(struct decoder *decoder, const struct node *node, void *target)
{
	reader_selector(decoder, node, &((struct model_rule *)target)->to);
}

static void rule_service(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_rule *rule = target;

	rule->service_place = node_key_place(node);
	reader_service_list(reader_of(decoder), node, &rule->services);
}

static void rule_from_port(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_rule *rule = target;

	if (node->kind == NODE_LIST && !node->count)
		decode_expected(decoder, node, "at least one port (leave the key out for any)");
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		uint16_t first, last;

		if (item->kind != NODE_SCALAR || value_ports(item->text, &first, &last)) {
			decode_expected(decoder, item,
					"a source port or a range of them, as 53 or 1024-65535");
			continue;
		}
		rule->source_ports = region_grow(decoder->region, rule->source_ports, rule->source_port_count,
						 sizeof(*rule->source_ports));
		rule->source_ports[rule->source_port_count].first = first;
		rule->source_ports[rule->source_port_count++].last = last;
	}
}

static void unknown_category(struct decoder *decoder, struct place place, const char *name)
{
	const char *names[BH_APP_CATEGORIES];
	uint32_t count = 0;

	for (uint32_t id = 0; id < dpi_category_count() && id < BH_APP_CATEGORIES; id++)
		if (dpi_category_name(id))
			names[count++] = dpi_category_name(id);
	decode_error(decoder, place, "category:%.60s: no category has this name%s", name,
		     decode_nearest(decoder, name, names, count));
}

static void rule_application(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_rule *rule = target;

	rule->has_apps = true;
	if (node->kind == NODE_LIST && !node->count)
		decode_expected(decoder, node, "at least one application (leave the key out for any)");
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		const char *name = decode_text(
			decoder, item,
			"an application's name, category:NAME, or unknown (for any, leave the key out)");
		bool category;
		int id;

		if (!name)
			continue;
		category = !strncasecmp(name, "category:", 9);
		id = category ? dpi_category_id(name + 9) : reader_app_id(reader_of(decoder), name);
		if (category && (id < 0 || id >= BH_APP_CATEGORIES))
			unknown_category(decoder, item->place, name + 9);
		else if (id < 0 || id >= BH_APP_IDS)
			reader_unknown_app(reader_of(decoder), item->place, name);
		else if (category)
			rule->apps.categories[id / 64] |= 1ull << id % 64;
		else
			rule->apps.ids[id / 64] |= 1ull << id % 64;
	}
}

/* A host name, or *. and a host name. */
static bool is_server_name(const char *name)
{
	const char *label;

	if (!strncmp(name, "*.", 2))
		name += 2;
	if (!*name || strlen(name) > 253)
		return false;
	for (label = name; *name; name++) {
		if (*name == '.' && (name == label || !name[1]))
			return false;
		if (*name == '.')
			label = name + 1;
		else if (!isalnum((unsigned char)*name) && *name != '-' && *name != '_')
			return false;
	}
	return true;
}

static int text_compare(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

static void rule_server_name(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_rule *rule = target;
	uint32_t kept = 0;

	if (node->kind == NODE_LIST && !node->count)
		decode_expected(decoder, node, "at least one server name (leave the key out for any)");
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		const char *text =
			decode_text(decoder, item, "a server name, as www.example.com or \"*.example.com\"");
		char *name;

		if (!text)
			continue;
		if (!is_server_name(text)) {
			decode_expected(
				decoder, item,
				"a server name of letters, digits, '-', '_' and dots, as www.example.com or "
				"\"*.example.com\" (other scripts in their xn-- form)");
			continue;
		}
		name = region_text(decoder->region, text, strlen(text));
		for (char *at = name; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		rule->server_names = region_grow(decoder->region, rule->server_names, rule->server_name_count,
						 sizeof(*rule->server_names));
		rule->server_names[rule->server_name_count++] = name;
	}
	if (!rule->server_name_count)
		return;
	qsort(rule->server_names, rule->server_name_count, sizeof(*rule->server_names), text_compare);
	for (uint32_t i = 1; i < rule->server_name_count; i++)
		if (strcmp(rule->server_names[i], rule->server_names[kept]))
			rule->server_names[++kept] = rule->server_names[i];
	rule->server_name_count = kept + 1;
}

static void rule_risk(struct decoder *decoder, const struct node *node, void *target)
{
	reader_risks(reader_of(decoder), node, &((struct model_rule *)target)->risks);
}

static void rule_action(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = {
		[BH_ACTION_ALLOW] = "allow", [BH_ACTION_DENY] = "deny", [BH_ACTION_REJECT] = "reject"
	};
	int choice = decode_choice(decoder, node, words, DECODE_COUNT(words));

	if (choice >= 0)
		((struct model_rule *)target)->action = (uint8_t)choice;
}

static void rule_enabled(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t value;

	if (decode_bool(decoder, node, &value))
		((struct model_rule *)target)->enabled = value;
}

static void rule_monitor(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t value;

	if (decode_bool(decoder, node, &value))
		((struct model_rule *)target)->monitor = value;
}

static void rule_log(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t value;

	if (decode_bool(decoder, node, &value))
		((struct model_rule *)target)->log = value;
}

static void limit_rate(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t bits;

	if (node->kind != NODE_SCALAR || value_bit_rate(node->text, &bits) || bits < 8000 ||
	    bits > 1000000000000)
		decode_expected(decoder, node,
				"a rate from 8 kbit/s to 1000 Gbit/s, as 800 kbit/s, 10 Mbit/s or 1 Gbit/s");
	else
		((struct model_rule *)target)->limit_rate = bits;
}

static void limit_burst(struct decoder *decoder, const struct node *node, void *target)
{
	/* a burst below one frame would let nothing through */
	decode_size(decoder, node, 2048, 1u << 30, &((struct model_rule *)target)->limit_burst);
}

static const struct decode_key limit_keys[] = {
	{ "rate", limit_rate, true },
	{ "burst", limit_burst, false },
};

static void rule_limit(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_rule *rule = target;

	decode_map(decoder, node, "limit", limit_keys, DECODE_COUNT(limit_keys), rule);
	if (rule->limit_rate && !rule->limit_burst) {
		/* what the rate lets through in 100 ms, and room for the largest frame that offloads make */
		rule->limit_burst = rule->limit_rate / 80;
		if (rule->limit_burst < 65536)
			rule->limit_burst = 65536;
	}
}

static void rule_mirror(struct decoder *decoder, const struct node *node, void *target)
{
	struct reader *reader = reader_of(decoder);
	struct model_rule *rule = target;
	const char *name = decode_text(decoder, node, "the name of a mirror");

	if (!name)
		return;
	if (index_find(&reader->mirrors, name, &rule->mirror))
		reader->model->mirrors[rule->mirror].used = true;
	else
		reader_unknown(reader, node->place, "mirror", name, &reader->mirrors);
}

static void schedule_days(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	struct model_schedule *schedule = target;

	schedule->days = 0;
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		int day = decode_choice(decoder, item, days, DECODE_COUNT(days));

		if (day >= 0)
			schedule->days |= (uint8_t)(1u << day);
	}
	if (node->kind == NODE_LIST && !node->count)
		decode_expected(decoder, node, "at least one day");
}

static void schedule_between(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_schedule *schedule = target;

	if (node->kind != NODE_SCALAR || value_clock_range(node->text, &schedule->from, &schedule->to))
		decode_expected(decoder, node,
				"two times of day, as \"07:00-19:00\" or, over midnight, \"22:00-06:00\"");
}

static const struct decode_key schedule_keys[] = {
	{ "days", schedule_days, false },
	{ "between", schedule_between, false },
};

static void rule_schedule(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_rule *rule = target;

	rule->has_schedule = true;
	rule->schedule.days = 0x7f;
	if (decode_map(decoder, node, "schedule", schedule_keys, DECODE_COUNT(schedule_keys),
		       &rule->schedule) &&
	    !node->count)
		decode_expected(decoder, node, "days, between, or both");
}

static const struct decode_key rule_keys[] = {
	{ "name", rule_name, true },
	{ "from", rule_from, false },
	{ "to", rule_to, false },
	{ "service", rule_service, false },
	{ "from-port", rule_from_port, false },
	{ "application", rule_application, false },
	{ "server-name", rule_server_name, false },
	{ "risk", rule_risk, false },
	{ "action", rule_action, true },
	{ "enabled", rule_enabled, false },
	{ "monitor", rule_monitor, false },
	{ "log", rule_log, false },
	{ "limit", rule_limit, false },
	{ "mirror", rule_mirror, false },
	{ "schedule", rule_schedule, false },
};

static void check_from_port(struct reader *reader, const struct node *node, const struct model_rule *rule)
{
	if (!rule->source_port_count || !rule->services.count)
		return;
	for (uint32_t i = 0; i < rule->services.count; i++)
		if (rule->services.items[i].protocol == 6 || rule->services.items[i].protocol == 17 ||
		    rule->services.items[i].protocol == 132)
			return;
	decode_error(&reader->decoder, node_key_place(node_get(node, "from-port")),
		     "from-port: only TCP, UDP and SCTP have ports, and service names none of them");
}

static void read_rule(struct reader *reader, const struct node *node)
{
	struct policy_model *model = reader->model;
	struct model_rule *rule;

	model->rules =
		region_grow(reader->decoder.region, model->rules, model->rule_count, sizeof(*model->rules));
	rule = &model->rules[model->rule_count];
	*rule = (struct model_rule){ .place = node->first ? node_key_place(node->first) : node->place,
				     .enabled = true,
				     .action = BH_ACTION_DENY,
				     .mirror = BH_NONE };
	if (!decode_map(&reader->decoder, node, "a rule", rule_keys, DECODE_COUNT(rule_keys), rule))
		return;
	check_from_port(reader, node, rule);
	if (!rule->name) /* so that whoever walks the rules finds a text; there was an error */
		rule->name = region_format(reader->decoder.region, "rule-%u", model->rule_count + 1);
	model->rule_count++;
}

void read_rules(struct reader *reader, const struct part *part)
{
	struct policy_model *model = reader->model;

	for (uint32_t i = 0; i < part->count; i++) {
		if (part->nodes[i]->kind != NODE_LIST) {
			decode_expected(&reader->decoder, part->nodes[i],
					"a list of rules (- { name: .., from: .., to: .., action: allow })");
			continue;
		}
		for (const struct node *node = part->nodes[i]->first; node; node = node->next)
			read_rule(reader, node);
	}
	if (model->rule_count > BH_MAX_RULES)
		decode_error(&reader->decoder, model->rules[BH_MAX_RULES].place,
			     "there may be %u rules, and here are %u", BH_MAX_RULES, model->rule_count);
}
