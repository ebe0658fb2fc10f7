/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy_text.h"

const char *text_file(const void *text, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("policy", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, text, size, 0) != (ssize_t)size)
		abort();
	return path;
}

struct policy_model *policy_of_text(const char *text, struct problems *problems)
{
	struct policy_model *model = NULL;

	if (policy_read(text_file(text, strlen(text)), &model, problems))
		abort();
	return model;
}

struct policy_model *good_policy(const char *text)
{
	struct problems problems = { 0 };
	struct policy_model *model = policy_of_text(text, &problems);

	problems_sort(&problems);
	problems_print(&problems, stderr);
	if (problems.errors) {
		policy_model_free(model);
		model = NULL;
	}
	problems_free(&problems);
	return model;
}

bool problems_say(const struct problems *problems, const char *words)
{
	for (size_t i = 0; i < problems->count; i++)
		if (strstr(problems->list[i].message, words))
			return true;
	return false;
}
