/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow records of a replay: kept in an unlinked file, so that a long capture needs no memory, and written in an order that does
 * not depend on who found a session's end first. */
#ifndef CONTROL_SPOOL_H
#define CONTROL_SPOOL_H

#include <stdint.h>
#include <stdio.h>

#include "bulkhead/events.h"

struct spool {
	FILE *file;
	uint64_t count;
};

int spool_open(struct spool *spool); /* 0 or -errno */
void spool_close(struct spool *spool);
/* 0 or -errno (-ENOSPC: the temporary directory is full) */
int spool_add(struct spool *spool, const struct bh_flow_record *flow, uint64_t time_us);
/* One EVE record a line, sorted by start, addresses, ports, protocol and then everything else; flow_id is 1, 2, 3...
 * 0 or -errno. */
int spool_write(struct spool *spool, FILE *out);

#endif
