/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does inspection cost beside libndpi itself?
 *
 * Captures are read into memory and run through the dataplane's stages, frame by frame, by the captures' clock. A first run
 * writes down each call that the classify stage makes of the library. Then rounds alternate between
 *   - ours: the classify stage as it is, with all that it does round the library: contexts, arena, the handshake that is
 *     rebuilt, the heads of streams, names, what is kept with the session, also for frames that are not shown; and the
 *     ends of sessions (what nDPI still guesses, the context given back);
 *   - bare: in the stage's place exactly the calls that were written down, in the same order, on the same bytes in the same
 *     buffers, with a module and flows of its own, allocated by glibc's malloc;
 *   - the reader: in the stage's place what nDPI's own reader does with the same frames (it shows empty segments too, and
 *     has other limits); it is there to tell what our choice of packets saves.
 * All other stages run in all of them, so caches are as used as they are in life. The rebuilt handshake is work that a bare
 * user of the library has as well, with the real one: it counts on both sides. Timed is each frame's stage and each session's end
 * by the TSC, less what reading the TSC twice costs; a run begins with a new module, so that each makes the same calls. Each
 * call's result is compared with what was written down: one difference fails the run.
 */
#include "inspection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 15u

static struct calls calls[INSPECTION_MODES];
static uint32_t *cycles[INSPECTION_MODES];

static void run(enum inspection_mode mode, uint32_t round)
{
	world_run(mode, cycles[mode] + (size_t)round * world_facts()->steps);
	calls[mode] = *bare_calls();
	if (mode == INSPECTION_RECORD || mode == INSPECTION_READER)
		return;
	if (calls[mode].differences) {
		fprintf(stderr, "inspection: %llu results differ from those written down\n",
			(unsigned long long)calls[mode].differences);
		exit(1);
	}
	calls[mode] = calls[INSPECTION_RECORD]; /* the same calls */
}

static struct inspection_parts measure_parts(void)
{
	const struct world_facts *facts = world_facts();

	return (struct inspection_parts){
		.decided = world_decided(),
		.context = world_context(),
		.bare_context = bare_context(),
		.held = facts->held / facts->detecting,
		.wanted = facts->wanted / facts->detecting,
	};
}

int main(int argc, char **argv)
{
	static const enum inspection_mode turns[][3] = {
		{ INSPECTION_OURS, INSPECTION_BARE, INSPECTION_READER },
		{ INSPECTION_BARE, INSPECTION_OURS, INSPECTION_READER },
	};
	static const char *const standard[] = { "../shared/pcaps" };
	const char *image = NULL, *json = NULL;
	uint32_t rounds = ROUNDS;
	int at = 1;

	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		if (!strcmp(argv[at], "--image"))
			image = argv[at + 1];
		else if (!strcmp(argv[at], "--json"))
			json = argv[at + 1];
		else if (!strcmp(argv[at], "--rounds"))
			rounds = (uint32_t)strtoul(argv[at + 1], NULL, 10);
		else
			break;
	}
	if (!image || !rounds || (at < argc && argv[at][0] == '-')) {
		fprintf(stderr, "usage: inspection --image IMAGE [--json FILE] [--rounds N] [FOLDER..]\n");
		return 2;
	}
	if (world_start(image, at < argc ? (const char *const *)argv + at : standard,
			at < argc ? argc - at : 1)) {
		printf("inspection: no captures; name a folder with some\n");
		return 77;
	}
	for (int mode = 0; mode < INSPECTION_MODES; mode++)
		if (!(cycles[mode] = calloc((size_t)rounds * world_facts()->steps, sizeof(uint32_t))))
			return 1;
	run(INSPECTION_RECORD, 0);
	for (uint32_t round = 0; round < rounds; round++)
		for (int turn = 0; turn < 3; turn++)
			run(turns[round % 2][turn], round);
	struct inspection_parts parts = measure_parts();
	table_print(rounds, cycles, calls, world_facts(), &parts, json);
	return 0;
}
