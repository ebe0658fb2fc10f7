/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_COLUMNS 32u

struct table {
	char *text; /* all cells, NUL-terminated, one after the other; headings first */
	size_t size, room;
	uint32_t columns, cells;
	uint32_t width[TABLE_COLUMNS];
	bool right[TABLE_COLUMNS];
	bool failed;
};

/* Columns on a terminal: code points, since a byte count would push UTF-8 names out of line. */
static uint32_t cell_width(const char *text)
{
	uint32_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static bool table_reserve(struct table *table, size_t bytes)
{
	if (table->room - table->size >= bytes)
		return true;
	size_t room = (table->room ? table->room * 2 : 4096) + bytes;
	char *text = realloc(table->text, room);
	if (!text) {
		table->failed = true;
		return false;
	}
	table->text = text;
	table->room = room;
	return true;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list arguments;

	if (table->failed)
		return;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !table_reserve(table, (size_t)length + 1)) {
		table->failed = true;
		return;
	}
	va_start(arguments, format);
	vsnprintf(table->text + table->size, (size_t)length + 1, format, arguments);
	va_end(arguments);

	uint32_t column = table->cells % table->columns;
	uint32_t width = cell_width(table->text + table->size);
	if (width > table->width[column])
		table->width[column] = width;
	table->size += (size_t)length + 1;
	table->cells++;
}

struct table *table_new(const char *headings)
{
	struct table *table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->columns = 1;
	for (const char *c = headings; *c; c++)
		table->columns += *c == '|';
	if (table->columns > TABLE_COLUMNS) {
		free(table);
		return NULL;
	}
	for (const char *c = headings;; c++) {
		uint32_t column = table->cells;
		int length = (int)strcspn(c, "|");
		if (*c == '>') {
			table->right[column] = true;
			c++;
			length--;
		}
		table_cell(table, "%.*s", length, c);
		c += length;
		if (!*c || table->failed)
			break;
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	free(table->text);
	free(table);
}

uint32_t table_rows(const struct table *table)
{
	return table->cells / table->columns - 1;
}

int table_print(const struct table *table, FILE *out)
{
	const char *text = table->text;
	uint32_t pending = 0; /* spaces owed: written only when something follows */

	if (table->failed)
		return -ENOMEM;
	for (uint32_t cell = 0; cell < table->cells; cell++) {
		uint32_t column = cell % table->columns;
		uint32_t fill = table->width[column] - cell_width(text);
		if (table->right[column])
			pending += fill;
		if (*text) {
			fprintf(out, "%*s%s", (int)pending, "", text);
			pending = 0;
		}
		pending += table->right[column] ? 2 : fill + 2;
		if (column == table->columns - 1) {
			fputc('\n', out);
			pending = 0;
		}
		text += strlen(text) + 1;
	}
	return ferror(out) ? -EIO : 0;
}

const char *table_bytes(uint64_t bytes, char out[24])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, 24, "%u B", (unsigned int)bytes);
		return out;
	}
	for (; value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	snprintf(out, 24, "%.1f %s", value, units[unit]);
	return out;
}

const char *table_count(uint64_t count, char out[24])
{
	static const char units[] = "kMGTPE";
	double value = (double)count / 1000;
	size_t unit = 0;

	if (count < 10000) {
		snprintf(out, 24, "%u", (unsigned int)count);
		return out;
	}
	for (; value >= 999.95 && units[unit + 1]; unit++)
		value /= 1000;
	snprintf(out, 24, "%.1f%c", value, units[unit]);
	return out;
}

const char *table_duration(double seconds, char out[24])
{
	if (!(seconds > 0))
		seconds = 0;
	if (seconds > 1e12)
		seconds = 1e12;
	unsigned long long whole = (unsigned long long)seconds;
	if (seconds < 10)
		snprintf(out, 24, "%.1f s", seconds);
	else if (whole < 60)
		snprintf(out, 24, "%llu s", whole);
	else if (whole < 3600)
		snprintf(out, 24, "%llu m %llu s", whole / 60, whole % 60);
	else if (whole < 86400)
		snprintf(out, 24, "%llu h %llu m", whole / 3600, whole % 3600 / 60);
	else
		snprintf(out, 24, "%llu d %llu h", whole / 86400, whole % 86400 / 3600);
	return out;
}
