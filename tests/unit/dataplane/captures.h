/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Third-party captures with the classification expected of them (../shared/pcaps, or $BH_SHARED/pcaps), for tests of
 * detection: a small reader of packets and flows, which shows the library what the classify stage would. The captures are
 * not part of the repository: without them there is nothing to test.
 */
#ifndef TESTS_CAPTURES_H
#define TESTS_CAPTURES_H

#include <arpa/inet.h>
#include <dirent.h>
#include <limits.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One packet, from its IP header on. */
struct capture_packet {
	const uint8_t *l3;
	uint16_t l3_length, payload_length, vlan;
	uint8_t address[2][16]; /* source, destination; IPv4 mapped */
	uint16_t port[2];
	uint8_t protocol, tcp_flags;
	uint32_t seq, ack;
	uint64_t ms;
};

static inline const char *captures_folder(void)
{
	static char path[PATH_MAX];
	const char *shared = getenv("BH_SHARED");

	snprintf(path, sizeof(path), "%s/pcaps", shared ? shared : "../shared");
	DIR *folder = opendir(path);
	if (!folder)
		return NULL;
	closedir(folder);
	return path;
}

static inline uint16_t capture_16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t capture_32(const uint8_t *p)
{
	return (uint32_t)capture_16(p) << 16 | capture_16(p + 2);
}

static inline bool capture_transport(struct capture_packet *p, const uint8_t *l4, uint32_t length)
{
	p->payload_length = (uint16_t)length;
	if (p->protocol == IPPROTO_UDP && length >= 8) {
		p->payload_length = (uint16_t)(length - 8);
	} else if (p->protocol == IPPROTO_TCP && length >= 20 && l4[12] >> 4 >= 5 &&
		   (l4[12] >> 4) * 4u <= length) {
		p->payload_length = (uint16_t)(length - (l4[12] >> 4) * 4u);
		p->seq = capture_32(l4 + 4);
		p->ack = capture_32(l4 + 8);
		p->tcp_flags = l4[13];
	} else {
		return p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_TCP;
	}
	p->port[0] = capture_16(l4);
	p->port[1] = capture_16(l4 + 2);
	return true;
}

static inline bool capture_ip4(struct capture_packet *p, const uint8_t *l3, uint32_t captured)
{
	uint32_t header = (l3[0] & 15) * 4u;

	if (captured < 20 || header < 20 || capture_16(l3 + 2) > captured || capture_16(l3 + 2) < header ||
	    (capture_16(l3 + 6) & 0x3fff))
		return false;
	for (int i = 0; i < 2; i++) {
		memset(p->address[i], 0, 16);
		p->address[i][10] = p->address[i][11] = 0xff;
		memcpy(p->address[i] + 12, l3 + 12 + 4 * i, 4);
	}
	p->l3_length = capture_16(l3 + 2);
	p->protocol = l3[9];
	return capture_transport(p, l3 + header, p->l3_length - header);
}

static inline bool capture_ip6(struct capture_packet *p, const uint8_t *l3, uint32_t captured)
{
	uint32_t l4 = 40, end;

	if (captured < 40 || (end = 40u + capture_16(l3 + 4)) > captured || end > UINT16_MAX)
		return false;
	memcpy(p->address[0], l3 + 8, 32);
	p->l3_length = (uint16_t)end;
	p->protocol = l3[6];
	while ((p->protocol == IPPROTO_HOPOPTS || p->protocol == IPPROTO_DSTOPTS) && l4 + 8 <= end) {
		p->protocol = l3[l4];
		l4 += 8 + l3[l4 + 1] * 8u;
	}
	return l4 <= end && capture_transport(p, l3 + l4, end - l4);
}

/* The next whole IP packet that is no fragment; false: the end. Time never goes back. */
static inline bool capture_next(pcap_t *pcap, struct capture_packet *p)
{
	struct pcap_pkthdr *header;
	const u_char *frame;

	while (pcap_next_ex(pcap, &header, &frame) == 1) {
		uint32_t l3 = 14;
		uint64_t ms = (uint64_t)header->ts.tv_sec * 1000 + (uint64_t)header->ts.tv_usec / 1000;

		if (pcap_datalink(pcap) != DLT_EN10MB || header->caplen < 38)
			continue;
		bool tagged = capture_16(frame + 12) == 0x8100;
		p->vlan = tagged ? capture_16(frame + 14) & 0xfff : 0;
		l3 += tagged ? 4 : 0;
		p->ms = ms > p->ms ? ms : p->ms;
		p->l3 = frame + l3;
		uint16_t ethertype = capture_16(frame + l3 - 2);
		if (ethertype == 0x0800
			    ? capture_ip4(p, frame + l3, header->caplen - l3)
			    : ethertype == 0x86dd && capture_ip6(p, frame + l3, header->caplen - l3))
			return true;
	}
	return false;
}

#endif
