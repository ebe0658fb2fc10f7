/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changing a sequence of frames as somebody would who knows protocols: a SYN is answered, a session goes on, a frame is cut
 * into fragments or quoted by an error, a machine appears elsewhere; and as libFuzzer does, with checksums put right.
 */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>

size_t mutate_sequence(uint8_t *bytes, size_t size, size_t room, unsigned int seed);
/* Some items of one and some of the other. */
size_t mutate_join(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
		   uint8_t *bytes, size_t room, unsigned int seed);

/* ---- forge.c: frames made of frames; each returns the length of what it wrote, 0: it does not apply ---- */

#define FORGE_MAX 2048u

/* Numbers for a mutation; the same for the same seed. */
struct dice {
	uint64_t state;
};

uint32_t roll(struct dice *dice, uint32_t below);

/* One of the good frames that unit tests know. */
uint32_t forge_sample(struct dice *dice, uint8_t *out);
/* What the receiver of `frame` would send back, mostly. */
uint32_t forge_answer(struct dice *dice, const uint8_t *frame, uint32_t length, uint8_t *out);
/* What its sender would send next. */
uint32_t forge_next(struct dice *dice, const uint8_t *frame, uint32_t length, uint8_t *out);
/* An ICMP error that quotes it, from its receiver. */
uint32_t forge_error(struct dice *dice, const uint8_t *frame, uint32_t length, uint8_t *out);
/* Bytes [from, to) of its IP payload as a fragment; from is a multiple of 8. */
uint32_t forge_fragment(const uint8_t *frame, uint32_t length, uint32_t from, uint32_t to, uint32_t id,
			uint8_t *out);
/* A header field gets another value. */
void forge_field(struct dice *dice, uint8_t *frame, uint32_t length);

#endif
