/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets by their one time stamp (GCRA): lock-free, nothing to refill. */
#include "rates.h"

#include <rte_malloc.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "bulkhead/counters.h"

#define SECOND 1000000000ull

struct segment_rates {
	alignas(64) _Atomic uint64_t full_ns[RATE_CLASSES]; /* when the bucket will be full again */
};

struct rates {
	struct segment_rates segments[BH_SEGMENT_IDS];
	_Atomic uint64_t notices[BH_NOTICE_COUNT];
	_Atomic uint32_t unsaid[BH_NOTICE_COUNT];
};

struct rates *rates_new(int socket)
{
	return rte_zmalloc_socket("rates", sizeof(struct rates), 64, socket);
}

void rates_free(struct rates *r)
{
	rte_free(r);
}

/* interval_ns: of one unit; depth_ns: of all that may pass at once */
static bool take(_Atomic uint64_t *full_ns, uint64_t interval_ns, uint64_t depth_ns, uint64_t now_ns)
{
	uint64_t old = atomic_load_explicit(full_ns, memory_order_relaxed);
	uint64_t next;

	do {
		next = (old > now_ns ? old : now_ns) + interval_ns;
		if (next - now_ns > depth_ns)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(full_ns, &old, next, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

bool rates_frame(struct rates *r, uint16_t segment, enum rate_class class, uint32_t a_second, uint64_t now_ns)
{
	if (a_second == 0 || segment >= BH_SEGMENT_IDS)
		return true;
	uint64_t interval = SECOND / a_second;
	uint64_t depth = class == RATE_STORM ? SECOND / 4 : SECOND;
	/* a small rate still lets single frames pass */
	return take(&r->segments[segment].full_ns[class], interval, depth > interval ? depth : interval,
		    now_ns);
}

bool rates_storm(_Atomic uint64_t *full_ns, uint32_t a_second, uint64_t now_ns)
{
	uint64_t interval = SECOND / a_second;

	return take(full_ns, interval, RTE_MAX(SECOND / 4, interval), now_ns);
}

bool rates_notice(struct rates *r, enum bh_notice_kind kind, uint64_t now_ns, uint32_t *more)
{
	/* who moves where is wanted whole, as far as the ring of events can bear; the crimes of one machine repeat */
	bool places = kind == BH_NOTICE_MAC_LEARNED || kind == BH_NOTICE_MAC_MOVED;
	uint64_t interval = places ? SECOND / 200 : SECOND / 5;
	uint64_t burst = places ? 1000 : 10;

	*more = 0;
	if (!r)
		return true;
	if (!take(&r->notices[kind], interval, burst * interval, now_ns)) {
		atomic_fetch_add_explicit(&r->unsaid[kind], 1, memory_order_relaxed);
		return false;
	}
	*more = atomic_exchange_explicit(&r->unsaid[kind], 0, memory_order_relaxed);
	return true;
}
