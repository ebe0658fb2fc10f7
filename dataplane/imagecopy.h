/* SPDX-License-Identifier: BSD-3-Clause */
/* Policy images as they come and are kept: sealed descriptors, and a private copy that nobody else can change. */
#ifndef DATAPLANE_IMAGECOPY_H
#define DATAPLANE_IMAGECOPY_H

#include <stddef.h>
#include <stdint.h>

struct image_copy {
	int fd; /* sealed memfd, owned */
	void *memory;
	size_t size;
	uint32_t users; /* main thread only */
};

/* Takes a descriptor that must be sealed against writing and resizing (a client could change it under our eyes) and copies
 * it. `fd` stays the caller's. NULL: one line in why. */
struct image_copy *image_copy_new(int fd, char *why, size_t why_size);
struct image_copy *image_copy_hold(struct image_copy *copy);
void image_copy_put(struct image_copy *copy);

/* A sealed memfd with these bytes, or -errno. */
int image_seal(const void *bytes, size_t size);
/* A sealed memfd with the bytes of a regular file of at most BH_IMAGE_MAX_SIZE, or -errno (-EFBIG, -EINVAL: not a file). */
int image_seal_file(int fd);

#endif
