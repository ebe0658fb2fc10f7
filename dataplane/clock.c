/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <time.h>

uint64_t clock_unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void clock_discipline(struct clock *clock)
{
	atomic_store_explicit(&clock->unix_offset, clock_unix_us() - clock_now(clock) / 1000,
			      memory_order_relaxed);
}

void clock_start(struct clock *clock)
{
	uint64_t hz = rte_get_tsc_hz();

	clock->base = rte_rdtsc();
	clock->ns_per_tick_q32 = (uint64_t)(((__uint128_t)1000000000 << 32) / (hz ? hz : 1));
	clock_discipline(clock);
}
