/* SPDX-License-Identifier: BSD-3-Clause */
#include "sequence.h"

#include <string.h>

void sequence_decode(struct sequence *sequence, const uint8_t *bytes, size_t size)
{
	sequence->head = (struct sequence_head){ 0 };
	sequence->count = 0;
	if (size < sizeof(sequence->head))
		return;
	memcpy(&sequence->head, bytes, sizeof(sequence->head));
	for (size_t at = sizeof(sequence->head);
	     at + sizeof(struct sequence_item) < size && sequence->count < SEQUENCE_ITEMS;) {
		struct sequence_frame *frame = &sequence->frames[sequence->count++];
		struct sequence_item item;

		memcpy(&item, bytes + at, sizeof(item));
		at += sizeof(item);
		size_t length = (size_t)item.length[0] | (size_t)item.length[1] << 8;
		if (length > size - at)
			length = size - at;
		*frame = (struct sequence_frame){
			.flags = item.flags,
			.time = item.time,
			.length = (uint16_t)(length < SEQUENCE_FRAME_MAX ? length : SEQUENCE_FRAME_MAX),
			.bytes = bytes + at,
		};
		at += length;
	}
}

size_t sequence_encode(const struct sequence *sequence, uint8_t *bytes, size_t room)
{
	size_t at = sizeof(sequence->head);

	if (room < at)
		return 0;
	memcpy(bytes, &sequence->head, sizeof(sequence->head));
	for (uint32_t i = 0; i < sequence->count; i++) {
		const struct sequence_frame *frame = &sequence->frames[i];
		struct sequence_item item = { .flags = frame->flags,
					      .time = frame->time,
					      .length = { (uint8_t)frame->length,
							  (uint8_t)(frame->length >> 8) } };

		if (room - at < sizeof(item) + frame->length)
			break;
		memcpy(bytes + at, &item, sizeof(item));
		memcpy(bytes + at + sizeof(item), frame->bytes, frame->length);
		at += sizeof(item) + frame->length;
	}
	return at;
}
