/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragmentset.h"

#include <rte_malloc.h>
#include <string.h>

#include "fault.h"
#include "flowkey.h"

struct fragments *fragments_new(uint32_t sets, int socket, uint16_t worker_id)
{
	struct fragments *fs = rte_zmalloc_socket("fragments", sizeof(*fs), 64, socket);
	uint32_t buckets = rte_align32pow2(RTE_MAX(sets, 1u) * 2);

	if (!fs)
		return NULL;
	fs->mask = buckets - 1;
	fs->sets = rte_zmalloc_socket("fragment sets", sizeof(*fs->sets) * RTE_MAX(sets, 1u), 64, socket);
	fs->buckets = rte_malloc_socket("fragment buckets", sizeof(*fs->buckets) * buckets, 64, socket);
	fs->held = rte_zmalloc_socket("fragment quotas", sizeof(*fs->held) * BH_SEGMENT_IDS, 64, socket);
	if (whole_pools_new(&fs->pools, BURST, socket, worker_id) < 0 || !fs->sets || !fs->buckets ||
	    !fs->held) {
		fragments_free(fs);
		return NULL;
	}
	memset(fs->buckets, 0xff, sizeof(*fs->buckets) * buckets);
	for (uint32_t i = 0; i < sets; i++)
		fs->sets[i].chain = i + 1 < sets ? i + 1 : NO_SET;
	fs->free = sets ? 0 : NO_SET;
	for (unsigned int i = 0; i < SET_STATES; i++)
		fs->lists[i] = (struct list){ NO_SET, NO_SET };
	return fs;
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	whole_pools_free(&f->pools);
	rte_free(f->held);
	rte_free(f->buckets);
	rte_free(f->sets);
	rte_free(f);
}

uint32_t fragments_held(const struct fragments *f, uint16_t segment)
{
	return __atomic_load_n(&f->held[segment], __ATOMIC_RELAXED);
}

static uint32_t *bucket_of(struct fragments *fs, const struct fragment_key *key, uint64_t seed)
{
	uint64_t word[6], second = seed << 32 | seed >> 32;

	/* something secret in each factor: see flow_mix() */
	memcpy(word, key, sizeof(word));
	uint64_t h = flow_mix(word[0] ^ seed, word[1] ^ second);
	h = flow_mix(h ^ word[2], word[3] ^ second);
	h = flow_mix(h ^ word[5], word[4] ^ seed);
	return &fs->buckets[(h ^ (h >> 32)) & fs->mask];
}

struct set *set_find(struct fragments *fs, const struct fragment_key *key, uint64_t seed)
{
	uint32_t index = *bucket_of(fs, key, seed);

	while (index != NO_SET && memcmp(&fs->sets[index].key, key, sizeof(*key)) != 0)
		index = fs->sets[index].chain;
	return index == NO_SET ? NULL : &fs->sets[index];
}

static void list_append(struct fragments *fs, struct set *set, enum set_state state, uint64_t now_ns)
{
	struct list *list = &fs->lists[state];
	uint32_t index = (uint32_t)(set - fs->sets);

	set->state = (uint8_t)state;
	set->since_ns = now_ns;
	set->next = NO_SET;
	set->previous = list->tail;
	if (list->tail == NO_SET)
		list->head = index;
	else
		fs->sets[list->tail].next = index;
	list->tail = index;
}

static void list_remove(struct fragments *fs, struct set *set)
{
	struct list *list = &fs->lists[set->state];

	if (set->previous == NO_SET)
		list->head = set->next;
	else
		fs->sets[set->previous].next = set->next;
	if (set->next == NO_SET)
		list->tail = set->previous;
	else
		fs->sets[set->next].previous = set->previous;
}

void set_forget(struct worker *w, struct set *set)
{
	struct fragments *fs = w->fragments;
	uint32_t *link = bucket_of(fs, &set->key, w->seed), index = (uint32_t)(set - fs->sets);

	if (set->state == SET_COLLECTING)
		w->counters->cells[BH_WORKER_FRAGMENT_SETS]--;
	if (set->state == SET_KILLED)
		fs->held[set->key.segment]--;
	while (*link != index)
		link = &fs->sets[*link].chain;
	*link = set->chain;
	list_remove(fs, set);
	set->chain = fs->free;
	fs->free = index;
}

struct set *set_new(struct worker *w, const struct fragment_key *key)
{
	struct fragments *fs = w->fragments;

	/* what was completed is remembered for convenience only */
	if (fs->free == NO_SET && fs->lists[SET_DONE].head != NO_SET)
		set_forget(w, &fs->sets[fs->lists[SET_DONE].head]);
	if (fs->free == NO_SET || fault(FAULT_FRAGMENT))
		return NULL;
	uint32_t index = fs->free, *bucket = bucket_of(fs, key, w->seed);
	struct set *set = &fs->sets[index];

	fs->free = set->chain;
	set->key = *key;
	set->total = set->bytes = 0;
	set->count = 0;
	set->chain = *bucket;
	*bucket = index;
	list_append(fs, set, SET_COLLECTING, w->now_ns);
	worker_count(w, BH_WORKER_FRAGMENT_SETS, 1);
	return set;
}

void set_finish(struct worker *w, struct set *set, enum set_state state)
{
	w->counters->cells[BH_WORKER_FRAGMENT_SETS]--;
	list_remove(w->fragments, set);
	list_append(w->fragments, set, state, w->now_ns);
}
