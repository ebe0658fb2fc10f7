/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reader of policy images. Every size, offset and index is checked here, once, so that the
 * evaluator follows them without looking. Each check is linear in the section it reads; matrices may
 * overlap each other, so that the bound is BH_MATRIX_COUNT times the image.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bulkhead/evaluate.h"
#include "bulkhead/image.h"

#define DAYS_31 (31u * 24 * 60 * 60)
#define CUSTOM_RULE_MAX 127u /* bytes of a pattern of an application, a host's name with its quotes at most */
#define NAME_PATTERN_MAX 255u /* bytes of a server name's pattern; RFC 1035 allows 253 */
#define ZONE_OFFSET_MAX (26 * 3600)
#define ZONE_SINCE_MAX (INT64_C(1) << 55) /* so that sums with it can not overflow */

struct reader {
	struct bh_policy *policy;
	const uint8_t *image;
	size_t size;
	char *why;
	size_t why_size;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct reader *reader, int error, const char *format, ...)
{
	va_list arguments;

	if (reader->why_size != 0) {
		va_start(arguments, format);
		vsnprintf(reader->why, reader->why_size, format, arguments);
		va_end(arguments);
	}
	return error;
}

uint64_t bh_image_checksum(const void *image, size_t size)
{
	const size_t hole = offsetof(struct bh_image_header, checksum);
	const uint8_t *bytes = image;
	uint64_t hash = 0xcbf29ce484222325u;

	static_assert(offsetof(struct bh_image_header, checksum) % 8 == 0);
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = 0;

		if (at != hole)
			memcpy(&word, bytes + at, size - at < 8 ? size - at : 8);
		hash = (hash ^ word) * 0x100000001b3u;
	}
	return hash;
}

/* ---- header ---- */

static int check_header(struct reader *reader)
{
	const struct bh_image_header *header = (const void *)reader->image;

	if (reader->size < sizeof(*header))
		return refuse(reader, -EINVAL, "%zu bytes are too few for an image's header", reader->size);
	if (reader->size > BH_IMAGE_MAX_SIZE)
		return refuse(reader, -E2BIG, "%zu bytes are more than the %u an image may have",
			      reader->size, BH_IMAGE_MAX_SIZE);
	if ((uintptr_t)reader->image % _Alignof(struct bh_image_header) != 0)
		return refuse(reader, -EINVAL, "the image is not aligned in memory");
	if (header->magic != BH_IMAGE_MAGIC)
		return refuse(reader, -EPROTONOSUPPORT, "not a policy image (magic %08x)", header->magic);
	if (header->version != BH_IMAGE_VERSION || header->section_count != BH_SECTION_COUNT)
		return refuse(reader, -EPROTONOSUPPORT,
			      "image of version %u with %u sections; version %u with %u is understood here",
			      header->version, header->section_count, BH_IMAGE_VERSION, BH_SECTION_COUNT);
	if (header->size != reader->size)
		return refuse(reader, -EINVAL, "the header speaks of another size than %zu bytes",
			      reader->size);
	if (header->checksum != bh_image_checksum(reader->image, reader->size))
		return refuse(reader, -EINVAL, "the checksum is wrong");
	if (header->name[0] == '\0' || memchr(header->name, '\0', sizeof(header->name)) == NULL)
		return refuse(reader, -EINVAL, "header: no name");
	return 0;
}

static int check_settings(struct reader *reader)
{
	const struct bh_settings *s = &reader->policy->header->settings;
	const uint8_t booleans[] = { s->monitor,       s->default_log,        s->keep_established,
				     s->tcp_liberal,   s->checksums_ignore,   s->fragments_drop,
				     s->midstream_app, s->classification_off, s->guess,
				     s->unicast_known, s->quotas_written,     s->duplicates_drop,
				     s->too_big_tell,  s->double_tags_inside };

	static_assert(BH_MIDSTREAM_UNKNOWN == 1);
	for (size_t i = 0; i < sizeof(booleans); i++)
		if (booleans[i] > 1)
			return refuse(reader, -EINVAL, "settings: a switch that is neither 0 nor 1");
	if (s->default_action >= BH_ACTION_COUNT)
		return refuse(reader, -EINVAL, "settings: no default action %u", s->default_action);
	if (s->exception_flows > BH_EXCEPTION_STATELESS || s->exception_fragments > BH_EXCEPTION_STATELESS ||
	    (s->exception_dpi != BH_EXCEPTION_DROP && s->exception_dpi != BH_EXCEPTION_UNKNOWN))
		return refuse(reader, -EINVAL, "settings: an exception that does not exist");
	for (int i = 0; i < BH_TIMEOUT_COUNT; i++)
		if (s->timeouts[i] < 1 || s->timeouts[i] > DAYS_31)
			return refuse(reader, -EINVAL, "settings: timeout %d is out of bounds", i);
	if (s->reserved)
		return refuse(reader, -EINVAL, "settings: reserved bytes in use");
	if (s->layer2_allow >> BH_LAYER2_COUNT != 0 || s->ech > BH_ECH_DENY)
		return refuse(reader, -EINVAL,
			      "settings: unknown layer-2 protocols, or a choice for ECH that does not exist");
	return 0;
}

/* ---- sections ---- */

struct section_fact {
	const char *name;
	uint32_t element;
};

static const struct section_fact section_facts[BH_SECTION_COUNT] = {
#define SECTION_FACT(symbol, type) [BH_SECTION_##symbol] = { .name = #symbol, .element = sizeof(type) },
	BH_SECTIONS(SECTION_FACT)
#undef SECTION_FACT
};

struct section_bound {
	enum bh_section section;
	uint32_t least, most;
};

static const struct section_bound section_bounds[] = {
	{ BH_SECTION_STRINGS, 1, BH_IMAGE_MAX_SIZE },
	{ BH_SECTION_NETWORKS, 0, BH_MAX_NETWORKS },
	{ BH_SECTION_SEGMENTS, 0, BH_MAX_SEGMENTS },
	{ BH_SECTION_RULES, 0, BH_MAX_RULES },
	{ BH_SECTION_SCHEDULES, 0, BH_MAX_SCHEDULES },
	{ BH_SECTION_ZONES, 1, BH_MAX_ZONES },
	{ BH_SECTION_MIRRORS, 0, BH_MAX_MIRRORS },
	{ BH_SECTION_CUSTOM_APPS, 0, BH_MAX_CUSTOM_PATTERNS },
	{ BH_SECTION_ETHERTYPES, 0, 65536 },
	{ BH_SECTION_ADDRESSES4, 1, BH_IMAGE_MAX_SIZE },
	{ BH_SECTION_ADDRESSES6, 1, BH_IMAGE_MAX_SIZE },
	{ BH_SECTION_SERVICES, 1, BH_IMAGE_MAX_SIZE },
	{ BH_SECTION_SOURCE_PORTS, 1, BH_IMAGE_MAX_SIZE },
	{ BH_SECTION_MATRICES, BH_MATRIX_COUNT, BH_MATRIX_COUNT },
};

static int check_sections(struct reader *reader)
{
	struct bh_policy *policy = reader->policy;
	const struct bh_section_entry *entries = policy->header->sections;

	for (int i = 0; i < BH_SECTION_COUNT; i++) {
		const struct section_fact *fact = &section_facts[i];

		if (entries[i].offset % 64 != 0 || entries[i].offset < sizeof(*policy->header) ||
		    entries[i].offset > reader->size ||
		    entries[i].count > (reader->size - entries[i].offset) / fact->element)
			return refuse(reader, -EINVAL, "section %s is not inside the image", fact->name);
	}
	for (size_t i = 0; i < sizeof(section_bounds) / sizeof(section_bounds[0]); i++) {
		const struct section_bound *bound = &section_bounds[i];
		uint64_t count = entries[bound->section].count;

		if (count < bound->least || count > bound->most)
			return refuse(reader, count > bound->most ? -E2BIG : -EINVAL,
				      "section %s has %llu elements; %u to %u are allowed",
				      section_facts[bound->section].name, (unsigned long long)count,
				      bound->least, bound->most);
	}
#define POLICY_SECTION(symbol, type)                                                                         \
	policy->symbol##_ = (const type *)(reader->image + entries[BH_SECTION_##symbol].offset);             \
	policy->symbol##_count = entries[BH_SECTION_##symbol].count;
	BH_SECTIONS(POLICY_SECTION)
#undef POLICY_SECTION
	policy->words = (policy->RULES_count + 63) / 64;
	policy->summary_words = (policy->words + 63) / 64;
	if (policy->STRINGS_[0] != '\0' || policy->STRINGS_[policy->STRINGS_count - 1] != '\0')
		return refuse(reader, -EINVAL, "section STRINGS does not begin and end with NUL");
	return 0;
}

/* The section ends with NUL, so an offset inside it is a string. */
static bool string_ok(const struct bh_policy *policy, uint32_t offset)
{
	return offset < policy->STRINGS_count;
}

static bool name_ok(const struct bh_policy *policy, uint32_t offset)
{
	return string_ok(policy, offset) && policy->STRINGS_[offset] != '\0' &&
	       strnlen(bh_string(policy, offset), BH_NAME_MAX + 1) <= BH_NAME_MAX;
}

static bool index_ok(uint32_t index, uint64_t count)
{
	return index == BH_NONE || index < count;
}

static bool limit_ok(uint32_t limit, bool percent_allowed)
{
	if ((limit & BH_LIMIT_PERCENT) == 0)
		return true;
	return percent_allowed && (limit & ~BH_LIMIT_PERCENT) <= 100 * 100;
}

static bool segment_ok(const struct bh_policy *policy, const struct bh_segment *s)
{
	return name_ok(policy, s->name) && name_ok(policy, s->port) &&
	       ((s->vlan >= 1 && s->vlan <= 4094) || s->vlan == BH_VLAN_UNTAGGED) && s->uplink <= 1 &&
	       s->dhcp_server <= 1 && s->spoof_guard <= BH_SPOOF_STRICT && s->reserved[0] == 0 &&
	       s->reserved[1] == 0 && s->reserved[2] == 0 && limit_ok(s->limits.flows, true) &&
	       limit_ok(s->limits.embryonic, true) && limit_ok(s->limits.macs, true) &&
	       limit_ok(s->limits.fragments, true) && limit_ok(s->limits.new_flows, false) &&
	       limit_ok(s->limits.broadcast, false);
}

static int check_networks(struct reader *reader)
{
	const struct bh_policy *policy = reader->policy;
	uint64_t next = 0;

	for (uint64_t n = 0; n < policy->NETWORKS_count; n++) {
		const struct bh_network *network = &policy->NETWORKS_[n];

		if (!name_ok(policy, network->name) || network->monitor > 1 ||
		    network->first_segment != next || network->segment_count > policy->SEGMENTS_count - next)
			return refuse(reader, -EINVAL, "network %llu is bad", (unsigned long long)n);
		for (uint32_t i = 0; i < network->segment_count; i++, next++)
			if (policy->SEGMENTS_[next].network != n ||
			    !segment_ok(policy, &policy->SEGMENTS_[next]))
				return refuse(reader, -EINVAL, "segment %llu is bad",
					      (unsigned long long)next);
	}
	if (next != policy->SEGMENTS_count)
		return refuse(reader, -EINVAL, "segment %llu is of no network", (unsigned long long)next);
	for (uint64_t i = 0; i < policy->BINDINGS_count; i++)
		if (policy->BINDINGS_[i].segment >= policy->SEGMENTS_count)
			return refuse(reader, -EINVAL, "binding %llu is of no segment",
				      (unsigned long long)i);
	return 0;
}

/* ---- rules and what they refer to ---- */

static int check_rules(struct reader *reader)
{
	const struct bh_policy *policy = reader->policy;
	const uint8_t flags = BH_RULE_ENABLED | BH_RULE_LOG | BH_RULE_MONITOR;

	for (uint64_t i = 0; i < policy->RULES_count; i++) {
		const struct bh_rule *rule = &policy->RULES_[i];

		if (!name_ok(policy, rule->name) || rule->action >= BH_ACTION_COUNT ||
		    (rule->flags & ~flags) != 0 || rule->reserved[0] != 0 || rule->reserved[1] != 0 ||
		    !index_ok(rule->app_set, policy->APP_SETS_count) ||
		    !index_ok(rule->name_set, policy->NAME_SETS_count) ||
		    !index_ok(rule->schedule, policy->SCHEDULES_count) ||
		    !index_ok(rule->mirror, policy->MIRRORS_count) || !string_ok(policy, rule->file))
			return refuse(reader, -EINVAL, "rule %llu is bad", (unsigned long long)i);
	}
	return 0;
}

/* The sets cut NAMES into consecutive pieces: so each name is looked at once. */
static int check_names(struct reader *reader)
{
	const struct bh_policy *policy = reader->policy;
	uint64_t next = 0;

	for (uint64_t i = 0; i < policy->NAME_SETS_count; i++) {
		const struct bh_name_set *set = &policy->NAME_SETS_[i];

		if (set->first != next || set->count > policy->NAMES_count - next)
			return refuse(reader, -EINVAL, "server-name set %llu is bad", (unsigned long long)i);
		for (uint32_t n = 0; n < set->count; n++, next++) {
			uint32_t name = policy->NAMES_[next];

			if (!string_ok(policy, name) ||
			    strnlen(bh_string(policy, name), NAME_PATTERN_MAX + 1) > NAME_PATTERN_MAX ||
			    (n > 0 && strcmp(bh_string(policy, policy->NAMES_[next - 1]),
					     bh_string(policy, name)) >= 0))
				return refuse(reader, -EINVAL, "server name %llu is bad or out of order",
					      (unsigned long long)next);
		}
	}
	return 0;
}

static int check_schedules(struct reader *reader)
{
	const struct bh_policy *policy = reader->policy;

	for (uint64_t i = 0; i < policy->SCHEDULES_count; i++) {
		const struct bh_schedule *s = &policy->SCHEDULES_[i];

		if (!string_ok(policy, s->name) || s->days > 127 || s->from > 1439 || s->to > 1440 ||
		    s->reserved != 0 || s->reserved2 != 0)
			return refuse(reader, -EINVAL, "schedule %llu is bad", (unsigned long long)i);
	}
	for (uint64_t i = 0; i < policy->ZONES_count; i++) {
		const struct bh_zone *zone = &policy->ZONES_[i];

		if ((i == 0 ? zone->since != INT64_MIN : zone->since <= zone[-1].since) ||
		    (i > 0 && (zone->since < -ZONE_SINCE_MAX || zone->since > ZONE_SINCE_MAX)) ||
		    zone->offset < -ZONE_OFFSET_MAX || zone->offset > ZONE_OFFSET_MAX || zone->reserved != 0)
			return refuse(reader, -EINVAL, "change %llu of the time zone is bad",
				      (unsigned long long)i);
	}
	return 0;
}

static int check_mirrors(struct reader *reader)
{
	const struct bh_policy *policy = reader->policy;

	for (uint64_t i = 0; i < policy->MIRRORS_count; i++) {
		const struct bh_mirror *mirror = &policy->MIRRORS_[i];

		if (!name_ok(policy, mirror->name) || mirror->kind > 1 || mirror->reserved != 0 ||
		    !string_ok(policy, mirror->port) ||
		    (mirror->kind == 0 &&
		     (!name_ok(policy, mirror->port) || mirror->vlan < 1 || mirror->vlan > 4094)))
			return refuse(reader, -EINVAL, "mirror %llu is bad", (unsigned long long)i);
	}
	return 0;
}

static int check_custom_apps(struct reader *reader)
{
	const struct bh_policy *policy = reader->policy;
	uint32_t names[BH_MAX_CUSTOM_APPS];
	uint32_t count = 0;

	for (uint64_t i = 0; i < policy->CUSTOM_APPS_count; i++) {
		const struct bh_custom_app *app = &policy->CUSTOM_APPS_[i];
		uint32_t known = 0;

		if (!name_ok(policy, app->name) || !string_ok(policy, app->rule) ||
		    strnlen(bh_string(policy, app->rule), CUSTOM_RULE_MAX + 1) > CUSTOM_RULE_MAX)
			return refuse(reader, -EINVAL, "application %llu is bad", (unsigned long long)i);
		while (known < count && names[known] != app->name)
			known++;
		if (known == BH_MAX_CUSTOM_APPS)
			return refuse(reader, -E2BIG, "more than %u applications of its own",
				      BH_MAX_CUSTOM_APPS);
		if (known == count)
			names[count++] = app->name;
	}
	return 0;
}

/* ---- classes and matrices ---- */

/* One more than the greatest row, or 0 if the boundaries are not in order. */
static uint64_t classes32_rows(const struct bh_class32 *list, uint64_t count)
{
	uint64_t rows = 0;

	if (list[0].start != 0)
		return 0;
	for (uint64_t i = 0; i < count; i++) {
		if (i > 0 && list[i].start <= list[i - 1].start)
			return 0;
		if (list[i].row >= rows)
			rows = (uint64_t)list[i].row + 1;
	}
	return rows;
}

static uint64_t classes128_rows(const struct bh_class128 *list, uint64_t count)
{
	uint64_t rows = 0;

	if (list[0].high != 0 || list[0].low != 0)
		return 0;
	for (uint64_t i = 0; i < count; i++) {
		if (i > 0 && (list[i].high < list[i - 1].high ||
			      (list[i].high == list[i - 1].high && list[i].low <= list[i - 1].low)))
			return 0;
		if (list[i].reserved != 0)
			return 0;
		if (list[i].row >= rows)
			rows = (uint64_t)list[i].row + 1;
	}
	return rows;
}

/* Is everything that the matrix refers to there, for `keys` rows at least? */
static bool matrix_ok(const struct bh_policy *policy, const struct bh_matrix *matrix, uint64_t keys)
{
	const uint32_t words = policy->words, summary_words = policy->summary_words;
	const uint64_t summaries = ((uint64_t)matrix->row_count + 1) * summary_words;
	const uint64_t tail = words % 64 != 0 ? UINT64_MAX << words % 64 : 0;
	const uint64_t *summary, *base;

	if (matrix->row_count == 0)
		return true;
	if (matrix->row_count < keys || matrix->reserved != 0 || matrix->row_count > policy->ROWS_count ||
	    matrix->rows > policy->ROWS_count - matrix->row_count || words > policy->WORDS_count ||
	    matrix->base > policy->WORDS_count - words || summaries > policy->SUMMARIES_count ||
	    matrix->summaries > policy->SUMMARIES_count - summaries)
		return false;
	summary = policy->SUMMARIES_ + matrix->summaries;
	for (uint32_t row = 0; row < matrix->row_count; row++, summary += summary_words) {
		uint64_t packed = 0;

		for (uint32_t i = 0; i < summary_words; i++)
			packed += (unsigned)__builtin_popcountll(summary[i]);
		if (policy->ROWS_[matrix->rows + row] > policy->WORDS_count ||
		    packed > policy->WORDS_count - policy->ROWS_[matrix->rows + row] ||
		    (summary_words != 0 && (summary[summary_words - 1] & tail) != 0))
			return false;
	}
	base = policy->WORDS_ + matrix->base;
	for (uint32_t word = 0; word < words; word++)
		if ((base[word] != 0) != (summary[word / 64] >> word % 64 & 1))
			return false;
	return summary_words == 0 || (summary[summary_words - 1] & tail) == 0;
}

/* How many layers there are, from their first matrix on: up to the last of which both matrices have rows. */
static uint32_t layers_of(const struct bh_policy *policy, int first)
{
	uint32_t count = BH_MAX_LAYERS;

	while (count > 0 && (policy->MATRICES_[first + 2 * (int)count - 2].row_count == 0 ||
			     policy->MATRICES_[first + 2 * (int)count - 1].row_count == 0))
		count--;
	return count;
}

/* Of a matrix that was checked; the places that one without rows names were not, and it has none. */
static void find_rows(struct bh_policy *policy, int id)
{
	const struct bh_matrix *matrix = &policy->MATRICES_[id];
	const uint64_t *summaries;

	if (matrix->row_count == 0)
		return;
	summaries = policy->SUMMARIES_ + matrix->summaries;
	policy->rows[id] = (struct bh_rows){
		.count = matrix->row_count,
		.stride = policy->summary_words,
		.summaries = summaries,
		.base_summary = summaries + (uint64_t)matrix->row_count * policy->summary_words,
		.base = policy->WORDS_ + matrix->base,
		.words = policy->WORDS_,
		.rows = policy->ROWS_ + matrix->rows,
	};
}

static int check_matrices(struct reader *reader)
{
	struct bh_policy *policy = reader->policy;
	uint64_t addresses = classes32_rows(policy->ADDRESSES4_, policy->ADDRESSES4_count);
	uint64_t addresses6 = classes128_rows(policy->ADDRESSES6_, policy->ADDRESSES6_count);
	uint64_t services = classes32_rows(policy->SERVICES_, policy->SERVICES_count);
	uint64_t source_ports = classes32_rows(policy->SOURCE_PORTS_, policy->SOURCE_PORTS_count);

	if (addresses == 0 || addresses6 == 0 || services == 0 || source_ports == 0)
		return refuse(reader, -EINVAL, "classes are out of order");
	if (addresses6 > addresses)
		addresses = addresses6;
	for (int id = 0; id < BH_MATRIX_COUNT; id++) {
		uint64_t keys;

		if (id == BH_MATRIX_SERVICE)
			keys = services;
		else if (id == BH_MATRIX_SOURCE_PORT)
			keys = source_ports;
		else if (id < BH_MATRIX_FROM_LAYERS)
			keys = id == BH_MATRIX_FROM_ADDRESS || id == BH_MATRIX_TO_ADDRESS
				       ? addresses
				       : policy->SEGMENTS_count;
		else /* layers: segment, address, segment, .. */
			keys = (id - BH_MATRIX_FROM_LAYERS) % 2 != 0 ? addresses : policy->SEGMENTS_count;
		if (!matrix_ok(policy, &policy->MATRICES_[id], keys))
			return refuse(reader, -EINVAL, "matrix %d is bad", id);
		find_rows(policy, id);
	}
	policy->layers[0] = layers_of(policy, BH_MATRIX_FROM_LAYERS);
	policy->layers[1] = layers_of(policy, BH_MATRIX_TO_LAYERS);
	return 0;
}

/* What is checked, in order; each may rely on those before it. */
static int (*const checks[])(struct reader *) = {
	check_header, check_settings,  check_sections, check_networks,    check_rules,
	check_names,  check_schedules, check_mirrors,  check_custom_apps, check_matrices,
};

int bh_image_open(struct bh_policy *policy, const void *image, size_t size, char *why, size_t why_size)
{
	struct reader reader = { policy, image, size, why, why_size };

	*policy = (struct bh_policy){ .header = image };
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		int error = checks[i](&reader);

		if (error != 0) {
			*policy = (struct bh_policy){ 0 };
			return error;
		}
	}
	return 0;
}
