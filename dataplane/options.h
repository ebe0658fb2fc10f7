/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line, as `bulkheadctl config --dataplane-arguments` prints it, checked and with defaults. */
#ifndef DATAPLANE_OPTIONS_H
#define DATAPLANE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "bulkhead/counters.h"
#include "bulkhead/sizes.h"

enum option_huge { OPTION_HUGE_AUTO, OPTION_HUGE_REQUIRE, OPTION_HUGE_NEVER };

struct option_port {
	char name[BH_NAME_MAX + 1];
	char device[BH_DEVICE_MAX + 1]; /* PCI address or DPDK vdev with its arguments */
	uint16_t mtu;
	uint16_t queues; /* 0: as many as there are workers, if the device can */
	uint16_t rss; /* pattern of the key by which the device spreads already; 0: that is ours to set up */
	bool promiscuous;
};

struct options {
	struct option_port ports[BH_MAX_PORTS];
	uint16_t port_count;
	uint16_t rss; /* of the ports that have one; 0: none has */
	uint16_t workers;
	uint16_t cpus[BH_MAX_WORKERS];
	uint16_t cpu_count; /* 0: chosen here */
	enum option_huge huge;
	uint32_t memory_mib;                               /* 0: as much as the sizes need */
	uint32_t flows, macs, detecting, fragments, mbufs; /* all workers together */
	uint64_t dpi_memory;                               /* bytes, all workers together */
	uint32_t idle_sleep_us;                            /* longest; 0: never sleep */
	bool idle_interrupts;                              /* wait for them where ports have them */
	const char *run, *state;                           /* directories */
	const char *group;                                 /* of appliances that know each other's probes */
	const char *group_key;                             /* file; NULL: a key of this process alone */
	bool probes;                                       /* for loops */
	const char *control_user;                          /* NULL: root alone */
	int log_level;

	/* replay */
	const char *replay; /* capture to read; NULL: live */
	const char *image;  /* policy image */
	const char *out, *counters, *ingress;
	uint16_t mtu;  /* of the policy's ports; 0: they take any frame */
	int events_fd; /* -1: none */
	const char *assignments[BH_ASSIGNMENTS_MOST];
	uint32_t assignment_count;
};

/* Reads argv. On a mistake argp says so on standard error and ends the process with status 2 (a usage error is found before
 * anything was begun). Strings point into argv. */
void options_read(struct options *options, int argc, char **argv);

#endif
