/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "region.h"
#include "document.h"
#include "index.h"
#include "textfile.h"

#define SMALL_MAP 16u /* keys up to which comparing each with each is cheaper than an index */

struct builder {
	struct region *region;
	struct problems *problems;
	const char *file;
	const char *text; /* of the file, in UTF-8 or what claims to be */
	size_t size;
	yaml_parser_t parser;
	yaml_event_t event;
	bool parser_live, event_live;
	bool exhausted; /* the bound on nodes was met */
	uint32_t *nodes_left;
	struct index anchors; /* name to element of anchored[] */
	const struct node **anchored;
	uint32_t anchored_count;
};

static struct place mark_place(const struct builder *builder, yaml_mark_t mark)
{
	return (struct place){ builder->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

static void builder_close(struct builder *builder)
{
	if (builder->event_live)
		yaml_event_delete(&builder->event);
	if (builder->parser_live)
		yaml_parser_delete(&builder->parser);
	builder->event_live = builder->parser_live = false;
}

/* libyaml tells of bytes that are no text by their offset only. */
static struct place offset_place(const struct builder *builder, size_t offset)
{
	struct place place = { builder->file, 1, 1 };

	for (size_t i = 0; i < offset && i < builder->size; i++) {
		place.column++;
		if (builder->text[i] == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return place;
}

static struct place syntax_place(const struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;

	if (parser->error == YAML_READER_ERROR)
		return offset_place(builder, parser->problem_offset);
	if (parser->problem_mark.line || parser->problem_mark.column)
		return mark_place(builder, parser->problem_mark);
	return mark_place(builder, parser->mark);
}

static void report_syntax(struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *context = parser->context ? parser->context : "";
	const char *hint = "";

	if (strstr(context, "tag") || (parser->problem && strstr(parser->problem, "tag")))
		hint = "; a name after ! must be in quotes, as \"!name\"";
	else if (parser->problem && strstr(parser->problem, "cannot start any token"))
		hint = "; indent with spaces, and put text that begins with @, ` or % in quotes";
	else if (parser->problem && strstr(parser->problem, "mapping values are not allowed"))
		hint = "; check the indentation, and put text with \": \" in it in quotes";
	problem_add(builder->problems, SEVERITY_ERROR, syntax_place(builder), "this is not YAML: %s%s%s%s",
		    context, *context ? ", " : "", parser->problem ? parser->problem : "unreadable", hint);
}

/* Go on to the next event. false: the file can not be read further, and the problem says why. */
static bool builder_advance(struct builder *builder)
{
	if (builder->event_live)
		yaml_event_delete(&builder->event);
	builder->event_live = false;
	if (!yaml_parser_parse(&builder->parser, &builder->event)) {
		if (builder->parser.error == YAML_MEMORY_ERROR)
			problem_add(builder->problems, SEVERITY_ERROR,
				    mark_place(builder, builder->parser.mark), "out of memory");
		else
			report_syntax(builder);
		return false;
	}
	builder->event_live = true;
	return true;
}

static bool take_nodes(struct builder *builder, uint32_t count, struct place place)
{
	if (count <= *builder->nodes_left) {
		*builder->nodes_left -= count;
		return true;
	}
	if (!builder->exhausted)
		problem_add(builder->problems, SEVERITY_ERROR, place,
			    "too large: with all anchors expanded and all includes there may be %u elements",
			    DOCUMENT_MAX_NODES);
	builder->exhausted = true;
	return false;
}

static void report_tag(struct builder *builder, const char *tag, struct place place)
{
	if (tag[0] == '!' && tag[1] && tag[1] != '!')
		problem_add(
			builder->problems, SEVERITY_ERROR, place,
			"%s is a YAML tag, and tags are not allowed; to negate the name put it in quotes, "
			"\"%s\", or write {not: %s}",
			tag, tag, tag + 1);
	else
		problem_add(
			builder->problems, SEVERITY_ERROR, place,
			"the YAML tag %s is not allowed; leave it out (a negated name is written in quotes, "
			"as \"!name\")",
			*tag == '!' && !tag[1] ? "!" : tag);
}

/* Anchors name a node once it is complete: an alias inside its own anchor finds nothing. */
static void anchor_set(struct builder *builder, const char *name, const struct node *node)
{
	uint32_t at;

	if (index_add(&builder->anchors, builder->region, name, builder->anchored_count, &at)) {
		builder->anchored = region_grow(builder->region, builder->anchored, builder->anchored_count,
						sizeof(*builder->anchored));
		at = builder->anchored_count++;
	}
	builder->anchored[at] = node; /* YAML: the latest of a name counts */
}

static struct node *build_alias(struct builder *builder, struct node *node)
{
	const char *name = (const char *)builder->event.data.alias.anchor;
	const struct node *target;
	uint32_t at;

	if (!index_find(&builder->anchors, name, &at)) {
		problem_add(builder->problems, SEVERITY_ERROR, node->place,
			    "*%s: no anchor &%s is complete above this place", name, name);
		return NULL;
	}
	target = builder->anchored[at];
	/* the node itself is paid for already */
	if (!take_nodes(builder, target->weight - 1, node->place))
		return NULL;
	node->kind = target->kind;
	node->text = target->text;
	node->quoted = target->quoted;
	node->first = target->first;
	node->count = target->count;
	node->weight = target->weight;
	return node;
}

static void build_scalar(struct builder *builder, struct node *node)
{
	const char *value = (const char *)builder->event.data.scalar.value;
	size_t length = builder->event.data.scalar.length;

	if (memchr(value, 0, length)) {
		problem_add(builder->problems, SEVERITY_ERROR, node->place, "a NUL character is not allowed");
		length = strlen(value);
	}
	node->kind = NODE_SCALAR;
	node->text = region_text(builder->region, value, length);
	node->quoted = builder->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (builder->event.data.scalar.tag && !length) {
		/* read on as what was meant, so that one mistake is one message */
		value = (const char *)builder->event.data.scalar.tag;
		node->text = region_text(builder->region, value, strlen(value));
		node->quoted = true;
	}
}

static struct node *build_node(struct builder *builder, unsigned depth);

static bool build_list(struct builder *builder, struct node *list, unsigned depth)
{
	const struct node **end = &list->first;

	for (;;) {
		struct node *item;

		if (!builder_advance(builder))
			return false;
		if (builder->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		item = build_node(builder, depth + 1);
		if (!item)
			return false;
		*end = item;
		end = &item->next;
		list->count++;
		list->weight += item->weight;
	}
}

/* Whether the key is new to the map; keys of large maps are looked up in an index. */
static bool key_is_new(struct builder *builder, const struct node *map, struct index *keys, const char *key,
		       uint32_t line, struct place *first)
{
	if (map->count < SMALL_MAP) {
		const struct node *same = node_get(map, key);

		if (same)
			*first = node_key_place(same);
		return !same;
	}
	if (map->count == SMALL_MAP)
		for (const struct node *node = map->first; node; node = node->next)
			index_add(keys, builder->region, node->key, node->key_line, NULL);
	*first = (struct place){ builder->file, 0, 0 };
	return index_add(keys, builder->region, key, line, &first->line);
}

/* The event is a key: give its text, or NULL if it is none that can stand for a key. */
static const char *build_key(struct builder *builder)
{
	struct place place = mark_place(builder, builder->event.start_mark);

	if (builder->event.type != YAML_SCALAR_EVENT) {
		problem_add(builder->problems, SEVERITY_ERROR, place, "a key must be a plain word");
		return NULL;
	}
	if (builder->event.data.scalar.tag)
		report_tag(builder, (const char *)builder->event.data.scalar.tag, place);
	else if (!builder->event.data.scalar.length)
		problem_add(builder->problems, SEVERITY_ERROR, place, "a key is missing before the colon");
	else if (memchr(builder->event.data.scalar.value, 0, builder->event.data.scalar.length))
		problem_add(builder->problems, SEVERITY_ERROR, place, "a NUL character is not allowed");
	return region_text(builder->region, (const char *)builder->event.data.scalar.value,
			   builder->event.data.scalar.length);
}

static bool build_map(struct builder *builder, struct node *map, unsigned depth)
{
	const struct node **end = &map->first;
	struct index keys = { 0 };

	for (;;) {
		struct place place, first;
		struct node *value;
		const char *key;

		if (!builder_advance(builder))
			return false;
		if (builder->event.type == YAML_MAPPING_END_EVENT)
			return true;
		place = mark_place(builder, builder->event.start_mark);
		key = build_key(builder);
		if (!key || !builder_advance(builder))
			return false;
		value = build_node(builder, depth + 1);
		if (!value)
			return false;
		value->key = key;
		value->key_line = place.line;
		value->key_column = place.column;
		map->weight += value->weight;
		if (!strcmp(key, "<<")) {
			problem_add(builder->problems, SEVERITY_ERROR, place,
				    "merge keys (<<) are not supported; use an alias for the whole value");
			continue;
		}
		if (!key_is_new(builder, map, &keys, key, place.line, &first)) {
			problem_add(builder->problems, SEVERITY_ERROR, place,
				    "%s: this key is here twice; the first is in line %u", key, first.line);
			continue;
		}
		*end = value;
		end = &value->next;
		map->count++;
	}
}

static bool build_children(struct builder *builder, struct node *node, unsigned depth)
{
	if (depth >= DOCUMENT_MAX_DEPTH) {
		problem_add(builder->problems, SEVERITY_ERROR, node->place,
			    "lists and maps may be nested %u deep", DOCUMENT_MAX_DEPTH);
		return false;
	}
	return node->kind == NODE_LIST ? build_list(builder, node, depth) : build_map(builder, node, depth);
}

/* The node that begins with the event; at the end the event is its last. NULL: nothing after it can be read. */
static struct node *build_node(struct builder *builder, unsigned depth)
{
	const yaml_event_t *event = &builder->event;
	struct node *node = region_alloc(builder->region, sizeof(*node));
	const char *tag = NULL, *anchor = NULL;

	node->place = mark_place(builder, event->start_mark);
	node->weight = 1;
	if (!take_nodes(builder, 1, node->place))
		return NULL;
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return build_alias(builder, node);
	case YAML_SCALAR_EVENT:
		tag = (const char *)event->data.scalar.tag;
		anchor = (const char *)event->data.scalar.anchor;
		node->kind = NODE_SCALAR;
		break;
	case YAML_SEQUENCE_START_EVENT:
		tag = (const char *)event->data.sequence_start.tag;
		anchor = (const char *)event->data.sequence_start.anchor;
		node->kind = NODE_LIST;
		break;
	default: /* the only other event that libyaml gives here */
		tag = (const char *)event->data.mapping_start.tag;
		anchor = (const char *)event->data.mapping_start.anchor;
		node->kind = NODE_MAP;
	}
	if (tag)
		report_tag(builder, tag, node->place);
	if (anchor) /* the event goes before the node is complete */
		anchor = region_text(builder->region, anchor, strlen(anchor));
	if (node->kind == NODE_SCALAR)
		build_scalar(builder, node);
	else if (!build_children(builder, node, depth))
		return NULL;
	if (anchor)
		anchor_set(builder, anchor, node);
	return node;
}

static const struct node *build_document(struct builder *builder)
{
	const struct node *root;

	if (!builder_advance(builder) ||
	    !builder_advance(builder)) /* the stream's start, then the document's */
		return NULL;
	if (builder->event.type == YAML_STREAM_END_EVENT) {
		problem_add(builder->problems, SEVERITY_ERROR, (struct place){ builder->file, 1, 1 },
			    "the file is empty");
		return NULL;
	}
	if (!builder_advance(builder))
		return NULL;
	root = build_node(builder, 0);
	if (!root || !builder_advance(builder) || !builder_advance(builder))
		return root;
	if (builder->event.type != YAML_STREAM_END_EVENT)
		problem_add(
			builder->problems, SEVERITY_ERROR, mark_place(builder, builder->event.start_mark),
			"a second YAML document begins here; a file holds one (use include: for more files)");
	return root;
}

static int open_file(struct builder *builder, struct place place)
{
	struct textfile text = { 0 };
	int status = textfile_read(builder->region, builder->file, DOCUMENT_MAX_BYTES, &text);

	if (status == -ENOMEM)
		return status;
	if (!place.file)
		place = (struct place){ builder->file, 1, 1 };
	if (status) {
		if (status == -EFBIG)
			problem_add(builder->problems, SEVERITY_ERROR, place,
				    "%s is over the size limit of %u MiB", builder->file,
				    DOCUMENT_MAX_BYTES >> 20);
		else
			problem_add(builder->problems, SEVERITY_ERROR, place, "%s can not be read: %s",
				    builder->file,
				    status == -EINVAL ? "it is not a regular file" : strerror(-status));
		return status;
	}
	builder->text = text.text;
	builder->size = text.size;
	if (!yaml_parser_initialize(&builder->parser))
		return -ENOMEM;
	builder->parser_live = true;
	yaml_parser_set_input_string(&builder->parser, (const unsigned char *)text.text, text.size);
	return 0;
}

int document_read(struct region *region, const char *path, struct place place, uint32_t *nodes_left,
		  struct problems *problems, struct document *document)
{
	struct builder *builder = region_alloc(region, sizeof(*builder));
	jmp_buf *volatile outer = NULL;
	jmp_buf here;
	int status;

	*document = (struct document){ 0 };
	if (!builder)
		return -ENOMEM;
	builder->region = region;
	builder->problems = problems;
	builder->nodes_left = nodes_left;
	outer = region_guard(region, &here);
	if (setjmp(here)) {
		/* the parser's own memory is not the region's */
		builder_close(builder);
		region_guard(region, outer);
		return -ENOMEM;
	}
	builder->file = region_text(region, path, strlen(path));
	problems_file(problems, path);
	status = open_file(builder, place);
	if (!status)
		document->root = build_document(builder);
	builder_close(builder);
	region_guard(region, outer);
	return status == -ENOMEM ? status : 0;
}

const struct node *node_get(const struct node *map, const char *key)
{
	if (map->kind != NODE_MAP)
		return NULL;
	for (const struct node *node = map->first; node; node = node->next)
		if (!strcmp(node->key, key))
			return node;
	return NULL;
}

struct place node_key_place(const struct node *node)
{
	if (!node->key)
		return node->place;
	return (struct place){ node->place.file, node->key_line, node->key_column };
}

bool node_is_null(const struct node *node)
{
	if (node->kind != NODE_SCALAR || node->quoted)
		return false;
	return !*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null");
}
