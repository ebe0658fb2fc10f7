/* SPDX-License-Identifier: BSD-3-Clause */
#include "mutate.h"

#include <netinet/in.h>
#include <string.h>

#include "repair.h"
#include "tests/unit/dataplane/payloads.h"
#include "tests/unit/dataplane/samples.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

uint32_t roll(struct dice *dice, uint32_t below)
{
	/* splitmix64 */
	uint64_t z = dice->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 16) % below;
}

uint32_t forge_sample(struct dice *dice, uint8_t *out)
{
	static struct craft craft;
	const uint32_t count = sizeof(samples) / sizeof(samples[0]);

	samples[roll(dice, count)](&craft);
	if (craft.length > FORGE_MAX)
		return 0;
	memcpy(out, craft.bytes, craft.length);
	return craft.length;
}

/* ---- what a session says ---- */

static const struct payload *payload(struct dice *dice)
{
	static const char *const texts[] = { "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
					     "220 mail.example ESMTP\r\n",
					     "EHLO a.example\r\n",
					     "USER anonymous\r\n",
					     "x",
					     "\x03\x00\x00\x13\x0e\xe0",
					     "BitTorrent protocol" };

	switch (roll(dice, 9)) {
	case 0:
		return payload_http_request("app.shop.example");
	case 1:
		return payload_http_response();
	case 2:
		return payload_client_hello(roll(dice, 4) ? "a.erp.example" : NULL);
	case 3:
		return payload_dns("www.example.com", false);
	case 4:
		return payload_dns("www.example.com", true);
	case 5:
		return payload_postgres_startup();
	case 6:
		return payload_postgres_welcome();
	default:
		return payload_text(texts[roll(dice, sizeof(texts) / sizeof(texts[0]))]);
	}
}

static void swap(uint8_t *one, uint8_t *other, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		uint8_t byte = one[i];

		one[i] = other[i];
		other[i] = byte;
	}
}

static uint32_t append(struct dice *dice, uint8_t *out, uint32_t at)
{
	const struct payload *p = payload(dice);

	if (at + p->length > FORGE_MAX)
		return at;
	memcpy(out + at, p->bytes, p->length);
	return at + (uint32_t)p->length;
}

/* Bytes of sequence space that a TCP segment takes. */
static uint32_t tcp_extent(const uint8_t *frame, const struct view *v)
{
	const uint8_t *tcp = frame + v->l4;
	uint32_t header = (tcp[12] >> 4) * 4u, rest = v->length - v->l4;

	return (rest > header ? rest - header : 0) + !!(tcp[13] & SYN) + !!(tcp[13] & FIN);
}

/* The TCP header of a segment that goes on from one of the same direction (`extent` later), or answers. */
static uint32_t tcp_go_on(struct dice *dice, uint8_t *out, const struct view *v, uint8_t before)
{
	uint8_t *tcp = out + v->l4;
	uint32_t end = v->l4 + 20;
	bool answers_syn = (before & (SYN | ACK)) == SYN;

	tcp[12] = 0x50;
	tcp[13] = answers_syn ? SYN | ACK : ACK;
	if (answers_syn)
		return end;
	switch (roll(dice, 8)) {
	case 0:
		tcp[13] = FIN | ACK;
		break;
	case 1:
		tcp[13] = RST;
		break;
	case 2:
		break;
	default:
		tcp[13] = 0x18;
		end = append(dice, out, end);
	}
	return end;
}

static void turn_round(uint8_t *out, const struct view *v)
{
	/* the VLANs of two machines are those of two segments: which they are is learned by trying */
	swap(out, out + 6, 6);
	if (v->version == 4)
		swap(out + v->l3 + 12, out + v->l3 + 16, 4);
	else
		swap(out + v->l3 + 8, out + v->l3 + 24, 16);
	if (v->tag && get16(out + v->tag) % 4096 == 101)
		set16(out + v->tag, 102);
	else if (v->tag)
		set16(out + v->tag, 101);
}

static bool has_ports(const struct view *v)
{
	return v->version && v->l4 && !v->fragment &&
	       ((v->protocol == IPPROTO_TCP && v->length >= v->l4 + 20) ||
		(v->protocol == IPPROTO_UDP && v->length >= v->l4 + 8));
}

uint32_t forge_answer(struct dice *dice, const uint8_t *frame, uint32_t length, uint8_t *out)
{
	struct view v = view_of(frame, length);
	uint32_t end = length;

	if (!v.version || !v.l4 || length > FORGE_MAX || length < v.l4 + 8)
		return 0;
	memcpy(out, frame, length);
	turn_round(out, &v);
	if (has_ports(&v)) {
		swap(out + v.l4, out + v.l4 + 2, 2);
		end = v.l4 + 8;
		if (v.protocol == IPPROTO_TCP) {
			set32(out + v.l4 + 4,
			      frame[v.l4 + 13] & ACK ? get32(frame + v.l4 + 8) : roll(dice, 1000));
			set32(out + v.l4 + 8, get32(frame + v.l4 + 4) + tcp_extent(frame, &v));
			end = tcp_go_on(dice, out, &v, frame[v.l4 + 13]);
		} else {
			end = append(dice, out, end);
		}
	} else if (v.protocol == IPPROTO_ICMP && out[v.l4] == 8) {
		out[v.l4] = 0;
	} else if (v.protocol == IPPROTO_ICMPV6 && (out[v.l4] == 128 || out[v.l4] == 135)) {
		out[v.l4]++;
	}
	repair(out, end);
	return end;
}

uint32_t forge_next(struct dice *dice, const uint8_t *frame, uint32_t length, uint8_t *out)
{
	struct view v = view_of(frame, length);
	uint32_t end;

	if (!has_ports(&v) || length > FORGE_MAX)
		return 0;
	memcpy(out, frame, length);
	if (v.protocol == IPPROTO_TCP) {
		set32(out + v.l4 + 4, get32(frame + v.l4 + 4) + tcp_extent(frame, &v));
		end = tcp_go_on(dice, out, &v, ACK);
	} else {
		end = append(dice, out, v.l4 + 8);
	}
	repair(out, end);
	return end;
}

/* type and code, by version */
static const uint8_t errors[2][7][2] = {
	{ { 3, 1 }, { 3, 3 }, { 3, 4 }, { 3, 13 }, { 11, 0 }, { 12, 0 }, { 5, 1 } },
	{ { 1, 0 }, { 1, 4 }, { 2, 0 }, { 3, 0 }, { 4, 1 }, { 4, 0 }, { 137, 0 } },
};

uint32_t forge_error(struct dice *dice, const uint8_t *frame, uint32_t length, uint8_t *out)
{
	struct view v = view_of(frame, length);
	uint32_t kind = roll(dice, 7), quoted, at;

	if (!v.version || length < v.l3 + 40 || length > FORGE_MAX / 2)
		return 0;
	quoted = roll(dice, 3) ? length - v.l3 : v.l4 - v.l3 + 8;
	if (quoted > length - v.l3)
		return 0;
	memcpy(out, frame, v.l3 + 40);
	turn_round(out, &v);
	at = v.l3 + (v.version == 4 ? 20 : 40);
	if (v.version == 4) {
		out[v.l3] = 0x45;
		set16(out + v.l3 + 6, 0);
		out[v.l3 + 9] = IPPROTO_ICMP;
	} else {
		out[v.l3 + 6] = IPPROTO_ICMPV6;
	}
	memset(out + at, 0, 8);
	memcpy(out + at, errors[v.version == 6][kind], 2);
	if (kind < 4)
		set32(out + at + 4, 1400);
	memcpy(out + at + 8, frame + v.l3, quoted);
	repair(out, at + 8 + quoted);
	return at + 8 + quoted;
}

uint32_t forge_fragment(const uint8_t *frame, uint32_t length, uint32_t from, uint32_t to, uint32_t id,
			uint8_t *out)
{
	struct view v = view_of(frame, length);
	uint32_t data = v.l3 + (v.version == 4 ? 20 : 40), at = data;

	if (!v.version || v.fragment || length < data || from >= length - data || to <= from)
		return 0;
	if (to > length - data)
		to = length - data;
	bool more = to < length - data;
	if (at + 8 + to - from > FORGE_MAX)
		return 0;
	memcpy(out, frame, data);
	if (v.version == 4) {
		out[v.l3] = 0x45;
		set16(out + v.l3 + 4, id);
		set16(out + v.l3 + 6, from / 8 | (more ? 0x2000 : 0));
	} else {
		out[at] = out[v.l3 + 6];
		out[at + 1] = 0;
		set16(out + at + 2, from | more);
		set32(out + at + 4, id);
		out[v.l3 + 6] = IPPROTO_FRAGMENT;
		at += 8;
	}
	memcpy(out + at, frame + data + from, to - from);
	repair(out, at + to - from);
	return at + to - from;
}

/* ---- fields ---- */

static void field_tcp(struct dice *dice, uint8_t *tcp)
{
	static const uint8_t flags[] = { SYN, SYN | ACK, ACK, 0x18, FIN | ACK, RST, RST | ACK, 0x38, FIN, 0 };
	uint32_t nudge = roll(dice, 5) - 2;

	switch (roll(dice, 7)) {
	case 0:
		tcp[13] = flags[roll(dice, sizeof(flags))];
		break;
	case 1:
		set32(tcp + 4, get32(tcp + 4) + nudge);
		break;
	case 2:
		set32(tcp + 8, get32(tcp + 8) + nudge);
		break;
	case 3:
		set32(tcp + 4, get32(tcp + 4) + (1u << roll(dice, 32)));
		break;
	case 4:
		set16(tcp + 14, roll(dice, 2) ? 0 : 0xffff);
		break;
	case 5:
		tcp[12] = (uint8_t)(roll(dice, 16) << 4);
		break;
	default:
		set16(tcp + 2 * roll(dice, 2), (uint32_t[]){ 22, 53, 80, 443, 5432, 8080 }[roll(dice, 6)]);
	}
}

static void field_ip(struct dice *dice, uint8_t *frame, const struct view *v)
{
	static const uint8_t protocols[] = { 1, 2, 6, 17, 41, 47, 50, 58, 132, 0, 43, 44, 59, 60 };
	uint8_t *ip = frame + v->l3;

	switch (roll(dice, 4)) {
	case 0:
		ip[v->version == 4 ? 9 : 6] = protocols[roll(dice, sizeof(protocols))];
		break;
	case 1:
		ip[v->version == 4 ? 8 : 7] = (uint8_t)(roll(dice, 3) * 127 + 1);
		break;
	case 2:
		ip[(v->version == 4 ? 15 : 23) + (v->version == 4 ? 4 : 16) * roll(dice, 2)] =
			(uint8_t)roll(dice, 4);
		break;
	default:
		if (v->version == 4)
			set16(ip + 6, roll(dice, 3) ? roll(dice, 4) | 0x2000 * roll(dice, 2) : 0x1fff);
	}
}

void forge_field(struct dice *dice, uint8_t *frame, uint32_t length)
{
	static const uint16_t vlans[] = { 100, 101, 102, 103, 0, 4095, 999 };
	struct view v = view_of(frame, length);
	uint32_t what = roll(dice, 8);

	if (length < 14)
		return;
	if (what == 0 && v.tag)
		set16(frame + v.tag, vlans[roll(dice, 7)] | roll(dice, 2) << 13);
	else if (what == 1)
		frame[5 + 6 * roll(dice, 2)] = (uint8_t)roll(dice, 4);
	else if (what == 2)
		memset(frame, roll(dice, 2) ? 0xff : 0x33, 6);
	else if (what < 5 && v.version)
		field_ip(dice, frame, &v);
	else if (has_ports(&v) && v.protocol == IPPROTO_TCP)
		field_tcp(dice, frame + v.l4);
	else if (v.l4 && length > v.l4 + 4)
		frame[v.l4 + roll(dice, 4)] = (uint8_t)roll(dice, 256);
}
