/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy image on its way into the dataplane: a memfd that nobody can change any more, and the request. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUSH_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

int push_seal(const void *image, size_t size)
{
	const char *from = image;
	int error;

	int fd = memfd_create("bulkhead-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, from + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			error = n ? -errno : -EIO;
			goto err_close;
		}
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, PUSH_SEALS | F_SEAL_SEAL) < 0) {
		error = -errno;
		goto err_close;
	}
	return fd;
err_close:
	close(fd);
	return error;
}

int push_check(int fd, size_t *size)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & PUSH_SEALS) != PUSH_SEALS || fstat(fd, &status) < 0)
		return -EINVAL;
	if (status.st_size <= 0 || (uint64_t)status.st_size > BH_IMAGE_MAX_SIZE)
		return -E2BIG;
	*size = (size_t)status.st_size;
	return 0;
}

int push_image(struct client *client, int fd, struct bh_end *end)
{
	return client_ask(client, BH_REQUEST_APPLY, NULL, 0, fd, CLIENT_APPLY_TIMEOUT_MS, NULL, NULL, end,
			  NULL);
}
