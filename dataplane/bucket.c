/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets as a generic cell rate algorithm (ITU-T I.371): one word, so that workers share a bucket without a lock. */
#include "bucket.h"

void bucket_init(struct bucket *bucket, uint64_t rate, uint64_t burst)
{
	bucket->until_ns = 0;
	bucket->ns_per_unit_q16 = 0;
	bucket->burst_ns = 0;
	if (!rate)
		return;
	/* a rate above 65536 units a nanosecond would round to "unlimited" */
	bucket->ns_per_unit_q16 = ((uint64_t)1000000000 << 16) / rate;
	if (!bucket->ns_per_unit_q16)
		bucket->ns_per_unit_q16 = 1;
	bucket->burst_ns = (uint64_t)(((__uint128_t)burst * bucket->ns_per_unit_q16) >> 16);
}

bool bucket_take(struct bucket *bucket, uint64_t units, uint64_t now_ns)
{
	uint64_t until, start, cost;

	if (!bucket->ns_per_unit_q16)
		return true;
	cost = (uint64_t)(((__uint128_t)units * bucket->ns_per_unit_q16) >> 16);
	until = atomic_load_explicit(&bucket->until_ns, memory_order_relaxed);
	/* Under contention a few tries, then over the rate: a worker must not spin behind others. */
	for (int tries = 0; tries < 8; tries++) {
		start = until > now_ns ? until : now_ns;
		if (start - now_ns + cost > bucket->burst_ns)
			return false;
		if (atomic_compare_exchange_weak_explicit(&bucket->until_ns, &until, start + cost,
							  memory_order_relaxed, memory_order_relaxed))
			return true;
	}
	return false;
}
