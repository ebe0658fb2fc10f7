/* SPDX-License-Identifier: BSD-3-Clause */
#include "clienthello.h"

#define CONTENT_CHANGE_CIPHER 20
#define CONTENT_ALERT 21
#define CONTENT_HANDSHAKE 22
#define CLIENT_HELLO 1
#define VERSION_AND_RANDOM 34
#define SESSION_ID_MAX 32
#define RECORD_MAX (16384 + 256)
#define EXTENSION_ECH 0xfe0d

/* What the field is that is being read, in the order of the message (RFC 8446, 4.1.2). */
enum step { IDLE, MESSAGE, SESSION_ID, CIPHERS, COMPRESSION, EXTENSIONS, EXTENSION, FOUND };

/* Field of `want` bytes, after `skip` bytes of no interest. */
static void next(struct client_hello *hello, uint16_t skip, uint8_t want, enum step step)
{
	hello->skip = skip;
	hello->want = want;
	hello->value = 0;
	hello->step = (uint8_t)step;
}

static void end(struct client_hello *hello)
{
	hello->step = IDLE;
}

static void message_header(struct client_hello *hello)
{
	if (hello->value >> 24 != CLIENT_HELLO) {
		end(hello);
		return;
	}
	hello->message_left = hello->value & 0xffffff;
	next(hello, VERSION_AND_RANDOM, 1, SESSION_ID);
}

static void extensions_length(struct client_hello *hello)
{
	if (hello->value > hello->message_left) {
		end(hello);
		return;
	}
	hello->message_left = hello->value;
	next(hello, 0, 4, EXTENSION);
}

/* A field of the message is whole. */
static void field_end(struct client_hello *hello)
{
	uint32_t value = hello->value;

	switch (hello->step) {
	case MESSAGE:
		message_header(hello);
		return;
	case SESSION_ID:
		if (value > SESSION_ID_MAX)
			end(hello);
		else
			next(hello, (uint16_t)value, 2, CIPHERS);
		return;
	case CIPHERS:
		next(hello, (uint16_t)value, 1, COMPRESSION);
		return;
	case COMPRESSION:
		next(hello, (uint16_t)value, 2, EXTENSIONS);
		return;
	case EXTENSIONS:
		extensions_length(hello);
		return;
	case EXTENSION:
		if (value >> 16 == EXTENSION_ECH)
			hello->step = FOUND;
		else
			next(hello, (uint16_t)value, 4, EXTENSION);
		return;
	default:
		end(hello);
	}
}

/* Content of a record: at most `length` bytes, and no more than the record has. Returns how many were taken. */
static size_t content(struct client_hello *hello, const uint8_t *bytes, size_t length)
{
	bool header = hello->step == MESSAGE;
	size_t taken = 1;

	if (length > hello->record_left)
		length = hello->record_left;
	if (hello->other) {
		hello->record_left = (uint16_t)(hello->record_left - length);
		return length;
	}
	if (hello->skip)
		taken = length < hello->skip ? length : hello->skip;
	if (!header && taken > hello->message_left) { /* it ends within an element, or for good */
		end(hello);
		return length;
	}
	hello->record_left = (uint16_t)(hello->record_left - taken);
	if (!header)
		hello->message_left -= (uint32_t)taken;
	if (hello->skip) {
		hello->skip = (uint16_t)(hello->skip - taken);
		return taken;
	}
	hello->value = hello->value << 8 | bytes[0];
	if (!--hello->want)
		field_end(hello);
	return taken;
}

/* What a server may be sent before a hello, or before its second one (RFC 8446, 5 and D.4). */
static bool may_precede(uint8_t type)
{
	return type == CONTENT_ALERT || type == CONTENT_CHANGE_CIPHER;
}

/* A byte of the header that is before a record's content: type, version 3.x, length. */
static void record_header(struct client_hello *hello, uint8_t byte)
{
	uint8_t at = hello->record_at++;

	if ((at == 0 && byte != CONTENT_HANDSHAKE && !may_precede(byte)) || (at == 1 && byte != 3)) {
		end(hello);
		return;
	}
	if (at == 0)
		hello->other = byte != CONTENT_HANDSHAKE;
	if (at < 3)
		return;
	hello->record_left = (uint16_t)(hello->record_left << 8 | byte);
	if (at < 4)
		return;
	hello->record_at = 0;
	if (hello->record_left > RECORD_MAX) {
		hello->record_left = 0;
		end(hello);
	}
}

void client_hello_read(struct client_hello *hello, uint32_t seq, const uint8_t *bytes, size_t length)
{
	/* sequence numbers wrap (RFC 9293, 3.4) */
	uint32_t seen = hello->next - seq;

	if (hello->step == FOUND || !length)
		return;
	if ((int32_t)seen < 0)
		end(hello); /* a gap */
	if (hello->step == IDLE && (bytes[0] == CONTENT_HANDSHAKE || may_precede(bytes[0]))) {
		*hello = (struct client_hello){ .next = seq };
		next(hello, 0, 4, MESSAGE);
		seen = 0;
	}
	if (hello->step == IDLE)
		return;
	if (seen >= length)
		return;
	hello->next = seq + (uint32_t)length;
	for (size_t at = seen; at < length && hello->step != IDLE && hello->step != FOUND;) {
		if (hello->record_left && !hello->record_at)
			at += content(hello, bytes + at, length - at);
		else
			record_header(hello, bytes[at++]);
	}
}

bool client_hello_has_ech(const struct client_hello *hello)
{
	return hello->step == FOUND;
}
