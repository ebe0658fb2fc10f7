/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; glibc 2.36 has it */
#define MADV_POPULATE_WRITE 23
#endif

/* Bytes that are mapped for a region: whole pages. */
static size_t mapped(size_t size)
{
	return RTE_ALIGN_CEIL(size, (size_t)sysconf(_SC_PAGESIZE));
}

/* Pages from that node, if it has any. Where the kernel knows no nodes there is nothing to prefer. */
static void prefer_node(void *region, size_t size, int socket)
{
	unsigned long nodes;

	if (socket < 0 || socket >= (int)(8 * sizeof(nodes)))
		return;
	nodes = 1ul << socket;
	(void)!syscall(SYS_mbind, region, size, MPOL_PREFERRED, &nodes, 8 * sizeof(nodes), 0);
}

/* Where a huge page begins, so that none but the last is broken. */
static void *map_aligned(size_t size)
{
	size_t spare = size >= HUGE_PAGE ? HUGE_PAGE : 0, before;
	uint8_t *at = mmap(NULL, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (!spare)
		return at;
	before = RTE_ALIGN_CEIL((uintptr_t)at, HUGE_PAGE) - (uintptr_t)at;
	if (before)
		munmap(at, before);
	if (spare - before)
		munmap(at + before + size, spare - before);
	return at + before;
}

void *pages_new(size_t size, int socket, bool now)
{
	size_t length = mapped(size);
	void *region;

	if (!size || length < size || length + HUGE_PAGE < length)
		return NULL;
	if (rte_eal_has_hugepages())
		return rte_zmalloc_socket("region", size, RTE_CACHE_LINE_SIZE, socket);
	region = map_aligned(length);
	if (!region)
		return NULL;
	prefer_node(region, length, socket);
	/* a kernel without them has small pages, and one that can not populate takes each at its first access */
	(void)madvise(region, length, MADV_HUGEPAGE);
	if (now && madvise(region, length, MADV_POPULATE_WRITE) && errno != EINVAL) {
		munmap(region, length);
		return NULL;
	}
	return region;
}

void pages_free(void *region, size_t size)
{
	if (!region)
		return;
	if (rte_eal_has_hugepages())
		rte_free(region);
	else
		munmap(region, mapped(size));
}
