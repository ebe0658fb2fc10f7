/* SPDX-License-Identifier: BSD-3-Clause */
/* The kinds of damage. A frame that is damaged in one of them is repaired or not: repaired, it reaches nDPI. */
#include <stdlib.h>
#include <string.h>

#include "damage.h"
#include "tests/fuzz/repair.h"
#include "tests/fuzz/world.h"

static const struct sequence_head head = { 0 };

static void show(const struct damage_frame *f, const uint8_t *bytes, uint32_t length)
{
	struct sequence_frame item = { .time = f->time, .length = (uint16_t)length, .bytes = bytes };

	world_item(&item);
}

/* ---- every frame cut, its headers as they are: they claim more than there is ---- */

static uint64_t shorter_count(const struct damage_capture *c)
{
	return c->longest / CUT_STEP;
}

static bool shorter_run(struct damage_capture *c, uint64_t variant)
{
	uint32_t cut = (uint32_t)(variant + 1) * CUT_STEP;

	world_begin(&head);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct damage_frame *f = &c->frames[i];

		show(f, f->bytes, f->length < cut ? f->length : cut);
	}
	world_end();
	return true;
}

/*
 * ---- one frame of each session cut, and made a whole of that length again ----
 *
 * The frames before it are as they were, two behind it follow, and the session ends: nDPI is told of the cut bytes, and asked for a
 * guess. Sessions know nothing of each other, so that this is done for all of a capture at once.
 */

static uint64_t cut_count(const struct damage_capture *c)
{
	return PACKETS_INSPECTED * (uint64_t)(c->longest / CUT_STEP + 1);
}

/* Notes for each session whether its frame `place` is longer than `cut`; false: none is. */
static bool cut_reaches(struct damage_capture *c, uint32_t place, uint32_t cut)
{
	bool any = false;

	for (uint32_t i = 0; i < c->session_count; i++)
		c->sessions[i].cut_length = 0;
	for (uint32_t i = 0; i < c->count; i++) {
		const struct damage_frame *f = &c->frames[i];

		if (f->place == place && f->length > cut) {
			c->sessions[f->session].cut_length = (uint16_t)cut;
			any = true;
		}
	}
	return any;
}

static bool cut_run(struct damage_capture *c, uint64_t variant)
{
	uint32_t cuts = c->longest / CUT_STEP + 1, place = (uint32_t)(variant / cuts);
	uint32_t cut = (uint32_t)(variant % cuts) * CUT_STEP;
	uint8_t bytes[SEQUENCE_FRAME_MAX];

	if (cut < 14 || !cut_reaches(c, place, cut))
		return false;
	world_begin(&head);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct damage_frame *f = &c->frames[i];

		if (!c->sessions[f->session].cut_length || f->place > place + 2)
			continue;
		if (f->place == place) {
			memcpy(bytes, f->bytes, cut);
			repair(bytes, cut);
			show(f, bytes, cut);
		} else {
			show(f, f->bytes, f->length);
		}
	}
	world_end();
	return true;
}

/* ---- one bit of a thousand is another, in headers and payload; each thousandth in turn, as it is and repaired ---- */

static uint64_t flip_count(const struct damage_capture *c)
{
	(void)c;
	return 2ull * FLIP_STEP;
}

static bool flip_run(struct damage_capture *c, uint64_t variant)
{
	uint64_t offset = variant / 2;
	uint8_t bytes[SEQUENCE_FRAME_MAX];

	world_begin(&head);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct damage_frame *f = &c->frames[i];
		uint64_t end = f->first_bit + 8ull * f->length;
		uint64_t bit = (f->first_bit + FLIP_STEP - 1 - offset) / FLIP_STEP * FLIP_STEP + offset;

		memcpy(bytes, f->bytes, f->length);
		for (; bit < end; bit += FLIP_STEP)
			bytes[(bit - f->first_bit) / 8] ^= (uint8_t)(128u >> ((bit - f->first_bit) % 8));
		if (variant % 2)
			repair(bytes, f->length);
		show(f, bytes, f->length);
	}
	world_end();
	return true;
}

const struct damage_kind damage_kinds[] = {
	{ "shorter", "every frame cut at one byte of seven", true, shorter_count, shorter_run },
	{ "cut", "each frame of a session cut at every 7th byte and repaired", false, cut_count, cut_run },
	{ "flip", "every 1,000th bit flipped, from each bit of a thousand on", false, flip_count, flip_run },
};
const unsigned int damage_kind_count = sizeof(damage_kinds) / sizeof(damage_kinds[0]);
