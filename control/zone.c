/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TZif files (RFC 8536): a header, a block with 32-bit times (skipped), a header, a block with 64-bit times, and a line with
 * a POSIX TZ rule for the time after the last change, such as CET-1CEST,M3.5.0,M10.5.0/3.
 */
#include "zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)
#define HEADER_SIZE 44
#define DAY 86400
#define YEAR_SECONDS (INT64_C(366) * DAY)
#define LAST_YEAR 2099
#define OFFSET_MAX (26 * 3600)
#define EARLIEST (-(INT64_C(1) << 55)) /* as the reader of images has it */

/* ---- the list in the making ---- */

struct list {
	struct bh_zone *zones;
	uint32_t count; /* the first is from ever */
	bool full;
	int64_t last; /* moment of the last change that was told, also if the offset stayed */
};

static void list_add(struct list *list, int64_t since, int32_t offset)
{
	if (list->count > 0 && since < list->last)
		return; /* the file's own changes come first and count more than its rule */
	list->last = since;
	if (list->count > 0 && (since == list->zones[list->count - 1].since || since < EARLIEST))
		list->count--; /* replaced at once (summer time all year), or one of "the Big Bang" */
	if (list->count > 0 && list->zones[list->count - 1].offset == offset)
		return; /* only the abbreviation changed */
	if (list->count == BH_MAX_ZONES) {
		list->full = true;
		return;
	}
	list->zones[list->count] = (struct bh_zone){ list->count == 0 ? INT64_MIN : since, offset, 0 };
	list->count++;
}

/* ---- POSIX rules ---- */

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int month, int day)
{
	const int64_t y = month <= 2 ? year - 1 : year;
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t of_era = y - era * 400;
	const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool read_number(const char **text, int least, int most, int *number)
{
	int value = 0;

	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); ++*text) {
		value = value * 10 + (**text - '0');
		if (value > most)
			return false;
	}
	*number = value;
	return value >= least;
}

/* [+-]hh[:mm[:ss]] in seconds; RFC 8536 allows up to 167 hours in rules. */
static bool read_time(const char **text, int *seconds)
{
	int sign = 1, hours, minutes = 0, rest = 0;

	if (**text == '+' || **text == '-')
		sign = *(*text)++ == '-' ? -1 : 1;
	if (!read_number(text, 0, 167, &hours))
		return false;
	if (**text == ':' && (++*text, !read_number(text, 0, 59, &minutes)))
		return false;
	if (**text == ':' && (++*text, !read_number(text, 0, 59, &rest)))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60 + rest);
	return true;
}

/* An abbreviation: letters, or anything between < and >. */
static bool skip_name(const char **text)
{
	const char *start = *text;

	if (**text == '<') {
		*text = strchr(start, '>');
		if (*text == NULL)
			return false;
		++*text;
		return true;
	}
	while (isalpha((unsigned char)**text))
		++*text;
	return *text - start >= 3;
}

/* Mm.w.d, Jn or n, with /time: the moment of a change in local time of before it. */
struct change {
	char kind; /* 'M', 'J', or '0' */
	int month, week, day;
	int seconds;
};

static bool read_change(const char **text, struct change *change)
{
	change->seconds = 2 * 3600;
	if (**text == 'M') {
		change->kind = *(*text)++;
		if (!read_number(text, 1, 12, &change->month) || *(*text)++ != '.' ||
		    !read_number(text, 1, 5, &change->week) || *(*text)++ != '.' ||
		    !read_number(text, 0, 6, &change->day))
			return false;
	} else if (**text == 'J') {
		change->kind = *(*text)++;
		if (!read_number(text, 1, 365, &change->day))
			return false;
	} else {
		change->kind = '0';
		if (!read_number(text, 0, 365, &change->day))
			return false;
	}
	return **text != '/' || (++*text, read_time(text, &change->seconds));
}

/* Local seconds of the change in a year. */
static int64_t change_at(const struct change *change, int64_t year)
{
	int64_t day;

	if (change->kind == 'M') {
		const int64_t first = days_of(year, change->month, 1);
		const int64_t next =
			change->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, change->month + 1, 1);
		const int weekday =
			(int)((first + 4) % 7); /* of the first day; 0 is Sunday; years after 1970 */

		day = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
		while (day >= next)
			day -= 7;
	} else if (change->kind == 'J') { /* 1..365, 29 February is never counted */
		day = days_of(year, 1, 1) + change->day - 1 + (is_leap(year) && change->day >= 60);
	} else {
		day = days_of(year, 1, 1) + change->day;
	}
	return day * DAY + change->seconds;
}

static int rule_add(struct list *list, const char *rule)
{
	struct change start, end;
	int standard, summer;

	if (*rule == '\0')
		return 0;
	if (!skip_name(&rule) || !read_time(&rule, &standard))
		return -EINVAL;
	standard = -standard; /* POSIX counts west of Greenwich */
	if (*rule == '\0') {
		if (list->count == 0)
			list_add(list, INT64_MIN, standard);
		return 0;
	}
	summer = standard + 3600;
	if (!skip_name(&rule))
		return -EINVAL;
	if (*rule != ',') {
		if (!read_time(&rule, &summer))
			return -EINVAL;
		summer = -summer;
	}
	if (*rule++ != ',' || !read_change(&rule, &start) || *rule++ != ',' || !read_change(&rule, &end) ||
	    *rule != '\0' || abs(standard) > OFFSET_MAX || abs(summer) > OFFSET_MAX)
		return -EINVAL;
	for (int64_t year = 1970; year <= LAST_YEAR; year++) {
		const int64_t to_summer = change_at(&start, year) - standard;
		const int64_t to_standard = change_at(&end, year) - summer;

		if (to_summer < to_standard) {
			list_add(list, to_summer, summer);
			list_add(list, to_standard, standard);
		} else { /* the southern hemisphere begins the year in summer */
			list_add(list, to_standard, standard);
			list_add(list, to_summer, summer);
		}
	}
	return 0;
}

/* ---- TZif ---- */

static int64_t load_signed(const uint8_t *bytes, int size)
{
	uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return (int64_t)value;
}

struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_counts(const uint8_t *header, size_t size, struct counts *c)
{
	uint32_t *const fields[] = { &c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars };

	if (size < HEADER_SIZE || memcmp(header, "TZif", 4) != 0 || header[4] < '2')
		return false;
	for (int i = 0; i < 6; i++) {
		*fields[i] = (uint32_t)load_signed(header + 20 + 4 * i, 4);
		if (*fields[i] > FILE_MAX)
			return false;
	}
	return true;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
	return c->time * (time_size + 1) + c->type * (size_t)6 + c->chars + c->leap * (time_size + 4) +
	       c->isstd + c->isut;
}

/* The block with 64-bit times, and the rule after it. */
static int tzif_read(const uint8_t *file, size_t size, struct list *list)
{
	const uint8_t *types, *indices;
	char rule[128] = "";
	struct counts c;
	size_t block;

	if (!read_counts(file, size, &c))
		return -EINVAL;
	block = HEADER_SIZE + block_size(&c, 4);
	if (block > size || !read_counts(file + block, size - block, &c) || c.type == 0)
		return -EINVAL;
	file += block + HEADER_SIZE;
	size -= block + HEADER_SIZE;
	block = block_size(&c, 8);
	if (block > size)
		return -EINVAL;
	indices = file + c.time * (size_t)8;
	types = indices + c.time;
	for (uint32_t i = 0; i <= c.time; i++) {
		const uint32_t type = i == 0 ? 0 : indices[i - 1];
		int64_t offset;

		if (type >= c.type)
			return -EINVAL;
		offset = load_signed(types + type * (size_t)6, 4);
		if (offset < -OFFSET_MAX || offset > OFFSET_MAX)
			return -EINVAL;
		list_add(list, i == 0 ? INT64_MIN : load_signed(file + (i - 1) * (size_t)8, 8),
			 (int32_t)offset);
	}
	if (size - block >= 2 && file[block] == '\n') {
		const uint8_t *end = memchr(file + block + 1, '\n', size - block - 1);

		if (end == NULL || (size_t)(end - (file + block + 1)) >= sizeof(rule))
			return -EINVAL;
		memcpy(rule, file + block + 1, (size_t)(end - (file + block + 1)));
	}
	return rule_add(list, rule);
}

/* ---- */

static bool name_ok(const char *name)
{
	if (*name == '\0' || *name == '/' || strlen(name) > 100)
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("_+-/", *c) == NULL)
			return false; /* no dot, so no way up */
	return true;
}

static int file_read(const char *name, uint8_t *bytes, size_t *size)
{
	char path[sizeof(ZONE_DIRECTORY) + 128];
	FILE *file;
	int error = 0;

	snprintf(path, sizeof(path), "%s/%s", ZONE_DIRECTORY, name);
	file = fopen(path, "re");
	if (file == NULL)
		return -ENOENT;
	*size = fread(bytes, 1, FILE_MAX, file);
	if (ferror(file))
		error = -ENOENT; /* a directory */
	fclose(file);
	return error;
}

/* Leave what holds at `first` and the changes until `last`. */
static void list_cut(struct list *list, int64_t first, int64_t last)
{
	uint32_t begin = 0, end = list->count;

	while (begin + 1 < end && list->zones[begin + 1].since <= first)
		begin++;
	while (end > begin + 1 && list->zones[end - 1].since > last)
		end--;
	memmove(list->zones, list->zones + begin, (end - begin) * sizeof(*list->zones));
	list->count = end - begin;
	list->zones[0].since = INT64_MIN;
}

int zone_read(const char *name, int64_t created, struct bh_zone **zones, uint32_t *count)
{
	struct list list = { 0 };
	uint8_t *bytes = NULL;
	size_t size = 0;
	int error;

	if (!name_ok(name))
		return -EINVAL;
	list.zones = calloc(BH_MAX_ZONES, sizeof(*list.zones));
	bytes = malloc(FILE_MAX);
	if (list.zones == NULL || bytes == NULL) {
		error = -ENOMEM;
		goto err_free;
	}
	if (strcmp(name, "UTC") == 0) {
		list_add(&list, INT64_MIN, 0);
		error = 0;
	} else {
		error = file_read(name, bytes, &size);
		if (error == 0)
			error = tzif_read(bytes, size, &list);
	}
	if (error == 0 && list.full)
		error = -EINVAL;
	if (error != 0)
		goto err_free;
	if (created != 0)
		list_cut(&list, created - YEAR_SECONDS, created + 15 * YEAR_SECONDS);
	free(bytes);
	*zones = list.zones;
	*count = list.count;
	return 0;
err_free:
	free(bytes);
	free(list.zones);
	return error;
}
