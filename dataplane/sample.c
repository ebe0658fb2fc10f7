/* SPDX-License-Identifier: BSD-3-Clause */
#include "sample.h"

/* flow->dpi: looks left, payloads of this direction since it changed, the direction, and that it is no context */
#define LOOKS 0xffu
#define TURN_SHIFT 8
#define TURN (0xffu << TURN_SHIFT)
#define REPLY (1u << 16)

static_assert(SAMPLE_LOOKS <= LOOKS && SAMPLE_TURN <= TURN >> TURN_SHIFT);

void sample_arm(struct flow *flow, uint32_t looks)
{
	if (!looks)
		return;
	flow->flags |= FLOW_SAMPLE;
	flow->dpi = SAMPLE_ACCOUNT | looks;
}

void sample_disarm(struct flow *flow)
{
	flow->flags &= ~FLOW_SAMPLE;
	flow->dpi = 0;
}

uint32_t sample_left(uint32_t account)
{
	return account & LOOKS;
}

bool sample_due(struct flow *flow, bool reply)
{
	if (flow->packets[0] + flow->packets[1] > SAMPLE_PACKETS) {
		sample_disarm(flow);
		return false;
	}
	if (reply != !!(flow->dpi & REPLY))
		flow->dpi = SAMPLE_ACCOUNT | (flow->dpi & LOOKS) | (reply ? REPLY : 0);
	if ((flow->dpi & TURN) >> TURN_SHIFT == SAMPLE_TURN)
		return false;
	flow->dpi += 1u << TURN_SHIFT;
	return true;
}

void sample_spend(struct flow *flow)
{
	flow->dpi--;
	if (!(flow->dpi & LOOKS))
		sample_disarm(flow);
}
