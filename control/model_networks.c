/* SPDX-License-Identifier: BSD-3-Clause */
/* networks: segments and bindings. */
#include <string.h>

#include "reader.h"

/* The network that is being read. */
struct network_reading {
	struct model_network *network;
	uint32_t index;
};

static struct network_reading *reading_of(void *target)
{
	return target;
}

/* ---- segments ---- */

static void segment_port(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_segment *segment = target;
	const char *name = decode_name(decoder, node, false);

	if (name)
		segment->port = region_text(decoder->region, name, strlen(name));
}

static void segment_vlan(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_segment *segment = target;

	if (node->kind == NODE_SCALAR && !strcmp(node->text, "4095"))
		decode_expected(
			decoder, node,
			"a VLAN id from 1 to 4094 or untagged (4095 makes a portgroup a trunk; a segment is "
			"one VLAN of it)");
	else if (node->kind != NODE_SCALAR || value_vlan(node->text, &segment->vlan))
		decode_expected(decoder, node, "a VLAN id from 1 to 4094, or untagged");
}

static void segment_uplink(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t uplink;

	if (decode_bool(decoder, node, &uplink))
		((struct model_segment *)target)->uplink = uplink;
}

static void segment_spoof_guard(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = {
		[BH_SPOOF_OFF] = "off", [BH_SPOOF_LEARN] = "learn", [BH_SPOOF_STRICT] = "strict"
	};
	int choice = decode_choice(decoder, node, words, DECODE_COUNT(words));

	if (choice >= 0)
		((struct model_segment *)target)->spoof_guard = (uint8_t)choice;
}

static const struct decode_key segment_keys[] = {
	{ "port", segment_port, true },
	{ "vlan", segment_vlan, true },
	{ "uplink", segment_uplink, false },
	{ "spoof-guard", segment_spoof_guard, false },
};

static const char *vlan_text(struct decoder *decoder, uint16_t vlan)
{
	return vlan == BH_VLAN_UNTAGGED ? "untagged" : region_format(decoder->region, "VLAN %u", vlan);
}

/* Exactly one segment owns a (port, VLAN) pair. */
static void claim_owner(struct reader *reader, const struct model_segment *segment, uint32_t number)
{
	struct decoder *decoder = &reader->decoder;
	const char *pair = region_format(decoder->region, "%u %s", segment->vlan, segment->port);
	const struct model_segment *owner;
	uint32_t first;

	if (index_add(&reader->owners, decoder->region, pair, number, &first))
		return;
	owner = &reader->model->segments[first];
	decode_error(decoder, segment->place,
		     "segment %s: port %s, %s already belongs to segment %s (line %u); one segment owns a "
		     "pair of port "
		     "and VLAN",
		     segment->name, segment->port, vlan_text(decoder, segment->vlan), owner->name,
		     owner->place.line);
}

static void read_segment(struct reader *reader, const struct node *node, struct network_reading *reading)
{
	struct policy_model *model = reader->model;
	struct decoder *decoder = &reader->decoder;
	struct model_segment *segment;
	uint32_t number = model->segment_count, first = 0;

	if (!decode_key_is_name(decoder, node))
		return;
	index_find(&reader->segments, node->key, &first);
	if (!reader_define(reader, &reader->segments, "segment", node, number,
			   model->segment_count ? model->segments[first].place : node->place))
		return;
	model->segments = region_grow(decoder->region, model->segments, number, sizeof(*segment));
	segment = &model->segments[number];
	*segment = (struct model_segment){ .name = region_text(decoder->region, node->key, strlen(node->key)),
					   .place = node_key_place(node),
					   .network = reading->index };
	model->segment_count++;
	reading->network->segment_count++;
	if (decode_map(decoder, node, "a segment", segment_keys, DECODE_COUNT(segment_keys), segment) &&
	    segment->port && segment->vlan)
		claim_owner(reader, segment, number);
}

static void network_segments(struct decoder *decoder, const struct node *node, void *target)
{
	if (node->kind != NODE_MAP || !node->count) {
		decode_expected(decoder, node,
				"segments as a map of names ({ web: { port: trunk, vlan: 101 } })");
		return;
	}
	for (const struct node *segment = node->first; segment; segment = segment->next)
		read_segment(reader_of(decoder), segment, reading_of(target));
}

/* ---- bindings ---- */

static void binding_segment(struct decoder *decoder, const struct node *node, void *target)
{
	struct reader *reader = reader_of(decoder);
	const char *name = decode_text(decoder, node, "the name of a segment");

	if (name && !index_find(&reader->segments, name, &((struct model_binding *)target)->segment))
		reader_unknown(reader, node->place, "segment", name, &reader->segments);
}

static void binding_mac(struct decoder *decoder, const struct node *node, void *target)
{
	static const uint8_t zero[6];
	uint8_t *mac = ((struct model_binding *)target)->mac;

	if (node->kind != NODE_SCALAR || value_mac(node->text, mac))
		decode_expected(decoder, node, "a MAC address, as 00:50:56:aa:00:31");
	else if (mac[0] & 1 || !memcmp(mac, zero, sizeof(zero)))
		decode_expected(decoder, node,
				"the MAC address of one machine (not a group or zero address)");
}

static void binding_addresses(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_binding *binding = target;

	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		uint8_t address[16];

		if (item->kind != NODE_SCALAR || value_address(item->text, address)) {
			decode_expected(decoder, item,
					"the address of one machine, as 10.10.0.31 or 2001:db8::31");
			continue;
		}
		binding->addresses = region_grow(decoder->region, binding->addresses, binding->address_count,
						 sizeof(*binding->addresses));
		memcpy(binding->addresses[binding->address_count++], address, 16);
	}
}

static const struct decode_key binding_keys[] = {
	{ "segment", binding_segment, true },
	{ "mac", binding_mac, true },
	{ "addresses", binding_addresses, false },
};

static void network_bindings(struct decoder *decoder, const struct node *node, void *target)
{
	struct policy_model *model = reader_of(decoder)->model;

	if (node->kind != NODE_LIST) {
		decode_expected(decoder, node,
				"a list of bindings (- { segment: .., mac: .., addresses: [..] })");
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		struct model_binding binding = { .place = item->place, .segment = BH_NONE };

		if (!decode_map(decoder, item, "a binding", binding_keys, DECODE_COUNT(binding_keys),
				&binding) ||
		    binding.segment == BH_NONE)
			continue;
		if (model->segments[binding.segment].network != reading_of(target)->index) {
			decode_error(decoder, item->place,
				     "segment %s is of network %s: its bindings belong there",
				     model->segments[binding.segment].name,
				     model->networks[model->segments[binding.segment].network].name);
			continue;
		}
		model->bindings = region_grow(decoder->region, model->bindings, model->binding_count,
					      sizeof(*model->bindings));
		model->bindings[model->binding_count++] = binding;
	}
}

/* ---- networks ---- */

static void network_mode(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = { "enforce", "monitor" };

	reading_of(target)->network->monitor = decode_choice(decoder, node, words, DECODE_COUNT(words)) == 1;
}

static const struct decode_key network_keys[] = {
	{ "mode", network_mode, false },
	{ "segments", network_segments, true },
	{ "bindings", network_bindings, false },
};

static void read_network(struct reader *reader, const struct node *node)
{
	struct policy_model *model = reader->model;
	struct decoder *decoder = &reader->decoder;
	struct network_reading reading = { .index = model->network_count };
	uint32_t first = 0;

	if (!decode_key_is_name(decoder, node))
		return;
	index_find(&reader->networks, node->key, &first);
	if (!reader_define(reader, &reader->networks, "network", node, reading.index,
			   model->network_count ? model->networks[first].place : node->place))
		return;
	model->networks =
		region_grow(decoder->region, model->networks, model->network_count, sizeof(*model->networks));
	reading.network = &model->networks[model->network_count++];
	*reading.network =
		(struct model_network){ .name = region_text(decoder->region, node->key, strlen(node->key)),
					.place = node_key_place(node),
					.first_segment = model->segment_count };
	decode_map(decoder, node, "a network", network_keys, DECODE_COUNT(network_keys), &reading);
}

void read_networks(struct reader *reader, const struct part *part)
{
	struct policy_model *model = reader->model;

	for (uint32_t i = 0; i < part->count; i++) {
		if (part->nodes[i]->kind != NODE_MAP || !part->nodes[i]->count) {
			decode_expected(&reader->decoder, part->nodes[i],
					"a map of networks ({ shop: { segments: {..} } })");
			continue;
		}
		for (const struct node *node = part->nodes[i]->first; node; node = node->next)
			read_network(reader, node);
	}
	settings_segment_defaults(reader);
	if (model->network_count > BH_MAX_NETWORKS)
		decode_error(&reader->decoder, model->networks[BH_MAX_NETWORKS].place,
			     "there may be %u networks, and here are %u", BH_MAX_NETWORKS,
			     model->network_count);
	if (model->segment_count > BH_MAX_SEGMENTS)
		decode_error(&reader->decoder, model->segments[BH_MAX_SEGMENTS].place,
			     "there may be %u segments, and here are %u", BH_MAX_SEGMENTS,
			     model->segment_count);
}
