/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings.h"
#include "bucket.h"

#define UNTAGGED 4095u
/* A bucket that does not hold a burst of the largest frames would pass nothing. */
#define LEAST_BURST (64u << 10)

/* Index of a port by its name, or -ENOENT with a line that tells which there are. */
static int find_port(const struct table_need *need, const char *what, const char *item, const char *port,
		     char *why, size_t why_size)
{
	size_t used;

	for (uint16_t i = 0; i < need->port_count; i++)
		if (strcmp(need->ports[i], port) == 0)
			return i;
	used = (size_t)snprintf(why, why_size, "%s `%s': the appliance has no port `%s', only", what, item,
				port);
	for (uint16_t i = 0; i < need->port_count && used < why_size; i++)
		used += (size_t)snprintf(why + used, why_size - used, "%s %s", i ? "," : "", need->ports[i]);
	return -ENOENT;
}

/* ---- what may refuse ---- */

static int check_segments(const struct policy *p, const struct table_need *need, char *why, size_t why_size)
{
	for (uint64_t i = 0; i < p->image.SEGMENTS_count; i++) {
		const struct bh_segment *s = &p->image.SEGMENTS_[i];
		const char *name = bh_string(&p->image, s->name);
		int port = find_port(need, "segment", name, bh_string(&p->image, s->port), why, why_size);
		uint16_t *cell;

		if (port < 0)
			return port;
		cell = &p->by_vlan[port][s->vlan == BH_VLAN_UNTAGGED ? UNTAGGED : s->vlan & 4095];
		if (*cell != SEGMENT_NONE) {
			snprintf(why, why_size, "segments `%s' and `%s' have the same port and VLAN",
				 bh_string(&p->image, p->image.SEGMENTS_[*cell].name), name);
			return -EINVAL;
		}
		*cell = (uint16_t)i; /* tables_name() puts the id here */
	}
	return 0;
}

static int make_mirrors(struct policy *p, const struct table_need *need, char *why, size_t why_size)
{
	memset(p->mirror_port, 0xff, sizeof(p->mirror_port));
	for (uint64_t i = 0; i < p->image.MIRRORS_count; i++) {
		const struct bh_mirror *m = &p->image.MIRRORS_[i];
		const char *name = bh_string(&p->image, m->name);
		int port;

		if (i >= sizeof(p->mirror_port)) {
			snprintf(why, why_size, "more than %zu mirrors", sizeof(p->mirror_port));
			return -E2BIG;
		}
		if (m->kind != 0) {
			snprintf(why, why_size,
				 "mirror `%s': this dataplane does not send ERSPAN, only RSPAN", name);
			return -EOPNOTSUPP;
		}
		port = find_port(need, "mirror", name, bh_string(&p->image, m->port), why, why_size);
		if (port < 0)
			return port;
		p->mirror_port[i] = (uint8_t)port;
	}
	return 0;
}

static int allocate(struct policy *p, const struct table_need *need)
{
	/* the ports of a replay are those that the policy names, and its frames enter by the first even if there is none */
	size_t vlans = (need->port_count ? need->port_count : 1u) * sizeof(p->by_vlan[0]);

	p->by_vlan = malloc(vlans);
	p->segments = aligned_alloc(alignof(struct policy_segment), BH_SEGMENT_IDS * sizeof(*p->segments));
	p->segment_ids = calloc(p->image.SEGMENTS_count + 1, sizeof(*p->segment_ids));
	p->network_ids = calloc(p->image.NETWORKS_count + 1, sizeof(*p->network_ids));
	p->network_index = malloc(BH_NETWORK_IDS * sizeof(*p->network_index));
	p->rule_ids = calloc(p->image.RULES_count + 1, sizeof(*p->rule_ids));
	p->limits = calloc(p->image.RULES_count + 1, sizeof(*p->limits));
	if (!p->by_vlan || !p->segments || !p->segment_ids || !p->network_ids || !p->network_index ||
	    !p->rule_ids || !p->limits)
		return -ENOMEM;
	memset(p->by_vlan, 0xff, vlans);
	memset(p->network_index, 0xff, BH_NETWORK_IDS * sizeof(*p->network_index));
	for (uint32_t id = 0; id < BH_SEGMENT_IDS; id++)
		p->segments[id] = (struct policy_segment){ .index = BH_NONE };
	return 0;
}

static void make_limits(struct policy *p)
{
	for (uint64_t i = 0; i < p->image.RULES_count; i++) {
		const struct bh_rule *rule = &p->image.RULES_[i];
		uint64_t rate = rule->limit_rate / 8, burst = rule->limit_burst;

		if (!rule->limit_rate)
			continue;
		if (burst < LEAST_BURST)
			burst = LEAST_BURST;
		/* 0 would be no limit */
		bucket_init(&p->limits[i], rate ? rate : 1, burst);
	}
}

int tables_make(struct policy *p, const struct table_need *need, char *why, size_t why_size)
{
	int error = allocate(p, need);

	if (error) {
		snprintf(why, why_size, "no memory for the policy's tables");
		return error;
	}
	error = check_segments(p, need, why, why_size);
	if (!error)
		error = make_mirrors(p, need, why, why_size);
	if (error)
		return error;
	make_limits(p);
	for (uint64_t i = 0; i < p->image.ETHERTYPES_count; i++) {
		uint16_t type = p->image.ETHERTYPES_[i];

		p->ethertypes[type / 64] |= 1ull << (type % 64);
	}
	p->replay_quotas_off = need->replay && !p->image.header->settings.quotas_written;
	return 0;
}

/* ---- ids ---- */

/* percent × 100 of a table; at least one, for 0 is no limit. */
static uint32_t resolve(uint32_t limit, uint32_t total)
{
	uint64_t percent;

	if (!(limit & BH_LIMIT_PERCENT))
		return limit;
	percent = (uint64_t)(limit & ~BH_LIMIT_PERCENT) * total / 10000;
	return percent < 1 ? 1 : percent > UINT32_MAX ? UINT32_MAX : (uint32_t)percent;
}

static struct bh_limits resolve_limits(const struct bh_limits *limits, const struct table_need *need)
{
	return (struct bh_limits){
		.flows = resolve(limits->flows, need->flows),
		.embryonic = resolve(limits->embryonic, need->flows),
		.new_flows = resolve(limits->new_flows, need->flows),
		.macs = resolve(limits->macs, need->macs),
		.fragments = resolve(limits->fragments, need->fragments),
		.broadcast = limits->broadcast & ~BH_LIMIT_PERCENT,
	};
}

static int name_segments(struct policy *p, const struct table_need *need, struct ids *ids)
{
	for (uint16_t port = 0; port < need->port_count; port++)
		for (uint32_t vlan = 0; vlan < 4096; vlan++) {
			uint16_t *cell = &p->by_vlan[port][vlan];
			uint16_t network;
			int id;

			if (*cell == SEGMENT_NONE)
				continue;
			const struct bh_segment *s = &p->image.SEGMENTS_[*cell];
			network = p->network_ids[s->network];
			id = ids_segment(ids, need->ports[port], s->vlan, bh_string(&p->image, s->name),
					 network);
			if (id < 0)
				return id;
			p->segments[id] = (struct policy_segment){
				.index = *cell,
				.network = network,
				.vlan = s->vlan,
				.port = (uint8_t)port,
				.spoof_guard = s->spoof_guard,
				.dhcp_server = s->dhcp_server,
				.limits = resolve_limits(&s->limits, need),
			};
			p->segment_ids[*cell] = (uint16_t)id;
			*cell = (uint16_t)id;
		}
	return 0;
}

int tables_name(struct policy *p, const struct table_need *need, struct ids *ids, char *why, size_t why_size)
{
	int id = 0;

	for (uint64_t i = 0; i < p->image.NETWORKS_count && id >= 0; i++) {
		id = ids_network(ids, bh_string(&p->image, p->image.NETWORKS_[i].name));
		if (id < 0)
			break;
		p->network_ids[i] = (uint16_t)id;
		p->network_index[id] = (uint32_t)i;
	}
	for (uint64_t i = 0; i < p->image.RULES_count && id >= 0; i++) {
		id = ids_rule(ids, bh_string(&p->image, p->image.RULES_[i].name));
		p->rule_ids[i] = (uint32_t)id;
	}
	if (id >= 0)
		id = name_segments(p, need, ids);
	if (id < 0) {
		snprintf(why, why_size,
			 "more names of rules, segments and networks than can be counted at a time");
		return id;
	}
	if (bindings_new(p, &p->bindings) != 0) {
		snprintf(why, why_size, "no memory for the policy's bindings");
		return -ENOMEM;
	}
	return 0;
}

void tables_free(struct policy *p)
{
	bindings_free(p->bindings);
	free(p->by_vlan);
	free(p->segments);
	free(p->segment_ids);
	free(p->network_ids);
	free(p->network_index);
	free(p->rule_ids);
	free(p->limits);
	p->bindings = NULL;
	p->by_vlan = NULL;
	p->segments = NULL;
	p->segment_ids = NULL;
	p->network_ids = NULL;
	p->network_index = NULL;
	p->rule_ids = NULL;
	p->limits = NULL;
}
