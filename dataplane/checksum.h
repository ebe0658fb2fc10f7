/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internet checksums (RFC 1071) and CRC32c (RFC 9260 appendix A) over mbufs of any number of segments. Sums are kept
 * unfolded and in memory order, so that parts can be added; a packet is good if its folded sum is 0xffff.
 */
#ifndef DATAPLANE_CHECKSUM_H
#define DATAPLANE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "words.h"

struct rte_mbuf;

/* The last `length` (0..7) bytes before `end` as a word with zeroes behind; `before`: so many bytes may be read before them. */
static inline uint64_t checksum_tail(const uint8_t *end, size_t length, bool before)
{
	uint64_t word = 0;

	if (!length)
		return 0;
	if (before)
		return load64(end - 8) >> (64 - 8 * length);
	for (size_t i = 0; i < length; i++)
		word |= (uint64_t)end[(ptrdiff_t)i - (ptrdiff_t)length] << (8 * i);
	return word;
}

/* At most 64 KiB - 1 bytes; they count as if they began at an even offset. Both halves of 64-bit words into one sum: no carry is
 * lost below 2^32 words. */
static inline uint64_t checksum_bytes(const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	uint64_t low = 0, high = 0;
	bool whole = length >= 8;

	for (; length >= 32; p += 32, length -= 32) {
		uint64_t a = load64(p), b = load64(p + 8), c = load64(p + 16), d = load64(p + 24);

		low += (a & 0xffffffff) + (b & 0xffffffff) + (c & 0xffffffff) + (d & 0xffffffff);
		high += (a >> 32) + (b >> 32) + (c >> 32) + (d >> 32);
	}
	for (; length >= 8; p += 8, length -= 8) {
		uint64_t a = load64(p);

		low += a & 0xffffffff;
		high += a >> 32;
	}
	uint64_t tail = checksum_tail(p + length, length, whole);
	return low + high + (tail & 0xffffffff) + (tail >> 32);
}

/* The same over [offset, offset + length) of a frame, which the caller knows to be there. */
uint64_t checksum_frame(const struct rte_mbuf *m, uint32_t offset, uint32_t length);

/* Addresses as 16 bytes (IPv4 mapped), length of transport header and payload. */
uint64_t checksum_pseudo(const uint8_t source[16], const uint8_t destination[16], uint32_t length,
			 uint8_t protocol);

/* Each half is added to the other with the carry that comes round: the upper one then is the sum. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	uint64_t both = sum + (sum << 32 | sum >> 32);
	uint32_t word = (uint32_t)(both >> 32);

	return (uint16_t)((word + (word << 16 | word >> 16)) >> 16);
}

/* Goes on from `crc`: ~0 at first; the complement of the last one is the packet's. */
uint32_t crc32c_bytes(uint32_t crc, const void *bytes, size_t length);
uint32_t crc32c_frame(uint32_t crc, const struct rte_mbuf *m, uint32_t offset, uint32_t length);

#endif
