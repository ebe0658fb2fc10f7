/* SPDX-License-Identifier: BSD-3-Clause */
/* What is not a rule: default, layer2, flows, classification, limits, exceptions. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

#define SECOND 1000000u /* of the microseconds that durations are read in */
#define DAY (86400ull * SECOND)

static struct bh_settings *settings_of(struct decoder *decoder)
{
	return &reader_of(decoder)->model->settings;
}

static const struct bh_limits default_limits = {
	.flows = BH_LIMIT_PERCENT | 5000,
	.embryonic = BH_LIMIT_PERCENT | 1000,
	.new_flows = 50000,
	.macs = 4096,
	.fragments = 1024,
	.broadcast = 5000,
};

void settings_defaults(struct reader *reader)
{
	static const uint32_t timeouts[BH_TIMEOUT_COUNT] = {
#define TIMEOUT_DEFAULT(symbol, name, seconds) seconds,
		BH_TIMEOUTS(TIMEOUT_DEFAULT)
#undef TIMEOUT_DEFAULT
	};
	struct bh_settings *settings = &reader->model->settings;

	*settings = (struct bh_settings){
		.default_action = BH_ACTION_DENY,
		.midstream_app = BH_MIDSTREAM_TRUST,
		.midstream_pick_up = 60,
		.exception_flows = BH_EXCEPTION_DROP,
		.exception_fragments = BH_EXCEPTION_DROP,
		.exception_dpi = BH_EXCEPTION_UNKNOWN,
		.dpi_max_packets = 32,
		.dpi_max_bytes = 64u << 10,
		.dpi_max_ms = 10000,
		.layer2_allow = 1u << BH_LAYER2_ARP | 1u << BH_LAYER2_RARP | 1u << BH_LAYER2_ND |
				1u << BH_LAYER2_DHCP | 1u << BH_LAYER2_IGMP | 1u << BH_LAYER2_MLD,
	};
	memcpy(settings->timeouts, timeouts, sizeof(timeouts));
	reader->model->timezone = region_text(reader->decoder.region, "UTC", 3);
}

void settings_segment_defaults(struct reader *reader)
{
	for (uint32_t i = 0; i < reader->model->segment_count; i++) {
		reader->model->segments[i].limits = default_limits;
		reader->model->segments[i].dhcp_server = reader->model->segments[i].uplink;
	}
}

/* A choice of two words, the second of which sets the field. */
static void choose(struct decoder *decoder, const struct node *node, const char *unset, const char *set,
		   uint8_t *field)
{
	const char *words[] = { unset, set };
	int choice = decode_choice(decoder, node, words, 2);

	if (choice >= 0)
		*field = (uint8_t)choice;
}

/* ---- default ---- */

static void default_action(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = { "allow", "deny", "reject" };
	int choice = decode_choice(decoder, node, words, DECODE_COUNT(words));

	(void)target;
	if (choice >= 0)
		settings_of(decoder)->default_action = (uint8_t)choice;
}

static void default_log(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	decode_bool(decoder, node, &settings_of(decoder)->default_log);
}

static const struct decode_key default_keys[] = {
	{ "action", default_action, true },
	{ "log", default_log, false },
};

void read_default(struct reader *reader, const struct part *part)
{
	if (!part->count)
		return;
	reader->model->default_place = node_key_place(part->nodes[0]);
	decode_map(&reader->decoder, part->nodes[0], "default", default_keys, DECODE_COUNT(default_keys),
		   NULL);
}

/* ---- layer2 ---- */

static const char *const layer2_names[] = {
#define LAYER2_NAME(symbol, name) name,
	BH_LAYER2_PROTOCOLS(LAYER2_NAME)
#undef LAYER2_NAME
};

/* An ethertype that is judged elsewhere can not be let through here; says where. */
static const char *ethertype_elsewhere(uint16_t type)
{
	switch (type) {
	case 0x0800:
	case 0x86dd:
		return "the rules decide about IP";
	case 0x0806:
		return "write arp";
	case 0x8035:
		return "write rarp";
	case 0x8100:
	case 0x88a8:
	case 0x9100:
		return "layer2.double-tags decides about a second VLAN tag";
	default:
		return NULL;
	}
}

static void allow_ethertype(struct decoder *decoder, const struct node *item, uint16_t type)
{
	struct policy_model *model = reader_of(decoder)->model;
	const char *elsewhere = ethertype_elsewhere(type);

	if (type == 0x88cc) { /* the language's own example of a number is lldp */
		model->settings.layer2_allow |= 1u << BH_LAYER2_LLDP;
		return;
	}
	if (elsewhere) {
		decode_error(decoder, item->place, "%.60s can not be allowed by its number: %s", item->text,
			     elsewhere);
		return;
	}
	for (uint32_t i = 0; i < model->ethertype_count; i++)
		if (model->ethertypes[i] == type)
			return;
	model->ethertypes = region_grow(decoder->region, model->ethertypes, model->ethertype_count,
					sizeof(*model->ethertypes));
	model->ethertypes[model->ethertype_count++] = type;
}

static void layer2_allow(struct decoder *decoder, const struct node *node, void *target)
{
	struct bh_settings *settings = settings_of(decoder);

	(void)target;
	settings->layer2_allow = 0;
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		const char *text = decode_text(decoder, item, "a protocol's name, or an ethertype as 0x88cc");
		uint16_t type;
		uint32_t i;

		if (!text)
			continue;
		for (i = 0; i < BH_LAYER2_COUNT && strcmp(text, layer2_names[i]); i++)
			;
		if (i < BH_LAYER2_COUNT)
			settings->layer2_allow |= 1u << i;
		else if (!value_ethertype(text, &type))
			allow_ethertype(decoder, item, type);
		else
			decode_error(decoder, item->place,
				     "\"%.60s\": expected arp, rarp, nd, dhcp, igmp, mld, lldp, lacp, bpdu "
				     "or an ethertype "
				     "from 0x0600 to 0xffff, as 0x88cc%s",
				     text, decode_nearest(decoder, text, layer2_names, BH_LAYER2_COUNT));
	}
}

static void layer2_dhcp_servers(struct decoder *decoder, const struct node *node, void *target)
{
	struct policy_model *model = reader_of(decoder)->model;
	uint32_t *segments = NULL, count = 0;

	(void)target;
	/* an empty list is a statement here: no DHCP server at all */
	if (node->kind != NODE_LIST || node->count)
		reader_segments(reader_of(decoder), node, &segments, &count);
	for (uint32_t i = 0; i < model->segment_count; i++)
		model->segments[i].dhcp_server = false;
	for (uint32_t i = 0; i < count; i++)
		model->segments[segments[i]].dhcp_server = true;
}

static void layer2_unicast_known(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	decode_bool(decoder, node, &settings_of(decoder)->unicast_known);
}

static void layer2_duplicates(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "count", "drop", &settings_of(decoder)->duplicates_drop);
}

static void layer2_too_big(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "drop", "tell", &settings_of(decoder)->too_big_tell);
}

static void layer2_double_tags(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "drop", "inside", &settings_of(decoder)->double_tags_inside);
}

static const struct decode_key layer2_keys[] = {
	{ "allow", layer2_allow, false },
	{ "dhcp-servers", layer2_dhcp_servers, false },
	{ "unicast-known", layer2_unicast_known, false },
	{ "duplicates", layer2_duplicates, false },
	{ "too-big", layer2_too_big, false },
	{ "double-tags", layer2_double_tags, false },
};

void read_layer2(struct reader *reader, const struct part *part)
{
	if (part->count)
		decode_map(&reader->decoder, part->nodes[0], "layer2", layer2_keys, DECODE_COUNT(layer2_keys),
			   NULL);
}

/* ---- flows ---- */

static void flows_reload(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "reevaluate", "keep", &settings_of(decoder)->keep_established);
}

static void midstream_pick_up(struct decoder *decoder, const struct node *node, void *target)
{
	struct bh_settings *settings = settings_of(decoder);
	uint64_t us;

	(void)target;
	if (node->kind == NODE_SCALAR && !strcmp(node->text, "always")) {
		settings->midstream_pick_up = BH_PICK_UP_ALWAYS;
		settings->midstream_app = BH_MIDSTREAM_UNKNOWN; /* the default with always */
	} else if (node->kind == NODE_SCALAR && !strcmp(node->text, "never")) {
		settings->midstream_pick_up = BH_PICK_UP_NEVER;
	} else if (node->kind == NODE_SCALAR && !value_duration(node->text, &us) && us >= SECOND &&
		   us <= 31 * DAY && us % SECOND == 0) {
		settings->midstream_pick_up = (uint32_t)(us / SECOND);
	} else {
		decode_expected(decoder, node,
				"always, never, or whole seconds up to 31 days, as 60s, 2m or 1h");
	}
}

static void midstream_application(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "trust", "unknown", &settings_of(decoder)->midstream_app);
}

static const struct decode_key midstream_keys[] = {
	{ "pick-up", midstream_pick_up, false }, /* first: it decides the default of the other */
	{ "application", midstream_application, false },
};

static void flows_midstream(struct decoder *decoder, const struct node *node, void *target)
{
	if (node->kind == NODE_SCALAR)
		midstream_pick_up(decoder, node, target);
	else
		decode_map(decoder, node, "mid-stream", midstream_keys, DECODE_COUNT(midstream_keys), target);
}

static void flows_tcp(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "strict", "liberal", &settings_of(decoder)->tcp_liberal);
}

static void flows_checksums(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "verify", "ignore", &settings_of(decoder)->checksums_ignore);
}

static void flows_fragments(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "reassemble", "drop", &settings_of(decoder)->fragments_drop);
}

static void timeout_read(struct decoder *decoder, const struct node *node, uint32_t *seconds)
{
	uint64_t us;

	if (!decode_duration(decoder, node, SECOND, 31 * DAY, &us))
		return;
	if (us % SECOND)
		decode_expected(decoder, node, "whole seconds");
	else
		*seconds = (uint32_t)(us / SECOND);
}

static void flows_timeouts(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const names[] = {
#define TIMEOUT_NAME(symbol, name, seconds) name,
		BH_TIMEOUTS(TIMEOUT_NAME)
#undef TIMEOUT_NAME
	};

	(void)target;
	if (node->kind != NODE_MAP) {
		decode_expected(decoder, node, "a map of timeouts ({ tcp-established: 1h, udp: 60s })");
		return;
	}
	decode_unknown_keys(decoder, node, "timeouts", names, DECODE_COUNT(names));
	for (size_t i = 0; i < DECODE_COUNT(names); i++) {
		const struct node *value = node_get(node, names[i]);

		if (value)
			timeout_read(decoder, value, &settings_of(decoder)->timeouts[i]);
	}
}

static const struct decode_key flows_keys[] = {
	{ "established-on-reload", flows_reload, false },
	{ "mid-stream", flows_midstream, false },
	{ "tcp", flows_tcp, false },
	{ "checksums", flows_checksums, false },
	{ "fragments", flows_fragments, false },
	{ "timeouts", flows_timeouts, false },
};

void read_flows(struct reader *reader, const struct part *part)
{
	if (part->count)
		decode_map(&reader->decoder, part->nodes[0], "flows", flows_keys, DECODE_COUNT(flows_keys),
			   NULL);
}

/* ---- classification ---- */

static void classification_packets(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t packets;

	(void)target;
	if (decode_unsigned(decoder, node, 1, 1000, &packets))
		settings_of(decoder)->dpi_max_packets = (uint32_t)packets;
}

static void classification_bytes(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t bytes;

	(void)target;
	if (decode_size(decoder, node, 64, 16u << 20, &bytes))
		settings_of(decoder)->dpi_max_bytes = (uint32_t)bytes;
}

static void classification_time(struct decoder *decoder, const struct node *node, void *target)
{
	uint64_t us;

	(void)target;
	if (decode_duration(decoder, node, 1000, 3600ull * SECOND, &us))
		settings_of(decoder)->dpi_max_ms = (uint32_t)(us / 1000);
}

static void classification_guess(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	decode_bool(decoder, node, &settings_of(decoder)->guess);
}

static void classification_ech(struct decoder *decoder, const struct node *node, void *target)
{
	static const char *const words[] = {
		[BH_ECH_ALLOW] = "allow", [BH_ECH_UNKNOWN] = "unknown", [BH_ECH_DENY] = "deny"
	};
	int choice = decode_choice(decoder, node, words, DECODE_COUNT(words));

	(void)target;
	if (choice >= 0)
		settings_of(decoder)->ech = (uint8_t)choice;
}

static const struct decode_key classification_keys[] = {
	{ "max-packets", classification_packets, false },
	{ "max-bytes", classification_bytes, false },
	{ "max-time", classification_time, false },
	{ "guess", classification_guess, false },
	{ "ech", classification_ech, false },
};

void read_classification(struct reader *reader, const struct part *part)
{
	const struct node *node = part->count ? part->nodes[0] : NULL;

	if (node && node->kind == NODE_SCALAR && !strcmp(node->text, "off"))
		reader->model->settings.classification_off = 1;
	else if (node && node->kind == NODE_SCALAR)
		decode_expected(&reader->decoder, node, "off, or a map ({ max-packets: 32, max-time: 10s })");
	else if (node)
		decode_map(&reader->decoder, node, "classification", classification_keys,
			   DECODE_COUNT(classification_keys), NULL);
}

/* ---- limits ---- */

static void limit_of_table(struct decoder *decoder, const struct node *node, uint32_t *limit)
{
	uint32_t percent;
	uint64_t number;

	if (node->kind == NODE_SCALAR && !value_percent(node->text, &percent))
		*limit = BH_LIMIT_PERCENT | percent;
	else if (node->kind == NODE_SCALAR && !value_unsigned(node->text, &number) && number >= 1 &&
		 number < BH_LIMIT_PERCENT)
		*limit = (uint32_t)number;
	else if (node->kind == NODE_SCALAR && !strcmp(node->text, "unlimited"))
		*limit = 0;
	else
		decode_expected(decoder, node,
				"a number from 1, a percentage of the table's size, as 50%, or unlimited");
}

static void limit_of_rate(struct decoder *decoder, const struct node *node, uint32_t *limit)
{
	uint64_t rate;

	if (node->kind == NODE_SCALAR && !value_rate(node->text, &rate) && rate >= 1 &&
	    rate < BH_LIMIT_PERCENT)
		*limit = (uint32_t)rate;
	else if (node->kind == NODE_SCALAR && !strcmp(node->text, "unlimited"))
		*limit = 0;
	else
		decode_expected(decoder, node, "a rate from 1/s, as 500/s or 50k/s, or unlimited");
}

static void limits_flows(struct decoder *decoder, const struct node *node, void *target)
{
	limit_of_table(decoder, node, &((struct bh_limits *)target)->flows);
}

static void limits_embryonic(struct decoder *decoder, const struct node *node, void *target)
{
	limit_of_table(decoder, node, &((struct bh_limits *)target)->embryonic);
}

static void limits_new_flows(struct decoder *decoder, const struct node *node, void *target)
{
	limit_of_rate(decoder, node, &((struct bh_limits *)target)->new_flows);
}

static void limits_macs(struct decoder *decoder, const struct node *node, void *target)
{
	limit_of_table(decoder, node, &((struct bh_limits *)target)->macs);
}

static void limits_fragments(struct decoder *decoder, const struct node *node, void *target)
{
	limit_of_table(decoder, node, &((struct bh_limits *)target)->fragments);
}

static void limits_broadcast(struct decoder *decoder, const struct node *node, void *target)
{
	limit_of_rate(decoder, node, &((struct bh_limits *)target)->broadcast);
}

static const struct decode_key segment_limit_keys[] = {
	{ "flows", limits_flows, false },         { "embryonic", limits_embryonic, false },
	{ "new-flows", limits_new_flows, false }, { "macs", limits_macs, false },
	{ "fragments", limits_fragments, false }, { "broadcast", limits_broadcast, false },
};

static void limits_segments(struct decoder *decoder, const struct node *node, void *target)
{
	struct reader *reader = reader_of(decoder);

	(void)target;
	if (node->kind != NODE_MAP) {
		decode_expected(decoder, node, "a map of segments ({ web: { flows: 20% } })");
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		uint32_t segment;

		if (index_find(&reader->segments, item->key, &segment))
			decode_map(decoder, item, "the limits of a segment", segment_limit_keys,
				   DECODE_COUNT(segment_limit_keys),
				   &reader->model->segments[segment].limits);
		else
			reader_unknown(reader, node_key_place(item), "segment", item->key, &reader->segments);
	}
}

/* The defaults are complete before a segment overrides them. */
static void limits_default(struct decoder *decoder, const struct node *node, void *target)
{
	struct policy_model *model = reader_of(decoder)->model;

	for (uint32_t i = 0; i < model->segment_count; i++)
		model->segments[i].limits = *(const struct bh_limits *)target;
	limits_segments(decoder, node, target);
}

void read_limits(struct reader *reader, const struct part *part)
{
	static const struct decode_key keys[] = {
		{ "flows", limits_flows, false },         { "embryonic", limits_embryonic, false },
		{ "new-flows", limits_new_flows, false }, { "macs", limits_macs, false },
		{ "fragments", limits_fragments, false }, { "broadcast", limits_broadcast, false },
		{ "segments", limits_default, false }, /* last */
	};
	struct policy_model *model = reader->model;
	struct bh_limits limits = default_limits;

	if (!part->count)
		return;
	model->settings.quotas_written = 1;
	if (!decode_map(&reader->decoder, part->nodes[0], "limits", keys, DECODE_COUNT(keys), &limits) ||
	    node_get(part->nodes[0], "segments"))
		return;
	for (uint32_t i = 0; i < model->segment_count; i++)
		model->segments[i].limits = limits;
}

/* ---- exceptions ---- */

static void exception_flows(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "drop", "stateless", &settings_of(decoder)->exception_flows);
}

static void exception_fragments(struct decoder *decoder, const struct node *node, void *target)
{
	(void)target;
	choose(decoder, node, "drop", "stateless", &settings_of(decoder)->exception_fragments);
}

static void exception_dpi(struct decoder *decoder, const struct node *node, void *target)
{
	uint8_t unknown = settings_of(decoder)->exception_dpi == BH_EXCEPTION_UNKNOWN;

	(void)target;
	choose(decoder, node, "drop", "unknown", &unknown);
	settings_of(decoder)->exception_dpi = unknown ? BH_EXCEPTION_UNKNOWN : BH_EXCEPTION_DROP;
}

static_assert(BH_EXCEPTION_DROP == 0 && BH_EXCEPTION_STATELESS == 1, "choose() gives the second word as 1");

static const struct decode_key exception_keys[] = {
	{ "flows", exception_flows, false },
	{ "fragments", exception_fragments, false },
	{ "dpi", exception_dpi, false },
};

void read_exceptions(struct reader *reader, const struct part *part)
{
	if (part->count)
		decode_map(&reader->decoder, part->nodes[0], "exceptions", exception_keys,
			   DECODE_COUNT(exception_keys), NULL);
}
