/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures that are damaged in every way of one kind, each damage a variant with a number, and run through the whole
 * dataplane in one process (tests/fuzz/world.h). What a variant finds ends the process; main.c goes on behind it.
 */
#ifndef TESTS_DAMAGE_H
#define TESTS_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define CUT_STEP 7u     /* bytes */
#define FLIP_STEP 1000u /* bits */
/* nDPI looks at no more packets of a session. */
#define PACKETS_INSPECTED 32u

struct damage_frame {
	uint8_t *bytes;
	uint16_t length;
	uint8_t time;           /* since the frame before, as sequence_step_ns() has it */
	uint16_t place;         /* in its session, from 0 */
	uint32_t session;       /* index in `sessions` */
	uint64_t first_bit;     /* of the frame in the capture's frames */
	uint8_t address[2][16]; /* IPv4 mapped; zero without IP */
};

struct damage_session {
	uint32_t frames;
	uint16_t cut_length; /* of the frame that this variant cuts; 0: the session has none */
	uint64_t key;
};

struct damage_capture {
	struct damage_frame *frames;
	struct damage_session *sessions;
	uint32_t count, session_count, longest;
};

/* 0, or 1 if it can not be read as Ethernet: there is nothing to do then. */
int damage_load(struct damage_capture *capture, const char *path);
void damage_free(struct damage_capture *capture);

/* ---- kinds ---- */

struct damage_kind {
	const char *name, *what;
	bool dropped; /* what is damaged is dropped, and nDPI may be shown nothing of it */
	/* how many variants a capture has */
	uint64_t (*count)(const struct damage_capture *capture);
	/* Run one; false: it changes nothing. */
	bool (*run)(struct damage_capture *capture, uint64_t variant);
};

extern const struct damage_kind damage_kinds[];
extern const unsigned int damage_kind_count;

/* After world_open(): addresses that speak with each other are in different segments of the policy. */
void damage_assign(const struct damage_capture *capture);

/* ---- the file itself (damagefile.c) ---- */

/* Give the reader of replay the file cut at every CUT_STEP * every bytes: it must tell as many frames as are whole. Returns the
 * number of cuts; -1: a cut was read wrongly (a line on stderr). */
int64_t damage_file(const char *path, uint64_t every);

#endif
