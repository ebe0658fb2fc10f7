/* SPDX-License-Identifier: BSD-3-Clause */
/* A capture in memory, its frames told apart by session. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "damage.h"
#include "tests/fuzz/repair.h"
#include "tests/fuzz/world.h"

#define SEGMENTS 8u /* of policy.yaml */

static uint8_t time_of(uint64_t us)
{
	uint8_t time = 0;

	while (time < 31 && (1ull << time) < us)
		time++;
	return time;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
	return hash;
}

static void read_addresses(struct damage_frame *f, const struct view *v)
{
	for (int side = 0; side < 2; side++) {
		if (v->version == 6) {
			memcpy(f->address[side], f->bytes + v->l3 + 8 + 16 * side, 16);
		} else if (v->version == 4) {
			memset(f->address[side] + 10, 0xff, 2);
			memcpy(f->address[side] + 12, f->bytes + v->l3 + 12 + 4 * side, 4);
		}
	}
}

/* Captures of a loopback interface have a session's ends at one address, which no firewall takes; nor the address of no
 * machine as a source. Made two machines by the ports, so that nDPI gets to see them. */
static void part_loopback(uint8_t *frame, const struct view *v)
{
	uint8_t *source = frame + v->l3 + 12;

	if (v->version != 4 || memcmp(source, source + 4, 4) || !v->l4 || v->l4 + 4 > v->length)
		return;
	bool up = get16(frame + v->l4) > get16(frame + v->l4 + 2);
	const uint8_t one[4] = { 10, 99, 0, 1 }, other[4] = { 10, 99, 0, 2 };
	memcpy(source, up ? one : other, 4);
	memcpy(source + 4, up ? other : one, 4);
}

static uint64_t session_key(const struct damage_frame *f, const struct view *v)
{
	bool ports =
		v->l4 && v->l4 + 4 <= v->length && !v->fragment &&
		(v->protocol == IPPROTO_TCP || v->protocol == IPPROTO_UDP || v->protocol == IPPROTO_SCTP);
	uint64_t key[2];

	for (int side = 0; side < 2; side++) {
		key[side] = mix(14695981039346656037u, f->address[side], 16);
		if (ports)
			key[side] = mix(key[side], f->bytes + v->l4 + 2 * side, 2);
	}
	return key[0] + key[1] + v->protocol;
}

static uint32_t find_session(struct damage_capture *c, uint64_t key)
{
	for (uint32_t i = 0; i < c->session_count; i++)
		if (c->sessions[i].key == key)
			return i;
	c->sessions[c->session_count] = (struct damage_session){ .key = key };
	return c->session_count++;
}

static void add(struct damage_capture *c, const uint8_t *bytes, uint32_t length, uint64_t gap)
{
	struct damage_frame *f = &c->frames[c->count];
	static uint8_t no_machine[6];

	*f = (struct damage_frame){ .length = (uint16_t)length, .time = time_of(gap) };
	f->bytes = malloc(length);
	WORLD_CHECK(f->bytes);
	memcpy(f->bytes, bytes, length);
	if (!memcmp(f->bytes + 6, no_machine, 6))
		f->bytes[6] = 2;
	struct view v = view_of(f->bytes, length);
	part_loopback(f->bytes, &v);
	read_addresses(f, &v);
	f->session = find_session(c, session_key(f, &v));
	f->place = (uint16_t)c->sessions[f->session].frames++;
	f->first_bit = c->count ? f[-1].first_bit + 8ull * f[-1].length : 0;
	if (length > c->longest)
		c->longest = length;
	c->count++;
}

int damage_load(struct damage_capture *c, const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);
	struct pcap_pkthdr *header;
	const u_char *bytes;
	uint64_t before = 0;
	uint32_t room = 0;

	*c = (struct damage_capture){ 0 };
	if (!pcap || pcap_datalink(pcap) != DLT_EN10MB) {
		if (pcap)
			pcap_close(pcap);
		return 1;
	}
	while (pcap_next_ex(pcap, &header, &bytes) == 1) {
		uint64_t now = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;

		if (header->caplen < 14)
			continue;
		if (c->count == room) {
			room = room * 2 + 64;
			c->frames = realloc(c->frames, room * sizeof(*c->frames));
			c->sessions = realloc(c->sessions, room * sizeof(*c->sessions));
			WORLD_CHECK(c->frames && c->sessions);
		}
		add(c, bytes, header->caplen < SEQUENCE_FRAME_MAX ? header->caplen : SEQUENCE_FRAME_MAX,
		    before && now > before ? now - before : 0);
		before = now;
	}
	pcap_close(pcap);
	return 0;
}

/* ---- segments ---- */

struct host {
	uint8_t address[16];
	uint32_t near; /* bit: a neighbour is in this segment */
	uint32_t segment;
	bool placed;
};

static struct host *find_host(struct host *hosts, uint32_t *count, const uint8_t address[16])
{
	for (uint32_t i = 0; i < *count; i++)
		if (!memcmp(hosts[i].address, address, 16))
			return &hosts[i];
	hosts[*count] = (struct host){ 0 };
	memcpy(hosts[*count].address, address, 16);
	return &hosts[(*count)++];
}

static void place(struct host *host)
{
	uint32_t segment = 0;

	while (segment < SEGMENTS - 1 && host->near >> segment & 1)
		segment++;
	if (!host->placed)
		host->segment = segment;
	host->placed = true;
}

static void assign_host(struct assignment *a, const uint8_t address[16], unsigned int bits, uint32_t segment)
{
	char text[INET6_ADDRSTRLEN + 16], prefix[INET6_ADDRSTRLEN], why[192];

	inet_ntop(AF_INET6, address, prefix, sizeof(prefix));
	snprintf(text, sizeof(text), "%s/%u=s%u", prefix, bits, segment);
	WORLD_CHECK(!assign_add(a, world.workers.list[0]->policy, text, why, sizeof(why)));
}

void damage_assign(const struct damage_capture *c)
{
	static const uint8_t zero[16];
	struct host *hosts = calloc(2 * (size_t)c->count + 2, sizeof(*hosts));
	struct assignment *a = assignment_new();
	uint32_t count = 0;

	WORLD_CHECK(hosts && a);
	for (uint32_t i = 0; i < c->count; i++) {
		struct host *one = find_host(hosts, &count, c->frames[i].address[0]);
		struct host *other = find_host(hosts, &count, c->frames[i].address[1]);

		place(one);
		other->near |= 1u << one->segment;
		place(other);
		one->near |= 1u << other->segment;
	}
	/* what damage makes of an address is somebody in s0 */
	assign_host(a, zero, 0, 0);
	for (uint32_t i = 0; i < count; i++)
		if (hosts[i].segment)
			assign_host(a, hosts[i].address, 128, hosts[i].segment);
	free(hosts);
	world.given = a;
}
