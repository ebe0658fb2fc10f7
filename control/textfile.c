/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region.h"
#include "textfile.h"

static int read_all(int fd, char *text, size_t size, size_t *length)
{
	*length = 0;
	while (*length < size) {
		ssize_t got = read(fd, text + *length, size - *length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		*length += (size_t)got;
	}
	return 0;
}

int textfile_read(struct region *region, const char *path, size_t limit, struct textfile *file)
{
	/* O_NONBLOCK: a FIFO must not hold us up before fstat() tells that it is one */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), status;
	jmp_buf *guard;
	struct stat stat_of;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat_of) < 0)
		status = -errno;
	else if (S_ISDIR(stat_of.st_mode))
		status = -EISDIR;
	else if (!S_ISREG(stat_of.st_mode))
		status = -EINVAL;
	else if ((uintmax_t)stat_of.st_size > limit)
		status = -EFBIG;
	else
		status = 0;
	if (!status) {
		guard = region_guard(region, NULL); /* no jump over an open descriptor */
		file->text = region_alloc(region, (size_t)stat_of.st_size + 1);
		region_guard(region, guard);
		status =
			file->text ? read_all(fd, file->text, (size_t)stat_of.st_size, &file->size) : -ENOMEM;
	}
	close(fd);
	return status;
}

int textfile_identity(const char *path, uint64_t *device, uint64_t *inode)
{
	struct stat stat_of;

	if (stat(path, &stat_of) < 0)
		return -errno;
	*device = stat_of.st_dev;
	*inode = stat_of.st_ino;
	return 0;
}

char *textfile_beside(struct region *region, const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	if (name[0] == '/' || !slash)
		return region_text(region, name, strlen(name));
	return region_format(region, "%.*s/%s", (int)(slash - file), file, name);
}
