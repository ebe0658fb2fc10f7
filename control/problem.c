/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model.h"

#define MESSAGE_MAX 512
#define NEAREST_LENGTH 64

/* Bytes of the UTF-8 character at text, or 0 if there is none that may be printed. */
static size_t character_length(const unsigned char *text)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (text[0] < 0x20 || text[0] == 0x7f || text[0] > 0xf4 || (text[0] == 0xc2 && text[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Messages quote what was read, and what was read may try to talk to the terminal: no control characters, one line of UTF-8. */
static void message_clean(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at;) {
		size_t length = character_length(at);

		if (!length)
			*at++ = '?';
		at += length;
	}
}

/* A message that was cut must not end within a character. */
static void message_cut(char *text, size_t length)
{
	while (length > 0 && (text[length - 1] & 0xc0) == 0x80)
		length--;
	if (length > 0 && (text[length - 1] & 0x80))
		length--;
	memcpy(text + length, "..", 3);
}

/* The problems' own copy of a file's name: they outlive the model that the place belongs to. */
static const char *own_file(struct problems *problems, const char *file)
{
	char **larger;

	for (size_t i = problems->file_count; i-- > 0;)
		if (!strcmp(problems->files[i], file))
			return problems->files[i];
	larger = realloc(problems->files, (problems->file_count + 1) * sizeof(*larger));
	if (!larger)
		return NULL;
	problems->files = larger;
	larger[problems->file_count] = strdup(file);
	return larger[problems->file_count] ? larger[problems->file_count++] : NULL;
}

void problems_file(struct problems *problems, const char *file)
{
	own_file(problems, file);
}

void problem_add(struct problems *problems, enum severity severity, struct place place, const char *format,
		 ...)
{
	char message[MESSAGE_MAX + 4];
	struct problem *list;
	va_list arguments;
	int length;

	/* counted even where there is no memory to keep it: an error must never turn into success */
	if (severity == SEVERITY_ERROR)
		problems->errors++;
	else
		problems->warnings++;
	if (problems->count >= PROBLEMS_MAX)
		return;
	if (!(problems->count & 63)) {
		list = realloc(problems->list, (problems->count + 64) * sizeof(*list));
		if (!list)
			return;
		problems->list = list;
	}
	va_start(arguments, format);
	length = vsnprintf(message, MESSAGE_MAX, format, arguments);
	va_end(arguments);
	message_clean(message);
	if (length >= MESSAGE_MAX)
		message_cut(message, MESSAGE_MAX - 1);
	place.file = own_file(problems, place.file ? place.file : "");
	list = &problems->list[problems->count];
	*list = (struct problem){ .place = place, .severity = severity, .message = strdup(message) };
	if (list->message && place.file)
		problems->count++;
	else
		free(list->message);
}

struct sorted {
	struct problem problem;
	size_t file, order;
};

static int sorted_compare(const void *one, const void *other)
{
	const struct sorted *a = one, *b = other;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->problem.place.line != b->problem.place.line)
		return a->problem.place.line < b->problem.place.line ? -1 : 1;
	if (a->problem.place.column != b->problem.place.column)
		return a->problem.place.column < b->problem.place.column ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void problems_sort(struct problems *problems)
{
	struct sorted *sorted = calloc(problems->count + 1, sizeof(*sorted));

	if (!sorted)
		return; /* the order of discovery has to do */
	for (size_t i = 0, file = 0; i < problems->count; i++) {
		sorted[i] = (struct sorted){ .problem = problems->list[i], .order = i };
		/* neighbours mostly are of one file */
		if (problems->files[file] != problems->list[i].place.file)
			for (file = 0; problems->files[file] != problems->list[i].place.file;)
				file++;
		sorted[i].file = file;
	}
	qsort(sorted, problems->count, sizeof(*sorted), sorted_compare);
	for (size_t i = 0; i < problems->count; i++)
		problems->list[i] = sorted[i].problem;
	free(sorted);
}

void problems_print(const struct problems *problems, FILE *out)
{
	size_t all = problems->errors + problems->warnings;

	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		fprintf(out, "%s:%u:%u: %s: %s\n", problem->place.file, problem->place.line,
			problem->place.column, problem->severity == SEVERITY_ERROR ? "error" : "warning",
			problem->message);
	}
	if (all > problems->count)
		fprintf(out, "and %zu more\n", all - problems->count);
}

void problems_free(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->list[i].message);
	for (size_t i = 0; i < problems->file_count; i++)
		free(problems->files[i]);
	free(problems->list);
	free(problems->files);
	*problems = (struct problems){ 0 };
}

static unsigned char folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : (unsigned char)c;
}

/* Edits (insert, delete, replace, swap of neighbours) from one word to the other, or limit + 1 if they are more. */
static unsigned distance(const char *one, size_t one_length, const char *other, size_t other_length,
			 unsigned limit)
{
	unsigned rows[3][NEAREST_LENGTH + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t i = 0; i <= other_length; i++)
		above[i] = (unsigned)i;
	for (size_t y = 1; y <= one_length; y++) {
		unsigned least = row[0] = (unsigned)y, *reuse = before;

		for (size_t x = 1; x <= other_length; x++) {
			bool equal = folded(one[y - 1]) == folded(other[x - 1]);
			unsigned best = above[x - 1] + !equal;

			if (above[x] + 1 < best)
				best = above[x] + 1;
			if (row[x - 1] + 1 < best)
				best = row[x - 1] + 1;
			if (x > 1 && y > 1 && folded(one[y - 1]) == folded(other[x - 2]) &&
			    folded(one[y - 2]) == folded(other[x - 1]) && before[x - 2] + 1 < best)
				best = before[x - 2] + 1;
			row[x] = best;
			if (best < least)
				least = best;
		}
		if (least > limit)
			return limit + 1;
		before = above;
		above = row;
		row = reuse;
	}
	return above[other_length];
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
	size_t length = strlen(word);
	const char *nearest = NULL;
	unsigned limit = length < 3 ? 1 : length < 6 ? 2 : 3;

	if (!length || length > NEAREST_LENGTH)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(names[i]);
		unsigned edits;

		/* more than half of it changed is not near */
		if (other > NEAREST_LENGTH || other > length + limit || length > other + limit)
			continue;
		edits = distance(word, length, names[i], other, limit);
		if (edits > limit || edits * 2 > (length > other ? length : other))
			continue;
		/* strictly nearer, or as near and earlier in the alphabet: the order of names does not matter */
		if (edits == limit && nearest && strcmp(names[i], nearest) > 0)
			continue;
		nearest = names[i];
		limit = edits;
	}
	return nearest;
}
