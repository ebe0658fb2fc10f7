/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BUCKET_H
#define DATAPLANE_BUCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A token bucket that all workers share without a lock: the time at which all of its tokens will be back. */
struct bucket {
	_Atomic uint64_t until_ns;
	uint64_t ns_per_unit_q16; /* nanoseconds a unit, × 65536; 0: unlimited */
	uint64_t burst_ns;
};

/* rate: units a second, 0: unlimited; burst: units that may pass at once after a silence, at least the largest
 * single taking (a bucket whose burst is smaller than a frame passes none). */
void bucket_init(struct bucket *bucket, uint64_t rate, uint64_t burst);

/* Take units at now_ns; false: over the rate, nothing was taken. Any thread. */
bool bucket_take(struct bucket *bucket, uint64_t units, uint64_t now_ns);

#endif
