/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "mactable.h"
#include "process.h"

#define HOSTS_AT_A_TIME 64u

int process_apply(struct process *p, int fd, char *text, size_t text_size)
{
	int error = activate_image(p->activate, fd, clock_unix_us(), text, text_size);
	const struct policy *policy = activate_policy(p->activate);
	size_t used;

	if (error)
		return error;
	error = keep_save(&p->keep, policy->memory, policy->memory_size);
	if (!error)
		return 0;
	/* it is in force, and that is the answer; but a restart would bring back another */
	used = strlen(text);
	snprintf(text + used, text_size - used, "; but it could NOT BE KEPT for a restart: %s",
		 strerror(-error));
	process_notice(p, BH_NOTICE_EXHAUSTED, text);
	return 0;
}

static int apply(void *opaque, int fd, char *text, size_t text_size)
{
	return process_apply(opaque, fd, text, text_size);
}

/* The owner's descriptor is writable (or sealed): clients get one that is opened for reading. */
static int reopen(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int counters(void *opaque)
{
	struct process *p = opaque;

	return reopen(p->counters.fd);
}

static int image(void *opaque)
{
	struct process *p = opaque;
	int fd = activate_descriptor(p->activate);

	/* bulkheadd would bring back by itself what may be what crashes */
	if (fd == -ENOENT && keep_crashes_often(&p->keep))
		return -EOWNERDEAD;
	return fd < 0 ? fd : reopen(fd);
}

static uint32_t generation(void *opaque)
{
	struct process *p = opaque;

	return p->counters.counters->generation;
}

static void reset_gap(void *opaque)
{
	struct process *p = opaque;

	engine_reset_gap(p->engine);
}

static void stages(void *opaque, bool on)
{
	struct process *p = opaque;

	engine_measure(p->engine, on);
	p->counters.counters->measuring = on;
}

static struct listing *listing(void *opaque, uint16_t worker)
{
	struct process *p = opaque;

	return engine_listing(p->engine, worker);
}

static void name_host(const struct process *p, struct bh_host *host, const uint16_t ids[2])
{
	const struct bh_counters *directory = p->counters.counters;
	uint64_t offset = clock_unix_offset(&p->clock);

	host->first_us += offset;
	host->last_us += offset;
	if (ids[0] < BH_NETWORK_IDS)
		snprintf(host->network, sizeof(host->network), "%s", directory->networks[ids[0]]);
	if (ids[1] < BH_SEGMENT_IDS)
		snprintf(host->segment, sizeof(host->segment), "%s", directory->segments[ids[1]]);
}

static uint32_t hosts(void *opaque, uint32_t *cursor, struct bh_host *list, uint32_t max)
{
	struct process *p = opaque;
	uint16_t ids[HOSTS_AT_A_TIME][2];
	uint32_t count = 0;

	while (max - count >= HOSTS_AT_A_TIME) {
		uint32_t n = mac_table_list(p->workers.macs, cursor, list + count, ids, HOSTS_AT_A_TIME);

		if (!n)
			break;
		for (uint32_t i = 0; i < n; i++)
			name_host(p, &list[count + i], ids[i]);
		count += n;
	}
	return count;
}

struct control_handlers process_handlers(struct process *p)
{
	return (struct control_handlers){
		.opaque = p,
		.apply = apply,
		.counters = counters,
		.image = image,
		.generation = generation,
		.reset_gap = reset_gap,
		.stages = stages,
		.listing = listing,
		.hosts = hosts,
	};
}
