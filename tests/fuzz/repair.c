/* SPDX-License-Identifier: BSD-3-Clause */
#include "repair.h"

#include <netinet/in.h>
#include <string.h>

#define CHAIN_MAX 8

static void view_ip4(struct view *v, const uint8_t *frame)
{
	uint32_t header = (frame[v->l3] & 15u) * 4;

	if (v->length < v->l3 + 20 || header < 20 || v->length < v->l3 + header)
		return;
	v->version = 4;
	v->protocol = frame[v->l3 + 9];
	v->fragment = get16(frame + v->l3 + 6) & 0x3fff;
	v->l4 = v->l3 + header;
}

static void view_ip6(struct view *v, const uint8_t *frame)
{
	if (v->length < v->l3 + 40)
		return;
	v->version = 6;
	v->protocol = frame[v->l3 + 6];
	v->l4 = v->l3 + 40;
	for (int i = 0; i < CHAIN_MAX && v->l4 + 8 <= v->length; i++) {
		const uint8_t *header = frame + v->l4;

		if (v->protocol == IPPROTO_FRAGMENT) {
			v->fragment |= get16(header + 2) & 0xfff9;
			v->l4 += 8;
		} else if (v->protocol == IPPROTO_HOPOPTS || v->protocol == IPPROTO_DSTOPTS ||
			   v->protocol == IPPROTO_ROUTING) {
			v->l4 += 8u + header[1] * 8u;
		} else {
			return;
		}
		v->protocol = header[0];
	}
}

struct view view_of(const uint8_t *frame, uint32_t length)
{
	struct view v = { .length = length };
	uint32_t at = 12;

	if (length < 14)
		return v;
	if (get16(frame + at) == 0x8100 && length >= 18) {
		v.tag = at + 2;
		at += 4;
	}
	v.l3 = at + 2;
	if (get16(frame + at) == 0x0800 && length > v.l3)
		view_ip4(&v, frame);
	else if (get16(frame + at) == 0x86dd)
		view_ip6(&v, frame);
	if (v.l4 > length)
		v.l4 = 0;
	return v;
}

static uint32_t sum(const uint8_t *p, uint32_t length)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < length; i++)
		total += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static uint32_t crc32c(const uint8_t *p, uint32_t length)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < length; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

static void repair_transport(uint8_t *frame, const struct view *v)
{
	uint32_t length = v->length - v->l4, field;
	uint8_t *l4 = frame + v->l4, *ip = frame + v->l3;
	bool pseudo = v->version == 6 || v->protocol == IPPROTO_TCP || v->protocol == IPPROTO_UDP;

	switch (v->protocol) {
	case IPPROTO_TCP:
		field = 16;
		break;
	case IPPROTO_UDP:
		field = 6;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
	case IPPROTO_ICMPV6:
		field = 2;
		break;
	case IPPROTO_SCTP:
		if (length >= 12) {
			memset(l4 + 8, 0, 4);
			uint32_t crc = crc32c(l4, length);
			memcpy(l4 + 8, &crc, 4);
		}
		return;
	default:
		return;
	}
	if (length < field + 2)
		return;
	if (v->protocol == IPPROTO_UDP)
		set16(l4 + 4, length);
	set16(l4 + field, 0);
	uint32_t total = sum(l4, length);
	if (pseudo)
		total += (v->version == 6 ? sum(ip + 8, 32) : sum(ip + 12, 8)) + length + v->protocol;
	set16(l4 + field, fold(total));
}

void repair(uint8_t *frame, uint32_t length)
{
	struct view v = view_of(frame, length);

	if (!v.version)
		return;
	uint8_t *ip = frame + v.l3;
	if (v.version == 6)
		set16(ip + 4, length - v.l3 - 40);
	else
		set16(ip + 2, length - v.l3);
	if (v.l4 && !v.fragment)
		repair_transport(frame, &v);
	if (v.version == 4) {
		set16(ip + 10, 0);
		set16(ip + 10, fold(sum(ip, (ip[0] & 15u) * 4)));
	}
}
