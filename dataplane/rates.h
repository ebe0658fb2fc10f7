/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rates at layer 2, of a segment and class of frames, and of notices. Shared by all workers without a lock, so that a limit
 * is the same for any number of them.
 */
#ifndef DATAPLANE_RATES_H
#define DATAPLANE_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "bulkhead/events.h"

enum rate_class {
	RATE_STORM, /* broadcast, multicast, unknown unicast: the policy's limits.broadcast */
	/* what keeps a LAN alive has buckets of its own, so that a storm can not starve it nor it the machines */
	RATE_ARP,
	RATE_RARP,
	RATE_ND,
	RATE_DHCP,
	RATE_IGMP,
	RATE_MLD,
	RATE_CLASSES
};

/* Of a protected class. A boot storm or a vMotion of a whole host is hundreds of frames a second; 10,000 are
 * less than 1 % of what a worker can carry. */
#define RATE_PROTECTED 10000u

struct rates;

struct rates *rates_new(int socket);
void rates_free(struct rates *r);

/* One frame of a segment (stable id) and class; a_second 0: unlimited. The burst is a quarter of a second's
 * worth for storms, a second's for the others. Any thread. false: over the rate */
bool rates_frame(struct rates *r, uint16_t segment, enum rate_class class, uint32_t a_second,
		 uint64_t now_ns);

/* The same for a bucket of storms that lies elsewhere. */
bool rates_storm(_Atomic uint64_t *full_ns, uint32_t a_second, uint64_t now_ns);

/* May a notice of this kind be written? `more`: how many were not, since the last that was. r NULL: always. */
bool rates_notice(struct rates *r, enum bh_notice_kind kind, uint64_t now_ns, uint32_t *more);

#endif
