/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets without payload that nDPI is shown before the first one with: in 4.2 a TCP flow that does not begin with a SYN is
 * given up at once, and a context is only made at the first payload.
 */
#ifndef DATAPLANE_HANDSHAKE_H
#define DATAPLANE_HANDSHAKE_H

#include <stdint.h>

#include "flow.h"

#define HANDSHAKE_SIZE 60 /* IPv6 and TCP */

/* Write an IP packet of the session without payload: TCP with `flags`, or an empty UDP datagram. Returns its length. */
uint16_t handshake_packet(const struct flow *flow, bool from_initiator, uint8_t flags, uint32_t seq,
			  uint32_t ack, uint8_t packet[static HANDSHAKE_SIZE]);

#endif
