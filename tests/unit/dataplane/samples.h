/* SPDX-License-Identifier: BSD-3-Clause */
/* Good frames of every kind that the parser reads, on VLAN 101. */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

#include "craft.h"

#define TEN "0123456789"

static inline void sample_tcp4(struct craft *c)
{
	craft_ip4(c, 6);
	craft_tcp(c, 40000, 443, 0x18);
	craft_add(c, TEN, 10);
	craft_finish(c);
}

static inline void sample_udp4(struct craft *c)
{
	craft_ip4(c, 17);
	craft_udp(c, 5000, 53, TEN, 9);
	craft_finish(c);
}

static inline void sample_sctp4(struct craft *c)
{
	uint8_t sctp[12] = { 0x13, 0x88, 0x0b, 0x59, 1, 2, 3, 4 };

	craft_ip4(c, 132);
	craft_add(c, sctp, sizeof(sctp));
	craft_add(c, TEN, 8);
	craft_finish(c);
}

static inline void sample_echo4(struct craft *c)
{
	craft_ip4(c, 1);
	craft_icmp(c, 8, 0, 0xabcd0001);
	craft_add(c, TEN, 10);
	craft_finish(c);
}

static inline void sample_igmp(struct craft *c)
{
	craft_ip4(c, 2);
	c->bytes[CRAFT_L3 + 8] = 1; /* stays on its link */
	craft_icmp(c, 0x16, 0, 0xe1010101);
	craft_finish(c);
}

static inline void sample_gre4(struct craft *c)
{
	craft_ip4(c, 47);
	craft_add(c, TEN, 10);
	craft_finish(c);
}

/* 10.0.0.1 could not reach a port of 10.0.0.2's peer: quotes UDP 10.0.0.9:53 to 10.0.0.1:5000, say */
static inline void sample_unreachable4(struct craft *c)
{
	static const uint8_t quoted[28] = { 0x45, 0, 0,  37, 0, 1, 0, 0,  63,   17,   0, 0,  10, 0,
					    0,    9, 10, 0,  0, 1, 0, 53, 0x13, 0x88, 0, 17, 0,  0 };

	craft_ip4(c, 1);
	craft_icmp(c, 3, 3, 0);
	craft_add(c, quoted, sizeof(quoted));
	craft_finish(c);
}

static inline void sample_tcp6(struct craft *c)
{
	craft_ip6(c, 6);
	craft_tcp(c, 40000, 443, 0x02);
	craft_finish(c);
}

static inline void sample_udp6(struct craft *c)
{
	craft_ip6(c, 17);
	craft_udp(c, 5000, 53, TEN, 10);
	craft_finish(c);
}

static inline void sample_echo6(struct craft *c)
{
	craft_ip6(c, 58);
	craft_icmp(c, 129, 0, 0x12340001);
	craft_finish(c);
}

/* quotes TCP 2001:db8::2:80 to 2001:db8::9:1234 */
static inline void sample_too_big6(struct craft *c)
{
	static const uint8_t quoted[48] = { 0x60, [5] = 20, 6,    64,   0x20,     0x01, 0x0d, 0xb8, [23] = 2,
					    0x20, 0x01,     0x0d, 0xb8, [39] = 9, 0,    80,   0x04, 0xd2 };

	craft_ip6(c, 58);
	craft_icmp(c, 2, 0, 1280);
	craft_add(c, quoted, sizeof(quoted));
	craft_finish(c);
}

/* type 133..136 of neighbour discovery with a link-layer option behind `fixed` bytes; target (if any) 2001:db8::7 */
static inline void sample_discovery(struct craft *c, uint8_t type, uint32_t fixed, uint8_t option)
{
	static const uint8_t target[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 };
	const uint8_t lla[8] = { option, 1, 2, 0, 0, 0, 0, 1 }, zero[16] = { 0 };

	craft_ip6(c, 58);
	c->bytes[CRAFT_L3 + 7] = 255;
	craft_icmp(c, type, 0, 0);
	craft_add(c, type >= 135 ? target : zero, fixed - 8);
	craft_add(c, lla, sizeof(lla));
	if (type == 134) { /* routers speak by their link-local address */
		static const uint8_t local[16] = { 0xfe, 0x80, [15] = 1 };
		memcpy(c->bytes + CRAFT_L3 + 8, local, 16);
	}
	craft_finish(c);
}

static inline void sample_rs(struct craft *c)
{
	sample_discovery(c, 133, 8, 1);
}

static inline void sample_ra(struct craft *c)
{
	sample_discovery(c, 134, 16, 1);
}

static inline void sample_ns(struct craft *c)
{
	sample_discovery(c, 135, 24, 1);
}

static inline void sample_na(struct craft *c)
{
	sample_discovery(c, 136, 24, 2);
}

/* hop-by-hop with router alert, then MLDv1 report */
static inline void sample_mld(struct craft *c)
{
	static const uint8_t hop[8] = { 58, 0, 5, 2, 0, 0, 1, 0 }, group[16] = { 0xff, 2, [15] = 0xfb };

	craft_ip6(c, 0);
	c->bytes[CRAFT_L3 + 7] = 1;
	memcpy(c->bytes + CRAFT_L3 + 8, "\xfe\x80\0\0", 4);
	craft_add(c, hop, sizeof(hop));
	craft_icmp(c, 131, 0, 0);
	craft_add(c, group, sizeof(group));
	craft_finish(c);
	craft_transport(c, 58, CRAFT_L4_6 + 8, 24);
}

/* every extension header that may stand before a transport */
static inline void sample_chain6(struct craft *c)
{
	static const uint8_t chain[] = {
		60, 0, 1, 4, 0, 0, 0, 0,             /* hop-by-hop: PadN */
		43, 0, 1, 4, 0, 0, 0, 0,             /* destination options */
		51, 0, 4, 0, 0, 0, 0, 0,             /* routing type 4, none left */
		60, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, /* AH of 12 bytes */
		17, 0, 0, 0, 0, 0, 0, 0,             /* destination options: Pad1s */
	};

	craft_ip6(c, 0);
	craft_add(c, chain, sizeof(chain));
	craft_udp(c, 5000, 53, TEN, 10);
	craft_finish(c);
	craft_transport(c, 17, CRAFT_L4_6 + sizeof(chain), 18);
}

/* the header's options end with it, and so does the packet: nothing behind them */
static inline void sample_options4(struct craft *c)
{
	craft_ip4(c, 253);
	c->bytes[CRAFT_L3] = 0x47;
	craft_add(c, "\x94\4\0\0\1\1\1\1", 8);
	craft_finish(c);
}

static inline void sample_none6(struct craft *c)
{
	craft_ip6(c, 60);
	craft_add(c, "\x3b\0\1\3\0\0\0\0", 8);
	craft_finish(c);
}

static inline void sample_dhcp4(struct craft *c)
{
	craft_ip4(c, 17);
	craft_udp(c, 68, 67, "\1\1\6", 3);
	craft_finish(c);
}

static inline void sample_dhcp6(struct craft *c)
{
	craft_ip6(c, 17);
	craft_udp(c, 546, 547, "\1\2\3\4", 4);
	craft_finish(c);
}

static inline void sample_arp(struct craft *c)
{
	static const uint8_t arp[28] = { 0, 1, 8, 0,  6, 4, 0, 1,         2, 0, 0,
					 0, 0, 1, 10, 0, 0, 1, [24] = 10, 0, 0, 2 };

	craft_ethernet(c, 0x0806);
	craft_add(c, arp, sizeof(arp));
}

/* what a hypervisor sends when a machine arrives */
static inline void sample_rarp(struct craft *c)
{
	static const uint8_t rarp[28] = { 0, 1, 8, 0, 6, 4, 0, 3, 2, 0, 0, 0, 0, 1, [18] = 2, [23] = 1 };

	craft_ethernet(c, 0x8035);
	craft_add(c, rarp, sizeof(rarp));
	memset(c->bytes, 0xff, 6);
}

static inline void sample_lldp(struct craft *c)
{
	craft_ethernet(c, 0x88cc);
	craft_add(c, TEN, 10);
}

static inline void sample_bpdu(struct craft *c)
{
	craft_ethernet(c, 38);
	craft_add(c, "\x42\x42\x03", 3);
}

typedef void (*sample)(struct craft *c);

static const sample samples[] = {
	sample_tcp4,   sample_udp4,         sample_sctp4, sample_echo4, sample_igmp,
	sample_gre4,   sample_unreachable4, sample_tcp6,  sample_udp6,  sample_echo6,
	sample_rs,     sample_ra,           sample_ns,    sample_na,    sample_mld,
	sample_chain6, sample_too_big6,     sample_arp,   sample_rarp,  sample_lldp,
	sample_bpdu,   sample_options4,     sample_none6, sample_dhcp4, sample_dhcp6,
};

#endif
