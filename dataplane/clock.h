/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The live clock: nanoseconds of the CPU's time-stamp counter since the start of the process, monotonic and the same for
 * all workers; a reading costs no system call. Replay has the capture's clock instead (replay.c).
 */
#ifndef DATAPLANE_CLOCK_H
#define DATAPLANE_CLOCK_H

#include <rte_cycles.h>
#include <stdatomic.h>
#include <stdint.h>

struct clock {
	uint64_t base;                /* counter at the start */
	uint64_t ns_per_tick_q32;     /* nanoseconds a tick, × 2^32 */
	_Atomic uint64_t unix_offset; /* Unix time in us - clock in us; main: rw, workers: ro */
};

/* After EAL start. */
void clock_start(struct clock *clock);

/* Take the wall clock anew: NTP slews and steps it, the counter's rate is only estimated. Main thread, about once a second. */
void clock_discipline(struct clock *clock);

/* One second and not zero at the start, so that 0 can mean `never`. */
static inline uint64_t clock_now(const struct clock *clock)
{
	uint64_t ticks = rte_rdtsc() - clock->base;

	return 1000000000u + (uint64_t)(((__uint128_t)ticks * clock->ns_per_tick_q32) >> 32);
}

static inline uint64_t clock_unix_offset(const struct clock *clock)
{
	return atomic_load_explicit(&clock->unix_offset, memory_order_relaxed);
}

/* Wall clock, microseconds since the epoch. */
uint64_t clock_unix_us(void);

#endif
