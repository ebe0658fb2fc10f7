/* SPDX-License-Identifier: BSD-3-Clause */
/* Making the frame that stands for a complete set of fragments. */
#ifndef DATAPLANE_REASSEMBLE_H
#define DATAPLANE_REASSEMBLE_H

#include <stdint.h>

#include "fragment.h"

struct rte_mempool;

/* Buffers for whole packets. A whole packet's mbuf has its struct fragment_set behind its struct frame, so that it may
 * be finished by another worker than the one that made it. */
struct whole_pools {
	struct rte_mempool *packets; /* as large as an mbuf can be: 65535 bytes */
	struct rte_mempool *tails; /* for the few bytes by which a frame with a packet of 64 KiB is longer */
};

/* 0 or -ENOMEM; what was made is freed by whole_pools_free() in both cases. */
int whole_pools_new(struct whole_pools *pools, unsigned int count, int socket, uint16_t worker_id);
void whole_pools_free(struct whole_pools *pools);

/* Puts together `count` fragments of one packet (given in order of arrival; order[i]: index of the i-th by offset) that
 * cover it without hole or overlap. The frame has the Ethernet header of the first by offset, the segments of `last`, the
 * last that arrived, and `frame.set`; it is not yet parsed. Takes the fragments if it succeeds. NULL: no buffer. */
struct rte_mbuf *whole_packet(const struct whole_pools *pools, struct rte_mbuf *const *frames,
			      const uint8_t *order, uint16_t count);

#endif
