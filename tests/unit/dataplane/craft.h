/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames made by hand, for tests: Ethernet with tag 101, and what is asked for. Checksums are computed byte by byte by
 * the code below, which shares nothing with the dataplane's.
 */
#ifndef TESTS_CRAFT_H
#define TESTS_CRAFT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CRAFT_MAX 66000u
#define CRAFT_L3 18u
#define CRAFT_L4_4 (CRAFT_L3 + 20u)
#define CRAFT_L4_6 (CRAFT_L3 + 40u)

struct craft {
	uint8_t bytes[CRAFT_MAX];
	uint32_t length;
};

static inline void craft_put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void craft_put32(uint8_t *p, uint32_t value)
{
	craft_put16(p, value >> 16);
	craft_put16(p + 2, value);
}

static inline void craft_add(struct craft *c, const void *bytes, uint32_t length)
{
	memcpy(c->bytes + c->length, bytes, length);
	c->length += length;
}

static inline void craft_ethernet(struct craft *c, uint16_t ethertype)
{
	static const uint8_t header[16] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0x00, 0, 101 };
	uint8_t type[2];

	c->length = 0;
	craft_add(c, header, sizeof(header));
	craft_put16(type, ethertype);
	craft_add(c, type, 2);
}

/* 10.0.0.1 to 10.0.0.2 */
static inline void craft_ip4(struct craft *c, uint8_t protocol)
{
	static const uint8_t header[20] = { 0x45, 0, 0,  20, 0x12, 0x34, 0,  0, 64, 0,
					    0,    0, 10, 0,  0,    1,    10, 0, 0,  2 };

	craft_ethernet(c, 0x0800);
	craft_add(c, header, sizeof(header));
	c->bytes[CRAFT_L3 + 9] = protocol;
}

/* 2001:db8::1 to 2001:db8::2 */
static inline void craft_ip6(struct craft *c, uint8_t next)
{
	static const uint8_t header[40] = { 0x60, 0,    0,    0,        0,    0,    0,    64,   0x20,
					    0x01, 0x0d, 0xb8, [23] = 1, 0x20, 0x01, 0x0d, 0xb8, [39] = 2 };

	craft_ethernet(c, 0x86dd);
	craft_add(c, header, sizeof(header));
	c->bytes[CRAFT_L3 + 6] = next;
}

static inline uint32_t craft_sum(const uint8_t *p, uint32_t length)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < length; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static inline uint16_t craft_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* IPv4: total length and header checksum by what is there. IPv6: payload length. */
static inline void craft_lengths(struct craft *c)
{
	uint8_t *ip = c->bytes + CRAFT_L3;

	if (ip[0] >> 4 == 6) {
		craft_put16(ip + 4, c->length - CRAFT_L3 - 40);
		return;
	}
	craft_put16(ip + 2, c->length - CRAFT_L3);
}

static inline void craft_header_checksum(struct craft *c)
{
	uint8_t *ip = c->bytes + CRAFT_L3;

	if (ip[0] >> 4 != 4)
		return;
	craft_put16(ip + 10, 0);
	craft_put16(ip + 10, craft_fold(craft_sum(ip, (ip[0] & 15u) * 4)));
}

/* CRC32c bit by bit */
static inline uint32_t craft_crc(const uint8_t *p, uint32_t length)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < length; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

/* Checksum of the transport at `at`, of `length` bytes. */
static inline void craft_transport(struct craft *c, uint8_t protocol, uint32_t at, uint32_t length)
{
	uint8_t *l4 = c->bytes + at, *ip = c->bytes + CRAFT_L3;
	bool ip6 = ip[0] >> 4 == 6;
	uint32_t field = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
	uint32_t sum = 0;

	if (protocol == 132) {
		memset(l4 + 8, 0, 4);
		uint32_t crc = craft_crc(l4, length);
		memcpy(l4 + 8, &crc, 4); /* least significant byte first */
		return;
	}
	if (ip6 || protocol == 6 || protocol == 17)
		sum = (ip6 ? craft_sum(ip + 8, 32) : craft_sum(ip + 12, 8)) + length + protocol;
	craft_put16(l4 + field, 0);
	craft_put16(l4 + field, craft_fold(sum + craft_sum(l4, length)));
}

/* All lengths and checksums of a frame whose transport follows the IP header (IPv6: of 40 bytes). */
static inline void craft_finish(struct craft *c)
{
	const uint8_t *ip = c->bytes + CRAFT_L3;
	bool ip6 = ip[0] >> 4 == 6;
	uint8_t protocol = ip6 ? ip[6] : ip[9];
	uint32_t at = CRAFT_L3 + (ip6 ? 40 : (ip[0] & 15u) * 4);

	craft_lengths(c);
	craft_header_checksum(c);
	if (protocol == 1 || protocol == 2 || protocol == 6 || protocol == 17 || protocol == 58 ||
	    protocol == 132)
		craft_transport(c, protocol, at, c->length - at);
}

static inline void craft_tcp(struct craft *c, uint16_t source, uint16_t destination, uint8_t flags)
{
	uint8_t tcp[20] = { [4] = 0x11, [11] = 0x22, [12] = 0x50, [14] = 0x10 };

	craft_put16(tcp, source);
	craft_put16(tcp + 2, destination);
	tcp[13] = flags;
	craft_add(c, tcp, sizeof(tcp));
}

static inline void craft_udp(struct craft *c, uint16_t source, uint16_t destination, const void *payload,
			     uint32_t length)
{
	uint8_t udp[8] = { 0 };

	craft_put16(udp, source);
	craft_put16(udp + 2, destination);
	craft_put16(udp + 4, length + 8);
	craft_add(c, udp, sizeof(udp));
	craft_add(c, payload, length);
}

/* type, code, and the four bytes behind the checksum */
static inline void craft_icmp(struct craft *c, uint8_t type, uint8_t code, uint32_t rest)
{
	uint8_t icmp[8] = { type, code };

	craft_put32(icmp + 4, rest);
	craft_add(c, icmp, sizeof(icmp));
}

#endif
