/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sequence of frames as one byte string, the input of fuzz_pipeline. Any bytes are a sequence, so that a mutator can not
 * make one that is refused.
 *
 *   struct sequence_head     which policy, how the world is
 *   repeated: struct sequence_item and its `length` bytes (what is missing at the end is cut)
 */
#ifndef TESTS_SEQUENCE_H
#define TESTS_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bits of sequence_head.world */
enum {
	WORLD_LIVE = 1 << 0,     /* not as replay: records only of what is logged, quotas are shared out */
	WORLD_ASSIGNED = 1 << 1, /* segments by address, as replay --assign */
	WORLD_INSERT = 1 << 2,   /* the drivers insert tags and complete checksums */
	WORLD_SMALL = 1 << 3,    /* the transmit queue takes two frames a burst */
	WORLD_POOR = 1 << 4,     /* no buffers for copies */
	WORLD_SEEDED = 1 << 5,   /* a seed of the hashes, as live */
	WORLD_SHARED = 1 << 6,   /* the second worker has no queue of its own: the first sends for it */
	WORLD_DRAINED = 1 << 7,  /* the end comes at once: what is held is dropped, not timed out */
};

struct sequence_head {
	uint8_t policy; /* modulo the number of policies */
	uint8_t world;
};

/* bits of sequence_item.flags */
enum {
	ITEM_PORT = 1 << 0,      /* enters by the second port */
	ITEM_STRIPPED = 1 << 1,  /* the driver takes the tag off, if it is one */
	ITEM_JOINED = 1 << 2,    /* in one burst with the next */
	ITEM_CHECKSUM = 3 << 3,  /* what the driver says of the checksums, CHECKSUM_*: not verified if 0 */
	ITEM_SPLIT = 3 << 5,     /* in two segments: at 128 bytes, in the middle, 4 before the end */
	ITEM_OPERATION = 1 << 7, /* no frame: bytes[0] is an operation, bytes[1] its argument */
};

enum { OPERATION_RELOAD, OPERATION_LIST, OPERATION_AGE, OPERATION_REVOKE, OPERATION_COUNT };

struct sequence_item {
	uint8_t flags;
	uint8_t time; /* since the item before: see sequence_step_ns() */
	uint8_t length[2];
};

#define SEQUENCE_ITEMS 256u
#define SEQUENCE_FRAME_MAX 9600u

struct sequence_frame {
	uint8_t flags, time;
	uint16_t length;
	const uint8_t *bytes;
};

struct sequence {
	struct sequence_head head;
	uint32_t count;
	struct sequence_frame frames[SEQUENCE_ITEMS]; /* their bytes lie in the input */
};

void sequence_decode(struct sequence *sequence, const uint8_t *bytes, size_t size);
/* Returns the number of bytes written: items that do not fit any more are left out. */
size_t sequence_encode(const struct sequence *sequence, uint8_t *bytes, size_t room);

/* 0: 1 us; else 1 us << (time & 31), which is up to 36 minutes. */
static inline uint64_t sequence_step_ns(uint8_t time)
{
	return 1000u * (1ull << (time & 31));
}

#endif
