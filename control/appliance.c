/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead.yaml: see appliance.h for the whole of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "appliance.h"
#include "bulkhead/counters.h"
#include "bulkhead/sizes.h"
#include "decode.h"
#include "textfile.h"
#include "value.h"

#define MIB (1ull << 20)

static char *copy_text(struct decoder *decoder, const char *text)
{
	return region_text(decoder->region, text, strlen(text));
}

/* ---- ports ---- */

/* A device becomes part of an argument NAME=DEVICE;..: no ';', no blanks, nothing that a shell would read. */
static void port_device(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const expected =
		"a PCI address (\"0000:0b:00.0\") or a DPDK vdev (\"net_af_packet0,iface=eth1\")";
	const char *device = decode_text(decoder, node, expected);

	if (!device)
		return;
	for (const char *at = device; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr(";\"'`$\\|&<>", *at) ||
		    strlen(device) > BH_DEVICE_MAX) {
			decode_expected(decoder, node, expected);
			return;
		}
	((struct appliance_port *)target)->device = copy_text(decoder, device);
	if (!*device)
		decode_expected(decoder, node, expected);
}

static void port_mtu(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t mtu;

	if (decode_unsigned(decoder, node, BH_MTU_LEAST, BH_MTU_MOST, &mtu))
		((struct appliance_port *)target)->mtu = (uint32_t)mtu;
}

static void port_promiscuous(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t value;

	if (decode_bool(decoder, node, &value))
		((struct appliance_port *)target)->promiscuous = value;
}

static void port_rx_queues(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t queues;

	if (decode_unsigned(decoder, node, 1, BH_MAX_WORKERS, &queues))
		((struct appliance_port *)target)->rx_queues = (uint32_t)queues;
}

/* The dataplane asks the same: with an odd number of ones the hash is one to one. */
static void port_rss_key(struct decoder *decoder, const struct node *node, void *target)
{
	static const char expected[] = "four hexadecimal digits with an odd number of ones (\"6d5a\")";
	const char *text = decode_text(decoder, node, expected);
	unsigned long key;

	if (!text)
		return;
	key = strspn(text, "0123456789abcdefABCDEF") == 4 && !text[4] ? strtoul(text, NULL, 16) : 0;
	if (__builtin_popcountl(key) & 1)
		((struct appliance_port *)target)->rss_key = (uint32_t)key;
	else
		decode_expected(decoder, node, expected);
}

static const struct decode_key port_keys[] = {
	{ "device", port_device, true },
	{ "mtu", port_mtu, false },
	{ "promiscuous", port_promiscuous, false },
	{ "rx-queues", port_rx_queues, false },
	{ "rss-key", port_rss_key, false },
};

static void check_keys(struct decoder *decoder, const struct appliance *appliance)
{
	const struct appliance_port *first = NULL;

	for (uint32_t i = 0; i < appliance->port_count; i++) {
		const struct appliance_port *port = &appliance->ports[i];

		if (port->rss_key && first && first->rss_key != port->rss_key)
			decode_error(decoder, port->place,
				     "port %s: rss-key: all ports have one key, and port %s has %04x",
				     port->name, first->name, first->rss_key);
		else if (port->rss_key)
			first = port;
	}
}

static void check_devices(struct decoder *decoder, const struct appliance *appliance)
{
	for (uint32_t i = 0; i < appliance->port_count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (appliance->ports[i].device && appliance->ports[j].device &&
			    !strcmp(appliance->ports[i].device, appliance->ports[j].device))
				decode_error(decoder, appliance->ports[i].place,
					     "port %s: %s is the device of port %s already",
					     appliance->ports[i].name, appliance->ports[i].device,
					     appliance->ports[j].name);
}

static void read_ports(struct decoder *decoder, const struct node *node, void *target)
{
	struct appliance *appliance = target;

	if (node->kind != NODE_MAP || !node->count || node->count > BH_MAX_PORTS) {
		decode_expected(decoder, node,
				"a map of 1 to 16 ports ({ trunk: { device: \"0000:0b:00.0\" } })");
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		struct appliance_port *port;

		if (!decode_key_is_name(decoder, item))
			continue;
		appliance->ports =
			region_grow(decoder->region, appliance->ports, appliance->port_count, sizeof(*port));
		port = &appliance->ports[appliance->port_count++];
		*port = (struct appliance_port){ .name = copy_text(decoder, item->key),
						 .device = NULL,
						 .place = node_key_place(item),
						 .mtu = 1500,
						 .promiscuous = true };
		decode_map(decoder, item, "a port", port_keys, DECODE_COUNT(port_keys), port);
		if (!port->device)
			port->device = copy_text(decoder, "");
	}
	check_devices(decoder, appliance);
	check_keys(decoder, appliance);
}

/* ---- cores and memory ---- */

static void read_workers(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t workers;

	if (decode_unsigned(decoder, node, 1, BH_MAX_WORKERS, &workers))
		((struct appliance *)target)->workers = (uint32_t)workers;
}

static void read_cpus(struct decoder *decoder, const struct node *node, void *target)
{
	struct appliance *appliance = target;

	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		uint64_t cpu;

		if (!decode_unsigned(decoder, item, 0, 1023, &cpu))
			continue;
		for (uint32_t i = 0; i < appliance->cpu_count; i++)
			if (appliance->cpus[i] == cpu)
				decode_error(decoder, item->place, "cpus: core %llu is here twice",
					     (unsigned long long)cpu);
		appliance->cpus = region_grow(decoder->region, appliance->cpus, appliance->cpu_count,
					      sizeof(*appliance->cpus));
		appliance->cpus[appliance->cpu_count++] = (uint32_t)cpu;
	}
	if (appliance->cpu_count != appliance->workers)
		decode_error(decoder, node_key_place(node), "cpus: %u workers need %u cores, and here are %u",
			     appliance->workers, appliance->workers, appliance->cpu_count);
}

static void memory_huge_pages(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = {
		[HUGE_AUTO] = "auto", [HUGE_REQUIRE] = "require", [HUGE_NEVER] = "never"
	};
	int choice = decode_choice(decoder, node, words, DECODE_COUNT(words));

	if (choice >= 0)
		((struct appliance *)target)->huge_pages = (enum huge_pages)choice;
}

static void memory_size(struct decoder *decoder, const struct node *node, void *target)
{
	decode_size(decoder, node, BH_MEMORY_LEAST, BH_MEMORY_MOST, &((struct appliance *)target)->memory);
}

static void read_memory(struct decoder *decoder, const struct node *node, void *target)
{
	static const struct decode_key keys[] = {
		{ "huge-pages", memory_huge_pages, false },
		{ "size", memory_size, false },
	};

	decode_map(decoder, node, "memory", keys, DECODE_COUNT(keys), target);
}

/* ---- sizes of tables ---- */

static void read_size32(struct decoder *decoder, const struct node *node, uint64_t least, uint64_t most,
			uint32_t *size)
{
	uint64_t value;

	if (decode_unsigned(decoder, node, least, most, &value))
		*size = (uint32_t)value;
}

static void sizes_flows(struct decoder *decoder, const struct node *node, void *target)
{
	read_size32(decoder, node, BH_FLOWS_LEAST, BH_FLOWS_MOST, &((struct appliance *)target)->flows);
}

static void sizes_macs(struct decoder *decoder, const struct node *node, void *target)
{
	read_size32(decoder, node, BH_MACS_LEAST, BH_MACS_MOST, &((struct appliance *)target)->macs);
}

static void sizes_detecting(struct decoder *decoder, const struct node *node, void *target)
{
	read_size32(decoder, node, BH_DETECTING_LEAST, BH_DETECTING_MOST,
		    &((struct appliance *)target)->detecting);
}

static void sizes_dpi_memory(struct decoder *decoder, const struct node *node, void *target)
{
	decode_size(decoder, node, BH_DPI_MEMORY_LEAST, BH_DPI_MEMORY_MOST,
		    &((struct appliance *)target)->dpi_memory);
}

static void sizes_fragments(struct decoder *decoder, const struct node *node, void *target)
{
	read_size32(decoder, node, BH_FRAGMENTS_LEAST, BH_FRAGMENTS_MOST,
		    &((struct appliance *)target)->fragments);
}

static void sizes_mbufs(struct decoder *decoder, const struct node *node, void *target)
{
	read_size32(decoder, node, BH_MBUFS_LEAST, BH_MBUFS_MOST, &((struct appliance *)target)->mbufs);
}

static void read_sizes(struct decoder *decoder, const struct node *node, void *target)
{
	static const struct decode_key keys[] = {
		{ "flows", sizes_flows, false },         { "macs", sizes_macs, false },
		{ "detecting", sizes_detecting, false }, { "dpi-memory", sizes_dpi_memory, false },
		{ "fragments", sizes_fragments, false }, { "mbufs", sizes_mbufs, false },
	};

	decode_map(decoder, node, "sizes", keys, DECODE_COUNT(keys), target);
}

static void idle_sleep(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t us;

	if (decode_duration(decoder, node, 0, BH_IDLE_SLEEP_MOST, &us))
		((struct appliance *)target)->idle_sleep_us = (uint32_t)us;
}

static void idle_interrupts(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t value;

	if (decode_bool(decoder, node, &value))
		((struct appliance *)target)->idle_interrupts = value;
}

static void read_idle(struct decoder *decoder, const struct node *node, void *target)
{
	static const struct decode_key keys[] = { { "sleep", idle_sleep, false },
						  { "interrupts", idle_interrupts, false } };

	decode_map(decoder, node, "idle", keys, DECODE_COUNT(keys), target);
}

/* ---- paths, user, log ---- */

static bool is_path(const char *text)
{
	size_t length = strlen(text);

	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	return length && length < 4096;
}

static void read_directory(struct decoder *decoder, const struct node *node, char **directory)
{
	/* a socket's path has 107 bytes, and sockets lie in these directories */
	static const char *const expected = "an absolute path of at most 80 bytes";
	const char *text = decode_text(decoder, node, expected);

	if (text && text[0] == '/' && strlen(text) <= 80 && is_path(text))
		*directory = copy_text(decoder, text);
	else if (text)
		decode_expected(decoder, node, expected);
}

static void paths_run(struct decoder *decoder, const struct node *node, void *target)
{
	read_directory(decoder, node, &((struct appliance *)target)->run);
}

static void paths_state(struct decoder *decoder, const struct node *node, void *target)
{
	read_directory(decoder, node, &((struct appliance *)target)->state);
}

static void read_paths(struct decoder *decoder, const struct node *node, void *target)
{
	static const struct decode_key keys[] = {
		{ "run", paths_run, false },
		{ "state", paths_state, false },
	};

	decode_map(decoder, node, "paths", keys, DECODE_COUNT(keys), target);
}

static void read_policy_path(struct decoder *decoder, const struct node *node, void *target)
{
	const char *text = decode_text(decoder, node, "the policy's file");

	if (text && is_path(text))
		((struct appliance *)target)->policy =
			textfile_beside(decoder->region, node->place.file, text);
	else if (text)
		decode_expected(decoder, node, "the policy's file");
}

static void read_user(struct decoder *decoder, const struct node *node, void *target)
{
	const char *name = decode_name(decoder, node, false);

	if (name)
		((struct appliance *)target)->user = copy_text(decoder, name);
}

static void log_level(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = { "error", "warning", "notice", "info", "debug" };
	int choice = decode_choice(decoder, node, words, DECODE_COUNT(words));

	if (choice >= 0)
		((struct appliance *)target)->log_level = LOG_ERR + choice;
}

static_assert(LOG_WARNING == LOG_ERR + 1 && LOG_DEBUG == LOG_ERR + 4, "log_level() counts from LOG_ERR");

static void read_log(struct decoder *decoder, const struct node *node, void *target)
{
	static const struct decode_key keys[] = { { "level", log_level, false } };

	decode_map(decoder, node, "log", keys, DECODE_COUNT(keys), target);
}

static void group_name(struct decoder *decoder, const struct node *node, void *target)
{
	const char *name = decode_name(decoder, node, false);

	if (name)
		((struct appliance *)target)->group = copy_text(decoder, name);
}

static void group_key_file(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const expected = "a file with 32 hexadecimal digits (openssl rand -hex 16)";
	const char *text = decode_text(decoder, node, expected);

	if (text && is_path(text))
		((struct appliance *)target)->group_key =
			textfile_beside(decoder->region, node->place.file, text);
	else if (text)
		decode_expected(decoder, node, expected);
}

static void group_probes(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t value;

	if (decode_bool(decoder, node, &value))
		((struct appliance *)target)->probes = value;
}

static void read_group(struct decoder *decoder, const struct node *node, void *target)
{
	static const struct decode_key keys[] = {
		{ "name", group_name, false },
		{ "key-file", group_key_file, false },
		{ "probes", group_probes, false },
	};

	decode_map(decoder, node, "group", keys, DECODE_COUNT(keys), target);
}

static void read_version(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	if (node->kind != NODE_SCALAR || strcmp(node->text, "1"))
		decode_expected(decoder, node, "1, the version of this file's format");
}

static const struct decode_key keys_of_appliance[] = {
	{ "version", read_version, true },
	{ "ports", read_ports, true },
	{ "workers", read_workers, false },
	{ "cpus", read_cpus, false }, /* behind workers: counts them */
	{ "memory", read_memory, false },
	{ "sizes", read_sizes, false },
	{ "idle", read_idle, false },
	{ "paths", read_paths, false },
	{ "policy", read_policy_path, false },
	{ "user", read_user, false },
	{ "log", read_log, false },
	{ "group", read_group, false },
};

static void appliance_defaults(struct decoder *decoder, struct appliance *appliance)
{
	*appliance = (struct appliance){
		.workers = 1,
		.huge_pages = HUGE_AUTO,
		.memory = 1024 * MIB,
		.flows = 1000000,
		.macs = 65536,
		.detecting = 16384,
		.dpi_memory = 256 * MIB,
		.fragments = 4096,
		.mbufs = 65536,
		.idle_sleep_us = 200,
		.idle_interrupts = true,
		.run = copy_text(decoder, "/run/bulkhead"),
		.state = copy_text(decoder, "/var/lib/bulkhead"),
		.policy = copy_text(decoder, "/etc/bulkhead/policy.yaml"),
		.user = copy_text(decoder, "bulkhead"),
		.log_level = LOG_INFO,
		.group = copy_text(decoder, "bulkhead"),
		.probes = true,
		.memory_arena = decoder->region,
	};
}

static int read_document(struct decoder *decoder, const char *path, struct appliance *appliance)
{
	uint32_t nodes_left = DOCUMENT_MAX_NODES;
	struct document document;
	int status = document_read(decoder->region, path, (struct place){ 0 }, &nodes_left, decoder->problems,
				   &document);

	if (!status && document.root)
		decode_map(decoder, document.root, "bulkhead.yaml", keys_of_appliance,
			   DECODE_COUNT(keys_of_appliance), appliance);
	return status;
}

int appliance_read(const char *path, struct appliance **result, struct problems *problems)
{
	struct region *region = region_new();
	struct appliance *appliance;
	struct decoder *decoder;
	jmp_buf out_of_memory;
	int status;

	*result = NULL;
	if (!region)
		return -ENOMEM;
	if (setjmp(out_of_memory)) {
		region_free(region);
		return -ENOMEM;
	}
	region_guard(region, &out_of_memory);
	decoder = region_alloc(region, sizeof(*decoder));
	*decoder = (struct decoder){ region, problems, DECODE_SUGGESTIONS };
	appliance = region_alloc(region, sizeof(*appliance));
	appliance_defaults(decoder, appliance);
	status = read_document(decoder, path, appliance);
	region_guard(region, NULL);
	if (status)
		region_free(region);
	else
		*result = appliance;
	return status;
}

void appliance_free(struct appliance *appliance)
{
	if (appliance)
		region_free(appliance->memory_arena);
}
