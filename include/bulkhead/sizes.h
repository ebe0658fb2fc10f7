/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sizes of an appliance may be: the dataplane's command line, bulkhead.yaml and replay refuse the same. */
#ifndef BULKHEAD_SIZES_H
#define BULKHEAD_SIZES_H

/* Bytes of an IP packet: what every host takes at least (RFC 791), and what vmxnet3 takes at most. */
#define BH_MTU_LEAST 576u
#define BH_MTU_MOST 9190u

/* Of all workers together. */
#define BH_FLOWS_LEAST 1024u
#define BH_FLOWS_MOST (1u << 26)
#define BH_MACS_LEAST 64u
#define BH_MACS_MOST (1u << 20)
#define BH_DETECTING_LEAST 16u
#define BH_DETECTING_MOST (1u << 22)
#define BH_FRAGMENTS_LEAST 16u
#define BH_FRAGMENTS_MOST (1u << 16)
#define BH_MBUFS_LEAST 2048u
#define BH_MBUFS_MOST (1u << 24)
#define BH_DPI_MEMORY_LEAST (16ull << 20) /* bytes */
#define BH_DPI_MEMORY_MOST (1ull << 36)
#define BH_MEMORY_LEAST (64ull << 20) /* bytes, taken at the start */
#define BH_MEMORY_MOST (1ull << 40)

#define BH_IDLE_SLEEP_MOST 10000u /* microseconds */
#define BH_ASSIGNMENTS_MOST 4096u /* of addresses to segments, in replay */
#define BH_DEVICE_MAX 255u        /* bytes of a device's name with its arguments */

#endif
