/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of counters that other processes map read-only (bulkhead/counters.h). Belongs in a tmpfs: writing to a file
 * on a disk could make a worker wait for the disk. */
#ifndef DATAPLANE_COUNTERFILE_H
#define DATAPLANE_COUNTERFILE_H

#include <stddef.h>
#include <sys/types.h>

#include "bulkhead/counters.h"

struct counterfile {
	struct bh_counters *counters;
	size_t size;
	int fd; /* read-write, the owner's */
};

/* Make the file anew, sparse, beside the one that may be there, and move it in its place. path NULL: memory
 * alone. group: who may read it, (gid_t)-1: the process's own. 0 or -errno. */
int counterfile_open(struct counterfile *file, const char *path, uint16_t workers, gid_t group);
/* Unmap; the file stays for readers. Idempotent. */
void counterfile_close(struct counterfile *file);

struct bh_worker_counters *counterfile_worker(const struct counterfile *file, uint16_t worker);

#endif
