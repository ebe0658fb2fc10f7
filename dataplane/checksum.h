/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internet checksums (RFC 1071) and CRC32c (RFC 9260 appendix A) over mbufs of any number of segments. Sums are kept
 * unfolded and in memory order, so that parts can be added; a packet is good if its folded sum is 0xffff.
 */
#ifndef DATAPLANE_CHECKSUM_H
#define DATAPLANE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

struct rte_mbuf;

/* At most 64 KiB - 1 bytes; they count as if they began at an even offset. */
uint64_t checksum_bytes(const void *bytes, size_t length);

/* The same over [offset, offset + length) of a frame, which the caller knows to be there. */
uint64_t checksum_frame(const struct rte_mbuf *m, uint32_t offset, uint32_t length);

/* Addresses as 16 bytes (IPv4 mapped), length of transport header and payload. */
uint64_t checksum_pseudo(const uint8_t source[16], const uint8_t destination[16], uint32_t length,
			 uint8_t protocol);

static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Goes on from `crc`: ~0 at first; the complement of the last one is the packet's. */
uint32_t crc32c_bytes(uint32_t crc, const void *bytes, size_t length);
uint32_t crc32c_frame(uint32_t crc, const struct rte_mbuf *m, uint32_t offset, uint32_t length);

#endif
