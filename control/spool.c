/* SPDX-License-Identifier: BSD-3-Clause */
#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "record.h"

struct spooled {
	uint64_t time_us;
	struct bh_flow_record flow;
};

int spool_open(struct spool *spool)
{
	spool->count = 0;
	spool->file = tmpfile();
	return spool->file ? 0 : -errno;
}

void spool_close(struct spool *spool)
{
	if (spool->file)
		fclose(spool->file);
	spool->file = NULL;
}

/* What stands behind a text's end says nothing, but would take part in the comparison. */
static void text_clean(char *text, size_t size)
{
	size_t length = strnlen(text, size);

	memset(text + length, 0, size - length);
}

int spool_add(struct spool *spool, const struct bh_flow_record *flow, uint64_t time_us)
{
	struct spooled one;

	memset(&one, 0, sizeof(one));
	one.time_us = time_us;
	one.flow = *flow;
	/* the id and what is reserved may tell which worker it was */
	one.flow.id = 0;
	one.flow.reserved0 = 0;
	text_clean(one.flow.network, sizeof(one.flow.network));
	text_clean(one.flow.segment[0], sizeof(one.flow.segment[0]));
	text_clean(one.flow.segment[1], sizeof(one.flow.segment[1]));
	text_clean(one.flow.rule, sizeof(one.flow.rule));
	text_clean(one.flow.application, sizeof(one.flow.application));
	text_clean(one.flow.category, sizeof(one.flow.category));
	text_clean(one.flow.server_name, sizeof(one.flow.server_name));
	if (fwrite(&one, sizeof(one), 1, spool->file) != 1)
		return errno ? -errno : -EIO;
	spool->count++;
	return 0;
}

static int number_order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int spooled_compare(const void *a, const void *b)
{
	const struct spooled *x = *(const struct spooled *const *)a, *y = *(const struct spooled *const *)b;
	const struct bh_flow_record *f = &x->flow, *g = &y->flow;
	int order = number_order(f->start_us, g->start_us);

	if (!order)
		order = memcmp(f->source, g->source, sizeof(f->source));
	if (!order)
		order = memcmp(f->destination, g->destination, sizeof(f->destination));
	if (!order)
		order = number_order(f->source_port, g->source_port);
	if (!order)
		order = number_order(f->destination_port, g->destination_port);
	if (!order)
		order = number_order(f->protocol, g->protocol);
	if (!order)
		order = number_order(f->last_us, g->last_us);
	if (!order)
		order = memcmp(x, y, sizeof(*x));
	return order;
}

static int write_sorted(const struct spooled **order, uint64_t count, FILE *out)
{
	qsort(order, count, sizeof(*order), spooled_compare);
	for (uint64_t i = 0; i < count; i++) {
		struct bh_flow_record flow = order[i]->flow;
		flow.id = i + 1;
		json_t *record = record_flow(&flow, "flow", order[i]->time_us);
		if (!record)
			return -ENOMEM;
		int failed = json_dumpf(record, out, JSON_COMPACT) < 0 || fputc('\n', out) == EOF;
		json_decref(record);
		if (failed)
			return -EIO;
	}
	return fflush(out) ? -errno : 0;
}

int spool_write(struct spool *spool, FILE *out)
{
	size_t size = spool->count * sizeof(struct spooled);

	if (!spool->count)
		return 0;
	if (fflush(spool->file))
		return -errno;
	const struct spooled *records = mmap(NULL, size, PROT_READ, MAP_SHARED, fileno(spool->file), 0);
	if (records == MAP_FAILED)
		return -errno;
	const struct spooled **order = calloc(spool->count, sizeof(*order));
	int error = -ENOMEM;
	if (order) {
		for (uint64_t i = 0; i < spool->count; i++)
			order[i] = &records[i];
		error = write_sorted(order, spool->count, out);
	}
	free(order);
	munmap((void *)(uintptr_t)records, size);
	return error;
}
