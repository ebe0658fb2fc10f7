/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a frame as they lie in memory, at any address. What has a meaning as a number is read by parse.h's read16() and read32(). */
#ifndef DATAPLANE_WORDS_H
#define DATAPLANE_WORDS_H

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

/* A word of a struct, at an offset of it. */
static inline void put64(void *at, size_t offset, uint64_t word)
{
	memcpy((uint8_t *)at + offset, &word, sizeof(word));
}

#endif
