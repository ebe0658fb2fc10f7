/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frame by which loops are found: an Ethernet frame to a group address of our own, of the local experimental ethertype 2
 * (IEEE 802), untagged in the buffer. Signed with the group's key; nothing of it can be chosen by who has not the key.
 */
#ifndef DATAPLANE_PROBE_H
#define DATAPLANE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "siphash.h"

#define PROBE_ETHERTYPE 0x88b6u
#define PROBE_VERSION 1u

/* On the wire in this order, big-endian, behind magic and version; then the signature over all of it. */
struct probe {
	uint64_t group;     /* hash of its name */
	uint64_t appliance; /* who sent it */
	uint64_t boot;      /* Unix time in us of the start of its process: grows */
	uint64_t round;     /* grows by one each time all segments are probed */
	uint64_t sent_us;   /* Unix time */
	uint64_t segment;   /* hash of the names of network and segment */
};

#define PROBE_SIZE (8u + sizeof(struct probe) + SIPHASH_SIZE)
#define PROBE_FRAME (14u + PROBE_SIZE) /* more than the least frame: no padding */

/* A name, as probes carry it. */
uint64_t probe_name(const char *network, const char *segment);

/* PROBE_FRAME bytes */
void probe_write(const struct probe *probe, const uint8_t key[SIPHASH_KEY], const uint8_t source[6],
		 uint8_t *frame);

enum probe_verdict { PROBE_OURS, PROBE_FOREIGN_GROUP, PROBE_FORGED, PROBE_NONE };

/* What lies behind the ethertype, `length` contiguous bytes. PROBE_NONE: not one of these frames at all; *probe is
 * filled for PROBE_OURS alone. */
enum probe_verdict probe_read(const uint8_t *payload, uint32_t length, uint64_t group,
			      const uint8_t key[SIPHASH_KEY], struct probe *probe);

#endif
