/* SPDX-License-Identifier: BSD-3-Clause */
#include "objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "zone.h"

struct objects {
	struct sections *sections;
	const struct policy_model *model;
	int64_t created;
	struct problems *problems;
};

static int too_many(const struct objects *o, struct place place, uint64_t count, const char *what,
		    uint32_t most)
{
	problem_add(o->problems, SEVERITY_ERROR, place, "%llu %s are too many: a policy may have %u",
		    (unsigned long long)count, what, most);
	return -E2BIG;
}

static int write_networks(struct objects *o)
{
	const struct policy_model *m = o->model;
	struct sections *s = o->sections;

	if (m->network_count > BH_MAX_NETWORKS)
		return too_many(o, m->place, m->network_count, "networks", BH_MAX_NETWORKS);
	if (m->segment_count > BH_MAX_SEGMENTS)
		return too_many(o, m->place, m->segment_count, "segments", BH_MAX_SEGMENTS);
	for (uint32_t i = 0; i < m->network_count; i++) {
		const struct model_network *from = &m->networks[i];
		const uint32_t name = sections_string(s, from->name);
		struct bh_network *to = sections_add(s, BH_SECTION_NETWORKS, 1);

		if (to != NULL)
			*to = (struct bh_network){ name, from->first_segment, from->segment_count,
						   from->monitor };
	}
	for (uint32_t i = 0; i < m->segment_count; i++) {
		const struct model_segment *from = &m->segments[i];
		const uint32_t name = sections_string(s, from->name);
		const uint32_t port = sections_string(s, from->port);
		struct bh_segment *to = sections_add(s, BH_SECTION_SEGMENTS, 1);

		if (to != NULL)
			*to = (struct bh_segment){
				.name = name,
				.network = from->network,
				.port = port,
				.vlan = from->vlan,
				.uplink = from->uplink,
				.spoof_guard = from->spoof_guard,
				.dhcp_server = from->dhcp_server,
				.limits = from->limits,
			};
	}
	return s->error;
}

static int write_bindings(struct objects *o)
{
	for (uint32_t i = 0; i < o->model->binding_count; i++) {
		const struct model_binding *from = &o->model->bindings[i];
		const uint32_t count = from->address_count == 0 ? 1 : from->address_count;
		struct bh_binding *to = sections_add(o->sections, BH_SECTION_BINDINGS, count);

		for (uint32_t n = 0; to != NULL && n < count; n++) {
			to[n].segment = from->segment;
			memcpy(to[n].mac, from->mac, sizeof(to[n].mac));
			if (from->address_count != 0)
				memcpy(to[n].address, from->addresses[n], sizeof(to[n].address));
		}
	}
	return o->sections->error;
}

static int write_mirrors(struct objects *o)
{
	struct sections *s = o->sections;

	if (o->model->mirror_count > BH_MAX_MIRRORS)
		return too_many(o, o->model->place, o->model->mirror_count, "mirrors", BH_MAX_MIRRORS);
	for (uint32_t i = 0; i < o->model->mirror_count; i++) {
		const struct model_mirror *from = &o->model->mirrors[i];
		const uint32_t name = sections_string(s, from->name);
		const uint32_t port = sections_string(s, from->port);
		struct bh_mirror *to = sections_add(s, BH_SECTION_MIRRORS, 1);

		if (to != NULL) {
			*to = from->mirror;
			to->name = name;
			to->port = port;
		}
	}
	return s->error;
}

static int write_applications(struct objects *o)
{
	struct sections *s = o->sections;
	const uint32_t count = o->model->custom_app_count;

	if (count > BH_MAX_CUSTOM_PATTERNS)
		return too_many(o, o->model->place, count, "patterns of applications",
				BH_MAX_CUSTOM_PATTERNS);
	for (uint32_t i = 0; i < count; i++) {
		const struct model_custom_app *from = &o->model->custom_apps[i];
		const uint32_t name = sections_string(s, from->name);
		const uint32_t rule = sections_string(s, from->rule);
		struct bh_custom_app *to = sections_add(s, BH_SECTION_CUSTOM_APPS, 1);

		if (to != NULL)
			*to = (struct bh_custom_app){ name, rule };
	}
	return s->error;
}

static int write_ethertypes(struct objects *o)
{
	const uint32_t count = o->model->ethertype_count;
	uint16_t *to = sections_add(o->sections, BH_SECTION_ETHERTYPES, count);

	if (to != NULL && count != 0)
		memcpy(to, o->model->ethertypes, count * sizeof(*to));
	return o->sections->error;
}

static int write_zone(struct objects *o)
{
	const char *name = o->model->timezone;
	struct bh_zone *zones, *to;
	uint32_t count;
	int error = zone_read(name, o->created, &zones, &count);

	if (error == -ENOENT || error == -EINVAL)
		problem_add(o->problems, SEVERITY_ERROR, o->model->place,
			    "time zone \"%s\" can not be read from " ZONE_DIRECTORY
			    ": name one that is there, or UTC",
			    name);
	if (error != 0)
		return error;
	to = sections_add(o->sections, BH_SECTION_ZONES, count);
	if (to != NULL)
		memcpy(to, zones, count * sizeof(*to));
	free(zones);
	return o->sections->error;
}

static int (*const writers[])(struct objects *) = {
	write_networks, write_bindings, write_mirrors, write_applications, write_ethertypes, write_zone,
};

int objects_write(struct sections *sections, const struct policy_model *model, int64_t created,
		  struct problems *problems)
{
	struct objects o = { sections, model, created, problems };
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(writers) / sizeof(writers[0]); i++)
		error = writers[i](&o);
	return error;
}
