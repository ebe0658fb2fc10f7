/* SPDX-License-Identifier: BSD-3-Clause */
/* Which guard answers for a frame (policy key layer2.allow), before any rule is asked. */
#ifndef DATAPLANE_PROTOCOL_H
#define DATAPLANE_PROTOCOL_H

#include <rte_mbuf.h>
#include <stdbool.h>

#include "frame.h"
#include "policy.h"

/* Beyond enum bh_layer2. */
enum {
	PROTOCOL_RULES = BH_LAYER2_COUNT, /* IP that the rules judge */
	PROTOCOL_OTHER,                   /* some other ethertype or LLC */
	PROTOCOL_RESERVED,                /* .. that belongs to one link: never in mode monitor */
};

/* enum bh_layer2 or PROTOCOL_* */
unsigned int protocol_of(const struct rte_mbuf *m, const struct frame *f);

/* Does the policy let it pass its guard? Not for PROTOCOL_RULES. */
bool protocol_allowed(const struct policy *policy, const struct frame *f, unsigned int protocol);

#endif
