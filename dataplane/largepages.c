/* SPDX-License-Identifier: BSD-3-Clause */
#include "largepages.h"

#include <errno.h>
#include <rte_eal_memconfig.h>
#include <rte_memory.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SETTING "/sys/kernel/mm/transparent_hugepage/enabled"

/* "always [madvise] never": the word in brackets is in force. */
static bool kernel_makes_them(void)
{
	FILE *file = fopen(SETTING, "re");
	char words[128] = "";

	if (!file)
		return false;
	if (!fgets(words, sizeof(words), file))
		words[0] = 0;
	fclose(file);
	return *words && !strstr(words, "[never]");
}

/* Copies the pages that `pages` says are there. */
static void copy_pages(char *to, const char *from, const unsigned char *pages, size_t count, size_t page)
{
	for (size_t i = 0; i < count; i++)
		if (pages[i] & 1)
			memcpy(to + i * page, from + i * page, page);
}

static void *private_memory(void *at, size_t size)
{
	void *memory = mmap(at, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED : 0), -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* EAL has just begun: only what it keeps of its own is there, a few pages of many. */
static int replace(char *base, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = size / page;
	unsigned char *pages = malloc(count);
	char *saved = private_memory(NULL, size);
	int error = 0;

	if (!pages || !saved || mincore(base, size, pages))
		goto end; /* small pages do, too */
	copy_pages(saved, base, pages, count, page);
	if (private_memory(base, size)) {
		madvise(base, size, MADV_HUGEPAGE);
		copy_pages(base, saved, pages, count, page);
	} else {
		error = -ENOMEM;
	}
end:
	if (saved)
		munmap(saved, size);
	free(pages);
	return error;
}

static int replace_list(const struct rte_memseg_list *list, void *opaque)
{
	(void)opaque;
	return list->external || !list->len ? 0 : replace(list->base_va, list->len);
}

int large_pages_take(void)
{
	return kernel_makes_them() ? rte_memseg_list_walk(replace_list, NULL) : 0;
}
