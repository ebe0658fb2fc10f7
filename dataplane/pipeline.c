/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "stages.h"
#include "worker.h"

struct stage {
	stage_function run;
	enum bh_stage account; /* stages.h */
};

/* The way of a frame, on the worker that owns its flow (rx.c). What is it, and where does it come from? */
static const struct stage receive_stages[] = {
	{ parse_stage, BH_STAGE_PARSE },     /* lengths, addresses, transport */
	{ segment_stage, BH_STAGE_SEGMENT }, /* (port, VLAN) to segment; guards */
};

/* May it pass, and where to? */
static const struct stage forward_stages[] = {
	{ layer2_stage, BH_STAGE_LAYER2 },     /* learn, find the destination segment */
	{ fragment_stage, BH_STAGE_FRAGMENT }, /* hold fragments until their packet can be judged */
	{ flow_stage, BH_STAGE_FLOW },         /* session, its state and segments */
	{ classify_stage, BH_STAGE_CLASSIFY }, /* application */
	{ policy_stage, BH_STAGE_POLICY },     /* verdict */
	{ tx_stage, BH_STAGE_TX },             /* re-tag and send */
};

static uint16_t run(const struct stage *stages, unsigned int stage_count, struct worker *w,
		    struct rte_mbuf **frames, uint16_t count)
{
	uint64_t start = stage_begin(w);

	for (unsigned int i = 0; i < stage_count && count; i++) {
		uint16_t entered = count;

		count = stages[i].run(w, frames, count);
		stage_end(w, stages[i].account, entered, &start);
	}
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
