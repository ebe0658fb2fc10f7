/* SPDX-License-Identifier: BSD-3-Clause */
#include "guarded.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLOTS 1024u
#define ROOM 8192u
#define PAGE 4096u

struct slot {
	struct rte_mbuf_ext_shared_info info;
	char *memory;
	struct slot *next;
};

static struct slot slots[SLOTS], *unused;

static void release(void *memory, void *opaque)
{
	struct slot *slot = opaque;

	(void)memory;
	slot->next = unused;
	unused = slot;
}

static void make(void)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		char *memory =
			mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED || mprotect(memory + ROOM, PAGE, PROT_NONE))
			abort();
		slots[i].memory = memory;
		release(memory, &slots[i]);
	}
}

void guarded_attach(struct rte_mbuf *m, uint16_t length)
{
	struct slot *slot;

	if (!slots[0].memory)
		make();
	slot = unused;
	if (!slot)
		abort();
	unused = slot->next;
	slot->info.free_cb = release;
	slot->info.fcb_opaque = slot;
	rte_mbuf_ext_refcnt_set(&slot->info, 1);
	rte_pktmbuf_attach_extbuf(m, slot->memory, RTE_BAD_IOVA, ROOM, &slot->info);
	/* drivers put frames at a multiple of 4 at least: the few bytes left are for the sanitizer */
	m->data_off = (uint16_t)RTE_ALIGN_FLOOR(ROOM - length, 4);
	ASAN_UNPOISON_MEMORY_REGION(slot->memory, ROOM);
	ASAN_POISON_MEMORY_REGION(slot->memory + m->data_off + length, ROOM - m->data_off - length);
}
