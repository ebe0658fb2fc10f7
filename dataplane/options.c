/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include "bulkhead/sizes.h"
#include "bulkhead/version.h"
#include "fault.h"
#include "owner.h"

enum {
	KEY_PORT = 256,
	KEY_WORKERS,
	KEY_CPUS,
	KEY_HUGE,
	KEY_MEMORY,
	KEY_FLOWS,
	KEY_MACS,
	KEY_DETECTING,
	KEY_DPI_MEMORY,
	KEY_FRAGMENTS,
	KEY_MBUFS,
	KEY_IDLE_SLEEP,
	KEY_IDLE_INTERRUPTS,
	KEY_RUN,
	KEY_STATE,
	KEY_CONTROL_USER,
	KEY_LOG_LEVEL,
	KEY_GROUP,
	KEY_GROUP_KEY,
	KEY_PROBES,
	KEY_REPLAY,
	KEY_IMAGE,
	KEY_EVENTS_FD,
	KEY_OUT,
	KEY_COUNTERS,
	KEY_ASSIGN,
	KEY_INGRESS,
	KEY_MTU,
};

static const struct argp_option table[] = {
	{ .doc = "Forwarding:", .group = 1 },
	{ "port", KEY_PORT, "NAME=DEVICE[;mtu=N][;queues=N][;rss=KEY][;promiscuous=0|1]", 0,
	  "A port: the name that policies use, and a PCI address or DPDK vdev with its arguments", 1 },
	{ "workers", KEY_WORKERS, "N", 0, "Forwarding workers, 1..16 (default 1)", 1 },
	{ "cpus", KEY_CPUS, "A,B,..", 0, "CPUs of the workers (default: chosen from those allowed)", 1 },
	{ "idle-sleep", KEY_IDLE_SLEEP, "US", 0,
	  "Longest sleep of an idle worker that polls; 0: no worker ever sleeps (default 200)", 1 },
	{ "idle-interrupts", KEY_IDLE_INTERRUPTS, "0|1", 0,
	  "Idle workers whose ports all have receive interrupts wait for those instead (default 1)", 1 },
	{ "run", KEY_RUN, "DIR", 0, "Where the control socket and the counters are (default /run/bulkhead)",
	  1 },
	{ "state", KEY_STATE, "DIR", 0, "Where the last accepted image is kept (default /var/lib/bulkhead)",
	  1 },
	{ "control-user", KEY_CONTROL_USER, "USER", 0, "Who besides root may use the control socket", 1 },
	{ "probes", KEY_PROBES, "0|1", 0,
	  "Look for loops by a probe of each segment every second (default 1)", 1 },
	{ "group", KEY_GROUP, "NAME", 0, "Appliances that know each other's probes (default bulkhead)", 1 },
	{ "group-key", KEY_GROUP_KEY, "FILE", 0,
	  "Their key, 32 hexadecimal digits (default: made at random, a group of one)", 1 },
	{ "log-level", KEY_LOG_LEVEL, "N", 0, "3 errors .. 6 information (default; replay: 5) .. 7 debugging",
	  1 },
	{ .doc = "Sizes, of all workers together:", .group = 2 },
	{ "huge", KEY_HUGE, "auto|require|never", 0, "Huge pages (default auto: if there are enough)", 2 },
	{ "memory", KEY_MEMORY, "MIB", 0,
	  "Memory of DPDK (default: what the sizes need; without huge pages sessions have theirs beside)",
	  2 },
	{ "flows", KEY_FLOWS, "N", 0, "Sessions (default 1000000; replay 262144)", 2 },
	{ "macs", KEY_MACS, "N", 0, "Machines (default 65536)", 2 },
	{ "detecting", KEY_DETECTING, "N", 0, "Sessions under detection at a time (default 16384)", 2 },
	{ "dpi-memory", KEY_DPI_MEMORY, "BYTES", 0, "Memory of the detection library (default 256 MiB)", 2 },
	{ "fragments", KEY_FRAGMENTS, "N", 0, "Fragmented packets collected at a time (default 4096)", 2 },
	{ "mbufs", KEY_MBUFS, "N", 0, "Frame buffers (default 65536)", 2 },
	{ .doc = "Replay of a capture instead of forwarding:", .group = 3 },
	{ "replay", KEY_REPLAY, "IN.pcap", 0, "Run this capture through the stages", 3 },
	{ "image", KEY_IMAGE, "PATH", 0, "Policy image", 3 },
	{ "events-fd", KEY_EVENTS_FD, "N", 0, "Write events (struct bh_event) to this descriptor", 3 },
	{ "out", KEY_OUT, "OUT.pcap", 0, "Write the frames that left", 3 },
	{ "counters", KEY_COUNTERS, "PATH", 0, "Write the counters", 3 },
	{ "assign", KEY_ASSIGN, "PREFIX=SEGMENT", 0, "Give addresses to a segment; layer 2 is bypassed", 3 },
	{ "ingress", KEY_INGRESS, "PORT", 0, "Port by which the frames enter (default: the policy's first)",
	  3 },
	{ "mtu", KEY_MTU, "N", 0, "MTU of the ports (default: frames of any size leave)", 3 },
	{ 0 },
};

/* A decimal number within bounds, or the end of the process. */
static uint64_t number(struct argp_state *state, const char *what, const char *text, uint64_t least,
		       uint64_t most)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *text == '+' || value < least || value > most)
		argp_error(state, "%s: `%s' is not a number from %llu to %llu", what, text,
			   (unsigned long long)least, (unsigned long long)most);
	return value;
}

/* The 16 bits that a symmetric key repeats, as four hexadecimal digits. */
static uint16_t rss_key(struct argp_state *state, const struct option_port *port, const char *text)
{
	char *end;
	unsigned long key = strtoul(text, &end, 16);

	if (strspn(text, "0123456789abcdefABCDEF") != 4 || *end || !owner_pattern_good((uint16_t)key))
		argp_error(state,
			   "port %s: rss: `%s' is not four hexadecimal digits with an odd number of ones "
			   "(6d5a)",
			   port->name, text);
	return (uint16_t)key;
}

static void port_setting(struct argp_state *state, struct option_port *port, const char *setting)
{
	if (strncmp(setting, "mtu=", 4) == 0)
		port->mtu = (uint16_t)number(state, "mtu", setting + 4, BH_MTU_LEAST, BH_MTU_MOST);
	else if (strncmp(setting, "queues=", 7) == 0)
		port->queues = (uint16_t)number(state, "queues", setting + 7, 0, BH_MAX_WORKERS);
	else if (strncmp(setting, "rss=", 4) == 0)
		port->rss = rss_key(state, port, setting + 4);
	else if (strncmp(setting, "promiscuous=", 12) == 0)
		port->promiscuous = number(state, "promiscuous", setting + 12, 0, 1);
	else
		argp_error(state, "port %s: unknown setting `%s'", port->name, setting);
}

/* NAME=DEVICE[;key=value]...: devices have commas and equal signs of their own, but no semicolons. */
static void read_port(struct argp_state *state, struct options *o, char *text)
{
	char *device = strchr(text, '='), *settings;
	struct option_port *port;

	if (o->port_count == BH_MAX_PORTS)
		argp_error(state, "more than %u ports", BH_MAX_PORTS);
	if (!device || device == text || device - text > BH_NAME_MAX)
		argp_error(state, "port `%s': expected NAME=DEVICE", text);
	port = &o->ports[o->port_count];
	*port = (struct option_port){ .mtu = 1500, .promiscuous = true };
	memcpy(port->name, text, (size_t)(device - text));
	settings = strchr(++device, ';');
	if (settings)
		*settings++ = '\0';
	if (!*device || strlen(device) > BH_DEVICE_MAX)
		argp_error(state, "port %s: the device has 1 to %u bytes", port->name, BH_DEVICE_MAX);
	strcpy(port->device, device);
	for (char *s = settings ? strtok(settings, ";") : NULL; s; s = strtok(NULL, ";"))
		port_setting(state, port, s);
	for (uint16_t i = 0; i < o->port_count; i++) {
		if (strcmp(o->ports[i].name, port->name) == 0)
			argp_error(state, "port %s is given twice", port->name);
		if (o->rss && port->rss && o->rss != port->rss)
			argp_error(state, "port %s: rss: all ports have one key, and %04x was told already",
				   port->name, o->rss);
	}
	if (port->rss)
		o->rss = port->rss;
	o->port_count++;
}

static void read_cpus(struct argp_state *state, struct options *o, char *text)
{
	o->cpu_count = 0;
	for (char *s = strtok(text, ","); s; s = strtok(NULL, ",")) {
		if (o->cpu_count == BH_MAX_WORKERS)
			argp_error(state, "more than %u cpus", BH_MAX_WORKERS);
		o->cpus[o->cpu_count++] = (uint16_t)number(state, "cpus", s, 0, 1023);
	}
}

static void read_huge(struct argp_state *state, struct options *o, const char *text)
{
	static const char *const words[] = { "auto", "require", "never" };

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0) {
			o->huge = (enum option_huge)i;
			return;
		}
	argp_error(state, "huge: `%s' is not auto, require or never", text);
}

/* Options that are one number: bounds and place. false: not one of them. */
static bool read_number(struct argp_state *state, struct options *o, int key, const char *text)
{
	const struct {
		int key;
		const char *name;
		uint32_t least, most;
		uint32_t *place;
	} numbers[] = {
		{ KEY_MEMORY, "memory", BH_MEMORY_LEAST >> 20, BH_MEMORY_MOST >> 20, &o->memory_mib },
		{ KEY_FLOWS, "flows", BH_FLOWS_LEAST, BH_FLOWS_MOST, &o->flows },
		{ KEY_MACS, "macs", BH_MACS_LEAST, BH_MACS_MOST, &o->macs },
		{ KEY_DETECTING, "detecting", BH_DETECTING_LEAST, BH_DETECTING_MOST, &o->detecting },
		{ KEY_FRAGMENTS, "fragments", BH_FRAGMENTS_LEAST, BH_FRAGMENTS_MOST, &o->fragments },
		{ KEY_MBUFS, "mbufs", BH_MBUFS_LEAST, BH_MBUFS_MOST, &o->mbufs },
		{ KEY_IDLE_SLEEP, "idle-sleep", 0, BH_IDLE_SLEEP_MOST, &o->idle_sleep_us },
	};

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].key == key) {
			*numbers[i].place = (uint32_t)number(state, numbers[i].name, text, numbers[i].least,
							     numbers[i].most);
			return true;
		}
	return false;
}

static bool read_replay(struct argp_state *state, struct options *o, int key, char *text)
{
	switch (key) {
	case KEY_REPLAY:
		o->replay = text;
		return true;
	case KEY_IMAGE:
		o->image = text;
		return true;
	case KEY_EVENTS_FD:
		o->events_fd = (int)number(state, "events-fd", text, 0, 1u << 20);
		return true;
	case KEY_OUT:
		o->out = text;
		return true;
	case KEY_COUNTERS:
		o->counters = text;
		return true;
	case KEY_INGRESS:
		o->ingress = text;
		return true;
	case KEY_MTU:
		o->mtu = (uint16_t)number(state, "mtu", text, BH_MTU_LEAST, BH_MTU_MOST);
		return true;
	case KEY_ASSIGN:
		if (o->assignment_count == BH_ASSIGNMENTS_MOST)
			argp_error(state, "more than %u assignments", BH_ASSIGNMENTS_MOST);
		o->assignments[o->assignment_count++] = text;
		return true;
	default:
		return false;
	}
}

/* What only makes sense together. */
static void check(struct argp_state *state, const struct options *o)
{
	bool replay_only = o->image || o->out || o->counters || o->ingress || o->mtu || o->assignment_count ||
			   o->events_fd >= 0;

	if (o->replay && !o->image)
		argp_error(state, "--replay needs --image");
	if (o->replay && o->port_count)
		argp_error(state, "--port has no meaning in a replay: the ports are those of the policy");
	if (!o->replay && replay_only)
		argp_error(state, "--image, --events-fd, --out, --counters, --assign, --ingress and --mtu go "
				  "with --replay");
	if (!o->replay && !o->port_count)
		argp_error(state, "at least one --port is needed");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct options *o = state->input;

	if (read_number(state, o, key, text) || read_replay(state, o, key, text))
		return 0;
	switch (key) {
	case KEY_PORT:
		read_port(state, o, text);
		return 0;
	case KEY_WORKERS:
		o->workers = (uint16_t)number(state, "workers", text, 1, BH_MAX_WORKERS);
		return 0;
	case KEY_CPUS:
		read_cpus(state, o, text);
		return 0;
	case KEY_HUGE:
		read_huge(state, o, text);
		return 0;
	case KEY_DPI_MEMORY:
		o->dpi_memory = number(state, "dpi-memory", text, BH_DPI_MEMORY_LEAST, BH_DPI_MEMORY_MOST);
		return 0;
	case KEY_RUN:
		o->run = text;
		return 0;
	case KEY_STATE:
		o->state = text;
		return 0;
	case KEY_CONTROL_USER:
		o->control_user = text;
		return 0;
	case KEY_IDLE_INTERRUPTS:
		o->idle_interrupts = number(state, "idle-interrupts", text, 0, 1);
		return 0;
	case KEY_GROUP:
		o->group = text;
		return 0;
	case KEY_GROUP_KEY:
		o->group_key = text;
		return 0;
	case KEY_PROBES:
		o->probes = number(state, "probes", text, 0, 1);
		return 0;
	case KEY_LOG_LEVEL:
		o->log_level = (int)number(state, "log-level", text, LOG_EMERG, LOG_DEBUG);
		return 0;
	case ARGP_KEY_END:
		check(state, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void options_read(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.doc = "Moves frames between the segments of a network as the policy image in force allows.\v"
		       "Without an image in force nothing passes. SIGTERM ends it in order.",
	};

	*options = (struct options){ .workers = 1,
				     .macs = 65536,
				     .detecting = 16384,
				     .dpi_memory = 256u << 20,
				     .fragments = 4096,
				     .mbufs = 65536,
				     .idle_sleep_us = 200,
				     .idle_interrupts = true,
				     .run = "/run/bulkhead",
				     .state = "/var/lib/bulkhead",
				     .group = "bulkhead",
				     .probes = true,
				     .log_level = -1,
				     .events_fd = -1 };
	argp_err_exit_status = 2;
	argp_program_version = BULKHEAD_VERSION;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	if (fault_arm(getenv("BULKHEAD_FAULT")))
		error(argp_err_exit_status, 0, "BULKHEAD_FAULT: expected NAME=N,.. with names of fault.h");
	if (!options->flows)
		options->flows = options->replay ? 262144 : 1000000;
	if (options->log_level < 0)
		options->log_level = options->replay ? LOG_NOTICE : LOG_INFO;
}
