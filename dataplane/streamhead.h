/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first bytes of each direction of a TCP stream as nDPI saw them, until the far end has acknowledged them: what it has
 * taken can not be taken otherwise any more. A segment that says otherwise of the same bytes is an attempt to have the far end take
 * what was not recognised (TCP-10): frames can not be rewritten here, but that can be told.
 */
#ifndef DATAPLANE_STREAMHEAD_H
#define DATAPLANE_STREAMHEAD_H

#include <assert.h>
#include <stdint.h>

struct arena;

/* Whatever recognises a protocol looks here first. */
#define STREAM_HEAD 512u

struct stream_part;

/* Both directions of a session (0: initiator's). Small, as every TCP session under detection has one: bytes are kept in the
 * arena, as many as there are. */
struct __attribute__((packed, aligned(4))) stream_heads {
	struct stream_part *parts; /* at most one for each direction */
	uint32_t from[2];          /* sequence number: all before it was acknowledged */
	uint16_t left[2];          /* of STREAM_HEAD bytes from there on */
};
static_assert(sizeof(struct stream_heads) == 20);

enum stream_answer {
	STREAM_AGREES,
	STREAM_CONTRADICTS, /* a byte that was seen before was another; then nothing is kept */
	STREAM_NO_MEMORY,   /* the arena is full: nothing is kept */
};

void stream_heads_init(struct stream_heads *heads);
/* Gives back what is kept. */
void stream_heads_clear(struct stream_heads *heads, struct arena *arena);

/* A segment: sequence numbers of `length` bytes of payload from `seq` on; what lies outside the head is not looked at. Keeps
 * what is new. */
enum stream_answer stream_heads_show(struct stream_heads *heads, struct arena *arena, unsigned int direction,
				     uint32_t seq, const uint8_t *bytes, uint32_t length);
/* The far end has all bytes of a direction before `ack`. */
void stream_heads_acknowledge(struct stream_heads *heads, struct arena *arena, unsigned int direction,
			      uint32_t ack);

#endif
