/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does a TLS client say Encrypted Client Hello (RFC 8446, 4.1.2 with extension 0xfe0d of draft-ietf-tls-esni)? nDPI 4.2 does not tell.
 * Only the lengths of the message are followed, piece by piece as TCP brings it; nothing is kept of it.
 */
#ifndef DATAPLANE_CLIENTHELLO_H
#define DATAPLANE_CLIENTHELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised: nothing was seen yet. */
struct client_hello {
	uint32_t next;         /* sequence number that follows what was read */
	uint32_t value;        /* of the field that is being read */
	uint32_t message_left; /* bytes of the message, after its header */
	uint16_t skip;         /* bytes of it that are of no interest */
	uint16_t record_left;  /* bytes of the TLS record that are still to come, as read so far */
	uint8_t record_at;     /* bytes of a header that is not whole yet */
	uint8_t want;          /* bytes of the field that are still to come */
	uint8_t step;
	uint8_t other; /* the record is none of a handshake */
};

/* The next payload of the client's side, `seq` its sequence number. What was read before is left out, alerts, empty records and a change
 * of cipher are passed over, a gap or anything else that is no hello ends the reading; a later payload that begins as TLS does begins
 * it anew. */
void client_hello_read(struct client_hello *hello, uint32_t seq, const uint8_t *bytes, size_t length);
/* Whether the extension was found. Not found: there is none, or the hello was not read to its end. */
bool client_hello_has_ech(const struct client_hello *hello);

#endif
