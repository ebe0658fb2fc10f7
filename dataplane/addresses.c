/* SPDX-License-Identifier: BSD-3-Clause */
/* A store of (network, address) with its holder, MAC and segment, in one word, so that no reader sees half of each. */
#include "addresses.h"

#include <rte_malloc.h>
#include <string.h>

#include "flowkey.h"
#include "policy.h"
#include "store.h"

/* A known address is noted as used again no more often: fewer writes to a line that workers share. */
#define REFRESH_NS 1000000000ull

struct address_entry {
	uint8_t address[16];
	uint16_t network;
	uint16_t reserved[3];
	_Atomic uint64_t holder; /* MAC << 16 | segment */
	_Atomic uint64_t last_ns;
};

struct addresses {
	struct store store;
	struct address_entry *entries;
	/* addresses that a segment holds: one segment's machines can not use up the table */
	_Atomic uint32_t held[BH_SEGMENT_IDS];
	uint32_t share;
};

/* An address as it is known now. */
struct holder {
	struct rte_ether_addr mac;
	uint16_t segment;
	uint64_t last_ns;
};

static uint64_t holder_pack(const struct rte_ether_addr *mac, uint16_t segment)
{
	uint64_t word = 0;

	memcpy((uint8_t *)&word + 2, mac, sizeof(*mac));
	return word | segment;
}

static struct holder holder_unpack(uint64_t word, uint64_t last_ns)
{
	struct holder holder = { .segment = (uint16_t)word, .last_ns = last_ns };

	memcpy(&holder.mac, (const uint8_t *)&word + 2, sizeof(holder.mac));
	return holder;
}

struct addresses *addresses_new(uint32_t capacity, int socket)
{
	struct addresses *a = rte_zmalloc_socket("addresses", sizeof(*a), 64, socket);

	if (!a)
		return NULL;
	if (store_init(&a->store, capacity, socket) < 0)
		goto err_free;
	a->entries = rte_zmalloc_socket("addresses", capacity * sizeof(*a->entries), 64, socket);
	if (!a->entries)
		goto err_store;
	a->share = RTE_MAX(capacity / 8, RTE_MIN(capacity, 64u));
	return a;
err_store:
	store_fini(&a->store);
err_free:
	rte_free(a);
	return NULL;
}

void addresses_free(struct addresses *a)
{
	if (!a)
		return;
	store_fini(&a->store);
	rte_free(a->entries);
	rte_free(a);
}

static uint32_t hash_of(const struct addresses *a, uint16_t network, const uint8_t address[16])
{
	uint64_t words[2];

	memcpy(words, address, sizeof(words));
	return (uint32_t)flow_mix(flow_mix(words[0] ^ a->store.seed, words[1]), network ^ a->store.seed);
}

static bool expired(uint64_t last_ns, uint64_t now_ns)
{
	return now_ns > last_ns && now_ns - last_ns >= ADDRESS_AGE_NS;
}

/* The record of an address, and its holder as of one moment. */
static uint32_t find(const struct addresses *a, uint16_t network, const uint8_t address[16],
		     struct holder *holder)
{
	for (uint32_t r = store_first(&a->store, hash_of(a, network, address)); r != STORE_NONE;
	     r = store_next(&a->store, r)) {
		const struct address_entry *e = &a->entries[r];
		uint32_t version = store_version(&a->store, r);

		if (e->network != network || memcmp(e->address, address, sizeof(e->address)) != 0)
			continue;
		*holder = holder_unpack(atomic_load_explicit(&e->holder, memory_order_relaxed),
					atomic_load_explicit(&e->last_ns, memory_order_relaxed));
		if ((version & 1) && store_unchanged(&a->store, r, version))
			return r;
	}
	return STORE_NONE;
}

static bool stands(const struct policy *policy, uint16_t network, const struct holder *holder,
		   uint64_t now_ns)
{
	const struct policy_segment *segment = &policy->segments[holder->segment];

	return !expired(holder->last_ns, now_ns) && segment->index != BH_NONE && segment->network == network;
}

bool addresses_find(const struct addresses *a, const struct policy *policy, uint16_t network,
		    const uint8_t address[16], uint64_t now_ns, struct rte_ether_addr *mac, uint16_t *segment)
{
	struct holder holder;

	if (find(a, network, address, &holder) == STORE_NONE || !stands(policy, network, &holder, now_ns))
		return false;
	*mac = holder.mac;
	*segment = holder.segment;
	return true;
}

static enum claim decide(const struct addresses *a, const struct policy *policy, const struct sighting *s,
			 uint32_t record, const struct holder *holder)
{
	bool here = record != STORE_NONE && holder->segment == s->segment;
	bool room = here || (atomic_load_explicit(&a->held[s->segment], memory_order_relaxed) < a->share &&
			     (record != STORE_NONE || store_count(&a->store) < a->store.capacity));

	if (record == STORE_NONE || !stands(policy, s->network, holder, s->now_ns))
		return room ? CLAIM_NEW : CLAIM_FULL;
	if (rte_is_same_ether_addr(&holder->mac, &s->mac)) {
		if (here)
			return CLAIM_KNOWN;
	} else if (policy->segments[holder->segment].spoof_guard != BH_SPOOF_OFF ||
		   policy->segments[s->segment].spoof_guard != BH_SPOOF_OFF) {
		return CLAIM_TAKEN;
	}
	return room ? CLAIM_FOLLOWED : CLAIM_FULL;
}

static void refresh(struct address_entry *e, const struct holder *holder, uint64_t now_ns)
{
	if (now_ns > holder->last_ns && now_ns - holder->last_ns >= REFRESH_NS)
		atomic_store_explicit(&e->last_ns, now_ns, memory_order_relaxed);
}

enum claim addresses_judge(struct addresses *a, const struct policy *policy, const struct sighting *s)
{
	struct holder holder;
	uint32_t record = find(a, s->network, s->address, &holder);
	enum claim claim = decide(a, policy, s, record, &holder);

	if (claim == CLAIM_KNOWN)
		refresh(&a->entries[record], &holder, s->now_ns);
	return claim;
}

static void hold(struct addresses *a, uint16_t segment, int32_t by)
{
	atomic_fetch_add_explicit(&a->held[segment], (uint32_t)by, memory_order_relaxed);
}

static void record_new(struct addresses *a, const struct sighting *s)
{
	uint32_t record = store_take(&a->store, s->now_ns);

	if (record == STORE_NONE)
		return;
	struct address_entry *e = &a->entries[record];
	memcpy(e->address, s->address, sizeof(e->address));
	e->network = s->network;
	atomic_store_explicit(&e->holder, holder_pack(&s->mac, s->segment), memory_order_relaxed);
	atomic_store_explicit(&e->last_ns, s->now_ns, memory_order_relaxed);
	hold(a, s->segment, 1);
	store_publish(&a->store, record, hash_of(a, s->network, s->address), s->now_ns + ADDRESS_AGE_NS);
}

enum claim addresses_claim(struct addresses *a, const struct policy *policy, const struct sighting *s)
{
	struct holder holder;
	uint32_t record = find(a, s->network, s->address, &holder);
	enum claim claim = decide(a, policy, s, record, &holder);

	if (claim == CLAIM_KNOWN) {
		refresh(&a->entries[record], &holder, s->now_ns);
	} else if (claim == CLAIM_NEW && record == STORE_NONE) {
		record_new(a, s);
	} else if (claim == CLAIM_NEW || claim == CLAIM_FOLLOWED) {
		struct address_entry *e = &a->entries[record];
		hold(a, holder.segment, -1);
		hold(a, s->segment, 1);
		atomic_store_explicit(&e->last_ns, s->now_ns, memory_order_relaxed);
		atomic_store_explicit(&e->holder, holder_pack(&s->mac, s->segment), memory_order_relaxed);
	}
	return claim;
}

bool addresses_age(struct addresses *a, uint64_t now_ns, uint32_t budget)
{
	while (budget--) {
		uint32_t record = store_due(&a->store, now_ns);
		if (record == STORE_NONE)
			return true;
		struct address_entry *e = &a->entries[record];
		uint64_t last = atomic_load_explicit(&e->last_ns, memory_order_relaxed);
		uint64_t holder = atomic_load_explicit(&e->holder, memory_order_relaxed);

		if (!expired(last, now_ns)) {
			store_arm(&a->store, record, last + ADDRESS_AGE_NS);
			continue;
		}
		hold(a, (uint16_t)holder, -1);
		store_remove(&a->store, record, hash_of(a, e->network, e->address), now_ns);
	}
	return false;
}
