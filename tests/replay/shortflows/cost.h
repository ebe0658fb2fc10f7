/* SPDX-License-Identifier: BSD-3-Clause */
/* What nDPI asks for, and what its arena takes for that. */
#ifndef TESTS_COST_H
#define TESTS_COST_H

#include <stdint.h>

struct cost {
	uint64_t asked; /* bytes that nDPI has asked for on the way of frames, and not given back */
	uint64_t taken; /* bytes of the arena in use */
};

/* From now on; after world_open(). */
void cost_count(void);
struct cost cost_now(void);
/* Bytes of the library's own structure for a session. */
uint64_t cost_of_library(void);

#endif
