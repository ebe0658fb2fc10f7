/* SPDX-License-Identifier: BSD-3-Clause */
#include "counterfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t align_page(size_t size)
{
	return (size + 4095) & ~(size_t)4095;
}

/* The header is complete before its magic is: a reader that maps a file half-made refuses it. */
static void write_header(struct counterfile *file, uint16_t workers)
{
	struct bh_counters *c = file->counters;

	c->version = BH_COUNTERS_VERSION;
	c->size = file->size;
	c->worker_offset = align_page(sizeof(struct bh_counters));
	c->worker_stride = align_page(sizeof(struct bh_worker_counters));
	c->worker_count = workers;
	c->drop_count = BH_DROP_COUNT;
	atomic_thread_fence(memory_order_release);
	c->magic = BH_COUNTERS_MAGIC;
}

static int open_beside(const char *path, char *beside, size_t size, gid_t group)
{
	int fd;

	if (snprintf(beside, size, "%s.new", path) >= (int)size)
		return -ENAMETOOLONG;
	if (unlink(beside) && errno != ENOENT)
		return -errno;
	fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	/* the umask may have taken the group's bit; without the right to change the group readers must be root */
	if (fchmod(fd, 0640) || (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group))) {
		int error = -errno;

		close(fd);
		unlink(beside);
		return error;
	}
	return fd;
}

int counterfile_open(struct counterfile *file, const char *path, uint16_t workers, gid_t group)
{
	char beside[PATH_MAX];
	int error;

	file->size = align_page(sizeof(struct bh_counters)) +
		     workers * align_page(sizeof(struct bh_worker_counters));
	file->fd = path ? open_beside(path, beside, sizeof(beside), group)
			: memfd_create("bulkhead-counters", MFD_CLOEXEC);
	if (file->fd < 0)
		return path ? file->fd : -errno;
	if (ftruncate(file->fd, (off_t)file->size))
		goto err_unlink;
	file->counters = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->counters == MAP_FAILED)
		goto err_unlink;
	write_header(file, workers);
	if (path && rename(beside, path))
		goto err_unmap;
	return 0;

err_unmap:
	error = -errno;
	munmap(file->counters, file->size);
	errno = -error;
err_unlink:
	error = -errno;
	file->counters = NULL;
	if (path)
		unlink(beside);
	close(file->fd);
	file->fd = -1;
	return error;
}

void counterfile_close(struct counterfile *file)
{
	if (!file->counters)
		return;
	munmap(file->counters, file->size);
	close(file->fd);
	file->counters = NULL;
	file->fd = -1;
}

struct bh_worker_counters *counterfile_worker(const struct counterfile *file, uint16_t worker)
{
	char *base = (char *)file->counters + file->counters->worker_offset;

	return (struct bh_worker_counters *)(base + worker * file->counters->worker_stride);
}
