/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the benchmark of inspection (inspection.c tells what is compared). One thread. */
#ifndef BENCH_INSPECTION_H
#define BENCH_INSPECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum inspection_mode {
	INSPECTION_RECORD, /* our stage; each call of the library is written down */
	INSPECTION_OURS,   /* our stage; each call is compared with what was written down */
	INSPECTION_BARE,   /* the same calls without our stage */
	INSPECTION_READER, /* without our stage: as nDPI's own reader shows packets */
	INSPECTION_MODES,
};

/* ---- inspection_bare.c: libndpi alone, with glibc's malloc; the only part that includes its headers ---- */

struct calls {
	uint64_t packets;   /* shown to the library */
	uint64_t handshake; /* .. of these without a frame of their own */
	uint64_t flows;
	uint64_t differences; /* results that are not those that were written down */
};

size_t bare_flow_size(void);
/* Before a run over the captures. BARE, READER: a new module; RECORD, OURS: the allocator is the classifier's. */
void bare_begin(enum inspection_mode mode);
void bare_end(void);
/* From here on calls belong to this step. `l3`: packet of the step's frame, NULL: none. */
void bare_step(uint32_t step, const uint8_t *l3);
/* BARE: make the calls that were written down for the step, with the packet of this run. */
void bare_replay(uint32_t step, const uint8_t *l3);
/* READER: one packet of the session with reader's state *id (0: none yet). Returns whether the reader is done with it. */
bool bare_read(uint32_t *id, const uint8_t *l3, uint16_t length, uint64_t ms, bool reply, uint8_t protocol);
void bare_read_end(uint32_t *id);
const struct calls *bare_calls(void);
size_t
bare_asked(void); /* RECORD: bytes that the library has asked for and not released, its caches among them */

/* ---- inspection_world.c: captures in memory, and the dataplane round the stage ---- */

struct world_facts {
	uint32_t captures, frames, steps;
	/* RECORD, second pass: summed up over the frames at which a session was under detection */
	double held, wanted; /* bytes: ours; nDPI's struct and what it asks for */
	double detecting;    /* sessions */
};

int world_start(const char *image, const char *const *folders, int count);
/* Run the captures; cycles of the stage and of the ends of sessions, by step. */
void world_run(enum inspection_mode mode, uint32_t *cycles);
const struct world_facts *world_facts(void);
/* Cycles of the stage for a frame of a session that needs no inspection, in a burst. */
double world_decided(void);
/* Cycles of giving a session a context and taking it back, and of zeroing and allocating nDPI's struct with glibc. */
double world_context(void);
double bare_context(void);

/* ---- inspection_table.c ---- */

/* Single figures; per session under detection: bytes that are held and bytes that nDPI's struct and requests make up. */
struct inspection_parts {
	double decided, context, bare_context, held, wanted;
};

/* json NULL: the table alone. */
void table_print(uint32_t rounds, uint32_t *const cycles[INSPECTION_MODES],
		 const struct calls calls[INSPECTION_MODES], const struct world_facts *facts,
		 const struct inspection_parts *parts, const char *json);

#endif
