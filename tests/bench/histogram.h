/* SPDX-License-Identifier: BSD-3-Clause */
/* A histogram of nanoseconds: each power of two in 64 parts, so that a value is known to 1.6 per cent. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PARTS 64u
#define HISTOGRAM_CELLS (27u * HISTOGRAM_PARTS) /* up to 2^32 ns */

struct histogram {
	uint64_t count, greatest;
	uint64_t cells[HISTOGRAM_CELLS];
};

static inline void histogram_add(struct histogram *h, uint32_t ns)
{
	/* the first two powers share the cells that are a nanosecond wide */
	uint32_t shift = ns < 2 * HISTOGRAM_PARTS ? 0 : 25u - (uint32_t)__builtin_clz(ns);

	h->cells[shift * HISTOGRAM_PARTS + (ns >> shift)]++;
	h->count++;
	if (ns > h->greatest)
		h->greatest = ns;
}

/* The value below which this share (0..1) of the samples is; 0 if there are none. */
static inline uint64_t histogram_quantile(const struct histogram *h, double share)
{
	uint64_t left = (uint64_t)((double)h->count * share);

	for (uint32_t i = 0; i < HISTOGRAM_CELLS; i++) {
		uint32_t shift = i < 2 * HISTOGRAM_PARTS ? 0 : i / HISTOGRAM_PARTS - 1;

		if (left < h->cells[i])
			return (uint64_t)(i - shift * HISTOGRAM_PARTS) << shift;
		left -= h->cells[i];
	}
	return h->greatest;
}

#endif
