/* SPDX-License-Identifier: BSD-3-Clause */
#include "mutate.h"

#include <string.h>

#include "repair.h"
#include "sequence.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define GROWTH 64u
#define ROOM (1u << 20)

/* A sequence under work; new bytes are put into `bytes`. */
struct work {
	struct sequence sequence;
	struct dice dice;
	uint32_t used;
	uint8_t bytes[ROOM];
};

static struct sequence_frame *any(struct work *w)
{
	return w->sequence.count ? &w->sequence.frames[roll(&w->dice, w->sequence.count)] : NULL;
}

static struct sequence_frame *any_frame(struct work *w)
{
	struct sequence_frame *frame = any(w);

	return frame && !(frame->flags & ITEM_OPERATION) ? frame : NULL;
}

/* Room for a frame of up to `length` bytes; NULL: enough was done. */
static uint8_t *room(struct work *w, uint32_t length)
{
	if (w->used + length > ROOM)
		return NULL;
	w->used += length;
	return w->bytes + w->used - length;
}

static void insert(struct work *w, uint32_t at, struct sequence_frame frame)
{
	struct sequence *s = &w->sequence;

	if (s->count == SEQUENCE_ITEMS)
		return;
	memmove(&s->frames[at + 1], &s->frames[at], (s->count - at) * sizeof(frame));
	s->frames[at] = frame;
	s->count++;
}

static uint32_t index_of(const struct work *w, const struct sequence_frame *frame)
{
	return (uint32_t)(frame - w->sequence.frames);
}

/* ---- one change each ---- */

static void change_bytes(struct work *w)
{
	struct sequence_frame *frame = any(w);
	uint8_t *bytes = frame ? room(w, frame->length + GROWTH) : NULL;

	if (!bytes)
		return;
	memcpy(bytes, frame->bytes, frame->length);
	frame->length = (uint16_t)LLVMFuzzerMutate(bytes, frame->length, frame->length + GROWTH);
	frame->bytes = bytes;
	if (!(frame->flags & ITEM_OPERATION) && roll(&w->dice, 4))
		repair(bytes, frame->length);
}

static void change_field(struct work *w)
{
	struct sequence_frame *frame = any_frame(w);
	uint8_t *bytes = frame ? room(w, frame->length) : NULL;

	if (!bytes)
		return;
	memcpy(bytes, frame->bytes, frame->length);
	frame->bytes = bytes;
	forge_field(&w->dice, bytes, frame->length);
	if (roll(&w->dice, 8))
		repair(bytes, frame->length);
}

static void change_item(struct work *w)
{
	struct sequence_frame *frame = any(w);

	if (!frame)
		return;
	if (roll(&w->dice, 2))
		frame->time = (uint8_t)roll(&w->dice, 32);
	else
		frame->flags ^= (uint8_t)(1 << roll(&w->dice, 7));
}

static void change_head(struct work *w)
{
	if (roll(&w->dice, 2))
		w->sequence.head.policy = (uint8_t)roll(&w->dice, 8);
	else
		w->sequence.head.world ^= (uint8_t)(1 << roll(&w->dice, 8));
}

static void repeat(struct work *w)
{
	struct sequence_frame *frame = any(w);

	if (frame)
		insert(w, roll(&w->dice, w->sequence.count + 1), *frame);
}

static void remove_some(struct work *w)
{
	struct sequence *s = &w->sequence;
	uint32_t at, count;

	if (s->count < 2)
		return;
	at = roll(&w->dice, s->count);
	count = 1 + (roll(&w->dice, 4) ? 0 : roll(&w->dice, s->count - at));
	memmove(&s->frames[at], &s->frames[at + count], (s->count - at - count) * sizeof(s->frames[0]));
	s->count -= count;
}

static void exchange(struct work *w)
{
	struct sequence_frame *one = any(w), *other = any(w);

	if (!one)
		return;
	struct sequence_frame frame = *one;
	*one = *other;
	*other = frame;
}

static void add_sample(struct work *w)
{
	uint8_t *bytes = room(w, FORGE_MAX);
	uint32_t length = bytes ? forge_sample(&w->dice, bytes) : 0;

	if (length)
		insert(w, roll(&w->dice, w->sequence.count + 1),
		       (struct sequence_frame){ .bytes = bytes, .length = (uint16_t)length });
}

static void add_operation(struct work *w)
{
	uint8_t *bytes = room(w, 2);

	if (!bytes)
		return;
	bytes[0] = (uint8_t)roll(&w->dice, OPERATION_COUNT);
	bytes[1] = (uint8_t)roll(&w->dice, 8);
	insert(w, roll(&w->dice, w->sequence.count + 1),
	       (struct sequence_frame){ .flags = ITEM_OPERATION, .bytes = bytes, .length = 2 });
}

typedef uint32_t (*forger)(struct dice *dice, const uint8_t *frame, uint32_t length, uint8_t *out);

/* What follows from a frame comes after it, a little later; often at once. */
static void add_forged(struct work *w, forger forge)
{
	struct sequence_frame *frame = any_frame(w);
	uint8_t *bytes = frame ? room(w, FORGE_MAX) : NULL;
	uint32_t at, length = bytes ? forge(&w->dice, frame->bytes, frame->length, bytes) : 0;

	if (!length)
		return;
	at = index_of(w, frame) + 1;
	if (!roll(&w->dice, 4))
		at += roll(&w->dice, w->sequence.count + 1 - at);
	insert(w, at,
	       (struct sequence_frame){
		       .flags = frame->flags & ITEM_PORT, .bytes = bytes, .length = (uint16_t)length });
}

static void add_answer(struct work *w)
{
	add_forged(w, forge_answer);
}

static void add_next(struct work *w)
{
	add_forged(w, forge_next);
}

static void add_error(struct work *w)
{
	add_forged(w, forge_error);
}

/* A frame becomes fragments, which may overlap, and need not be all. */
static void cut(struct work *w)
{
	struct sequence_frame *frame = any_frame(w), whole;
	uint32_t at, step, id = roll(&w->dice, 3);

	if (!frame || frame->length < 60)
		return;
	whole = *frame;
	at = index_of(w, frame);
	step = 8 * (1 + roll(&w->dice, (uint32_t)frame->length / 8));
	for (uint32_t from = 0, made = 0; from < whole.length; from += step) {
		uint8_t *bytes = room(w, FORGE_MAX);
		uint32_t to = from + step + (roll(&w->dice, 8) ? 0 : 8), length;

		length = bytes ? forge_fragment(whole.bytes, whole.length, from, to, id, bytes) : 0;
		if (!length)
			return;
		struct sequence_frame piece = { .flags = whole.flags,
						.bytes = bytes,
						.length = (uint16_t)length };
		if (made++ == 0)
			w->sequence.frames[at] = piece;
		else
			insert(w, roll(&w->dice, 2) ? at : at + 1, piece);
	}
}

size_t mutate_sequence(uint8_t *bytes, size_t size, size_t limit, unsigned int seed)
{
	static struct work work; /* large */
	static uint8_t copy[ROOM];
	static void (*const changes[])(struct work * w) = {
		change_bytes, change_bytes, change_bytes, change_field,  change_field,
		change_item,  change_head,  repeat,       remove_some,   exchange,
		add_sample,   add_sample,   add_answer,   add_answer,    add_next,
		add_next,     add_error,    cut,          add_operation,
	};

	if (size > sizeof(copy))
		return LLVMFuzzerMutate(bytes, size, limit);
	memcpy(copy, bytes, size); /* what is written goes to the same place */
	work.dice = (struct dice){ seed };
	work.used = 0;
	sequence_decode(&work.sequence, copy, size);
	if (!work.sequence.count)
		add_sample(&work);
	for (uint32_t i = roll(&work.dice, 3) + 1; i > 0; i--)
		changes[roll(&work.dice, sizeof(changes) / sizeof(changes[0]))](&work);
	return sequence_encode(&work.sequence, bytes, limit);
}

size_t mutate_join(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
		   uint8_t *bytes, size_t limit, unsigned int seed)
{
	static struct sequence first, second;
	struct dice dice = { seed };
	uint32_t cut_at, from, count;

	sequence_decode(&first, one, one_size);
	sequence_decode(&second, other, other_size);
	cut_at = roll(&dice, first.count + 1);
	from = roll(&dice, second.count + 1);
	count = second.count - from;
	if (count > SEQUENCE_ITEMS - cut_at)
		count = SEQUENCE_ITEMS - cut_at;
	memcpy(&first.frames[cut_at], &second.frames[from], count * sizeof(first.frames[0]));
	first.count = cut_at + count;
	return sequence_encode(&first, bytes, limit);
}
