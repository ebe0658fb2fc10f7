/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults on purpose, so that tests reach what happens when a resource is spent. BULKHEAD_FAULT in the dataplane's
 * environment is a list NAME=N,..: every N-th attempt at NAME fails, as if there were no room. It can only take away:
 * what then becomes of a frame is the policy's `exceptions', and a drop without. dpi-crash ends the process, as a packet
 * that the library can not survive would.
 */
#ifndef DATAPLANE_FAULT_H
#define DATAPLANE_FAULT_H

#include <rte_branch_prediction.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* X(SYMBOL, "name") */
/* clang-format off */
#define FAULTS(X) \
	X(FLOW, "flow")               /* a place in the flow table */ \
	X(FRAGMENT, "fragment")       /* a set of fragments */ \
	X(WHOLE, "whole")             /* a buffer to put fragments together */ \
	X(CONTEXT, "dpi-context")     /* detection of one more session */ \
	X(ARENA, "dpi-memory")        /* the library's memory */ \
	X(SLOW, "dpi-slow")           /* a call of the library: it takes 2 ms longer */ \
	X(CRASH, "dpi-crash")         /* a packet that the library survives */ \
	X(MAC, "mac")                 /* a place in the MAC table */ \
	X(EVENT, "event")             /* a slot of the ring of events */ \
	X(HANDOFF, "handoff")         /* a slot of the ring to the owner of a flow */ \
	X(COPY, "copy")               /* a buffer for the copy of a frame */ \
	X(BUFFER, "buffer")           /* a buffer for a frame of our own */
/* clang-format on */
enum fault_kind {
#define FAULT_ENUM(symbol, name) FAULT_##symbol,
	FAULTS(FAULT_ENUM)
#undef FAULT_ENUM
		FAULT_COUNT
};

/* main: written before there are workers; workers: ro but for `seen` */
struct fault {
	uint32_t every; /* 0: never, as always but in tests */
	_Atomic uint32_t seen;
};

/* Weak, so that a unit test that links one module needs nothing more. */
__attribute__((weak)) struct fault faults[FAULT_COUNT];

/* Shall this attempt fail? */
static inline bool fault(enum fault_kind kind)
{
	struct fault *f = &faults[kind];

	if (likely(!f->every))
		return false;
	return (atomic_fetch_add_explicit(&f->seen, 1, memory_order_relaxed) + 1) % f->every == 0;
}

/* Arm what a list says; NULL: nothing. 0 or -EINVAL: the list is wrong, and nothing is armed. */
int fault_arm(const char *list);

#endif
