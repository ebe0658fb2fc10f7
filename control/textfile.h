/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TEXTFILE_H
#define CONTROL_TEXTFILE_H

#include <stddef.h>
#include <stdint.h>

struct region;

struct textfile {
	char *text; /* of the region, NUL behind the end */
	size_t size;
};

/* Read a regular file of at most `limit` bytes. 0, -EFBIG, -EISDIR, -EINVAL (not a regular file) or open's and read's errno. */
int textfile_read(struct region *region, const char *path, size_t limit, struct textfile *file);

/* Which file a path leads to, whatever it is called. 0 or -errno. */
int textfile_identity(const char *path, uint64_t *device, uint64_t *inode);

/* What a file calls `name`: as it stands if absolute, else beside the file that names it. */
char *textfile_beside(struct region *region, const char *file, const char *name);

#endif
