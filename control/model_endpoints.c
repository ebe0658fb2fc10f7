/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of endpoints, and the selectors of rules. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reader.h"
#include "textfile.h"

static const char *const address_expected =
	"an address, prefix or range, as 10.10.0.31, 10.20.0.0/24, 10.21.0.10-10.21.0.20 or 2001:db8::/64";

bool reader_address(struct reader *reader, struct place place, const char *key, const char *text,
		    struct address_set *set)
{
	struct address_range ranges[2];
	uint32_t count;
	const char *why;

	if (value_addresses(text, ranges, &count, &why)) {
		decode_error(&reader->decoder, place, "%s%s\"%.60s\": %s%s", key ? key : "", key ? ": " : "",
			     text, why ? "" : "expected ", why ? why : address_expected);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		set->ranges =
			region_grow(reader->decoder.region, set->ranges, set->count, sizeof(*set->ranges));
		set->ranges[set->count++] = ranges[i];
	}
	return true;
}

void reader_addresses(struct reader *reader, const struct node *node, struct address_set *set)
{
	if (node->kind == NODE_LIST && !node->count)
		decode_expected(&reader->decoder, node, "at least one address");
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		if (decode_text(&reader->decoder, item, address_expected))
			reader_address(reader, item->place, item->key, item->text, set);
	}
}

static void append_segment(struct reader *reader, uint32_t segment, uint32_t **segments, uint32_t *count)
{
	*segments = region_grow(reader->decoder.region, *segments, *count, sizeof(**segments));
	(*segments)[(*count)++] = segment;
}

void reader_segments(struct reader *reader, const struct node *node, uint32_t **segments, uint32_t *count)
{
	if (node->kind == NODE_LIST && !node->count)
		decode_expected(&reader->decoder, node, "at least one segment");
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		const char *name = decode_text(&reader->decoder, item, "the name of a segment");
		uint32_t segment;

		if (!name)
			continue;
		if (index_find(&reader->segments, name, &segment))
			append_segment(reader, segment, segments, count);
		else
			reader_unknown(reader, item->place, "segment", name, &reader->segments);
	}
}

/* ---- groups ---- */

static void group_segments(struct decoder *decoder, const struct node *node, void *target)
{
	struct model_group *group = target;

	reader_segments(reader_of(decoder), node, &group->segments, &group->segment_count);
}

static void group_addresses(struct decoder *decoder, const struct node *node, void *target)
{
	reader_addresses(reader_of(decoder), node, &((struct model_group *)target)->addresses);
}

/* One line of a feed: an address, prefix or range, behind which # begins a comment. */
static void read_feed_line(struct reader *reader, struct place place, char *line, size_t length,
			   struct address_set *set)
{
	char *hash = memchr(line, '#', length);
	size_t from = 0;

	if (hash)
		length = (size_t)(hash - line);
	while (length && strchr(" \t\r", line[length - 1]))
		length--;
	while (from < length && strchr(" \t", line[from]))
		from++;
	if (from == length)
		return;
	line[length] = '\0'; /* the file is ours, and the line ends in a newline or at the file's own NUL */
	place.column = (uint32_t)from + 1;
	reader_address(reader, place, NULL, line + from, set);
}

static void group_file(struct decoder *decoder, const struct node *node, void *target)
{
	const char *name = decode_text(decoder, node, "the name of a file with an address or prefix a line");
	struct reader *reader = reader_of(decoder);
	struct textfile file = { 0 };
	struct place place = { 0 };
	size_t limit;
	char *path;
	int status;

	if (!name)
		return;
	path = textfile_beside(decoder->region, node->place.file, name);
	limit = reader->feed_bytes_left < DOCUMENT_MAX_BYTES ? reader->feed_bytes_left : DOCUMENT_MAX_BYTES;
	status = textfile_read(decoder->region, path, limit, &file);
	if (status) {
		decode_error(decoder, node->place, "file: %s %s%s", path,
			     status == -EFBIG
				     ? "is over the size limit (16 MiB, and 64 MiB for all such files)"
				     : "can not be read: ",
			     status == -EFBIG    ? ""
			     : status == -EINVAL ? "it is not a regular file"
						 : strerror(-status));
		return;
	}
	reader->feed_bytes_left -= file.size;
	problems_file(decoder->problems, path);
	place.file = path;
	for (char *line = file.text, *end = line + file.size; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *stop = newline ? newline : end;

		place.line++;
		read_feed_line(reader, place, line, (size_t)(stop - line),
			       &((struct model_group *)target)->addresses);
		line = stop + 1;
	}
}

/* `except` is a list of addresses, names of segments, and maps of either; or one map. */
static void except_item(struct reader *reader, const struct node *item, struct model_group *group)
{
	static const char *const known[] = { "segments", "segment", "addresses", "address" };
	uint32_t segment;

	if (item->kind == NODE_MAP) {
		decode_unknown_keys(&reader->decoder, item, "except", known, DECODE_COUNT(known));
		for (const struct node *node = item->first; node; node = node->next) {
			if (!strcmp(node->key, "segments") || !strcmp(node->key, "segment"))
				reader_segments(reader, node, &group->except_segments,
						&group->except_segment_count);
			else if (!strcmp(node->key, "addresses") || !strcmp(node->key, "address"))
				reader_addresses(reader, node, &group->except_addresses);
		}
	} else if (!decode_text(&reader->decoder, item, address_expected)) {
		return;
	} else if (index_find(&reader->segments, item->text, &segment)) {
		append_segment(reader, segment, &group->except_segments, &group->except_segment_count);
	} else {
		reader_address(reader, item->place, item->key, item->text, &group->except_addresses);
	}
}

static void group_except(struct decoder *decoder, const struct node *node, void *target)
{
	for (const struct node *item = node_first(node); item; item = node_next(node, item))
		except_item(reader_of(decoder), item, target);
}

static const struct decode_key group_keys[] = {
	{ "segments", group_segments, false },
	{ "addresses", group_addresses, false },
	{ "file", group_file, false },
	{ "except", group_except, false },
};

static void read_group(struct reader *reader, const struct node *node)
{
	struct policy_model *model = reader->model;
	struct decoder *decoder = &reader->decoder;
	struct model_group *group;
	uint32_t first = 0;

	if (!decode_key_is_name(decoder, node))
		return;
	if (!strcmp(node->key, "any")) {
		decode_error(decoder, node_key_place(node),
			     "any stands for every endpoint and can not be a group's name");
		return;
	}
	index_find(&reader->groups, node->key, &first);
	if (!reader_define(reader, &reader->groups, "group", node, model->group_count,
			   model->group_count ? model->groups[first].place : node->place))
		return;
	model->groups = region_grow(decoder->region, model->groups, model->group_count, sizeof(*group));
	group = &model->groups[model->group_count++];
	*group = (struct model_group){ .name = region_text(decoder->region, node->key, strlen(node->key)),
				       .place = node_key_place(node) };
	if (!decode_map(decoder, node, "a group", group_keys, DECODE_COUNT(group_keys), group))
		return;
	if (!node_get(node, "segments") && !node_get(node, "addresses") && !node_get(node, "file"))
		decode_error(decoder, group->place,
			     "group %s has no members: write segments, addresses or file", group->name);
}

void read_groups(struct reader *reader, const struct part *part)
{
	for (uint32_t i = 0; i < part->count; i++) {
		if (part->nodes[i]->kind != NODE_MAP) {
			decode_expected(&reader->decoder, part->nodes[i],
					"a map of groups ({ web-servers: { segments: [web] } })");
			continue;
		}
		for (const struct node *node = part->nodes[i]->first; node; node = node->next)
			read_group(reader, node);
	}
}

/* ---- selectors ---- */

static void unknown_endpoint(struct reader *reader, struct place place, const char *name)
{
	struct decoder *decoder = &reader->decoder;
	const char *nearest = "";
	struct address_range ranges[2];
	uint32_t count;
	const char *why;

	if (!value_addresses(name, ranges, &count, &why) || why) {
		decode_error(decoder, place, "%.60s is no name; an address is written {address: %.60s}", name,
			     name);
		return;
	}
	if (decoder->suggestions)
		nearest = decode_nearest(decoder, name, index_names(&reader->groups, decoder->region),
					 reader->groups.count);
	if (!*nearest && decoder->suggestions)
		nearest = decode_nearest(decoder, name, index_names(&reader->segments, decoder->region),
					 reader->segments.count);
	decode_error(decoder, place, "%.60s: no group or segment has this name%s", name, nearest);
}

/* A bare name: any, a group or a segment. */
static bool item_name(struct reader *reader, struct place place, const char *name, struct selector_item *item)
{
	uint32_t group, segment;
	bool is_group = index_find(&reader->groups, name, &group);
	bool is_segment = index_find(&reader->segments, name, &segment);

	if (!strcmp(name, "any")) {
		item->kind = SELECT_ANY;
		return true;
	}
	if (is_group && is_segment) {
		decode_error(&reader->decoder, place,
			     "%s is a group and a segment; which one? Write {segment: %s} or {group: %s}",
			     name, name, name);
		return false;
	}
	if (is_group) {
		item->kind = SELECT_GROUP;
		item->group = group;
		reader->model->groups[group].used = true;
	} else if (is_segment) {
		item->kind = SELECT_SEGMENTS;
		append_segment(reader, segment, &item->segments, &item->segment_count);
	} else {
		unknown_endpoint(reader, place, name);
	}
	return is_group || is_segment;
}

static bool read_item(struct reader *reader, const struct node *node, struct selector_item *item);

static bool item_not(struct reader *reader, const struct node *value, struct selector_item *item)
{
	if (item->negate) {
		decode_error(&reader->decoder, value->place, "not: a double negation; leave both out");
		return false;
	}
	if (value->kind == NODE_LIST) {
		decode_error(&reader->decoder, value->place,
			     "not: negates one item; make a group of the list and negate that");
		return false;
	}
	item->negate = true;
	return read_item(reader, value, item);
}

static bool item_group(struct reader *reader, const struct node *value, struct selector_item *item)
{
	const char *name = decode_text(&reader->decoder, value, "the name of a group");

	if (!name)
		return false;
	if (!index_find(&reader->groups, name, &item->group)) {
		reader_unknown(reader, value->place, "group", name, &reader->groups);
		return false;
	}
	item->kind = SELECT_GROUP;
	reader->model->groups[item->group].used = true;
	return true;
}

static bool item_map(struct reader *reader, const struct node *node, struct selector_item *item)
{
	static const char *const known[] = { "segment", "segments", "address", "addresses", "not", "group" };
	const struct node *value = node->first;

	if (node->count != 1) {
		decode_expected(&reader->decoder, node,
				"one of segment, segments, address, addresses or not in it (a list of such "
				"maps is an OR)");
		return false;
	}
	if (!strcmp(value->key, "not"))
		return item_not(reader, value, item);
	if (!strcmp(value->key, "group"))
		return item_group(reader, value, item);
	if (!strcmp(value->key, "segment") || !strcmp(value->key, "segments")) {
		item->kind = SELECT_SEGMENTS;
		reader_segments(reader, value, &item->segments, &item->segment_count);
		return item->segment_count;
	}
	if (!strcmp(value->key, "address") || !strcmp(value->key, "addresses")) {
		item->kind = SELECT_ADDRESSES;
		reader_addresses(reader, value, &item->addresses);
		return item->addresses.count;
	}
	decode_unknown_keys(&reader->decoder, node, "an endpoint", known, DECODE_COUNT(known));
	return false;
}

static bool read_item(struct reader *reader, const struct node *node, struct selector_item *item)
{
	const char *name;

	if (node->kind == NODE_MAP)
		return item_map(reader, node, item);
	name = decode_text(
		&reader->decoder, node,
		"any, a group's or segment's name, or a map as {segment: web} or {address: 10.0.0.1}");
	if (!name)
		return false;
	if (name[0] == '!' && item->negate) {
		decode_error(&reader->decoder, node->place, "%.60s: a double negation; leave both out", name);
		return false;
	}
	if (name[0] == '!') {
		item->negate = true;
		name++;
	}
	if (!item_name(reader, node->place, name, item))
		return false;
	if (item->negate && item->kind == SELECT_ANY) {
		decode_error(&reader->decoder, node->place, "not any matches nothing");
		return false;
	}
	return true;
}

void reader_selector(struct decoder *decoder, const struct node *node, struct selector *selector)
{
	selector->place = node_key_place(node);
	if (node->kind == NODE_LIST && !node->count)
		decode_expected(decoder, node, "at least one endpoint (leave the key out for any)");
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		struct selector_item read = { .place = item->place };

		if (!read_item(reader_of(decoder), item, &read))
			continue;
		selector->items =
			region_grow(decoder->region, selector->items, selector->count, sizeof(read));
		selector->items[selector->count++] = read;
	}
}
