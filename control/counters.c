/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(char *why, size_t size, const char *reason)
{
	snprintf(why, size, "%s", reason);
	return -EPROTO;
}

static uint32_t at_most(uint32_t value, uint32_t bound)
{
	return value < bound ? value : bound;
}

/* Everything that is an offset or a count, before anything is read by it. */
static int counters_check(struct counters *counters, size_t file_size, char *why, size_t why_size)
{
	const struct bh_counters *map = counters->map;

	if (map->magic != BH_COUNTERS_MAGIC)
		return refuse(why, why_size, "not a file of counters");
	if (map->version != BH_COUNTERS_VERSION || map->drop_count != BH_DROP_COUNT)
		return refuse(why, why_size, "counters of another version of bulkhead-dataplane");
	if (map->size > file_size || map->worker_count > BH_MAX_WORKERS || map->port_count > BH_MAX_PORTS)
		return refuse(why, why_size, "counters with impossible sizes");
	if (map->worker_offset < sizeof(*map) || map->worker_offset % 64 || map->worker_stride % 64 ||
	    map->worker_stride < sizeof(struct bh_worker_counters))
		return refuse(why, why_size, "counters with an impossible layout");
	/* neither product nor sum can wrap: all are bounded by the file's size */
	if (map->worker_offset > file_size || map->worker_stride > file_size ||
	    map->worker_count * map->worker_stride > file_size - map->worker_offset)
		return refuse(why, why_size, "counters that are cut short");
	counters->workers = map->worker_count;
	counters->ports = map->port_count;
	counters->rules = at_most(map->rule_ids, BH_RULE_IDS);
	counters->segments = at_most(map->segment_ids, BH_SEGMENT_IDS);
	counters->networks = at_most(map->network_ids, BH_NETWORK_IDS);
	return 0;
}

int counters_open(struct counters *counters, const char *path, char *why, size_t why_size)
{
	struct stat status;
	int error;

	memset(counters, 0, sizeof(*counters));
	snprintf(why, why_size, "%s", "");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0) {
		error = -errno;
		goto err_close;
	}
	if (!S_ISREG(status.st_mode) || (size_t)status.st_size < sizeof(struct bh_counters)) {
		error = refuse(why, why_size, "not a file of counters");
		goto err_close;
	}
	counters->size = (size_t)status.st_size;
	void *map = mmap(NULL, counters->size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		error = -errno;
		goto err_close;
	}
	counters->map = map;
	error = counters_check(counters, counters->size, why, why_size);
	if (error) {
		counters_close(counters);
		goto err_close;
	}
	close(fd);
	return 0;
err_close:
	close(fd);
	return error;
}

void counters_close(struct counters *counters)
{
	if (counters->map)
		munmap((void *)(uintptr_t)counters->map, counters->size);
	memset(counters, 0, sizeof(*counters));
}

static const struct bh_worker_counters *worker_at(const struct counters *counters, uint32_t worker)
{
	const char *base = (const char *)counters->map + counters->map->worker_offset;

	return (const void *)(base + worker * counters->map->worker_stride);
}

static uint64_t load(const uint64_t *cell)
{
	return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

/* The sum of one struct of counters over the workers; all of them are arrays of uint64_t. */
static void sum_workers(const struct counters *counters, size_t offset, void *sum, size_t size)
{
	uint64_t *cells = sum;

	memset(sum, 0, size);
	for (uint32_t w = 0; w < counters->workers; w++) {
		const uint64_t *from = (const void *)((const char *)worker_at(counters, w) + offset);
		for (size_t i = 0; i < size / sizeof(*cells); i++)
			cells[i] += load(&from[i]);
	}
}

uint64_t counters_worker(const struct counters *counters, uint32_t worker, enum bh_worker_counter cell)
{
	if (worker >= counters->workers || cell >= BH_WORKER_COUNT)
		return 0;
	return load(&worker_at(counters, worker)->cells[cell]);
}

uint64_t counters_workers(const struct counters *counters, enum bh_worker_counter cell)
{
	uint64_t sum = 0;

	for (uint32_t w = 0; w < counters->workers; w++)
		sum += counters_worker(counters, w, cell);
	return sum;
}

#define SUM(counters, array, index, bound, sum)                                                              \
	do {                                                                                                 \
		if ((index) < (bound))                                                                       \
			sum_workers(counters,                                                                \
				    offsetof(struct bh_worker_counters, array) + (index) * sizeof(*(sum)),   \
				    sum, sizeof(*(sum)));                                                    \
		else                                                                                         \
			memset(sum, 0, sizeof(*(sum)));                                                      \
	} while (0)

void counters_port(const struct counters *counters, uint32_t port, struct bh_port_counters *sum)
{
	SUM(counters, ports, port, counters->ports, sum);
}

void counters_rule(const struct counters *counters, uint32_t id, struct bh_rule_counters *sum)
{
	SUM(counters, rules, id, BH_RULE_IDS, sum);
}

void counters_segment(const struct counters *counters, uint32_t id, struct bh_segment_counters *sum)
{
	SUM(counters, segments, id, BH_SEGMENT_IDS, sum);
}

void counters_app(const struct counters *counters, uint32_t id, struct bh_app_counters *sum)
{
	SUM(counters, apps, id, BH_APP_IDS, sum);
}

void counters_stage(const struct counters *counters, enum bh_stage stage, struct bh_stage_counters *sum)
{
	SUM(counters, stages, stage, BH_STAGE_COUNT, sum);
}

/* The directory is being written while it is read: a name without its NUL is none. */
static const char *directory_name(const char *name)
{
	return memchr(name, 0, BH_NAME_MAX + 1) ? name : "";
}

const char *counters_rule_name(const struct counters *counters, uint32_t id)
{
	return id < counters->rules ? directory_name(counters->map->rules[id]) : "";
}

const char *counters_segment_name(const struct counters *counters, uint32_t id)
{
	return id < counters->segments ? directory_name(counters->map->segments[id]) : "";
}

const char *counters_segment_network(const struct counters *counters, uint32_t id)
{
	if (id >= counters->segments)
		return "";
	uint32_t network = __atomic_load_n(&counters->map->segment_network[id], __ATOMIC_RELAXED);
	return network < counters->networks ? directory_name(counters->map->networks[network]) : "";
}

uint64_t counters_unknown_vlan(const struct counters *counters, uint32_t port, uint32_t vlan)
{
	uint64_t sum = 0;

	for (uint32_t w = 0; w < counters->workers && port < counters->ports && vlan < BH_VLANS; w++)
		sum += load(&worker_at(counters, w)->unknown_vlans[port][vlan]);
	return sum;
}

uint64_t counters_drops(const struct bh_port_counters *port)
{
	uint64_t sum = 0;

	for (size_t reason = 0; reason < BH_DROP_COUNT; reason++)
		sum += port->drops[reason];
	return sum;
}

int64_t counters_identity(const struct bh_port_counters *port)
{
	return (int64_t)(port->in + port->copies - port->out - counters_drops(port) - port->consumed -
			 port->held);
}

int64_t counters_identity_made(const struct bh_port_counters *port)
{
	return (int64_t)(port->made - port->made_out - port->made_dropped);
}
