/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a frame as they lie in memory, at any address. What has a meaning as a number is read by parse.h's read16() and read32(). */
#ifndef DATAPLANE_WORDS_H
#define DATAPLANE_WORDS_H

#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* 128 bytes to zero, aligned to 16, store by store: of a loop or memset() gcc 12 makes a string instruction, which takes longer to
 * begin than all of them. */
static inline void clear128(void *at)
{
	__m128i *words = (__m128i *)at;
	const __m128i zero = _mm_setzero_si128();

	_mm_store_si128(words, zero);
	_mm_store_si128(words + 1, zero);
	_mm_store_si128(words + 2, zero);
	_mm_store_si128(words + 3, zero);
	_mm_store_si128(words + 4, zero);
	_mm_store_si128(words + 5, zero);
	_mm_store_si128(words + 6, zero);
	_mm_store_si128(words + 7, zero);
}

/* A word of a struct, at an offset of it. */
static inline void put64(void *at, size_t offset, uint64_t word)
{
	memcpy((uint8_t *)at + offset, &word, sizeof(word));
}

#endif
