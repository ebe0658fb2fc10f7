/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulkhead.yaml, the configuration of the appliance, read by the same reader as the policy. It decides how
 * the dataplane is started: `bulkheadctl config FILE --dataplane-arguments` prints its argument vector, one argument a line,
 * for the supervisor (systemd unit, or the lab's shell).
 *
 *   version: 1
 *   ports:                       # 1..16; the names that policies use
 *     trunk: { device: "0000:0b:00.0" }            # PCI address, or a DPDK vdev with its arguments:
 *     # trunk: { device: "net_af_xdp0,iface=bhtrunk" , mtu: 1500, promiscuous: true, rx-queues: 2, rss-key: "6d5a" }
 *   workers: 1                   # forwarding workers, 1..16
 *   cpus: [1]                    # optional: the worker's cores; main thread takes the others
 *   memory: { huge-pages: auto, size: 1 GiB }      # auto | require | never
 *   sizes: { flows: 1000000, macs: 65536, detecting: 16384, dpi-memory: 256 MiB, fragments: 4096, mbufs: 65536 }
 *   idle: { sleep: 200us, interrupts: true } # longest sleep of an idle worker on polling ports, 0 = never sleep; and
 *                                 # whether it waits for receive interrupts where its ports have them
 *   paths: { run: /run/bulkhead, state: /var/lib/bulkhead }
 *   policy: /etc/bulkhead/policy.yaml
 *   user: bulkhead               # whom bulkheadd becomes, and who may use the control socket
 *   log: { level: info }
 *   group: { name: bulkhead, key-file: /etc/bulkhead/group.key, probes: true }   # whose loop probes are known (loop.h)
 */
#ifndef CONTROL_APPLIANCE_H
#define CONTROL_APPLIANCE_H

#include "model.h"

struct appliance_port {
	char *name, *device;
	struct place place;
	uint32_t mtu;       /* 1500 */
	uint32_t rx_queues; /* 0: as many as workers, if the device can */
	uint32_t
		rss_key; /* 16 bits that the device's Toeplitz key repeats; 0: the dataplane sets the device up */
	bool promiscuous; /* true */
};

enum huge_pages { HUGE_AUTO, HUGE_REQUIRE, HUGE_NEVER };

struct appliance {
	struct appliance_port *ports;
	uint32_t port_count;
	uint32_t workers;
	uint32_t *cpus;
	uint32_t cpu_count;
	enum huge_pages huge_pages;
	uint64_t memory; /* bytes */
	uint32_t flows, macs, detecting, fragments, mbufs;
	uint64_t dpi_memory;
	uint32_t idle_sleep_us;
	bool idle_interrupts;
	char *run, *state; /* directories */
	char *policy;      /* absolute, or relative to bulkhead.yaml's directory (resolved) */
	char *user;
	int log_level;           /* syslog(3) priorities: LOG_ERR .. LOG_DEBUG */
	char *group, *group_key; /* NULL: a key of its own */
	bool probes;
	void *memory_arena;
};

/* 0 or -ENOMEM; problems tell the rest, as of policy_read(). */
int appliance_read(const char *path, struct appliance **appliance, struct problems *problems);
void appliance_free(struct appliance *appliance);

/* The dataplane's arguments (without argv[0]) for a configuration without errors. The list and each string are malloc'ed; the
 * caller frees them. The list has a NULL after its *count strings. 0 or -ENOMEM. */
int appliance_dataplane_arguments(const struct appliance *appliance, char ***arguments, size_t *count);

#endif
