/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012): a keyed hash that nobody without the key can make. */
#ifndef DATAPLANE_SIPHASH_H
#define DATAPLANE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16
#define SIPHASH_SIZE 16

void siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t length, uint8_t result[SIPHASH_SIZE]);

#endif
