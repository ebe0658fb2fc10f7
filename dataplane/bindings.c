/* SPDX-License-Identifier: BSD-3-Clause */
/* One open-addressing table for four questions; what a question leaves out is zero in its key. */
#include "bindings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flowkey.h"
#include "frame.h"
#include "policy.h"

enum question {
	FREE,             /* an empty slot */
	PLACE_OF_MAC,     /* (network, MAC) */
	MACHINE,          /* (segment, MAC) */
	MACHINE_ALONE,    /* (segment, MAC), bound without an address */
	PAIR,             /* (segment, MAC, address) */
	OWNER_OF_ADDRESS, /* (network, address) */
};

struct binding_key {
	uint8_t address[16];
	struct rte_ether_addr mac;
	uint16_t scope; /* network or segment, stable id */
	uint32_t question;
	uint32_t reserved;
};
static_assert(sizeof(struct binding_key) == 32);

struct binding_slot {
	struct binding_key key;
	struct rte_ether_addr mac;
	uint16_t segment;
};

struct bindings {
	uint32_t mask;
	struct binding_slot slots[];
};

static const uint8_t no_address[16];
static const struct rte_ether_addr no_mac;

static struct binding_key key_of(enum question question, uint16_t scope, const struct rte_ether_addr *mac,
				 const uint8_t address[16])
{
	struct binding_key key = { .question = question, .scope = scope, .mac = *mac };

	memcpy(key.address, address, sizeof(key.address));
	return key;
}

static uint32_t slot_of(const struct binding_key *key, uint32_t mask)
{
	uint64_t words[4];

	memcpy(words, key, sizeof(words));
	return (uint32_t)flow_mix(flow_mix(words[0], words[1]), flow_mix(words[2], words[3])) & mask;
}

/* The slot of a key, or the free one where it would stand. A quarter of the slots is free at least, so it ends. */
static struct binding_slot *find(struct bindings *b, const struct binding_key *key)
{
	uint32_t i = slot_of(key, b->mask);

	while (b->slots[i].key.question != FREE && memcmp(&b->slots[i].key, key, sizeof(*key)) != 0)
		i = (i + 1) & b->mask;
	return &b->slots[i];
}

static const struct binding_slot *lookup(const struct bindings *b, enum question question, uint16_t scope,
					 const struct rte_ether_addr *mac, const uint8_t address[16])
{
	if (!b)
		return NULL;
	struct binding_key key = key_of(question, scope, mac, address);
	const struct binding_slot *slot = find((struct bindings *)(uintptr_t)b, &key);
	return slot->key.question == FREE ? NULL : slot;
}

/* Returns whether the key was new. */
static bool insert(struct bindings *b, const struct binding_key *key, const struct rte_ether_addr *mac,
		   uint16_t segment)
{
	struct binding_slot *slot = find(b, key);

	if (slot->key.question != FREE)
		return false;
	*slot = (struct binding_slot){ .key = *key, .mac = *mac, .segment = segment };
	return true;
}

static void add(struct bindings *b, uint16_t network, uint16_t segment, const struct rte_ether_addr *mac,
		const uint8_t address[16])
{
	struct binding_key key = key_of(PLACE_OF_MAC, network, mac, no_address);

	if (!insert(b, &key, mac, segment)) {
		struct binding_slot *slot = find(b, &key);
		if (slot->segment != segment)
			slot->segment = SEGMENT_FLOOD;
	}
	key = key_of(MACHINE, segment, mac, no_address);
	insert(b, &key, mac, segment);
	if (memcmp(address, no_address, sizeof(no_address)) == 0) {
		key = key_of(MACHINE_ALONE, segment, mac, no_address);
		insert(b, &key, mac, segment);
		return;
	}
	key = key_of(PAIR, segment, mac, address);
	insert(b, &key, mac, segment);
	key = key_of(OWNER_OF_ADDRESS, network, &no_mac, address);
	insert(b, &key, mac, segment);
}

int bindings_new(const struct policy *policy, struct bindings **bindings)
{
	uint64_t count = policy->image.BINDINGS_count;
	uint64_t size = 64;

	*bindings = NULL;
	if (count == 0)
		return 0;
	/* at most four keys a binding */
	while (size < count * 16 / 3)
		size <<= 1;
	if (size > UINT32_MAX)
		return -ENOMEM;
	struct bindings *b = calloc(1, sizeof(*b) + size * sizeof(b->slots[0]));
	if (!b)
		return -ENOMEM;
	b->mask = (uint32_t)size - 1;
	for (uint64_t i = 0; i < count; i++) {
		const struct bh_binding *binding = &policy->image.BINDINGS_[i];
		uint16_t segment = policy->segment_ids[binding->segment];
		struct rte_ether_addr mac;

		memcpy(&mac, binding->mac, sizeof(mac));
		add(b, policy->segments[segment].network, segment, &mac, binding->address);
	}
	*bindings = b;
	return 0;
}

void bindings_free(struct bindings *b)
{
	free(b);
}

uint16_t bindings_place(const struct bindings *b, uint16_t network, const struct rte_ether_addr *mac)
{
	const struct binding_slot *slot = lookup(b, PLACE_OF_MAC, network, mac, no_address);

	return slot ? slot->segment : SEGMENT_NONE;
}

bool bindings_machine(const struct bindings *b, uint16_t segment, const struct rte_ether_addr *mac)
{
	return lookup(b, MACHINE, segment, mac, no_address) != NULL;
}

static bool made_from_mac(const struct rte_ether_addr *mac, const uint8_t address[16])
{
	const uint8_t *m = mac->addr_bytes;
	const uint8_t own[16] = { 0xfe,     0x80, 0,    0,    0,    0,    0,    0,
				  m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] };

	return memcmp(own, address, sizeof(own)) == 0;
}

bool bindings_allow(const struct bindings *b, uint16_t network, uint16_t segment,
		    const struct rte_ether_addr *mac, const uint8_t address[16])
{
	if (lookup(b, PAIR, segment, mac, address))
		return true;
	if (made_from_mac(mac, address))
		return bindings_machine(b, segment, mac);
	return lookup(b, MACHINE_ALONE, segment, mac, no_address) &&
	       !lookup(b, OWNER_OF_ADDRESS, network, &no_mac, address);
}

bool bindings_owner(const struct bindings *b, uint16_t network, const uint8_t address[16],
		    struct rte_ether_addr *mac, uint16_t *segment)
{
	const struct binding_slot *slot = lookup(b, OWNER_OF_ADDRESS, network, &no_mac, address);

	if (!slot)
		return false;
	*mac = slot->mac;
	*segment = slot->segment;
	return true;
}
