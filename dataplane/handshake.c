/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake.h"

#include <netinet/in.h>
#include <string.h>

static void put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, (uint16_t)(value >> 16));
	put16(to + 2, (uint16_t)value);
}

static bool is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, mapped, sizeof(mapped));
}

/* Checksums stay zero: the library looks at none. Returns the transport header. */
static uint8_t *put_ip(uint8_t *packet, const struct flow_key *key, bool source, uint8_t transport_size)
{
	if (is_ipv4(key->address[0])) {
		packet[0] = 0x45;
		put16(packet + 2, 20 + transport_size);
		packet[8] = 64;
		packet[9] = key->protocol;
		memcpy(packet + 12, key->address[source] + 12, 4);
		memcpy(packet + 16, key->address[!source] + 12, 4);
		return packet + 20;
	}
	packet[0] = 0x60;
	put16(packet + 4, transport_size);
	packet[6] = key->protocol;
	packet[7] = 64;
	memcpy(packet + 8, key->address[source], 16);
	memcpy(packet + 24, key->address[!source], 16);
	return packet + 40;
}

uint16_t handshake_packet(const struct flow *flow, bool from_initiator, uint8_t flags, uint32_t seq,
			  uint32_t ack, uint8_t packet[static HANDSHAKE_SIZE])
{
	const struct flow_key *key = &flow->key;
	bool reversed = flow->flags & FLOW_REVERSED; /* the initiator is the second of the key */
	bool source = from_initiator ? reversed : !reversed;
	uint8_t size = key->protocol == IPPROTO_TCP ? 20 : 8;

	memset(packet, 0, HANDSHAKE_SIZE);
	uint8_t *transport = put_ip(packet, key, source, size);
	put16(transport, key->port[source]);
	put16(transport + 2, key->port[!source]);
	if (key->protocol == IPPROTO_TCP) {
		put32(transport + 4, seq);
		put32(transport + 8, ack);
		transport[12] = 5 << 4;
		transport[13] = flags;
		put16(transport + 14, UINT16_MAX);
	} else {
		put16(transport + 4, size);
	}
	return (uint16_t)(transport - packet + size);
}
