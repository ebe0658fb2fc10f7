/* SPDX-License-Identifier: BSD-3-Clause */
/* Random numbers that are the same in each run (xorshift64*). */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdint.h>

static uint64_t dice = 88172645463325252u;

static inline uint32_t roll(uint32_t below)
{
	dice ^= dice >> 12;
	dice ^= dice << 25;
	dice ^= dice >> 27;
	return (uint32_t)((dice * 2685821657736338717u) >> 33) % below;
}

#endif
