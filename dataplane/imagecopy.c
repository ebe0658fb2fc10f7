/* SPDX-License-Identifier: BSD-3-Clause */
#include "imagecopy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulkhead/image.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static int read_all(int fd, void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

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

/* The reader follows 64-byte aligned sections; pages of our own are also spared the page cache. */
static void *private_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* evaluating walks all over it */
	madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

static int check(int fd, size_t *size, char *why, size_t why_size)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS) {
		snprintf(why, why_size, "the image is not a memfd sealed against writing and resizing");
		return -EPERM;
	}
	if (fstat(fd, &status))
		return -errno;
	if (status.st_size < (off_t)sizeof(struct bh_image_header) || status.st_size > BH_IMAGE_MAX_SIZE) {
		snprintf(why, why_size, "an image has %zu to %u bytes, this one %lld",
			 sizeof(struct bh_image_header), BH_IMAGE_MAX_SIZE, (long long)status.st_size);
		return -EFBIG;
	}
	*size = (size_t)status.st_size;
	return 0;
}

struct image_copy *image_copy_new(int fd, char *why, size_t why_size)
{
	struct image_copy *copy;
	size_t size = 0;

	if (check(fd, &size, why, why_size))
		return NULL;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		goto err_why;
	copy->size = size;
	copy->users = 1;
	copy->memory = private_memory(size);
	if (!copy->memory)
		goto err_free_copy;
	if (read_all(fd, copy->memory, size) || mprotect(copy->memory, size, PROT_READ))
		goto err_unmap;
	copy->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy->fd < 0)
		goto err_unmap;
	return copy;

err_unmap:
	munmap(copy->memory, size);
err_free_copy:
	free(copy);
err_why:
	snprintf(why, why_size, "the image can not be copied: %s", strerror(errno));
	return NULL;
}

struct image_copy *image_copy_hold(struct image_copy *copy)
{
	copy->users++;
	return copy;
}

void image_copy_put(struct image_copy *copy)
{
	if (!copy || --copy->users)
		return;
	munmap(copy->memory, copy->size);
	close(copy->fd);
	free(copy);
}

int image_seal(const void *bytes, size_t size)
{
	int fd = memfd_create("bulkhead-image", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, bytes, size);
	if (!error && fcntl(fd, F_ADD_SEALS, SEALS))
		error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

int image_seal_file(int file)
{
	struct stat status;
	void *bytes;
	int fd;

	if (fstat(file, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || !status.st_size)
		return -EINVAL;
	if (status.st_size > BH_IMAGE_MAX_SIZE)
		return -EFBIG;
	bytes = malloc((size_t)status.st_size);
	if (!bytes)
		return -ENOMEM;
	fd = read_all(file, bytes, (size_t)status.st_size);
	if (!fd)
		fd = image_seal(bytes, (size_t)status.st_size);
	free(bytes);
	return fd;
}
