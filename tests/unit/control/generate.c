/* SPDX-License-Identifier: BSD-3-Clause */
#include "generate.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS 4        /* applications that rules name: 1 .. 3, and one at the end of the range */
#define CATEGORIES 4 /* and categories: 0, 1, 7, 255 */

/* ---- numbers and memory ---- */

uint64_t generate_bits(struct generator *g)
{
	uint64_t value = g->state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

uint32_t generate_number(struct generator *g, uint32_t below)
{
	return (uint32_t)((generate_bits(g) >> 32) * below >> 32);
}

/* True one time in `times`. */
static bool one_in(struct generator *g, uint32_t times)
{
	return generate_number(g, times) == 0;
}

void *generate_alloc(struct generator *g, size_t size)
{
	void **block = calloc(1, size + 16);

	if (block == NULL)
		abort();
	*block = g->memory;
	g->memory = block;
	return (uint8_t *)block + 16;
}

char *generate_text(struct generator *g, const char *format, ...)
{
	char *text = generate_alloc(g, 64);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, 64, format, arguments);
	va_end(arguments);
	return text;
}

void generate_free(struct generator *g)
{
	while (g->memory != NULL) {
		void *next = *(void **)g->memory;

		free(g->memory);
		g->memory = next;
	}
}

/* ---- addresses ---- */

void address_parse(const char *text, uint8_t address[16])
{
	memset(address, 0, 16);
	if (inet_pton(AF_INET6, text, address) == 1)
		return;
	address[10] = address[11] = 0xff;
	if (inet_pton(AF_INET, text, address + 12) != 1)
		abort();
}

static void random_address(struct generator *g, bool ipv4, uint8_t address[16])
{
	static const char *const edges4[] = { "0.0.0.0", "255.255.255.255", "10.0.0.255", "10.0.1.0" };
	static const char *const edges6[] = {
		"::",        "::1",    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::fffe:ffff:ffff",
		"::1:0:0:0", "fe80::1"
	};

	if (one_in(g, 8)) {
		address_parse(ipv4 ? edges4[generate_number(g, 4)] : edges6[generate_number(g, 6)], address);
		return;
	}
	address_parse(ipv4 ? "10.0.0.0" : "2001:db8::", address);
	address[15] = (uint8_t)generate_number(g, 16);
	if (one_in(g, 4))
		address[ipv4 ? 14 : 7] = (uint8_t)generate_number(g, 3);
}

static void random_range(struct generator *g, struct address_range *range)
{
	const bool ipv4 = !one_in(g, 2);

	random_address(g, ipv4, range->first);
	memcpy(range->last, range->first, 16);
	if (one_in(g, 2))
		random_address(g, ipv4, range->last);
	if (memcmp(range->first, range->last, 16) > 0) {
		struct address_range turned = *range;

		memcpy(range->first, turned.last, 16);
		memcpy(range->last, turned.first, 16);
	}
}

static struct address_set random_addresses(struct generator *g, uint32_t most)
{
	struct address_set set = { .count = generate_number(g, most + 1) };

	set.ranges = generate_alloc(g, (set.count + 1) * sizeof(*set.ranges));
	for (uint32_t i = 0; i < set.count; i++)
		random_range(g, &set.ranges[i]);
	return set;
}

static uint32_t *random_segments(struct generator *g, const struct policy_model *model, uint32_t most,
				 uint32_t *count)
{
	uint32_t *list = generate_alloc(g, (most + 1) * sizeof(*list));

	*count = generate_number(g, most + 1);
	for (uint32_t i = 0; i < *count; i++)
		list[i] = generate_number(g, model->segment_count);
	return list;
}

static void random_group(struct generator *g, const struct policy_model *model, struct model_group *group,
			 uint32_t index)
{
	group->name = generate_text(g, "group-%u", index);
	group->addresses = random_addresses(g, 4);
	group->segments = random_segments(g, model, 3, &group->segment_count);
	if (!one_in(g, 3))
		group->except_addresses = random_addresses(g, 2);
	if (!one_in(g, 3))
		group->except_segments = random_segments(g, model, 2, &group->except_segment_count);
}

static struct selector random_selector(struct generator *g, const struct policy_model *model)
{
	struct selector selector = { .count = g->narrow ? 1 : one_in(g, 2) ? 0 : 1 };

	if (selector.count != 0 && one_in(g, 3))
		selector.count += generate_number(g, 4);
	selector.items = generate_alloc(g, (selector.count + 1) * sizeof(*selector.items));
	for (uint32_t i = 0; i < selector.count; i++) {
		struct selector_item *item = &selector.items[i];

		item->negate = one_in(g, g->narrow ? 64 : 4);
		item->kind = !g->narrow && one_in(g, 8)               ? SELECT_ANY
			     : model->group_count > 0 && one_in(g, 2) ? SELECT_GROUP
			     : one_in(g, 2)                           ? SELECT_SEGMENTS
								      : SELECT_ADDRESSES;
		if (item->kind == SELECT_GROUP)
			item->group = generate_number(g, model->group_count);
		if (item->kind == SELECT_SEGMENTS)
			item->segments = random_segments(g, model, 3, &item->segment_count);
		if (item->kind == SELECT_ADDRESSES)
			item->addresses = random_addresses(g, 3);
	}
	return selector;
}

/* ---- services ---- */

static const uint8_t protocols[] = { 6, 6, 6, 17, 17, 1, 58, 132, 47, 0, 50, 255 };

static bool with_key(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132 || protocol == 1 || protocol == 58;
}

static uint16_t random_port(struct generator *g)
{
	return one_in(g, 8) ? (one_in(g, 2) ? 0 : 65535) : (uint16_t)(80 + generate_number(g, 6));
}

static struct service_list random_services(struct generator *g)
{
	struct service_list list = { .count = !g->narrow && one_in(g, 2) ? 0 : 1 + generate_number(g, 3) };

	list.items = generate_alloc(g, (list.count + 1) * sizeof(*list.items));
	for (uint32_t i = 0; i < list.count; i++) {
		struct service_item *item = &list.items[i];
		uint16_t a = random_port(g), b = one_in(g, 2) ? random_port(g) : a;

		item->protocol = protocols[generate_number(g, sizeof(protocols))];
		item->first = a < b ? a : b;
		item->last = a < b ? b : a;
		if (!with_key(item->protocol)) {
			item->first = 0;
			item->last = 65535;
		}
	}
	return list;
}

/* ---- rules ---- */

static const uint16_t ids[IDS] = { 1, 2, 3, BH_APP_IDS - 1 };
static const uint8_t categories[CATEGORIES] = { 0, 1, 7, 255 };
static const char *const names[] = { "*.a.example", "*.b.a.example", "a.example",
				     "b.example",   "*.example",     "www.a.example" };

static void random_apps(struct generator *g, struct model_rule *rule)
{
	rule->has_apps = true;
	do {
		if (one_in(g, 4))
			rule->apps.ids[0] |= 1;
		if (!one_in(g, 4)) {
			uint16_t id = ids[generate_number(g, IDS)];

			rule->apps.ids[id / 64] |= UINT64_C(1) << id % 64;
		}
		if (one_in(g, 3)) {
			uint8_t category = categories[generate_number(g, CATEGORIES)];

			rule->apps.categories[category / 64] |= UINT64_C(1) << category % 64;
		}
	} while (one_in(g, 3));
	/* every application there is, or all but one: then little or nothing is left to be asked */
	if (one_in(g, 20)) {
		memset(rule->apps.ids, 0xff, sizeof(rule->apps.ids));
		rule->apps.ids[0] &= ~(uint64_t)generate_number(g, 4);
	}
	if (one_in(g, 30)) {
		memset(rule->apps.categories, 0xff, sizeof(rule->apps.categories));
		rule->apps.categories[0] &= ~(uint64_t)generate_number(g, 4);
	}
}

static int text_compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void random_names(struct generator *g, struct model_rule *rule)
{
	const uint32_t count = sizeof(names) / sizeof(names[0]);
	const uint32_t chosen = 1 + generate_number(g, (1u << count) - 1);

	rule->server_names = generate_alloc(g, count * sizeof(char *));
	for (uint32_t i = 0; i < count; i++)
		if ((chosen >> i & 1) && (rule->server_name_count == 0 || one_in(g, 2)))
			rule->server_names[rule->server_name_count++] = generate_text(g, "%s", names[i]);
	qsort(rule->server_names, rule->server_name_count, sizeof(char *), text_compare);
}

static void random_schedule(struct generator *g, struct model_rule *rule)
{
	rule->has_schedule = true;
	rule->schedule.days = (uint8_t)(1 + generate_number(g, 127));
	rule->schedule.from = (uint16_t)(generate_number(g, 48) * 30);
	rule->schedule.to = one_in(g, 6) ? rule->schedule.from : (uint16_t)(generate_number(g, 49) * 30);
	if (rule->schedule.to == rule->schedule.from + 1440)
		rule->schedule.to = rule->schedule.from;
}

static void random_rule(struct generator *g, const struct policy_model *model, struct model_rule *rule,
			uint32_t index)
{
	rule->name = generate_text(g, "rule-%u", index);
	rule->place = (struct place){ "random.yaml", index + 1, 1 };
	rule->enabled = model->rule_count > 1000 ? one_in(g, 300) : !one_in(g, 8);
	rule->monitor = one_in(g, 6);
	rule->log = one_in(g, 2);
	rule->action = (uint8_t)generate_number(g, BH_ACTION_COUNT);
	rule->from = random_selector(g, model);
	rule->to = random_selector(g, model);
	rule->services = random_services(g);
	rule->mirror = BH_NONE;
	if (one_in(g, 6)) {
		rule->source_port_count = 1 + generate_number(g, 2);
		rule->source_ports = generate_alloc(g, rule->source_port_count * sizeof(*rule->source_ports));
		for (uint32_t i = 0; i < rule->source_port_count; i++) {
			rule->source_ports[i].first = random_port(g);
			rule->source_ports[i].last = rule->source_ports[i].first;
			if (one_in(g, 2))
				rule->source_ports[i].last = 65535;
		}
	}
	if (one_in(g, 2))
		random_apps(g, rule);
	if (one_in(g, 4))
		random_names(g, rule);
	if (one_in(g, 5))
		rule->risks = UINT64_C(1) << generate_number(g, 3) | (one_in(g, 3) ? UINT64_C(1) << 63 : 0);
	if (one_in(g, model->rule_count > 1000 ? 200 : 6)) /* an image holds 256 */
		random_schedule(g, rule);
}

/* ---- models ---- */

struct policy_model *generate_base(struct generator *g, uint32_t segments)
{
	static const uint32_t timeouts[] = {
#define TIMEOUT(symbol, name, seconds) seconds,
		BH_TIMEOUTS(TIMEOUT)
#undef TIMEOUT
	};
	struct policy_model *model = generate_alloc(g, sizeof(*model));

	model->name = generate_text(g, "random");
	model->timezone = generate_text(g, "UTC");
	memcpy(model->settings.timeouts, timeouts, sizeof(timeouts));
	model->settings.default_action = BH_ACTION_DENY;
	model->settings.exception_dpi = BH_EXCEPTION_UNKNOWN;
	model->network_count = 1;
	model->networks = generate_alloc(g, sizeof(*model->networks));
	model->networks[0] =
		(struct model_network){ .name = generate_text(g, "net"), .segment_count = segments };
	model->segment_count = segments;
	model->segments = generate_alloc(g, segments * sizeof(*model->segments));
	for (uint32_t i = 0; i < segments; i++)
		model->segments[i] = (struct model_segment){
			.name = generate_text(g, "segment-%u", i),
			.port = generate_text(g, "trunk%u", i / 4094),
			.vlan = (uint16_t)(1 + i % 4094),
		};
	return model;
}

struct policy_model *generate_policy(struct generator *g, uint32_t rules)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
					     "Australia/Lord_Howe" };
	struct policy_model *model = generate_base(g, 1 + generate_number(g, 6));

	model->timezone = generate_text(g, "%s", zones[generate_number(g, 5)]);
	model->settings.default_action = (uint8_t)generate_number(g, BH_ACTION_COUNT);
	model->settings.default_log = one_in(g, 2);
	model->settings.ech = (uint8_t)generate_number(g, BH_ECH_DENY + 1);
	model->group_count = generate_number(g, 6);
	model->groups = generate_alloc(g, (model->group_count + 1) * sizeof(*model->groups));
	for (uint32_t i = 0; i < model->group_count; i++)
		random_group(g, model, &model->groups[i], i);
	model->rule_count = rules;
	g->narrow = rules > 50 && !one_in(g, 3);
	model->rules = generate_alloc(g, (rules + 1) * sizeof(*model->rules));
	for (uint32_t i = 0; i < rules; i++)
		random_rule(g, model, &model->rules[i], i);
	return model;
}

int64_t generate_moment(struct generator *g)
{
	/* within five years from 2026-06, on or near a half hour */
	return INT64_C(1780272000) + (int64_t)generate_number(g, 5 * 365 * 48) * 1800 +
	       generate_number(g, 3) - 1;
}

static void random_knowledge(struct generator *g, struct bh_knowledge *known)
{
	static const char *const server_names[] = { "a.example",  "x.a.example", "x.b.a.example", "b.example",
						    "b.example.", "example",     "www.a.example", "",
						    ".",          ".example",    "zz.test" };

	known->app_known = one_in(g, 2);
	if (known->app_known && !one_in(g, 4)) {
		known->master = one_in(g, 2) ? 0 : (one_in(g, 3) ? 9 : ids[generate_number(g, IDS)]);
		known->app = one_in(g, 4) ? 8 : ids[generate_number(g, IDS)];
		known->category = one_in(g, 3) ? 9 : categories[generate_number(g, CATEGORIES)];
	}
	known->name_known = one_in(g, 2);
	if (one_in(g, 2))
		known->name =
			server_names[generate_number(g, sizeof(server_names) / sizeof(server_names[0]))];
	known->name_cut = one_in(g, 10);
	known->ech = one_in(g, 10);
	known->risks_known = one_in(g, 2);
	if (one_in(g, 3))
		known->risks = generate_bits(g) & generate_bits(g);
	known->trust = one_in(g, 12);
}

void generate_session(struct generator *g, const struct policy_model *model, struct bh_session *session)
{
	const bool ipv4 = one_in(g, 2);

	*session = (struct bh_session){ 0 };
	random_address(g, ipv4, session->from);
	random_address(g, ipv4, session->to);
	session->from_segment = generate_number(g, model->segment_count);
	session->to_segment = generate_number(g, model->segment_count);
	session->protocol = protocols[generate_number(g, sizeof(protocols))];
	if (with_key(session->protocol))
		session->service = random_port(g);
	session->source_port = random_port(g);
	if (!one_in(g, 4))
		random_knowledge(g, &session->knowledge);
}
