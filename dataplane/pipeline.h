/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a frame: the stages in their order (pipeline.c). */
#ifndef DATAPLANE_PIPELINE_H
#define DATAPLANE_PIPELINE_H

#include <stdint.h>

struct rte_mbuf;
struct worker;

/* A stage takes a batch (1..BURST frames) in order of arrival and returns how many go on, moved to the front in
 * order. What does not go on it has dropped, consumed, held or sent on itself. */
typedef uint16_t (*stage_function)(struct worker *w, struct rte_mbuf **frames, uint16_t count);

/* Parse and segment, on the worker that owns the flow, under a policy. A packet that another worker put together has them behind it. */
uint16_t pipeline_receive(struct worker *w, struct rte_mbuf **frames, uint16_t count);
/* The rest. */
void pipeline_forward(struct worker *w, struct rte_mbuf **frames, uint16_t count);

uint16_t parse_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);
uint16_t segment_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);
uint16_t layer2_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);
uint16_t fragment_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);
uint16_t flow_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);
uint16_t classify_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);
uint16_t policy_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);
uint16_t tx_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count);

#endif
