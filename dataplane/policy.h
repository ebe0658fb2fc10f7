/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A policy in force, as the workers see it: the checked image and what was built beside it. Made by the main
 * thread before it is published, immutable afterwards except `context`, and freed after a grace period. A schedule
 * boundary publishes a new struct policy over the same image.
 */
#ifndef DATAPLANE_POLICY_H
#define DATAPLANE_POLICY_H

#include <assert.h>
#include <rte_ether.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "bulkhead/counters.h"
#include "bulkhead/evaluate.h"
#include "bucket.h"
#include "frame.h"

struct bindings;
struct app_ids;
struct flow;
struct ids;
struct dpi_module;
struct rte_mbuf;
struct worker;

/* What a segment's stable id means under this policy. */
struct policy_segment {
	alignas(64) uint32_t index; /* in SEGMENTS of the image; BH_NONE: the id is not in this image */
	uint16_t network;           /* stable id */
	uint16_t vlan;              /* or BH_VLAN_UNTAGGED */
	uint8_t port;               /* index of our port */
	uint8_t spoof_guard, dhcp_server;
	struct bh_limits limits; /* percentages resolved; 0 = unlimited */
};
static_assert(sizeof(struct policy_segment) == 64);

struct policy {
	struct bh_policy image;
	struct bh_context context;
	uint32_t generation; /* from 1, grows with every policy published */
	bool replay_quotas_off;

	/* (port, VLAN) to segment: [port][vlan], VLAN 4095 = untagged; SEGMENT_NONE: none */
	uint16_t (*by_vlan)[4096];
	struct policy_segment *segments; /* by stable id, BH_SEGMENT_IDS */
	uint16_t *segment_ids;           /* index in SEGMENTS -> stable id */
	uint16_t *network_ids;           /* index in NETWORKS -> stable id */
	uint32_t *network_index;         /* stable id -> index in NETWORKS or BH_NONE, BH_NETWORK_IDS */
	uint32_t *rule_ids;              /* index in RULES -> stable id */
	struct bucket *limits;           /* by rule index: token buckets in bytes */
	uint8_t mirror_port[256];        /* by mirror index; 0xff: none */

	struct dpi_module *
		*modules; /* one a worker (replay: the same for all); NULL: applications out of force */
	const struct app_ids *apps; /* names of custom applications (classify.h); set by app_ids_bind() */
	uint16_t *app_stable;       /* application id of the image -> stable id, BH_APP_IDS */
	uint16_t *app_image;        /* stable id -> id of the image, 0: not in it; APP_STABLE_IDS */
	uint64_t ethertypes[65536 / 64]; /* layer2.allow */
	struct bindings *bindings;       /* bindings.h; NULL: none */
	void *memory;                    /* the private copy of the image */
	size_t memory_size;
};

/* mode: monitor, of the policy or of the network (stable id): refusals are recorded, frames pass. */
static inline bool policy_monitors(const struct policy *p, uint16_t network)
{
	uint32_t index = network < BH_NETWORK_IDS ? p->network_index[network] : BH_NONE;

	return p->image.header->settings.monitor || (index != BH_NONE && p->image.NETWORKS_[index].monitor);
}

/* A session ends before its verdict was settled: what is open is answered as at a budget's end, for its record. */
void policy_conclude(struct worker *w, struct flow *flow);

/* Judge a session by the policy in force before its state or its payload is asked; not if its destination is not known. */
void policy_judge_now(struct worker *w, struct flow *flow);

/* Stage: judge what has no verdict of this generation, take copies of floods, apply limits. Returns
 * how many frames of the batch go on to tx (each with ->dest a segment). */
uint16_t policy_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);

#endif
