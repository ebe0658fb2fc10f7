/* SPDX-License-Identifier: BSD-3-Clause */
#include "siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t rotate(uint64_t x, unsigned int by)
{
	return x << by | x >> (64 - by);
}

static uint64_t word(const uint8_t *bytes)
{
	uint64_t x;

	memcpy(&x, bytes, sizeof(x));
	return le64toh(x);
}

static void rounds(uint64_t v[4], int count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void absorb(uint64_t v[4], uint64_t x)
{
	v[3] ^= x;
	rounds(v, 2);
	v[0] ^= x;
}

void siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t length, uint8_t result[SIPHASH_SIZE])
{
	const uint8_t *bytes = data;
	uint64_t k0 = word(key), k1 = word(key + 8), out[2];
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261,
			  k1 ^ 0x7465646279746573 };
	uint8_t last[8] = { [7] = (uint8_t)length };

	for (; length >= 8; length -= 8, bytes += 8)
		absorb(v, word(bytes));
	if (length)
		memcpy(last, bytes, length);
	absorb(v, word(last));
	v[2] ^= 0xee;
	rounds(v, 4);
	out[0] = htole64(v[0] ^ v[1] ^ v[2] ^ v[3]);
	v[1] ^= 0xdd;
	rounds(v, 4);
	out[1] = htole64(v[0] ^ v[1] ^ v[2] ^ v[3]);
	memcpy(result, out, SIPHASH_SIZE);
}
