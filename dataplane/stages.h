/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a worker's time goes: the cycle account of `bulkheadctl stages`. While it is off it costs a branch a stage and burst, which is
 * always taken the same way.
 */
#ifndef DATAPLANE_STAGES_H
#define DATAPLANE_STAGES_H

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "worker.h"

/* Now, if it is asked for. */
static inline uint64_t stage_begin(const struct worker *w)
{
	return unlikely(w->measuring) ? rte_rdtsc() : 0;
}

/* What began at *start ends, and the next begins: a burst of `frames`. Empty ones count for none: then nothing is counted, and polling
 * in vain is nobody's. */
static inline void stage_end(struct worker *w, enum bh_stage stage, uint32_t frames, uint64_t *start)
{
	if (likely(!w->measuring))
		return;
	struct bh_stage_counters *counters = &w->counters->stages[stage];
	uint64_t now = rte_rdtsc();

	if (frames) {
		counters->bursts++;
		counters->frames += frames;
		counters->cycles += now - *start;
	}
	*start = now;
}

#endif
