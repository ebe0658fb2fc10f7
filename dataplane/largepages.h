/* SPDX-License-Identifier: BSD-3-Clause */
/* Large pages where none were reserved: the kernel makes them of what it has (transparent huge pages). */
#ifndef DATAPLANE_LARGEPAGES_H
#define DATAPLANE_LARGEPAGES_H

/* After rte_eal_init() with --no-huge, and before anything else that uses EAL's memory: EAL's memory, a shared file of small pages, becomes
 * private memory at the same addresses, for which the kernel is asked for large pages. Nobody else may have it mapped, and no
 * device may know its physical addresses. 0: done, or the kernel makes none, and all is as it was; -errno: EAL's memory is
 * lost. */
int large_pages_take(void);

#endif
