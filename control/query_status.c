/* SPDX-License-Identifier: BSD-3-Clause */
/* status: one object that tells whether the appliance forwards, by what, and how full it is. */
#include "query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "record.h"
#include "view.h"

#define STATUS_HEARTBEAT_LATE_US 2000000 /* of about 100 ms */
#define STATUS_IDENTITY_TRIES 50

static uint64_t unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static json_t *status_time(uint64_t us)
{
	char text[40];

	return us ? json_string(record_time(us, text)) : json_null();
}

static uint64_t status_age_us(const struct bh_counters *map)
{
	uint64_t now = unix_us();

	return now > map->heartbeat_us ? now - map->heartbeat_us : 0;
}

static bool status_late(const struct bh_counters *map)
{
	return status_age_us(map) >= STATUS_HEARTBEAT_LATE_US;
}

static json_t *status_dataplane(const struct counters *counters, int connected)
{
	const struct bh_counters *map = counters->map;
	uint64_t now = unix_us(), age = status_age_us(map);
	/* a socket that nobody listens on tells it sooner; not to be permitted to use it tells nothing */
	bool gone = connected == -ECONNREFUSED || connected == -ENOENT;
	bool alive = !gone && age < STATUS_HEARTBEAT_LATE_US;

	return json_pack("{s:b, s:b, s:b, s:I, s:o, s:I, s:I}", "up", alive, "answers", connected == 0,
			 "forwarding", alive && map->generation != 0, "pid", (json_int_t)map->pid, "started",
			 status_time(map->started_us), "uptime_s",
			 (json_int_t)(now > map->started_us ? (now - map->started_us) / 1000000 : 0),
			 "heartbeat_age_ms", (json_int_t)(age / 1000));
}

static json_t *status_policy(struct source *source)
{
	const struct bh_counters *map = source->counters.map;
	char digest[20];

	if (!map->generation)
		return json_null();
	snprintf(digest, sizeof(digest), "%016" PRIx64, map->source_digest);
	json_t *policy = json_pack("{s:o, s:I, s:o, s:I, s:s, s:b}", "name",
				   record_text(map->policy, sizeof(map->policy)), "generation",
				   (json_int_t)map->generation, "accepted", status_time(map->accepted_us),
				   "image_bytes", (json_int_t)map->image_size, "source_digest", digest,
				   "applications_in_force", !map->apps_out_of_force);
	if (!status_late(map) && !source_image(source))
		json_object_set_new(policy, "rules", json_integer((json_int_t)source->policy.RULES_count));
	return policy;
}

static json_t *status_port(const struct counters *counters, uint32_t index)
{
	const struct bh_port_info *info = &counters->map->ports[index];
	struct bh_port_counters sum;
	char mac[18];

	counters_port(counters, index, &sum);
	return json_pack("{s:o, s:o, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
			 record_text(info->name, sizeof(info->name)), "device",
			 record_text(info->device, sizeof(info->device)), "mac", record_mac(info->mac, mac),
			 "link", info->up != 0, "mtu", (json_int_t)info->mtu, "rx_queues",
			 (json_int_t)info->rx_queues, "tx_queues", (json_int_t)info->tx_queues, "in",
			 (json_int_t)sum.in, "in_bytes", (json_int_t)sum.in_bytes, "tx", (json_int_t)sum.tx,
			 "tx_bytes", (json_int_t)sum.tx_bytes, "missed", (json_int_t)info->missed, "drops",
			 (json_int_t)counters_drops(&sum));
}

static json_t *status_worker(const struct counters *counters, uint32_t worker)
{
	json_t *view = view_worker(counters, worker);
	double bursts = (double)counters_worker(counters, worker, BH_WORKER_BURSTS);
	double polls = (double)counters_worker(counters, worker, BH_WORKER_POLLS);
	/* several queues may bring frames in one round */
	double busy = polls > 0 ? bursts / polls : 0;

	json_object_set_new(view, "id", json_integer(worker));
	json_object_set_new(view, "busy", json_real(busy > 1 ? 1 : busy));
	return view;
}

static json_t *status_table(uint64_t used, uint64_t size)
{
	return json_pack("{s:I, s:I}", "used", (json_int_t)used, "size", (json_int_t)size);
}

/* What is nearly spent: of all, or of one segment. */
static json_t *status_alarms(const struct counters *counters)
{
	const struct bh_counters *map = counters->map;
	json_t *list = json_array();

	for (uint32_t i = 0; i < map->alarm_count && i < BH_ALARMS_MAX; i++) {
		/* a copy: it may change while it is looked at */
		const struct bh_alarm alarm = map->alarms[i];
		const char *segment = alarm.segment ? counters_segment_name(counters, alarm.segment) : NULL;

		if (alarm.resource >= BH_RESOURCE_COUNT)
			continue;
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:I, s:I, s:I}", "resource",
						bh_resource_names[alarm.resource], "segment",
						segment ? record_text(segment, strlen(segment)) : json_null(),
						"percent", (json_int_t)alarm.level, "used",
						(json_int_t)alarm.used, "size", (json_int_t)alarm.size));
	}
	return list;
}

/* Pairs of segments that a loop joins: nothing goes between them. */
static json_t *status_loops(const struct counters *counters)
{
	const struct bh_counters *map = counters->map;
	json_t *list = json_array();

	for (uint32_t i = 0; i < map->loop_count && i < BH_LOOPS_MAX; i++) {
		uint32_t pair = map->loops[i];
		const char *a = counters_segment_name(counters, pair >> 16);
		const char *b = counters_segment_name(counters, pair & 0xffff);

		if (pair == UINT32_MAX)
			json_array_append_new(list, json_pack("[s]", "*"));
		else if (a && b)
			json_array_append_new(list, json_pack("[o, o]", record_text(a, strlen(a)),
							      record_text(b, strlen(b))));
	}
	return list;
}

/* While traffic runs some frames are always under way, so a difference is looked at again; one that stays is frames under
 * way at every look, or a fault. */
static json_t *status_identity(const struct counters *counters)
{
	bool holds = false;
	int64_t difference = 0;

	for (int i = 0; i < STATUS_IDENTITY_TRIES && !holds; i++)
		holds = view_identity(counters);
	for (uint32_t i = 0; i < counters->ports && !holds; i++) {
		struct bh_port_counters sum;
		counters_port(counters, i, &sum);
		difference += counters_identity(&sum) + counters_identity_made(&sum);
	}
	return json_pack("{s:b, s:I}", "holds", holds, "under_way", (json_int_t)difference);
}

json_t *query_status(struct source *source, const json_t *question)
{
	(void)question;
	/* either of the two is an answer: the socket needs more rights than the counters */
	int connected = source_client(source);
	int error = source_counters(source);
	if (error == -ENOENT && connected)
		return json_pack("{s:{s:b, s:s}}", "dataplane", "up", 0, "why", source->why);
	if (error)
		return NULL;
	const struct counters *counters = &source->counters;
	json_t *result = json_object(), *ports = json_array(), *workers = json_array();

	/* the policy first: to ask for it takes long if nobody answers, and then the heartbeat tells */
	json_t *policy = status_policy(source);
	json_object_set_new(result, "dataplane", status_dataplane(counters, connected));
	json_object_set_new(result, "policy", policy);
	for (uint32_t i = 0; i < counters->ports; i++)
		json_array_append_new(ports, status_port(counters, i));
	for (uint32_t i = 0; i < counters->workers; i++)
		json_array_append_new(workers, status_worker(counters, i));
	json_object_set_new(result, "ports", ports);
	json_object_set_new(result, "workers", workers);
	json_object_set_new(result, "tables",
			    json_pack("{s:o, s:o, s:o}", "flows",
				      status_table(counters_workers(counters, BH_WORKER_FLOWS),
						   counters->map->flow_capacity),
				      "macs", status_table(counters->map->macs, counters->map->mac_capacity),
				      "detecting",
				      status_table(counters_workers(counters, BH_WORKER_DETECTING),
						   counters->map->detect_capacity)));
	json_object_set_new(result, "events_lost",
			    json_integer((json_int_t)(counters_workers(counters, BH_WORKER_EVENTS_LOST) +
						      counters->map->events_lost)));
	json_object_set_new(result, "alarms", status_alarms(counters));
	json_object_set_new(result, "loops", status_loops(counters));
	json_object_set_new(result, "listening", json_integer(counters->map->listening));
	json_object_set_new(result, "identity", status_identity(counters));
	return result;
}
