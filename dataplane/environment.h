/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting DPDK's environment (EAL): memory, CPUs and the drivers of the devices that are used, and no others. */
#ifndef DATAPLANE_ENVIRONMENT_H
#define DATAPLANE_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

/* lcore of a worker; the main thread's is 0. */
#define environment_lcore(worker) ((worker) + 1u)

/* `replay` runs on one thread and without huge pages. 0 or -errno; what went wrong was logged. */
int environment_start(const struct options *options);
void environment_stop(void);

/* A PCI address (0000:0b:00.0 or 0b:00.0, arguments after a comma)? Else a vdev. */
bool environment_is_pci(const char *device);

#endif
