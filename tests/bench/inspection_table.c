/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From samples to figures. The machine is shared: a step that was preempted tells nothing of the step. So each step counts
 * with its median over the rounds, and their sum is the figure; the spread is that of the rounds' own ratios, in which a sample
 * far above the step's median is replaced by it.
 */
#include "inspection.h"

#include <stdio.h>
#include <stdlib.h>

#define FAR 100000u /* cycles above the median: no step of nDPI varies by so much, an interruption does */

static const char *const names[INSPECTION_MODES] = { [INSPECTION_OURS] = "Bulkhead",
						     [INSPECTION_BARE] = "libndpi, the same calls",
						     [INSPECTION_READER] = "libndpi, as its reader" };

struct sums {
	double total;  /* of medians */
	double *round; /* cycles of each round */
	uint64_t preempted;
};

static int by_value32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct sums sum_up(const uint32_t *cycles, uint32_t rounds, uint32_t steps)
{
	struct sums sums = { .round = calloc(rounds, sizeof(double)) };
	uint32_t *of_step = calloc(rounds, sizeof(*of_step));

	if (!sums.round || !of_step)
		exit(1);
	for (uint32_t s = 0; s < steps; s++) {
		for (uint32_t r = 0; r < rounds; r++)
			of_step[r] = cycles[(size_t)r * steps + s];
		qsort(of_step, rounds, sizeof(*of_step), by_value32);
		uint32_t median = of_step[rounds / 2];
		sums.total += median;
		for (uint32_t r = 0; r < rounds; r++) {
			uint32_t sample = cycles[(size_t)r * steps + s];

			sums.preempted += sample > median + FAR;
			sums.round[r] += sample > median + FAR ? median : sample;
		}
	}
	free(of_step);
	return sums;
}

/* Median of the rounds' ratios to bare; *least and *most of them. */
static double ratio_of(const struct sums *sums, const struct sums *bare, uint32_t rounds, double *least,
		       double *most)
{
	double *ratios = calloc(rounds, sizeof(*ratios)), median;

	if (!ratios)
		exit(1);
	for (uint32_t r = 0; r < rounds; r++)
		ratios[r] = sums->round[r] / bare->round[r];
	qsort(ratios, rounds, sizeof(*ratios), by_value);
	*least = ratios[0];
	*most = ratios[rounds - 1];
	median = ratios[rounds / 2];
	free(ratios);
	return median;
}

static void print_row(enum inspection_mode mode, const struct sums *sums, const struct sums *bare,
		      const struct calls *calls, uint32_t rounds)
{
	double least, most, median = ratio_of(sums, bare, rounds, &least, &most);

	printf("%-24s %8llu %8llu %10.0f %10.0f %8.3f   %.3f %.3f %.3f %9llu\n", names[mode],
	       (unsigned long long)calls->packets, (unsigned long long)calls->flows,
	       sums->total / (double)calls->packets, sums->total / (double)calls->flows,
	       sums->total / bare->total, least, median, most, (unsigned long long)sums->preempted);
}

static void write_program(FILE *file, const char *name, const struct sums *sums, const struct sums *bare,
			  const struct calls *calls, uint32_t rounds)
{
	double least, most, median = ratio_of(sums, bare, rounds, &least, &most);

	fprintf(file,
		"  \"%s\": { \"packets\": %llu, \"flows\": %llu, \"cycles_per_packet\": %.1f, "
		"\"cycles_per_flow\": %.1f, "
		"\"ratio\": %.4f, \"rounds\": { \"least\": %.4f, \"median\": %.4f, \"most\": %.4f } },\n",
		name, (unsigned long long)calls->packets, (unsigned long long)calls->flows,
		sums->total / (double)calls->packets, sums->total / (double)calls->flows,
		sums->total / bare->total, least, median, most);
}

static void write_json(const char *path, uint32_t rounds, const struct sums sums[INSPECTION_MODES],
		       const struct calls calls[INSPECTION_MODES], const struct inspection_parts *parts)
{
	const struct sums *bare = &sums[INSPECTION_BARE];
	FILE *file = fopen(path, "w");

	if (!file) {
		perror(path);
		exit(1);
	}
	fprintf(file, "{ \"name\": \"inspection\", \"rounds\": %u,\n", rounds);
	write_program(file, "libndpi", bare, bare, &calls[INSPECTION_BARE], rounds);
	write_program(file, "bulkhead", &sums[INSPECTION_OURS], bare, &calls[INSPECTION_OURS], rounds);
	write_program(file, "reader", &sums[INSPECTION_READER], bare, &calls[INSPECTION_READER], rounds);
	fprintf(file,
		"  \"cycles_decided_frame\": %.1f, \"cycles_context\": %.0f, \"cycles_context_libndpi\": "
		"%.0f,\n"
		"  \"bytes_per_detecting_flow\": %.0f, \"bytes_per_detecting_flow_libndpi\": %.0f, "
		"\"memory_ratio\": %.4f }\n",
		parts->decided, parts->context, parts->bare_context, parts->held, parts->wanted,
		parts->held / parts->wanted);
	if (fclose(file)) {
		perror(path);
		exit(1);
	}
}

void table_print(uint32_t rounds, uint32_t *const cycles[INSPECTION_MODES],
		 const struct calls calls[INSPECTION_MODES], const struct world_facts *facts,
		 const struct inspection_parts *parts, const char *json)
{
	static const enum inspection_mode order[] = { INSPECTION_BARE, INSPECTION_OURS, INSPECTION_READER };
	struct sums sums[INSPECTION_MODES] = { 0 };

	printf("%u captures, %u frames, each twice a round; %llu packets shown, %llu of them rebuilt "
	       "handshakes; %u rounds\n\n",
	       facts->captures, facts->frames, (unsigned long long)calls[INSPECTION_RECORD].packets,
	       (unsigned long long)calls[INSPECTION_RECORD].handshake, rounds);
	printf("%-24s %8s %8s %10s %10s %8s   %s %9s\n", "", "packets", "flows", "cyc/packet", "cyc/flow",
	       "ratio", "least median most", "preempted");
	for (int i = 0; i < 3; i++)
		sums[order[i]] = sum_up(cycles[order[i]], rounds, facts->steps);
	for (int i = 0; i < 3; i++)
		print_row(order[i], &sums[order[i]], &sums[INSPECTION_BARE], &calls[order[i]], rounds);
	printf("\n%-52s %8.0f\n", "cycles: frame of a session that is decided", parts->decided);
	printf("%-52s %8.0f   nDPI's struct by malloc, zeroed, freed: %.0f\n",
	       "cycles: context taken and given back", parts->context, parts->bare_context);
	printf("%-52s %8.0f   nDPI's struct (%zu) and what it asks for: %.0f, ratio %.3f\n",
	       "bytes: session under detection", parts->held, bare_flow_size(), parts->wanted,
	       parts->held / parts->wanted);
	if (json)
		write_json(json, rounds, sums, calls, parts);
	for (int i = 0; i < 3; i++)
		free(sums[order[i]].round);
}
