/* SPDX-License-Identifier: BSD-3-Clause */
#include "ids.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX (BH_NAME_MAX + 8) /* a port's name and ":vlan" */

/* One space of ids: keys by id, and a hash table of ids with linear probing, kept at most half full. */
struct space {
	uint32_t capacity, mask;
	uint32_t used;    /* ids 1..used were given at least once; 0 is reserved */
	uint32_t *slots;  /* id or 0 */
	uint32_t *epochs; /* by id: last image that used it */
	bool *in_force;   /* by id: used by the image in force */
	uint32_t *
		spares; /* ids that may be given anew, the one unused for longest last; of the image `spare_epoch` */
	uint32_t spare_count, spare_epoch;
	char (*keys)[KEY_MAX + 1];
};

struct ids {
	struct bh_counters *counters;
	uint32_t epoch;
	struct space rules, segments, networks;
};

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	return hash ^ (hash >> 29);
}

static int space_init(struct space *s, uint32_t capacity)
{
	uint32_t slots = 1;

	while (slots < 2 * capacity)
		slots *= 2;
	s->capacity = capacity;
	s->mask = slots - 1;
	s->slots = calloc(slots, sizeof(*s->slots));
	s->epochs = calloc(capacity, sizeof(*s->epochs));
	s->in_force = calloc(capacity, sizeof(*s->in_force));
	s->spares = calloc(capacity, sizeof(*s->spares));
	s->keys = calloc(capacity, sizeof(*s->keys));
	return s->slots && s->spares && s->epochs && s->in_force && s->keys ? 0 : -ENOMEM;
}

static void space_free(struct space *s)
{
	free(s->slots);
	free(s->epochs);
	free(s->in_force);
	free(s->spares);
	free(s->keys);
}

static uint32_t *space_slot(struct space *s, const char *key)
{
	uint32_t i = (uint32_t)hash_text(key) & s->mask;

	while (s->slots[i] && strcmp(s->keys[s->slots[i]], key) != 0)
		i = (i + 1) & s->mask;
	return &s->slots[i];
}

/* Out of the hash table: what follows in the run of its slot moves up, as far as it may. */
static void space_remove(struct space *s, uint32_t id)
{
	uint32_t hole = (uint32_t)(space_slot(s, s->keys[id]) - s->slots);

	for (uint32_t i = (hole + 1) & s->mask; s->slots[i]; i = (i + 1) & s->mask) {
		uint32_t home = (uint32_t)hash_text(s->keys[s->slots[i]]) & s->mask;

		if (((i - home) & s->mask) < ((i - hole) & s->mask))
			continue;
		s->slots[hole] = s->slots[i];
		hole = i;
	}
	s->slots[hole] = 0;
	s->keys[id][0] = '\0';
}

static int by_last_use(const void *a, const void *b, void *opaque)
{
	const struct space *s = opaque;
	const uint32_t *first = a, *second = b;

	if (s->epochs[*first] != s->epochs[*second])
		return s->epochs[*first] < s->epochs[*second] ? 1 : -1;
	return *first < *second ? 1 : -1;
}

/* Once an image: an image has many rules, and a full space is how one that runs for long looks. */
static void space_collect(struct space *s, uint32_t epoch)
{
	s->spare_epoch = epoch;
	s->spare_count = 0;
	for (uint32_t id = 1; id <= s->used; id++)
		if (!s->in_force[id] && s->epochs[id] != epoch)
			s->spares[s->spare_count++] = id;
	qsort_r(s->spares, s->spare_count, sizeof(*s->spares), by_last_use, s);
}

/* Ids of the image in force and of the one being read must stay; the one unused for longest goes. 0: none. */
static uint32_t space_recycle(struct space *s, uint32_t epoch)
{
	if (s->spare_epoch != epoch)
		space_collect(s, epoch);
	while (s->spare_count) {
		uint32_t id = s->spares[--s->spare_count];

		/* the image may have asked for it since */
		if (s->epochs[id] == epoch)
			continue;
		space_remove(s, id);
		return id;
	}
	return 0;
}

static int space_id(struct space *s, const char *key, uint32_t epoch)
{
	uint32_t id = *space_slot(s, key);

	if (!id) {
		id = s->used + 1 < s->capacity ? ++s->used : space_recycle(s, epoch);
		if (!id)
			return -ENOSPC;
		snprintf(s->keys[id], sizeof(s->keys[id]), "%s", key);
		*space_slot(s, key) = id;
	}
	s->epochs[id] = epoch;
	return (int)id;
}

struct ids *ids_new(struct bh_counters *counters)
{
	struct ids *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return NULL;
	ids->counters = counters;
	if (space_init(&ids->rules, BH_RULE_IDS) || space_init(&ids->segments, BH_SEGMENT_IDS) ||
	    space_init(&ids->networks, BH_NETWORK_IDS)) {
		ids_free(ids);
		return NULL;
	}
	snprintf(counters->rules[0], sizeof(counters->rules[0]), "default");
	counters->rule_ids = counters->segment_ids = counters->network_ids = 1;
	return ids;
}

void ids_free(struct ids *ids)
{
	if (!ids)
		return;
	space_free(&ids->rules);
	space_free(&ids->segments);
	space_free(&ids->networks);
	free(ids);
}

void ids_begin(struct ids *ids)
{
	ids->epoch++;
}

static void space_commit(struct space *s, uint32_t epoch)
{
	for (uint32_t id = 1; id <= s->used; id++)
		s->in_force[id] = s->epochs[id] == epoch;
}

void ids_commit(struct ids *ids)
{
	space_commit(&ids->rules, ids->epoch);
	space_commit(&ids->segments, ids->epoch);
	space_commit(&ids->networks, ids->epoch);
}

int ids_rule(struct ids *ids, const char *name)
{
	int id = space_id(&ids->rules, name, ids->epoch);

	if (id > 0) {
		snprintf(ids->counters->rules[id], sizeof(ids->counters->rules[id]), "%s", name);
		ids->counters->rule_ids = ids->rules.used + 1;
	}
	return id;
}

int ids_segment(struct ids *ids, const char *port, uint16_t vlan, const char *name, uint32_t network_id)
{
	char key[KEY_MAX + 1];
	int id;

	snprintf(key, sizeof(key), "%.*s:%u", BH_NAME_MAX, port, vlan);
	id = space_id(&ids->segments, key, ids->epoch);
	if (id > 0) {
		snprintf(ids->counters->segments[id], sizeof(ids->counters->segments[id]), "%s", name);
		ids->counters->segment_network[id] = network_id;
		ids->counters->segment_ids = ids->segments.used + 1;
	}
	return id;
}

int ids_network(struct ids *ids, const char *name)
{
	int id = space_id(&ids->networks, name, ids->epoch);

	if (id > 0) {
		snprintf(ids->counters->networks[id], sizeof(ids->counters->networks[id]), "%s", name);
		ids->counters->network_ids = ids->networks.used + 1;
	}
	return id;
}
