/* SPDX-License-Identifier: BSD-3-Clause */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecopy.h"

#define IMAGE "image.kept"
#define STARTS "starts"
#define STARTS_MAX 16u

/* ---- whole files ---- */

static int write_all(int fd, const void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)bytes + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* `name` is the old or the new content, whatever happens meanwhile. */
static int replace(const struct keep *keep, const char *name, const void *bytes, size_t size)
{
	char beside[64];
	int fd, error;

	snprintf(beside, sizeof(beside), "%s.new", name);
	if (unlinkat(keep->directory, beside, 0) && errno != ENOENT)
		return -errno;
	fd = openat(keep->directory, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	error = write_all(fd, bytes, size);
	if (!error && fsync(fd))
		error = -errno;
	close(fd);
	if (!error && renameat(keep->directory, beside, keep->directory, name))
		error = -errno;
	if (error) {
		unlinkat(keep->directory, beside, 0);
		return error;
	}
	return fsync(keep->directory) ? -errno : 0;
}

/* A file that nobody but this user could have written; others may own the directory. */
static int open_own(const struct keep *keep, const char *name)
{
	int fd = openat(keep->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
	    !(status.st_mode & 022))
		return fd;
	close(fd);
	return -EPERM;
}

/* ---- starts: one number a line, Unix seconds ---- */

static uint32_t read_starts(const struct keep *keep, uint64_t *starts)
{
	char text[STARTS_MAX * 24];
	int fd = open_own(keep, STARTS);
	ssize_t length;
	uint32_t count = 0;

	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	for (char *at = text, *end; count < STARTS_MAX; at = end) {
		uint64_t start = strtoull(at, &end, 10);

		if (end == at)
			break;
		starts[count++] = start;
	}
	return count;
}

static int note_start(struct keep *keep, uint64_t now_s)
{
	uint64_t starts[STARTS_MAX];
	uint32_t count = read_starts(keep, starts);
	char text[STARTS_MAX * 24];
	size_t used = 0;

	/* only the recent ones are written again; a clock that was set back makes none of them recent */
	for (uint32_t i = 0; i < count; i++)
		if (starts[i] <= now_s && now_s - starts[i] < KEEP_WINDOW_S &&
		    keep->crashes < STARTS_MAX - 1) {
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%" PRIu64 "\n",
						 starts[i]);
			keep->crashes++;
		}
	used += (size_t)snprintf(text + used, sizeof(text) - used, "%" PRIu64 "\n", now_s);
	return replace(keep, STARTS, text, used);
}

int keep_open(struct keep *keep, const char *path, uint64_t now_s)
{
	int error;

	*keep = (struct keep){ .directory = -1 };
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	keep->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (keep->directory < 0)
		return -errno;
	error = note_start(keep, now_s);
	if (error)
		keep_close(keep);
	return error;
}

void keep_close(struct keep *keep)
{
	if (keep->directory >= 0)
		close(keep->directory);
	keep->directory = -1;
}

bool keep_crashes_often(const struct keep *keep)
{
	return keep->crashes >= KEEP_CRASHES;
}

void keep_clean(struct keep *keep)
{
	if (keep->directory >= 0)
		unlinkat(keep->directory, STARTS, 0);
	keep->crashes = 0;
}

int keep_load(const struct keep *keep)
{
	int file = open_own(keep, IMAGE), fd;

	if (file < 0)
		return file;
	fd = image_seal_file(file);
	close(file);
	return fd;
}

int keep_save(const struct keep *keep, const void *image, size_t size)
{
	return replace(keep, IMAGE, image, size);
}
