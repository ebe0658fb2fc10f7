/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internet checksums (RFC 1071) and CRC32c (RFC 9260 appendix A) over mbufs of any number of segments. Sums are kept
 * unfolded and in memory order, so that parts can be added; a packet is good if its folded sum is 0xffff.
 */
#ifndef DATAPLANE_CHECKSUM_H
#define DATAPLANE_CHECKSUM_H

#include <smmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "words.h"

struct rte_mbuf;

/* The sum of two words of ones' complement, be it of 64, 32 or 16 bits: a carry comes round. */
static inline uint64_t checksum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* Less than 8 bytes as a word with zeroes behind. */
static inline uint64_t checksum_tail(const uint8_t *p, size_t length)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++)
		word |= (uint64_t)p[i] << (8 * i);
	return word;
}

/* Added to `sum`: 8 to 63 bytes, or what is left, less than 64, of more. The last 8 of them may be read at once. */
static inline __attribute__((always_inline)) uint64_t checksum_below64(uint64_t sum, const uint8_t *p,
								       size_t length)
{
	const uint8_t *end = p + length;

	if (length & 32) {
		sum = checksum_add(sum, checksum_add(checksum_add(load64(p), load64(p + 8)),
						     checksum_add(load64(p + 16), load64(p + 24))));
		p += 32;
	}
	if (length & 16) {
		sum = checksum_add(sum, checksum_add(load64(p), load64(p + 8)));
		p += 16;
	}
	if (length & 8)
		sum = checksum_add(sum, load64(p));
	/* in two steps, since there may be none */
	return checksum_add(sum, load64(end - 8) >> 8 >> (56 - 8 * (length & 7)));
}

/* At most 64 KiB - 1 bytes; they count as if they began at an even offset. No more than 2^48, so that sums can be added. */
static inline uint64_t checksum_bytes(const void *bytes, size_t length)
{
	const __m128i half = _mm_set1_epi64x(UINT32_MAX);
	__m128i low = _mm_setzero_si128(), high = _mm_setzero_si128();
	const uint8_t *p = bytes;
	uint64_t rest;

	/* the halves of words can not overflow */
	for (; length >= 64; p += 64, length -= 64)
		for (unsigned int i = 0; i < 64; i += 16) {
			__m128i a = _mm_loadu_si128((const __m128i *)(const void *)(p + i));

			low = _mm_add_epi64(low, _mm_and_si128(a, half));
			high = _mm_add_epi64(high, _mm_srli_epi64(a, 32));
		}
	low = _mm_add_epi64(low, high);
	/* of what is behind a block the last eight bytes may be the block's */
	rest = p == bytes && length < 8 ? checksum_tail(p, length) : checksum_below64(0, p, length);
	return (uint64_t)_mm_cvtsi128_si64(low) + (uint64_t)_mm_extract_epi64(low, 1) + (rest & UINT32_MAX) +
	       (rest >> 32);
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
