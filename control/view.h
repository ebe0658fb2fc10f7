/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The counters as JSON objects: what bulkheadctl's tables, --json and replay's COUNTERS.json show. All
 * results are new references, NULL: no memory. dpi_catalogue_init() must have been called.
 */
#ifndef CONTROL_VIEW_H
#define CONTROL_VIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "bulkhead/evaluate.h"
#include "counters.h"

#define VIEW_ALL_PORTS UINT32_MAX

/* {in, in_bytes, copies, out, consumed, held, made, made_out, made_dropped, tx, tx_bytes, drops: {reason: n}}; of the drops those
 * that happened. */
json_t *view_port(const struct counters *counters, uint32_t port);
/* {reason: frames} of a port or of VIEW_ALL_PORTS; `all`: those that never happened too. */
json_t *view_drops(const struct counters *counters, uint32_t port, bool all);
/* The VLANs that most frames dropped as unknown-vlan came with, at most 10: [{port, vlan, frames}]. */
json_t *view_unknown_vlans(const struct counters *counters);
/* Whether the identities of counters.h hold for all ports now. */
bool view_identity(const struct counters *counters);
/* {counter: value} of one worker */
json_t *view_worker(const struct counters *counters, uint32_t worker);

/* {measuring, tsc_hz, frames, cycles_per_frame, stages: [{name, bursts, frames, cycles, cycles_per_frame, share, help}]}: of all
 * workers since measuring began. `frames` of the whole: those that were received; `share` of all cycles, 0..1. */
json_t *view_stages(const struct counters *counters);

/* Rules of a policy in order, the default last: [{number, name, action, enabled, monitor, log, sessions, packets, bytes,
 * limited, file, line}]. */
json_t *view_rules(const struct counters *counters, const struct bh_policy *policy);
/* [{name, network, port, vlan, uplink, in, in_bytes, out, out_bytes, drops, flows, embryonic, macs}] */
json_t *view_segments(const struct counters *counters, const struct bh_policy *policy);
/* Applications that were seen, the one with most bytes first: [{name, category, flows, packets, bytes}]. policy names the custom
 * ones; may be NULL. */
json_t *view_applications(const struct counters *counters, const struct bh_policy *policy);

const char *view_action(uint8_t action); /* "allow", "deny", "reject" */

#endif
