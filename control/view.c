/* SPDX-License-Identifier: BSD-3-Clause */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "dpi.h"
#include "record.h"

const char *view_action(uint8_t action)
{
	static const char *const names[BH_ACTION_COUNT] = {
		[BH_ACTION_ALLOW] = "allow",
		[BH_ACTION_DENY] = "deny",
		[BH_ACTION_REJECT] = "reject",
	};

	return action < BH_ACTION_COUNT ? names[action] : "unknown";
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

static void drops_sum(const struct counters *counters, uint32_t port, uint64_t drops[BH_DROP_COUNT])
{
	struct bh_port_counters sum;

	memset(drops, 0, BH_DROP_COUNT * sizeof(*drops));
	for (uint32_t i = 0; i < counters->ports; i++) {
		if (port != VIEW_ALL_PORTS && port != i)
			continue;
		counters_port(counters, i, &sum);
		for (size_t reason = 0; reason < BH_DROP_COUNT; reason++)
			drops[reason] += sum.drops[reason];
	}
}

json_t *view_drops(const struct counters *counters, uint32_t port, bool all)
{
	json_t *view = json_object();
	uint64_t drops[BH_DROP_COUNT];

	drops_sum(counters, port, drops);
	for (size_t reason = 0; reason < BH_DROP_COUNT; reason++) {
		if (drops[reason] || all)
			set_number(view, bh_drop_names[reason], drops[reason]);
	}
	return view;
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static json_t *stage_view(enum bh_stage stage, const struct bh_stage_counters *sum, uint64_t all_cycles)
{
	json_t *view = json_pack("{s:s}", "name", bh_stage_names[stage]);

	set_number(view, "bursts", sum->bursts);
	set_number(view, "frames", sum->frames);
	set_number(view, "cycles", sum->cycles);
	json_object_set_new(view, "cycles_per_frame", json_real(ratio(sum->cycles, sum->frames)));
	json_object_set_new(view, "share", json_real(ratio(sum->cycles, all_cycles)));
	json_object_set_new(view, "help", json_string(bh_stage_help[stage]));
	return view;
}

json_t *view_stages(const struct counters *counters)
{
	struct bh_stage_counters sums[BH_STAGE_COUNT];
	json_t *view = json_object(), *stages = json_array();
	uint64_t cycles = 0;

	for (unsigned int i = 0; i < BH_STAGE_COUNT; i++) {
		counters_stage(counters, (enum bh_stage)i, &sums[i]);
		cycles += sums[i].cycles;
	}
	for (unsigned int i = 0; i < BH_STAGE_COUNT; i++)
		json_array_append_new(stages, stage_view((enum bh_stage)i, &sums[i], cycles));
	json_object_set_new(view, "measuring", json_boolean(counters->map->measuring));
	set_number(view, "tsc_hz", counters->map->tsc_hz);
	set_number(view, "frames", sums[BH_STAGE_RECEIVE].frames);
	json_object_set_new(view, "cycles_per_frame",
			    json_real(ratio(cycles, sums[BH_STAGE_RECEIVE].frames)));
	json_object_set_new(view, "stages", stages);
	return view;
}

#define UNKNOWN_VLANS_SHOWN 10u

struct unknown_vlan {
	uint64_t frames;
	uint32_t port, vlan;
};

/* Keep the list in order; the last one falls off. */
static void rank(struct unknown_vlan top[UNKNOWN_VLANS_SHOWN], struct unknown_vlan one)
{
	for (uint32_t i = 0; i < UNKNOWN_VLANS_SHOWN; i++) {
		if (one.frames > top[i].frames) {
			struct unknown_vlan next = top[i];
			top[i] = one;
			one = next;
		}
	}
}

json_t *view_unknown_vlans(const struct counters *counters)
{
	struct unknown_vlan top[UNKNOWN_VLANS_SHOWN] = { 0 };
	json_t *view = json_array();

	for (uint32_t port = 0; port < counters->ports; port++)
		for (uint32_t vlan = 0; vlan < BH_VLANS; vlan++)
			rank(top,
			     (struct unknown_vlan){ .frames = counters_unknown_vlan(counters, port, vlan),
						    .port = port,
						    .vlan = vlan });
	for (uint32_t i = 0; i < UNKNOWN_VLANS_SHOWN && top[i].frames; i++) {
		json_t *one = json_object();
		json_object_set_new(one, "port",
				    record_text(counters->map->ports[top[i].port].name, BH_NAME_MAX + 1));
		set_number(one, "vlan", top[i].vlan);
		set_number(one, "frames", top[i].frames);
		json_array_append_new(view, one);
	}
	return view;
}

json_t *view_port(const struct counters *counters, uint32_t port)
{
	struct bh_port_counters sum;
	json_t *view = json_object();

	counters_port(counters, port, &sum);
	set_number(view, "in", sum.in);
	set_number(view, "in_bytes", sum.in_bytes);
	set_number(view, "copies", sum.copies);
	set_number(view, "out", sum.out);
	set_number(view, "consumed", sum.consumed);
	set_number(view, "held", sum.held);
	set_number(view, "made", sum.made);
	set_number(view, "made_out", sum.made_out);
	set_number(view, "made_dropped", sum.made_dropped);
	set_number(view, "tx", sum.tx);
	set_number(view, "tx_bytes", sum.tx_bytes);
	json_object_set_new(view, "drops", view_drops(counters, port, false));
	return view;
}

bool view_identity(const struct counters *counters)
{
	struct bh_port_counters sum;

	for (uint32_t port = 0; port < counters->ports; port++) {
		counters_port(counters, port, &sum);
		if (counters_identity(&sum) || counters_identity_made(&sum))
			return false;
	}
	return true;
}

json_t *view_worker(const struct counters *counters, uint32_t worker)
{
	json_t *view = json_object();

	for (unsigned int cell = 0; cell < BH_WORKER_COUNT; cell++)
		set_number(view, bh_worker_counter_names[cell],
			   counters_worker(counters, worker, (enum bh_worker_counter)cell));
	return view;
}

/* ---- ids by name: the directories are by id, a policy is by name ---- */

struct named_id {
	const char *name, *network;
	uint32_t id;
};

static int named_id_compare(const void *a, const void *b)
{
	const struct named_id *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->network, y->network);
}

static struct named_id *named_id_find(struct named_id *list, uint32_t count, const char *name,
				      const char *network)
{
	struct named_id key = { .name = name, .network = network };

	return count ? bsearch(&key, list, count, sizeof(*list), named_id_compare) : NULL;
}

static json_t *rule_view(uint32_t number, const char *name, uint8_t action, uint8_t flags,
			 const struct bh_rule_counters *sum)
{
	json_t *view = json_object();

	set_number(view, "number", number);
	json_object_set_new(view, "name", record_text(name, strlen(name)));
	json_object_set_new(view, "action", json_string(view_action(action)));
	json_object_set_new(view, "enabled", json_boolean(flags & BH_RULE_ENABLED));
	json_object_set_new(view, "monitor", json_boolean(flags & BH_RULE_MONITOR));
	json_object_set_new(view, "log", json_boolean(flags & BH_RULE_LOG));
	set_number(view, "sessions", sum->sessions);
	set_number(view, "packets", sum->packets);
	set_number(view, "bytes", sum->bytes);
	set_number(view, "limited", sum->limited);
	return view;
}

json_t *view_rules(const struct counters *counters, const struct bh_policy *policy)
{
	struct named_id *ids = calloc(counters->rules + 1u, sizeof(*ids));
	json_t *view = json_array();
	struct bh_rule_counters sum;
	uint32_t count = 0;

	if (!ids || !view)
		goto out;
	for (uint32_t id = 1; id < counters->rules; id++)
		ids[count++] = (struct named_id){ .name = counters_rule_name(counters, id),
						  .network = "",
						  .id = id };
	qsort(ids, count, sizeof(*ids), named_id_compare);
	for (uint32_t i = 0; i < policy->RULES_count; i++) {
		const struct bh_rule *rule = &policy->RULES_[i];
		const char *name = bh_string(policy, rule->name), *file = bh_string(policy, rule->file);
		const struct named_id *found = named_id_find(ids, count, name, "");
		counters_rule(counters, found ? found->id : UINT32_MAX, &sum);
		json_t *one = rule_view(i + 1, name, rule->action, rule->flags, &sum);
		json_object_set_new(one, "file", record_text(file, strlen(file)));
		set_number(one, "line", rule->line);
		json_array_append_new(view, one);
	}
	const struct bh_settings *settings = &policy->header->settings;
	counters_rule(counters, 0, &sum);
	json_array_append_new(
		view, rule_view((uint32_t)policy->RULES_count + 1, "default", settings->default_action,
				BH_RULE_ENABLED | (settings->default_log ? BH_RULE_LOG : 0), &sum));
out:
	free(ids);
	return view;
}

static json_t *segment_view(const struct bh_policy *policy, const struct bh_segment *segment,
			    const struct bh_segment_counters *sum)
{
	const char *name = bh_string(policy, segment->name);
	const char *network = bh_string(policy, policy->NETWORKS_[segment->network].name);
	const char *port = bh_string(policy, segment->port);
	json_t *view = json_object();

	json_object_set_new(view, "name", record_text(name, strlen(name)));
	json_object_set_new(view, "network", record_text(network, strlen(network)));
	json_object_set_new(view, "port", record_text(port, strlen(port)));
	json_object_set_new(view, "vlan",
			    segment->vlan == BH_VLAN_UNTAGGED ? json_string("untagged")
							      : json_integer(segment->vlan));
	json_object_set_new(view, "uplink", json_boolean(segment->uplink));
	set_number(view, "in", sum->in);
	set_number(view, "in_bytes", sum->in_bytes);
	set_number(view, "out", sum->out);
	set_number(view, "out_bytes", sum->out_bytes);
	set_number(view, "drops", sum->drops);
	set_number(view, "flows", sum->flows);
	set_number(view, "embryonic", sum->embryonic);
	set_number(view, "macs", sum->macs);
	return view;
}

/* A segment that was moved to another VLAN has several ids; what it did under each is added up. */
static void segment_sum(const struct counters *counters, struct named_id *ids, uint32_t count,
			const char *name, const char *network, struct bh_segment_counters *sum)
{
	struct named_id *found = named_id_find(ids, count, name, network);

	memset(sum, 0, sizeof(*sum));
	if (!found)
		return;
	while (found > ids && !named_id_compare(found - 1, found))
		found--;
	for (struct named_id *one = found; one < ids + count && !named_id_compare(one, found); one++) {
		struct bh_segment_counters add;
		counters_segment(counters, one->id, &add);
		sum->in += add.in;
		sum->in_bytes += add.in_bytes;
		sum->out += add.out;
		sum->out_bytes += add.out_bytes;
		sum->drops += add.drops;
		sum->flows += add.flows;
		sum->embryonic += add.embryonic;
		sum->macs += add.macs;
	}
}

json_t *view_segments(const struct counters *counters, const struct bh_policy *policy)
{
	struct named_id *ids = calloc(counters->segments + 1u, sizeof(*ids));
	json_t *view = json_array();

	if (!ids || !view)
		goto out;
	for (uint32_t id = 0; id < counters->segments; id++)
		ids[id] = (struct named_id){ .name = counters_segment_name(counters, id),
					     .network = counters_segment_network(counters, id),
					     .id = id };
	qsort(ids, counters->segments, sizeof(*ids), named_id_compare);
	for (uint32_t i = 0; i < policy->SEGMENTS_count; i++) {
		const struct bh_segment *segment = &policy->SEGMENTS_[i];
		struct bh_segment_counters sum;
		segment_sum(counters, ids, counters->segments, bh_string(policy, segment->name),
			    bh_string(policy, policy->NETWORKS_[segment->network].name), &sum);
		json_array_append_new(view, segment_view(policy, segment, &sum));
	}
out:
	free(ids);
	return view;
}

/* ---- applications ---- */

struct seen_app {
	struct bh_app_counters sum;
	uint32_t id;
};

static int seen_app_compare(const void *a, const void *b)
{
	const struct seen_app *x = a, *y = b;

	if (x->sum.bytes != y->sum.bytes)
		return x->sum.bytes < y->sum.bytes ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

/* Custom ids count from dpi_builtin_count() in order of the names' first appearance (image.h). */
static const char *custom_app_name(const struct bh_policy *policy, uint32_t id)
{
	uint32_t next = dpi_builtin_count();

	for (uint32_t i = 0; policy && i < policy->CUSTOM_APPS_count; i++) {
		bool first = true;
		for (uint32_t j = 0; j < i && first; j++)
			first = strcmp(bh_string(policy, policy->CUSTOM_APPS_[j].name),
				       bh_string(policy, policy->CUSTOM_APPS_[i].name)) != 0;
		if (first && next++ == id)
			return bh_string(policy, policy->CUSTOM_APPS_[i].name);
	}
	return NULL;
}

static json_t *app_view(const struct bh_policy *policy, const struct seen_app *app)
{
	const char *name = dpi_protocol_name(app->id), *category = NULL;
	json_t *view = json_object();

	if (name)
		category = dpi_category_name(dpi_protocol_category(app->id));
	else
		name = custom_app_name(policy, app->id);
	json_object_set_new(view, "name",
			    name ? record_text(name, strlen(name)) : json_sprintf("application-%u", app->id));
	json_object_set_new(view, "category", json_string(category ? category : "Custom"));
	set_number(view, "flows", app->sum.flows);
	set_number(view, "packets", app->sum.packets);
	set_number(view, "bytes", app->sum.bytes);
	return view;
}

json_t *view_applications(const struct counters *counters, const struct bh_policy *policy)
{
	struct seen_app apps[BH_APP_IDS];
	json_t *view = json_array();
	uint32_t count = 0;

	for (uint32_t id = 0; id < BH_APP_IDS; id++) {
		counters_app(counters, id, &apps[count].sum);
		apps[count].id = id;
		count += apps[count].sum.flows || apps[count].sum.packets;
	}
	qsort(apps, count, sizeof(apps[0]), seen_app_compare);
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(view, app_view(policy, &apps[i]));
	return view;
}
