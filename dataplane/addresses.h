/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which machine uses an IP address, as seen: what the spoof guard in mode `learn` holds machines to, and what
 * layer2.unicast-known asks. The MAC table's writer is the only writer; all read without a lock.
 */
#ifndef DATAPLANE_ADDRESSES_H
#define DATAPLANE_ADDRESSES_H

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "place.h"

struct policy;
struct addresses;

/* An address that its holder has not used for so long is free for another machine. */
#define ADDRESS_AGE_NS 600000000000ull

enum claim {
	CLAIM_KNOWN,
	CLAIM_NEW,      /* nobody used it */
	CLAIM_FOLLOWED, /* the address is where its machine moved to, or changed hands where no guard is */
	CLAIM_FULL,     /* the table, or the segment's share of it, is full */
	CLAIM_TAKEN,    /* another machine's */
};

struct addresses *addresses_new(uint32_t capacity, int socket);
void addresses_free(struct addresses *a);

/* Any thread: who uses the address; false: nobody of this policy's segments by now_ns. */
bool addresses_find(const struct addresses *a, const struct policy *policy, uint16_t network,
		    const uint8_t address[16], uint64_t now_ns, struct rte_ether_addr *mac,
		    uint16_t *segment);

/* Any thread: what the claim of a sighting means. Refreshes a known one. */
enum claim addresses_judge(struct addresses *a, const struct policy *policy, const struct sighting *s);

/* Writer: judge and record. */
enum claim addresses_claim(struct addresses *a, const struct policy *policy, const struct sighting *s);

/* Writer: forget what has aged out, at most `budget` records. Returns whether all that was due was looked at. */
bool addresses_age(struct addresses *a, uint64_t now_ns, uint32_t budget);

#endif
