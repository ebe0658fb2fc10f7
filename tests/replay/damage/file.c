/* SPDX-License-Identifier: BSD-3-Clause */
/* A capture's file that ends too early, given to the reader of replay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"
#include "damage.h"

#define PCAP_HEADER 24u
#define RECORD_HEADER 16u

/* Ends of the frames in a little-endian file of the classic format; NULL: it is not one. */
static uint64_t *frame_ends(const uint8_t *bytes, size_t size, uint64_t *count)
{
	static const uint8_t magic[4] = { 0xd4, 0xc3, 0xb2, 0xa1 };
	uint64_t *ends = malloc((size / RECORD_HEADER + 1) * sizeof(*ends));

	*count = 0;
	if (!ends || size < PCAP_HEADER || memcmp(bytes, magic, 4)) {
		free(ends);
		return NULL;
	}
	for (uint64_t at = PCAP_HEADER; at + RECORD_HEADER <= size;) {
		uint32_t kept;

		memcpy(&kept, bytes + at + 8, sizeof(kept));
		if (kept > size - at - RECORD_HEADER)
			break;
		at += RECORD_HEADER + kept;
		ends[(*count)++] = at;
	}
	return ends;
}

/* Of a file that was cut at `size`: the reader's answer against ours. */
static bool is_right(const char *path, uint64_t size, const uint64_t *ends, uint64_t whole, uint64_t *frames)
{
	struct capture_facts facts;
	char why[256] = "";
	int error = capture_scan(path, &facts, why, sizeof(why));
	bool right;

	if (error)
		right = why[0] && (!ends || size < PCAP_HEADER);
	else if (ends)
		right = size >= PCAP_HEADER && facts.frames == whole &&
			facts.cut == (size != (whole ? ends[whole - 1] : PCAP_HEADER));
	else
		right = facts.frames <= *frames;
	if (!right)
		fprintf(stderr, "cut at %llu: %s, %llu frames%s, expected %llu\n", (unsigned long long)size,
			error ? why : "read", (unsigned long long)facts.frames, facts.cut ? " and a cut" : "",
			(unsigned long long)whole);
	*frames = error ? *frames : facts.frames;
	return right;
}

static int64_t cut_file(int fd, const uint8_t *bytes, size_t size, uint64_t every)
{
	uint64_t whole, frames = UINT64_MAX, step = CUT_STEP * every, *ends = frame_ends(bytes, size, &whole);
	int64_t cuts = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* from the end: what is cut off is never needed again */
	for (uint64_t at = size / step * step;; at -= step) {
		while (ends && whole && ends[whole - 1] > at)
			whole--;
		if (ftruncate(fd, (off_t)at) || !is_right(path, at, ends, whole, &frames)) {
			cuts = -1;
			break;
		}
		cuts++;
		if (!at)
			break;
	}
	free(ends);
	return cuts;
}

int64_t damage_file(const char *path, uint64_t every)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long size = -1;
	int64_t cuts = -1;
	int fd = memfd_create("capture", MFD_CLOEXEC);

	if (file && fd >= 0 && !fseek(file, 0, SEEK_END) && (size = ftell(file)) > 0)
		bytes = malloc((size_t)size);
	if (bytes && !fseek(file, 0, SEEK_SET) && fread(bytes, 1, (size_t)size, file) == (size_t)size &&
	    write(fd, bytes, (size_t)size) == size)
		cuts = cut_file(fd, bytes, (size_t)size, every);
	free(bytes);
	if (fd >= 0)
		close(fd);
	if (file)
		fclose(file);
	return cuts;
}
