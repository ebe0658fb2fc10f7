/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What outlives the process: the last image that was accepted, and when processes started that did not end in order. After
 * three crashes in a minute the kept image is not loaded any more: it may be what crashes. Main thread only.
 */
#ifndef DATAPLANE_KEEP_H
#define DATAPLANE_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_CRASHES 3u
#define KEEP_WINDOW_S 60u

struct keep {
	int directory;    /* -1: closed */
	uint32_t crashes; /* of the processes before this one, in the last KEEP_WINDOW_S */
};

/* Open the directory (it is made, 0755, if only itself is missing) and note that a process started now (Unix seconds). 0 or
 * -errno */
int keep_open(struct keep *keep, const char *path, uint64_t now_s);
void keep_close(struct keep *keep);

bool keep_crashes_often(const struct keep *keep);

/* A sealed memfd with the kept image; -ENOENT: none was kept; -EPERM: it is not ours alone to write; or another -errno. */
int keep_load(const struct keep *keep);
/* Whole or not at all, and on the disk when this returns. 0 or -errno */
int keep_save(const struct keep *keep, const void *image, size_t size);
/* The process ends in order: it was no crash, and those before it do not count any more. */
void keep_clean(struct keep *keep);

#endif
