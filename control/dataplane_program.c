/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane_program.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "bulkhead-dataplane"

static char *executable(const char *directory, size_t length, const char *rest)
{
	char *path;

	if (asprintf(&path, "%.*s/%s", (int)length, directory, rest) < 0)
		return NULL;
	if (!access(path, X_OK))
		return path;
	free(path);
	return NULL;
}

char *dataplane_program(void)
{
	const char *named = getenv("BULKHEAD_DATAPLANE"), *search = getenv("PATH");
	char self[PATH_MAX], *found = NULL;

	if (named && *named)
		return strdup(named);
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length > 0) {
		self[length] = 0;
		size_t directory = (size_t)(strrchr(self, '/') - self);
		found = executable(self, directory, PROGRAM);
		if (!found)
			found = executable(self, directory, "../sbin/" PROGRAM);
	}
	while (!found && search && *search) {
		size_t part = strcspn(search, ":");
		if (part)
			found = executable(search, part, PROGRAM);
		search += part + (search[part] == ':');
	}
	return found;
}
