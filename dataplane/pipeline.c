/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "worker.h"

/* The way of a frame. Where it was received: who is it for? */
static const stage_function receive_stages[] = {
	parse_stage,   /* lengths, addresses, transport; names the owner */
	segment_stage, /* (port, VLAN) to segment; guards */
};

/* On the worker that owns its flow: may it pass, and where to? */
static const stage_function forward_stages[] = {
	layer2_stage,   /* learn, find the destination segment */
	fragment_stage, /* hold fragments until their packet can be judged */
	flow_stage,     /* session, its state and segments */
	classify_stage, /* application */
	policy_stage,   /* verdict */
	tx_stage,       /* re-tag and send */
};

static uint16_t run(const stage_function *stages, unsigned int stage_count, struct worker *w,
		    struct rte_mbuf **frames, uint16_t count)
{
	for (unsigned int i = 0; i < stage_count && count; i++)
		count = stages[i](w, frames, count);
	return count;
}

uint16_t pipeline_receive(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	return run(receive_stages, RTE_DIM(receive_stages), w, frames, count);
}

void pipeline_forward(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	run(forward_stages, RTE_DIM(forward_stages), w, frames, count);
}
