/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one reader of the dataplane's counters: status, tables, replay's file and later metrics are views of it. The file is
 * mapped read-only; sums over the workers are taken when asked, so a reader sees values that only grow.
 */
#ifndef CONTROL_COUNTERS_H
#define CONTROL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bulkhead/counters.h"

struct counters {
	const struct bh_counters *map; /* NULL: not open */
	size_t size;
	uint32_t workers, ports, rules, segments, networks; /* checked against the map's bounds */
};

/* Map the counters at `path` (RUN/counters, or a finished replay's). Returns 0, -errno of opening it, or -EPROTO with one line in
 * why: the file is of another version, or no counters at all. */
int counters_open(struct counters *counters, const char *path, char *why, size_t why_size);
void counters_close(struct counters *counters);

/* Indices are below the counts above; others give zeros. */
uint64_t counters_worker(const struct counters *counters, uint32_t worker, enum bh_worker_counter cell);
uint64_t counters_workers(const struct counters *counters, enum bh_worker_counter cell); /* all workers */
void counters_port(const struct counters *counters, uint32_t port, struct bh_port_counters *sum);
void counters_rule(const struct counters *counters, uint32_t id, struct bh_rule_counters *sum);
void counters_segment(const struct counters *counters, uint32_t id, struct bh_segment_counters *sum);
void counters_stage(const struct counters *counters, enum bh_stage stage, struct bh_stage_counters *sum);
void counters_app(const struct counters *counters, uint32_t id, struct bh_app_counters *sum);

/* Names of the directories: always terminated, "" where the id is not given. The text belongs to the map. */
const char *counters_rule_name(const struct counters *counters, uint32_t id);
const char *counters_segment_name(const struct counters *counters, uint32_t id);
const char *counters_segment_network(const struct counters *counters, uint32_t id);

/* Frames that came with this VLAN id, which no segment of the port owns. vlan below BH_VLANS */
uint64_t counters_unknown_vlan(const struct counters *counters, uint32_t port, uint32_t vlan);

uint64_t counters_drops(const struct bh_port_counters *port); /* all reasons */

/* What the identity of counters.h lacks: 0 if it holds, else frames that are unaccounted for (or under way, while traffic
 * runs). The first of frames that entered, the second of frames of our own. */
int64_t counters_identity(const struct bh_port_counters *port);
int64_t counters_identity_made(const struct bh_port_counters *port);

#endif
