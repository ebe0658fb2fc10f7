/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture files, by libpcap: looking through one before it is replayed, and writing what left. */
#ifndef DATAPLANE_CAPTURE_H
#define DATAPLANE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rte_mbuf;

struct capture_facts {
	uint64_t frames;
	uint64_t first_us; /* time of the first frame, 0 without one */
	bool cut;          /* the file ends within a frame; those before it are whole */
};

/* Read a capture from end to end: Ethernet, no frame longer than 65535 bytes. 0, or -errno with one line in why. */
int capture_scan(const char *path, struct capture_facts *facts, char *why, size_t why_size);

struct capture_writer;

/* NULL: one line in why. */
struct capture_writer *capture_create(const char *path, char *why, size_t why_size);
/* A frame as it is on the wire, at a time in microseconds. */
void capture_write(struct capture_writer *writer, const struct rte_mbuf *m, uint64_t time_us);
/* 0 or -EIO: not everything could be written. */
int capture_finish(struct capture_writer *writer);

#endif
