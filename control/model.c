/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reader of policies. The file and its includes are read into trees; the values of each top-level key are gathered
 * over all files (an include's before those of the file that asks for it); then the keys are read in an
 * order in which names are known before they are used.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reader.h"
#include "textfile.h"

#define INCLUDE_DEPTH 16u
#define INCLUDE_FILES 256u

static void read_name(struct reader *reader, const struct part *part)
{
	const char *name = part->count ? decode_name(&reader->decoder, part->nodes[0], false) : NULL;

	if (name)
		reader->model->name = region_text(reader->decoder.region, name, strlen(name));
}

static void read_version(struct reader *reader, const struct part *part)
{
	for (uint32_t i = 0; i < part->count; i++)
		if (part->nodes[i]->kind != NODE_SCALAR || strcmp(part->nodes[i]->text, "1"))
			decode_expected(&reader->decoder, part->nodes[i], "1, the version of the language");
}

static void read_mode(struct reader *reader, const struct part *part)
{
	static const char *const words[] = { "enforce", "monitor" };

	if (part->count && decode_choice(&reader->decoder, part->nodes[0], words, DECODE_COUNT(words)) == 1)
		reader->model->settings.monitor = 1;
}

/* A name as Europe/Berlin, of which the system has a file. */
static bool timezone_exists(struct decoder *decoder, const char *name)
{
	const char *path;
	struct textfile file = { 0 };

	if (!strcmp(name, "UTC"))
		return true;
	for (const char *at = name; *at; at++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/", *at))
			return false;
	if (name[0] == '/' || strlen(name) > BH_NAME_MAX)
		return false;
	path = region_format(decoder->region, "/usr/share/zoneinfo/%s", name);
	return !textfile_read(decoder->region, path, 1u << 20, &file) && file.size > 4 &&
	       !memcmp(file.text, "TZif", 4);
}

static void read_timezone(struct reader *reader, const struct part *part)
{
	static const char *const expected =
		"a time zone that this system knows (/usr/share/zoneinfo), as UTC or Europe/Berlin";
	const char *name = part->count ? decode_text(&reader->decoder, part->nodes[0], expected) : NULL;

	if (!name)
		return;
	if (timezone_exists(&reader->decoder, name))
		reader->model->timezone = region_text(reader->decoder.region, name, strlen(name));
	else
		decode_expected(&reader->decoder, part->nodes[0], expected);
}

enum merge {
	MERGE_ONCE,  /* in one file only */
	MERGE_EVERY, /* each file may have it, and all are read */
};

/* The order is that of reading: names before their users. */
static const struct top_key {
	const char *name;
	enum merge merge;
	bool required;
	void (*read)(struct reader *reader, const struct part *part);
} top_keys[] = {
	{ "version", MERGE_EVERY, true, read_version },
	{ "name", MERGE_ONCE, true, read_name },
	{ "networks", MERGE_EVERY, true, read_networks },
	{ "groups", MERGE_EVERY, false, read_groups },
	{ "services", MERGE_EVERY, false, read_services },
	{ "applications", MERGE_EVERY, false, read_applications },
	{ "mirrors", MERGE_EVERY, false, read_mirrors },
	{ "rules", MERGE_EVERY, true, read_rules },
	{ "default", MERGE_ONCE, true, read_default },
	{ "mode", MERGE_ONCE, false, read_mode },
	{ "layer2", MERGE_ONCE, false, read_layer2 },
	{ "flows", MERGE_ONCE, false, read_flows },
	{ "classification", MERGE_ONCE, false, read_classification },
	{ "limits", MERGE_ONCE, false, read_limits },
	{ "exceptions", MERGE_ONCE, false, read_exceptions },
	{ "timezone", MERGE_ONCE, false, read_timezone },
	{ "tests", MERGE_EVERY, false, read_tests },
	{ "include", MERGE_EVERY, false, NULL }, /* read while the files are gathered */
};

/* ---- gathering: the file and its includes ---- */

/* A file that was read, or is being read. */
struct source {
	const struct source *before;
	uint64_t device, inode;
	struct place place; /* where it was asked for */
	bool reading;
};

struct gathering {
	struct reader *reader;
	struct source *sources; /* all so far, the latest first */
	uint32_t source_count, depth, nodes_left;
	bool failed;
};

static void gather_file(struct gathering *gathering, const char *path, struct place place);

static void gather_include(struct gathering *gathering, const struct node *node)
{
	struct decoder *decoder = &gathering->reader->decoder;

	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		const char *name = decode_text(decoder, item, "the name of a file, or a list of them");

		if (name)
			gather_file(gathering, textfile_beside(decoder->region, item->place.file, name),
				    item->place);
	}
}

static void gather_keys(struct gathering *gathering, const struct node *root)
{
	struct reader *reader = gathering->reader;
	struct decoder *decoder = &reader->decoder;
	const char *names[DECODE_COUNT(top_keys)];

	for (size_t i = 0; i < DECODE_COUNT(top_keys); i++)
		names[i] = top_keys[i].name;
	decode_unknown_keys(decoder, root, "a policy", names, DECODE_COUNT(names));
	if (node_get(root, "include"))
		gather_include(gathering, node_get(root, "include"));
	for (size_t i = 0; i < DECODE_COUNT(top_keys); i++) {
		const struct node *node = node_get(root, top_keys[i].name);
		struct part *part = &reader->parts[i];

		if (!node)
			continue;
		if (part->count && top_keys[i].merge == MERGE_ONCE) {
			decode_error(decoder, node_key_place(node),
				     "%s: this key is in one file of a policy only, and %s:%u has it already",
				     node->key, part->nodes[0]->place.file,
				     node_key_place(part->nodes[0]).line);
			continue;
		}
		part->nodes = region_grow(decoder->region, part->nodes, part->count, sizeof(*part->nodes));
		part->nodes[part->count++] = node;
	}
}

/* Whether the file was not asked for before; a file that is still being read would include itself. */
static bool source_is_new(struct gathering *gathering, const struct source *source, const char *path)
{
	struct decoder *decoder = &gathering->reader->decoder;

	for (const struct source *other = gathering->sources; other; other = other->before) {
		if (other->device != source->device || other->inode != source->inode)
			continue;
		if (other->reading)
			decode_error(decoder, source->place, "include: %s includes itself (a loop)", path);
		else
			decode_error(decoder, source->place, "include: %s is included already (%s:%u)", path,
				     other->place.file, other->place.line);
		return false;
	}
	return true;
}

static void gather_file(struct gathering *gathering, const char *path, struct place place)
{
	struct decoder *decoder = &gathering->reader->decoder;
	struct source *source = region_alloc(decoder->region, sizeof(*source));
	struct document document;

	if (gathering->depth >= INCLUDE_DEPTH || gathering->source_count >= INCLUDE_FILES) {
		decode_error(decoder, place, "include: files may be nested %u deep, and be %u in all",
			     INCLUDE_DEPTH, INCLUDE_FILES);
		return;
	}
	gathering->source_count++;
	source->place = place;
	/* told before it is read: a file that includes itself would have all its problems twice */
	if (!textfile_identity(path, &source->device, &source->inode) &&
	    !source_is_new(gathering, source, path))
		return;
	if (document_read(decoder->region, path, place, &gathering->nodes_left, decoder->problems,
			  &document)) {
		gathering->failed = true;
		return;
	}
	source->before = gathering->sources;
	source->reading = true;
	gathering->sources = source;
	gathering->depth++;
	if (document.root && document.root->kind == NODE_MAP)
		gather_keys(gathering, document.root);
	else
		gathering->failed = true;
	if (document.root && document.root->kind != NODE_MAP)
		decode_expected(decoder, document.root, "a policy as a map ({ version: 1, name: .., .. })");
	gathering->depth--;
	source->reading = false;
}

/* ---- names ---- */

void reader_unknown(struct reader *reader, struct place place, const char *what, const char *name,
		    const struct index *index)
{
	struct decoder *decoder = &reader->decoder;
	const char *nearest = "";

	if (decoder->suggestions)
		nearest = decode_nearest(decoder, name, index_names(index, decoder->region), index->count);
	decode_error(decoder, place, "%.60s: no %s has this name%s", name, what, nearest);
}

bool reader_define(struct reader *reader, struct index *index, const char *what, const struct node *node,
		   uint32_t number, struct place first)
{
	if (index_add(index, reader->decoder.region, node->key, number, NULL))
		return true;
	decode_error(&reader->decoder, node_key_place(node), "%s %s is defined twice; the first is at %s:%u",
		     what, node->key, first.file, first.line);
	return false;
}

/* ---- the whole ---- */

static void read_parts(struct reader *reader, const char *path)
{
	const struct place start = { path, 1, 1 };

	for (size_t i = 0; i < DECODE_COUNT(top_keys); i++) {
		if (top_keys[i].required && !reader->parts[i].count)
			decode_error(&reader->decoder, start, "a policy needs the key %s%s", top_keys[i].name,
				     strcmp(top_keys[i].name, "default")
					     ? ""
					     : ": what happens to what no rule matches ({ action: deny, log: "
					       "true })");
		if (top_keys[i].read)
			top_keys[i].read(reader, &reader->parts[i]);
	}
}

static void read_policy(struct reader *reader, const char *path)
{
	struct gathering gathering = { .reader = reader, .nodes_left = DOCUMENT_MAX_NODES };
	struct region *region = reader->decoder.region;
	const char *own = region_text(region, path, strlen(path));

	reader->model->place = (struct place){ own, 1, 1 };
	reader->model->name = region_text(region, "", 0);
	reader->parts = region_alloc(region, DECODE_COUNT(top_keys) * sizeof(*reader->parts));
	settings_defaults(reader);
	problems_file(reader->decoder.problems, own);
	gather_file(&gathering, own, (struct place){ 0 });
	/* names that a file would have defined, had it been readable, are no problems of their own */
	if (!gathering.failed)
		read_parts(reader, own);
}

int policy_read(const char *path, struct policy_model **model, struct problems *problems)
{
	struct region *region = region_new();
	struct reader *reader;
	jmp_buf out_of_memory;

	*model = NULL;
	if (!region)
		return -ENOMEM;
	if (setjmp(out_of_memory)) {
		region_free(region);
		*model = NULL;
		return -ENOMEM;
	}
	region_guard(region, &out_of_memory);
	reader = region_alloc(region, sizeof(*reader));
	reader->decoder = (struct decoder){ region, problems, DECODE_SUGGESTIONS };
	reader->addresses_left = READER_MAX_ADDRESSES;
	reader->service_items_left = READER_MAX_SERVICE_ITEMS;
	reader->feed_bytes_left = READER_MAX_FEED_BYTES;
	reader->model = region_alloc(region, sizeof(*reader->model));
	reader->model->memory = region;
	read_policy(reader, path);
	region_guard(region, NULL);
	*model = reader->model;
	return 0;
}

void policy_model_free(struct policy_model *model)
{
	if (model)
		region_free(model->memory);
}
