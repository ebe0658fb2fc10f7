/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first bytes of one direction of a TCP stream as nDPI saw them. A segment that says otherwise of the same bytes is an
 * attempt to have the far end take what was not recognised (TCP-10): frames can not be rewritten here, but that can be told.
 */
#ifndef DATAPLANE_STREAMHEAD_H
#define DATAPLANE_STREAMHEAD_H

#include <stdbool.h>
#include <stdint.h>

/* Whatever recognises a protocol looks here first. */
#define STREAM_HEAD 512u

struct stream_head {
	uint32_t first; /* sequence number of bytes[0] */
	bool begun;
	uint8_t known[STREAM_HEAD / 8]; /* a bit for each byte that was seen */
	uint8_t bytes[STREAM_HEAD];
};

/* Sequence numbers of `length` bytes of payload from `seq` on; what lies outside the head is not looked at. Keeps what is new.
 * false: a byte that was seen before was another; then nothing is kept. */
bool stream_head_agrees(struct stream_head *head, uint32_t seq, const uint8_t *bytes, uint32_t length);

#endif
