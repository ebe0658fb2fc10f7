/* SPDX-License-Identifier: BSD-3-Clause */
#include "streamhead.h"

static bool is_known(const struct stream_head *head, uint32_t at)
{
	return head->known[at / 8] >> (at % 8) & 1;
}

bool stream_head_agrees(struct stream_head *head, uint32_t seq, const uint8_t *bytes, uint32_t length)
{
	if (!head->begun) {
		head->first = seq;
		head->begun = true;
	}
	/* sequence numbers wrap (RFC 9293, 3.4) */
	int32_t offset = (int32_t)(seq - head->first);
	uint32_t skip = offset < 0 ? 0u - (uint32_t)offset : 0, at = offset < 0 ? 0 : (uint32_t)offset;

	if (skip >= length || at >= STREAM_HEAD)
		return true;
	bytes += skip;
	length -= skip;
	if (length > STREAM_HEAD - at)
		length = STREAM_HEAD - at;
	for (uint32_t i = 0; i < length; i++)
		if (is_known(head, at + i) && head->bytes[at + i] != bytes[i])
			return false;
	for (uint32_t i = 0; i < length; i++) {
		head->bytes[at + i] = bytes[i];
		head->known[(at + i) / 8] |= (uint8_t)(1u << ((at + i) % 8));
	}
	return true;
}
