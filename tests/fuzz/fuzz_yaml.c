/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What people write: a policy (read, checked, compiled, and its image opened), the appliance's configuration, or the
 * feed of addresses of a group. The first byte says which.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "appliance.h"
#include "bulkhead/evaluate.h"
#include "load.h"

enum { POLICY, APPLIANCE, FEED, KINDS };

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int file, feed;

static void broken(const char *what)
{
	fprintf(stderr, "BROKEN: %s\n", what);
	abort();
}

static void fill(int fd, const void *bytes, size_t size)
{
	if (ftruncate(fd, 0) || pwrite(fd, bytes, size, 0) != (ssize_t)size)
		broken("no memory for a file");
}

/* Relative names of files must find nothing, whatever they are. */
int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	file = memfd_create("file", MFD_CLOEXEC);
	feed = memfd_create("feed", MFD_CLOEXEC);
	return file < 0 || feed < 0;
}

static const char *path_of(int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static void load_policy(void)
{
	struct policy_load load;
	struct bh_policy policy;
	char why[120];

	int error = policy_load(&load, path_of(file), 0);
	if (!error && !load.problems.errors && !load.image)
		broken("neither image nor error");
	if (load.image && bh_image_open(&policy, load.image, load.size, why, sizeof(why)))
		broken("an image that its reader refuses");
	for (size_t i = 0; i < load.problems.count; i++)
		if (!load.problems.list[i].message[0] || strchr(load.problems.list[i].message, '\n'))
			broken("a message that is not one line");
	policy_load_free(&load);
}

static void load_appliance(void)
{
	struct appliance *appliance = NULL;
	struct problems problems = { 0 };
	char **list;
	size_t count;

	if (!appliance_read(path_of(file), &appliance, &problems) && !problems.errors) {
		if (appliance_dataplane_arguments(appliance, &list, &count))
			broken("no arguments");
		for (size_t i = 0; i < count; i++)
			free(list[i]);
		free(list);
	}
	problems_sort(&problems);
	problems_free(&problems);
	appliance_free(appliance);
}

static void load_feed(const uint8_t *bytes, size_t size)
{
	char text[512];
	int length = snprintf(
		text, sizeof(text),
		"version: 1\nname: f\nnetworks: { n: { segments: { a: { port: p, vlan: 1 }, b: { port: p, "
		"vlan: 2 } } } }\ngroups: { g: { file: /proc/self/fd/%d } }\n"
		"rules: [ { name: r, from: g, to: { segment: b }, action: deny } ]\n"
		"default: { action: allow }\n",
		feed);

	fill(feed, bytes, size);
	fill(file, text, (size_t)length);
	load_policy();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (!size)
		return 0;
	if (bytes[0] % KINDS == FEED) {
		load_feed(bytes + 1, size - 1);
		return 0;
	}
	fill(file, bytes + 1, size - 1);
	if (bytes[0] % KINDS == POLICY)
		load_policy();
	else
		load_appliance();
	return 0;
}
