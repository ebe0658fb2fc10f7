/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * damage [--every N] [--kind KIND] [--only VARIANT] CAPTURE..
 *
 * Runs captures that are damaged in every way of damage.h, under the sanitizers, each capture in a process of its own: what
 * ends one is written down with the variant, and a new one goes on behind it. A variant that takes a minute is a finding too.
 * --every N runs one variant of N, --only one alone (what to debug).
 */
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "damage.h"
#include "tests/fuzz/world.h"

#define SECONDS_A_VARIANT 60u
#define FINDINGS_MAX 20u /* of a kind of damage of a capture: then it is given up */
#define CUT_FILE "file"  /* the kind of damagefile.c */

/* Shared with the process that runs the variants. */
struct progress {
	uint64_t next; /* the variant that runs, or the first that has not */
	uint64_t ran;
	uint64_t inspected; /* packets that nDPI looked at */
};

struct task {
	const struct damage_kind *kind; /* NULL: CUT_FILE */
	const char *path;
	uint64_t every;
	uint64_t only; /* UINT64_MAX: all */
	struct progress *progress;
};

struct sum {
	uint64_t captures, variants, inspected, findings, failed;
	double seconds;
};

/* ---- the process that runs variants ---- */

static uint64_t inspected(void)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		sum += world.workers.list[i]->counters->cells[BH_WORKER_DPI_PACKETS];
	return sum;
}

static void run_variants(const struct task *t)
{
	struct damage_capture capture;
	uint64_t before = 0;

	world.policies = "tests/replay/damage";
	world.sizes = (struct options){ .flows = 4096,
					.macs = 24,
					.fragments = 256,
					.detecting = 2048,
					.dpi_memory = 32u << 20,
					.workers = WORLD_WORKERS };
	if (damage_load(&capture, t->path))
		return;
	world_open();
	world_begin(&(struct sequence_head){ 0 });
	damage_assign(&capture);
	world_end();
	uint64_t count = t->kind->count(&capture);
	for (; t->progress->next < count; t->progress->next += t->every) {
		if (t->only != UINT64_MAX && t->progress->next != t->only)
			continue;
		alarm(SECONDS_A_VARIANT);
		t->progress->ran += t->kind->run(&capture, t->progress->next);
		t->progress->inspected += inspected() - before;
		before = inspected();
	}
	alarm(0);
}

static void run(const struct task *t, FILE *said)
{
	int64_t cuts;

	dup2(fileno(said), STDERR_FILENO);
	if (t->kind) {
		run_variants(t);
		_exit(0);
	}
	cuts = damage_file(t->path, t->every);
	t->progress->ran = cuts < 0 ? 0 : (uint64_t)cuts;
	t->progress->next = UINT64_MAX - t->every;
	_exit(cuts < 0);
}

/* ---- the process that watches ---- */

static void tell(const struct task *t, int status, FILE *said)
{
	char line[512];
	int lines = 0;

	printf("  FOUND %s %s variant %llu: %s %d\n", t->kind ? t->kind->name : CUT_FILE, t->path,
	       (unsigned long long)t->progress->next, WIFSIGNALED(status) ? "signal" : "status",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	rewind(said);
	while (lines++ < 24 && fgets(line, sizeof(line), said))
		printf("        | %s", line);
	fflush(stdout);
}

/* Returns the number of findings. */
static uint64_t watch(struct task *t)
{
	uint64_t findings = 0;
	int status;

	*t->progress = (struct progress){ 0 };
	for (;;) {
		FILE *said = tmpfile();

		if (!said)
			exit(99);
		fflush(stdout);
		pid_t child = fork();
		if (child < 0)
			exit(99);
		if (!child)
			run(t, said);
		if (waitpid(child, &status, 0) != child)
			exit(99);
		if (status) {
			tell(t, status, said);
			findings++;
		}
		fclose(said);
		if (!status || findings == FINDINGS_MAX || t->only != UINT64_MAX || !t->kind)
			return findings;
		t->progress->next += t->every;
	}
}

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static uint64_t run_kind(struct task *t, int count, char **paths)
{
	struct sum sum = { .seconds = -now() };

	for (int i = 0; i < count; i++) {
		t->path = paths[i];
		uint64_t findings = watch(t);

		sum.captures++;
		sum.variants += t->progress->ran;
		sum.inspected += t->progress->inspected;
		sum.findings += findings;
		sum.failed += findings > 0;
	}
	sum.seconds += now();
	printf("  %-8s %4llu captures %9llu variants %10llu inspected %4llu findings %7.1f s  %s\n",
	       t->kind ? t->kind->name : CUT_FILE, (unsigned long long)sum.captures,
	       (unsigned long long)sum.variants, (unsigned long long)sum.inspected,
	       (unsigned long long)sum.findings, sum.seconds,
	       t->kind ? t->kind->what : "the file cut at every 7th byte, and what its reader tells of it");
	/* a run that damaged nothing, or showed nDPI nothing of it, has shown nothing */
	return sum.variants && (sum.inspected || !t->kind || t->kind->dropped) ? sum.failed : sum.captures;
}

static int usage(void)
{
	fprintf(stderr, "usage: damage [--every N] [--kind KIND] [--only VARIANT] CAPTURE..\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "every", required_argument, NULL, 'e' },
						 { "kind", required_argument, NULL, 'k' },
						 { "only", required_argument, NULL, 'o' },
						 { 0 } };
	struct task task = { .every = 1, .only = UINT64_MAX };
	const char *kind = NULL;
	uint64_t failed = 0, all = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'e')
			task.every = strtoull(optarg, NULL, 10);
		else if (option == 'k')
			kind = optarg;
		else if (option == 'o')
			task.only = strtoull(optarg, NULL, 10);
		else
			return usage();
	}
	if (optind == argc || !task.every)
		return usage();
	task.progress =
		mmap(NULL, sizeof(*task.progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (task.progress == MAP_FAILED)
		return 99;
	for (unsigned int i = 0; i <= damage_kind_count; i++) {
		task.kind = i < damage_kind_count ? &damage_kinds[i] : NULL;
		if (kind && strcmp(kind, task.kind ? task.kind->name : CUT_FILE) != 0)
			continue;
		failed += run_kind(&task, argc - optind, argv + optind);
		all += (uint64_t)(argc - optind);
	}
	if (!all)
		return usage();
	printf("damage: %llu passed, %llu failed\n", (unsigned long long)(all - failed),
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}
