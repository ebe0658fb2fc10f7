/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "value.h"

#define SHOWN 60 /* bytes of a value that a message quotes */

void decode_error(struct decoder *decoder, struct place place, const char *format, ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	problem_add(decoder->problems, SEVERITY_ERROR, place, "%s", message);
}

/* What a node is, in a person's words. */
static const char *found(struct decoder *decoder, const struct node *node)
{
	if (node_is_null(node))
		return "nothing";
	if (node->kind == NODE_LIST)
		return node->count ? "a list" : "an empty list";
	if (node->kind == NODE_MAP)
		return node->count ? "a map" : "an empty map";
	return region_format(decoder->region, strlen(node->text) > SHOWN ? "\"%.*s..\"" : "\"%.*s\"", SHOWN,
			     node->text);
}

void decode_expected(struct decoder *decoder, const struct node *node, const char *expected)
{
	decode_error(decoder, node->place, "%s%sexpected %s, found %s", node->key ? node->key : "",
		     node->key ? ": " : "", expected, found(decoder, node));
}

const char *decode_nearest(struct decoder *decoder, const char *word, const char *const *names, size_t count)
{
	const char *nearest;

	if (!decoder->suggestions)
		return "";
	decoder->suggestions--;
	nearest = nearest_name(word, names, count);
	return nearest ? region_format(decoder->region, "; did you mean %s?", nearest) : "";
}

static const char *words_text(struct decoder *decoder, const char *const *words, size_t count)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++)
		text = region_format(decoder->region, "%s%s%s", text,
				     !i               ? ""
				     : i + 1 == count ? " or "
						      : ", ",
				     words[i]);
	return text;
}

void decode_unknown_keys(struct decoder *decoder, const struct node *map, const char *what,
			 const char *const *known, size_t count)
{
	for (const struct node *node = map->first; node; node = node->next) {
		const char *nearest;
		size_t i;

		for (i = 0; i < count && strcmp(known[i], node->key); i++)
			;
		if (i < count)
			continue;
		nearest = decode_nearest(decoder, node->key, known, count);
		decode_error(decoder, node_key_place(node), "%.60s: unknown key of %s%s%s", node->key, what,
			     *nearest ? nearest : "; its keys are ",
			     *nearest ? "" : words_text(decoder, known, count));
	}
}

bool decode_map(struct decoder *decoder, const struct node *node, const char *what,
		const struct decode_key *keys, size_t count, void *target)
{
	const char *known[64] = { 0 };

	if (node->kind != NODE_MAP) {
		decode_expected(
			decoder, node,
			region_format(decoder->region, "%s as a map ({ %s: .. })", what, keys[0].name));
		return false;
	}
	for (size_t i = 0; i < count && i < DECODE_COUNT(known); i++)
		known[i] = keys[i].name;
	decode_unknown_keys(decoder, node, what, known, count);
	for (size_t i = 0; i < count; i++) {
		const struct node *value = node_get(node, keys[i].name);

		if (value)
			keys[i].read(decoder, value, target);
		else if (keys[i].required)
			decode_error(decoder, node->place, "%s needs the key %s", what, keys[i].name);
	}
	return true;
}

const char *decode_text(struct decoder *decoder, const struct node *node, const char *expected)
{
	if (node->kind == NODE_SCALAR && !node_is_null(node))
		return node->text;
	decode_expected(decoder, node, expected);
	return NULL;
}

static const char *const name_expected =
	"a name of at most 63 bytes: letters, digits, '_', '-', '.', a letter, digit or '_' first";

const char *decode_name(struct decoder *decoder, const struct node *node, bool spaces)
{
	const char *text = decode_text(decoder, node, "a name");

	if (!text || value_is_name(text, spaces))
		return text;
	decode_expected(decoder, node, name_expected);
	return NULL;
}

bool decode_key_is_name(struct decoder *decoder, const struct node *node)
{
	if (value_is_name(node->key, false))
		return true;
	decode_error(decoder, node_key_place(node), "expected %s, found \"%.60s\"", name_expected, node->key);
	return false;
}

bool decode_bool(struct decoder *decoder, const struct node *node, uint8_t *value)
{
	if (node->kind == NODE_SCALAR && !node->quoted &&
	    (!strcmp(node->text, "true") || !strcmp(node->text, "false"))) {
		*value = node->text[0] == 't';
		return true;
	}
	decode_expected(decoder, node, "true or false (without quotes)");
	return false;
}

bool decode_unsigned(struct decoder *decoder, const struct node *node, uint64_t least, uint64_t most,
		     uint64_t *value)
{
	if (node->kind == NODE_SCALAR && !value_unsigned(node->text, value) && *value >= least &&
	    *value <= most)
		return true;
	decode_expected(decoder, node,
			region_format(decoder->region, "a whole number from %llu to %llu",
				      (unsigned long long)least, (unsigned long long)most));
	return false;
}

int decode_choice(struct decoder *decoder, const struct node *node, const char *const *words, size_t count)
{
	if (node->kind == NODE_SCALAR)
		for (size_t i = 0; i < count; i++)
			if (!strcmp(node->text, words[i]))
				return (int)i;
	decode_expected(decoder, node, words_text(decoder, words, count));
	return -1;
}

static const char *duration_text(struct decoder *decoder, uint64_t us)
{
	static const struct {
		uint64_t us;
		const char *name;
	} units[] = { { 86400000000, "d" }, { 3600000000, "h" }, { 60000000, "m" },
		      { 1000000, "s" },     { 1000, "ms" },      { 1, "us" } };

	for (size_t i = 0; i < DECODE_COUNT(units); i++)
		if (us && us % units[i].us == 0)
			return region_format(decoder->region, "%llu%s",
					     (unsigned long long)(us / units[i].us), units[i].name);
	return "0";
}

bool decode_duration(struct decoder *decoder, const struct node *node, uint64_t least, uint64_t most,
		     uint64_t *us)
{
	if (node->kind == NODE_SCALAR && !value_duration(node->text, us) && *us >= least && *us <= most)
		return true;
	decode_expected(decoder, node,
			region_format(decoder->region, "a duration from %s to %s, as 10ms, 60s, 2m, 1h or 1d",
				      duration_text(decoder, least), duration_text(decoder, most)));
	return false;
}

static const char *size_text(struct decoder *decoder, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	for (; unit + 1 < DECODE_COUNT(units) && bytes && bytes % 1024 == 0; unit++)
		bytes /= 1024;
	return region_format(decoder->region, "%llu %s", (unsigned long long)bytes, units[unit]);
}

bool decode_size(struct decoder *decoder, const struct node *node, uint64_t least, uint64_t most,
		 uint64_t *bytes)
{
	if (node->kind == NODE_SCALAR && !value_size(node->text, bytes) && *bytes >= least && *bytes <= most)
		return true;
	decode_expected(decoder, node,
			region_format(decoder->region, "a size from %s to %s, as 4096, 64 KiB or 1 MiB",
				      size_text(decoder, least), size_text(decoder, most)));
	return false;
}
