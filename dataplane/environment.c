/* SPDX-License-Identifier: BSD-3-Clause */
#include "environment.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <rte_build_config.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"
#include "log.h"

#define WORDS_MAX 128
#define WORD_SIZE 512

/* EAL keeps pointers to its arguments, and sorts them. */
struct words {
	int count;
	char *list[WORDS_MAX + 1];
	char text[WORDS_MAX][WORD_SIZE];
};

static __attribute__((format(printf, 2, 3))) void add(struct words *w, const char *format, ...)
{
	va_list arguments;

	if (w->count == WORDS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(w->text[w->count], WORD_SIZE, format, arguments);
	va_end(arguments);
	w->list[w->count] = w->text[w->count];
	w->count++;
}

static void add_two(struct words *w, const char *option, const char *value)
{
	add(w, "%s", option);
	add(w, "%s", value);
}

/* ---- drivers: only those needed; loading every plug-in costs a second and dozens of libraries ---- */

bool environment_is_pci(const char *device)
{
	unsigned int domain, bus, slot, function;
	int end = 0;

	if (sscanf(device, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4) {
		end = 0;
		if (sscanf(device, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3)
			return false;
	}
	return device[end] == '\0' || device[end] == ',';
}

/* librte_NAME.so of the installed DPDK; false: there is no such driver. */
static bool add_driver(struct words *w, const char *name)
{
	const char *version = strrchr(RTE_EAL_PMD_PATH, '-');
	char path[WORD_SIZE];

	snprintf(path, sizeof(path), "%s/librte_%s.so.%s", RTE_EAL_PMD_PATH, name,
		 version ? version + 1 : "");
	if (access(path, R_OK))
		return false;
	for (int i = 0; i < w->count; i++)
		if (strcmp(w->list[i], path) == 0)
			return true;
	add_two(w, "-d", path);
	return true;
}

/* A vdev is named for its driver, with a suffix: net_af_packet0, net_tap_x, net_virtio_user0. */
static int add_vdev_driver(struct words *w, const char *device)
{
	char name[BH_NAME_MAX + 1];
	size_t length = strcspn(device, ",");

	if (length > BH_NAME_MAX)
		return -EINVAL;
	memcpy(name, device, length);
	name[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return -EINVAL;
	for (; length > strlen("net_"); name[--length] = '\0')
		if (add_driver(w, name))
			return 0;
	return -ENOENT;
}

static unsigned int pci_id(const char *device, const char *what)
{
	char path[WORD_SIZE];
	unsigned int id = 0;
	int length = (int)strcspn(device, ",");

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s%.*s/%s", length < 12 ? "0000:" : "", length,
		 device, what);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%x", &id) != 1)
		id = 0;
	fclose(file);
	return id;
}

/* false: not a device that is known here; EAL must look through all of its drivers. */
static bool add_pci_driver(struct words *w, const char *device)
{
	unsigned int vendor = pci_id(device, "vendor");

	add_driver(w, "bus_pci");
	if (vendor == 0x15ad && pci_id(device, "device") == 0x07b0)
		return add_driver(w, "net_vmxnet3");
	if (vendor == 0x1af4)
		return add_driver(w, "net_virtio");
	return false;
}

static int add_drivers(struct words *w, const struct options *o)
{
	bool pci = false, all = false;

	add_driver(w, "mempool_ring");
	add_driver(w, "bus_vdev");
	if (o->replay)
		add_driver(w, "net_pcap");
	for (uint16_t i = 0; i < o->port_count; i++) {
		const char *device = o->ports[i].device;

		if (environment_is_pci(device)) {
			pci = true;
			all |= !add_pci_driver(w, device);
			add_two(w, "-a", device);
		} else {
			int error = add_vdev_driver(w, device);

			if (error) {
				log_line(LOG_ERR, "port %s: no driver for device `%s'", o->ports[i].name,
					 device);
				return error;
			}
		}
	}
	if (all)
		add_two(w, "-d", RTE_EAL_PMD_PATH);
	if (!pci)
		add(w, "--no-pci");
	return 0;
}

/* ---- CPUs ---- */

/* A comma list of CPUs in parentheses. */
static void cpu_list(const cpu_set_t *cpus, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "(");

	for (int cpu = 0; cpu < CPU_SETSIZE && used + 8 < size; cpu++)
		if (CPU_ISSET(cpu, cpus))
			used += (size_t)snprintf(text + used, size - used, "%s%d", used > 1 ? "," : "", cpu);
	snprintf(text + used, size - used, ")");
}

/* The CPU of a worker: as told, or the allowed ones from the second on, so that the first is the main thread's
 * for as long as there are enough. */
static int worker_cpu(const struct options *o, const cpu_set_t *allowed, uint16_t worker)
{
	int count = CPU_COUNT(allowed), skip, cpu = -1;

	if (o->cpu_count)
		return o->cpus[worker % o->cpu_count];
	skip = (worker + 1) % count;
	do
		while (!CPU_ISSET(++cpu, allowed))
			;
	while (skip--);
	return cpu;
}

static int add_cpus(struct words *w, const struct options *o)
{
	char lcores[WORD_SIZE], list[WORD_SIZE / 2];
	cpu_set_t allowed, others;
	uint16_t workers = o->replay ? 0 : o->workers;
	size_t used;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -errno;
	others = allowed;
	for (uint16_t i = 0; i < workers; i++) {
		int cpu = worker_cpu(o, &allowed, i);

		if (!CPU_ISSET(cpu, &allowed)) {
			log_line(LOG_ERR, "--cpus: this process may not use CPU %d", cpu);
			return -EINVAL;
		}
		CPU_CLR(cpu, &others);
	}
	/* the main thread sleeps nearly always: it may share where there is no CPU left */
	cpu_list(CPU_COUNT(&others) ? &others : &allowed, list, sizeof(list));
	used = (size_t)snprintf(lcores, sizeof(lcores), "--lcores=0@%s", list);
	for (uint16_t i = 0; i < workers; i++)
		used += (size_t)snprintf(lcores + used, sizeof(lcores) - used, ",%u@%d", environment_lcore(i),
					 worker_cpu(o, &allowed, i));
	add(w, "%s", lcores);
	return 0;
}

/* ---- memory ---- */

/* MiB that the tables of these sizes take of EAL's memory, generously: without huge pages only what is touched costs, and sessions are
 * not in it (pages.h). */
static uint32_t need_mib(const struct options *o, bool huge)
{
	uint64_t bytes = (huge ? o->flows * 224ull : 0) + o->mbufs * 2 * 3072ull + o->macs * 256ull +
			 o->detecting * (uint64_t)context_size() + o->dpi_memory + o->fragments * 2048ull;

	for (uint16_t i = 0; i < o->port_count; i++)
		if (o->ports[i].mtu > 1600) {
			bytes += o->mbufs * 8192ull;
			break;
		}
	/* server names, event rings, packets being put together, the replay's long frames */
	bytes += o->workers * (32ull << 20) + ((o->replay ? 320ull : 128ull) << 20);
	return (uint32_t)((bytes + bytes / 8) >> 20);
}

/* Free huge pages of all sizes, in MiB. */
static uint64_t free_huge_mib(void)
{
	DIR *sizes = opendir("/sys/kernel/mm/hugepages");
	uint64_t kib = 0;

	if (!sizes)
		return 0;
	for (struct dirent *size; (size = readdir(sizes));) {
		unsigned long page = 0, count = 0;
		char path[WORD_SIZE];

		if (sscanf(size->d_name, "hugepages-%lukB", &page) != 1)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/free_hugepages", size->d_name);
		FILE *file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%lu", &count) == 1)
			kib += (uint64_t)page * count;
		fclose(file);
	}
	closedir(sizes);
	return kib >> 10;
}

/* EAL refuses --in-memory together with --no-huge; --no-shconf is what is left of it then. */
static int add_memory(struct words *w, const struct options *o)
{
	uint32_t want = o->memory_mib ? o->memory_mib : need_mib(o, true);
	uint64_t free_mib = o->replay || o->huge == OPTION_HUGE_NEVER ? 0 : free_huge_mib();
	bool huge = free_mib >= want;

	if (!o->replay && o->huge == OPTION_HUGE_REQUIRE && !huge) {
		log_line(LOG_ERR, "huge pages: %u MiB are needed, %llu MiB are free", want,
			 (unsigned long long)free_mib);
		return -ENOMEM;
	}
	if (!o->replay && !huge)
		log_line(o->huge == OPTION_HUGE_NEVER ? LOG_INFO : LOG_NOTICE,
			 "without huge pages (%u MiB are needed, %llu MiB are free): it works, somewhat "
			 "slower",
			 want, (unsigned long long)free_huge_mib());
	if (huge) {
		add(w, "--in-memory");
	} else {
		want = o->memory_mib ? want : need_mib(o, false);
		add(w, "--no-huge");
		add(w, "--no-shconf");
	}
	add(w, "-m");
	add(w, "%u", want);
	return 0;
}

/* ---- start ---- */

/* Several dataplanes on one machine, each with its own run directory, do not meet. */
static uint32_t hash_path(const char *path)
{
	uint32_t hash = 2166136261u;

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 16777619u;
	return hash;
}

int environment_start(const struct options *o)
{
	static struct words words; /* EAL keeps the pointers */
	int error;

	add(&words, "bulkhead-dataplane");
	add(&words, "--no-telemetry");
	add(&words, "--log-level=*:%s", o->log_level >= LOG_DEBUG ? "info" : "warning");
	if (o->replay)
		add(&words, "--file-prefix=bulkhead-replay-%d", (int)getpid());
	else
		add(&words, "--file-prefix=bulkhead-%08x", hash_path(o->run));
	error = add_memory(&words, o);
	if (!error)
		error = add_cpus(&words, o);
	if (!error)
		error = add_drivers(&words, o);
	if (error)
		return error;
	for (int i = 0; i < words.count; i++)
		log_line(LOG_DEBUG, "EAL argument: %s", words.list[i]);
	if (rte_eal_init(words.count, words.list) < 0) {
		error = rte_errno ? -rte_errno : -EIO;
		log_line(LOG_ERR, "DPDK does not start: %s", rte_strerror(-error));
		return error;
	}
	return 0;
}

void environment_stop(void)
{
	rte_eal_cleanup();
}
