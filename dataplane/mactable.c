/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of machines: finding, ageing, listing. What changes it is in learn.c. */
#include <rte_malloc.h>
#include <string.h>

#include "bindings.h"
#include "flowkey.h"
#include "learn.h"

#define ADDRESSES_A_MACHINE 2u

struct mac_table *mac_table_new(uint32_t capacity, uint16_t workers, int socket)
{
	if (workers == 0 || workers > BH_MAX_WORKERS)
		return NULL;
	struct mac_table *table = rte_zmalloc_socket("macs", sizeof(*table), 64, socket);
	if (!table)
		return NULL;
	table->workers = workers;
	if (store_init(&table->store, capacity, socket) < 0)
		goto err_free;
	table->sweep = capacity;
	table->entries = rte_zmalloc_socket("macs", capacity * sizeof(*table->entries), 64, socket);
	table->addresses = addresses_new(capacity * ADDRESSES_A_MACHINE, socket);
	table->rates = rates_new(socket);
	if (!table->entries || !table->addresses || !table->rates)
		goto err_free;
	for (uint16_t i = 1; i < workers; i++) {
		table->rings[i] = rte_zmalloc_socket("macs", sizeof(*table->rings[i]), 64, socket);
		if (!table->rings[i])
			goto err_free;
	}
	return table;
err_free:
	mac_table_free(table);
	return NULL;
}

void mac_table_free(struct mac_table *table)
{
	if (!table)
		return;
	for (uint16_t i = 0; i < table->workers; i++)
		rte_free(table->rings[i]);
	store_fini(&table->store);
	rte_free(table->entries);
	addresses_free(table->addresses);
	rates_free(table->rates);
	rte_free(table);
}

uint32_t mac_table_count(const struct mac_table *table)
{
	return store_count(&table->store);
}

struct rates *mac_table_rates(struct mac_table *table)
{
	return table->rates;
}

uint32_t mac_hash(const struct mac_table *table, uint16_t network, const struct rte_ether_addr *mac)
{
	return (uint32_t)flow_mix(mac_key(network, mac) ^ table->store.seed, table->store.seed);
}

uint32_t mac_lookup(const struct mac_table *table, uint16_t network, const struct rte_ether_addr *mac)
{
	uint32_t record = store_first(&table->store, mac_hash(table, network, mac));

	for (; record != STORE_NONE; record = store_next(&table->store, record)) {
		const struct mac_entry *e = &table->entries[record];
		if (rte_is_same_ether_addr(&e->mac, mac) && e->network == network &&
		    (store_version(&table->store, record) & 1))
			break;
	}
	return record;
}

uint16_t mac_bound(const struct policy *policy, uint16_t network, const struct rte_ether_addr *mac)
{
	uint16_t segment = bindings_place(policy->bindings, network, mac);

	return segment == SEGMENT_FLOOD ? SEGMENT_NONE : segment;
}

bool mac_place_stands(const struct policy *policy, uint16_t network, uint16_t segment)
{
	const struct policy_segment *s = &policy->segments[segment];

	return s->index != BH_NONE && s->network == network;
}

/* Bound machines do not age. */
static bool aged(const struct mac_entry *e, uint64_t now_ns)
{
	return !atomic_load_explicit(&e->bound, memory_order_relaxed) &&
	       place_expired(atomic_load_explicit(&e->last_ns, memory_order_relaxed), now_ns);
}

const struct mac_entry *mac_find(const struct mac_table *table, uint16_t network,
				 const struct rte_ether_addr *mac)
{
	uint32_t record = mac_lookup(table, network, mac);

	if (record == STORE_NONE)
		return NULL;
	const struct mac_entry *e = &table->entries[record];
	return aged(e, atomic_load_explicit(&table->now_ns, memory_order_relaxed)) ? NULL : e;
}

uint16_t mac_table_place(const struct worker *w, uint16_t network, const struct rte_ether_addr *mac)
{
	uint32_t record = mac_lookup(w->macs, network, mac);

	if (record != STORE_NONE) {
		const struct mac_entry *e = &w->macs->entries[record];
		uint16_t segment = atomic_load_explicit(&e->segment, memory_order_relaxed);
		if (!aged(e, w->now_ns) && mac_place_stands(w->policy, network, segment))
			return segment;
	}
	return mac_bound(w->policy, network, mac);
}

uint64_t mac_table_epoch(const struct worker *w)
{
	uint32_t changes = atomic_load_explicit(&w->macs->changes, memory_order_acquire);

	return (uint64_t)changes << 32 | w->policy->generation;
}

static uint8_t shown_of(const struct mac_entry *e)
{
	uint64_t four[2], six[2];

	memcpy(four, e->address4, sizeof(four));
	memcpy(six, e->address6, sizeof(six));
	return (four[0] | four[1] ? MAC_SHOWN_4 : 0) | (six[0] | six[1] ? MAC_SHOWN_6 : 0);
}

void mac_table_recall(const struct worker *w, uint16_t network, const struct rte_ether_addr *mac,
		      struct mac_cached *slot)
{
	/* first: what changes while the table is read makes the answer void */
	uint64_t epoch = mac_table_epoch(w);
	uint32_t record = mac_lookup(w->macs, network, mac);

	slot->key = 0;
	if (record == STORE_NONE)
		return;
	const struct mac_entry *e = &w->macs->entries[record];
	uint64_t heard = atomic_load_explicit(&e->last_ns, memory_order_relaxed);
	uint16_t segment = atomic_load_explicit(&e->segment, memory_order_relaxed);
	if (place_expired(heard, w->now_ns) || !mac_place_stands(w->policy, network, segment))
		return;
	*slot = (struct mac_cached){ .key = mac_key(network, mac),
				     .epoch = epoch,
				     .heard_ns = heard,
				     .segment = segment,
				     .shown = shown_of(e) };
}

bool mac_table_holder(const struct worker *w, uint16_t network, const uint8_t address[16],
		      struct rte_ether_addr *mac)
{
	uint16_t segment;

	return bindings_owner(w->policy->bindings, network, address, mac, &segment) ||
	       addresses_find(w->macs->addresses, w->policy, network, address, w->now_ns, mac, &segment);
}

bool mac_table_storm(const struct worker *w, uint16_t network, const struct rte_ether_addr *mac,
		     uint32_t a_second)
{
	uint32_t record = a_second ? mac_lookup(w->macs, network, mac) : STORE_NONE;

	/* who is not learned yet (another worker's first frame, or no room) has its segment's bucket alone */
	return record == STORE_NONE ||
	       rates_storm(&w->macs->entries[record].storm_ns, RTE_MAX(a_second / 2, 1u), w->now_ns);
}

/* ---- the writer's housekeeping ---- */

void mac_table_policy(struct worker *w)
{
	w->macs->generation = w->policy->generation;
	w->macs->sweep = 0;
}

/* Returns what is left of the budget. */
static uint32_t sweep(struct worker *w, uint32_t budget)
{
	struct mac_table *table = w->macs;

	for (; table->sweep < table->store.capacity && budget; table->sweep++, budget--) {
		struct mac_entry *e = &table->entries[table->sweep];
		if (store_version(&table->store, table->sweep) & 1)
			learn_bind(w, e, mac_bound(w->policy, e->network, &e->mac));
	}
	return budget;
}

/* Returns whether all that was due was looked at. */
static bool age(struct worker *w, uint32_t budget)
{
	struct mac_table *table = w->macs;

	while (budget--) {
		uint32_t record = store_due(&table->store, w->now_ns);
		if (record == STORE_NONE)
			return true;
		struct mac_entry *e = &table->entries[record];
		bool bound = atomic_load_explicit(&e->bound, memory_order_relaxed);
		uint64_t last = atomic_load_explicit(&e->last_ns, memory_order_relaxed);

		if (aged(e, w->now_ns))
			learn_forget(w, record);
		else
			store_arm(&table->store, record, (bound ? w->now_ns : last) + PLACE_AGE_NS);
	}
	return false;
}

bool mac_table_serve(struct worker *w, uint32_t budget)
{
	struct mac_table *table = w->macs;
	bool more = false;

	if (w->id != 0 || !table || !w->policy)
		return false;
	mac_table_time(w);
	if (table->generation != w->policy->generation)
		mac_table_policy(w);
	for (uint16_t i = 1; i < table->workers; i++)
		more |= learn_drain(w, i, budget);
	budget = sweep(w, budget);
	more |= !age(w, budget) || !addresses_age(table->addresses, w->now_ns, budget);
	return more || table->sweep < table->store.capacity;
}

/* ---- listing ---- */

static void host_of(const struct mac_entry *e, struct bh_host *host)
{
	memset(host, 0, sizeof(*host));
	memcpy(host->mac, &e->mac, sizeof(host->mac));
	host->bound = atomic_load_explicit(&e->bound, memory_order_relaxed);
	host->announced = !!(atomic_load_explicit(&e->flags, memory_order_relaxed) & MAC_ANNOUNCED);
	host->moves = atomic_load_explicit(&e->moves, memory_order_relaxed);
	host->first_us = e->first_ns / 1000;
	host->last_us = atomic_load_explicit(&e->last_ns, memory_order_relaxed) / 1000;
	memcpy(host->address4, e->address4, sizeof(host->address4));
	memcpy(host->address6, e->address6, sizeof(host->address6));
}

uint32_t mac_table_list(const struct mac_table *table, uint32_t *cursor, struct bh_host *hosts,
			uint16_t (*ids)[2], uint32_t max)
{
	uint64_t now = atomic_load_explicit(&table->now_ns, memory_order_relaxed);
	uint32_t count = 0;

	for (; *cursor < table->store.capacity && count < max; (*cursor)++) {
		const struct mac_entry *e = &table->entries[*cursor];
		uint32_t version = store_version(&table->store, *cursor);

		if (!(version & 1) || aged(e, now))
			continue;
		host_of(e, &hosts[count]);
		ids[count][0] = e->network;
		ids[count][1] = atomic_load_explicit(&e->segment, memory_order_relaxed);
		if (store_unchanged(&table->store, *cursor, version))
			count++;
	}
	return count;
}
