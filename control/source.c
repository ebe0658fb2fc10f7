/* SPDX-License-Identifier: BSD-3-Clause */
#include "source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void source_init(struct source *source, const char *run)
{
	memset(source, 0, sizeof(*source));
	source->run = run;
	source->client.fd = -1;
}

void source_close(struct source *source)
{
	client_close(&source->client);
	counters_close(&source->counters);
	free(source->image);
	source->image = NULL;
}

int source_client(struct source *source)
{
	if (source->client.fd >= 0)
		return 0;
	int error = client_open(&source->client, source->run);
	if (error == -ENOENT || error == -ECONNREFUSED)
		snprintf(source->why, sizeof(source->why), "no dataplane answers at %s/control: it is down",
			 source->run);
	else if (error)
		snprintf(source->why, sizeof(source->why), "%s/control: %s", source->run, strerror(-error));
	return error;
}

int source_counters(struct source *source)
{
	char path[PATH_MAX], why[128];

	if (source->counters.map)
		return 0;
	snprintf(path, sizeof(path), "%s/counters", source->run);
	int error = counters_open(&source->counters, path, why, sizeof(why));
	if (error == -ENOENT)
		snprintf(source->why, sizeof(source->why), "no counters in %s: the dataplane is down",
			 source->run);
	else if (error)
		snprintf(source->why, sizeof(source->why), "%s/counters: %s", source->run,
			 why[0] ? why : strerror(-error));
	return error;
}

/* A private copy: what was checked can not change any more. */
static int image_read(struct source *source, int fd)
{
	struct stat status;
	char why[160];

	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size <= 0 || (uint64_t)status.st_size > BH_IMAGE_MAX_SIZE)
		return -E2BIG;
	size_t size = (size_t)status.st_size;
	char *image = malloc(size);
	if (!image)
		return -ENOMEM;
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, image + done, size - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(image);
			return -EIO;
		}
		done += (size_t)n;
	}
	int error = bh_image_open(&source->policy, image, size, why, sizeof(why));
	if (error) {
		snprintf(source->why, sizeof(source->why), "the image in force can not be read: %s", why);
		free(image);
		return error;
	}
	source->image = image;
	return 0;
}

int source_image(struct source *source)
{
	struct bh_end end;
	int fd;

	if (source->image)
		return 0;
	int error = source_client(source);
	if (error)
		return error;
	error = client_ask(&source->client, BH_REQUEST_IMAGE, NULL, 0, -1, CLIENT_TIMEOUT_MS, NULL, NULL,
			   &end, &fd);
	if (error) {
		snprintf(source->why, sizeof(source->why), "the dataplane does not answer: %s",
			 strerror(-error));
		return error;
	}
	source->generation = end.generation;
	if (end.status == -ENOENT)
		snprintf(source->why, sizeof(source->why), "no policy is in force%s%s",
			 end.text[0] ? ": " : "", end.text);
	else if (end.status)
		snprintf(source->why, sizeof(source->why), "the dataplane says: %s",
			 end.text[0] ? end.text : strerror(-end.status));
	error = end.status > 0 ? -EPROTO : end.status;
	if (!error && fd < 0) {
		snprintf(source->why, sizeof(source->why), "the dataplane sent no image");
		error = -EPROTO;
	}
	if (!error) {
		snprintf(source->why, sizeof(source->why), "the image in force can not be read");
		error = image_read(source, fd);
	}
	if (fd >= 0)
		close(fd);
	return error;
}
