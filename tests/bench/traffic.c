/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS 250u
#define VLAN_WEB 101u
#define VLAN_APP 102u
#define FIRST_PORT 1024u
#define PORTS 64000u
#define SERVICE_PORT 5000u
#define DENIED_PORT 9u
#define ETHERNET 18u /* with its tag */
#define UDP_HEADER 8u
#define PENDING_FRAMES 8u

const char *const traffic_names[TRAFFIC_KINDS] = {
	[TRAFFIC_ESTABLISHED] = "established",
	[TRAFFIC_NEW] = "new",
	[TRAFFIC_MIXED] = "mixed",
	[TRAFFIC_DENIED] = "denied",
	[TRAFFIC_FRAGMENTS] = "fragments",
	[TRAFFIC_UNKNOWN] = "unknown",
	[TRAFFIC_PENDING] = "pending",
};

/* ---- the command line ---- */

static bool read_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < least || value > most)
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool read_kind(struct traffic *t, const char *name)
{
	for (int kind = 0; kind < TRAFFIC_KINDS; kind++)
		if (strcmp(name, traffic_names[kind]) == 0) {
			t->kind = (enum traffic_kind)kind;
			return true;
		}
	return false;
}

const char *traffic_read(struct traffic *t, int *argc, const char **argv)
{
	int left = 1;
	bool kind = false;
	uint32_t size = 64, least;

	*t = (struct traffic){ .flows = 1000, .shares = 1 };
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--ipv6") == 0) {
			t->ipv6 = true;
		} else if (strcmp(argv[i], "--tcp") == 0) {
			t->tcp = true;
		} else if (strcmp(argv[i], "--flows") == 0 && i + 1 < *argc) {
			if (!read_number(argv[++i], 1, 10000000, &t->flows))
				return "--flows: 1 to 10000000";
		} else if (strcmp(argv[i], "--size") == 0 && i + 1 < *argc) {
			if (!read_number(argv[++i], 64, TRAFFIC_FRAME_MAX, &size))
				return "--size: 64 to 9022";
		} else if (strcmp(argv[i], "--share") == 0 && i + 1 < *argc) {
			if (sscanf(argv[++i], "%hu/%hu", &t->share, &t->shares) != 2 || t->share >= t->shares)
				return "--share: I/N, I from 0 to N - 1";
		} else if (!kind && (kind = read_kind(t, argv[i]))) {
			continue;
		} else {
			argv[left++] = argv[i];
		}
	}
	*argc = left;
	if (!kind)
		return "no kind of traffic, or one that is not known";
	if (t->tcp && (t->ipv6 || t->kind != TRAFFIC_ESTABLISHED))
		return "--tcp: `established' over IPv4 only";
	/* both fragments must be as long as the first, whose data is a multiple of eight */
	least = t->ipv6 ? 80 : 64;
	t->size = (uint16_t)(size < least ? least : size);
	if (t->kind == TRAFFIC_FRAGMENTS)
		t->size = (uint16_t)(ETHERNET + (t->ipv6 ? 48 : 20) +
				     (t->size - ETHERNET - (t->ipv6 ? 48 : 20)) / 8 * 8);
	return NULL;
}

/* ---- a datagram ---- */

struct datagram {
	uint64_t flow;
	bool reply;
	bool tcp;
	uint16_t port;   /* of the service */
	uint16_t length; /* of the frame */
	uint16_t more;   /* fragments: bytes of UDP payload in the other one */
	bool later;      /* the second fragment */
	uint32_t id;     /* of the fragments */
	uint64_t to;     /* a machine that nobody has seen, if not 0 */
};

static uint8_t *put16(uint8_t *at, uint32_t value)
{
	*at++ = (uint8_t)(value >> 8);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint8_t *put_mac(uint8_t *at, uint32_t vlan, uint32_t host)
{
	return put16(put32(at, 0x02000000u | vlan), host + 1);
}

static uint8_t *put_ethernet(uint8_t *at, const struct datagram *d, const uint32_t *hosts, bool ipv6)
{
	const uint32_t vlans[2] = { VLAN_WEB, VLAN_APP };

	if (d->to)
		at = put32(put16(at, 0x0600), (uint32_t)d->to);
	else
		at = put_mac(at, vlans[!d->reply], hosts[!d->reply]);
	at = put_mac(at, vlans[d->reply], hosts[d->reply]);
	at = put32(at, 0x81000000u | vlans[d->reply]);
	return put16(at, ipv6 ? 0x86dd : 0x0800);
}

/* hosts: client and server. Adds the addresses to *sum, for the checksum of UDP. */
static uint8_t *put_ip4(uint8_t *at, const struct datagram *d, const uint32_t *hosts, uint64_t *sum)
{
	uint32_t from = 0x0a0a0001u + hosts[d->reply] + (d->reply ? 0x200u : 0x100u);
	uint32_t to = 0x0a0a0001u + hosts[!d->reply] + (d->reply ? 0x100u : 0x200u);
	uint16_t total = (uint16_t)(d->tcp ? 40 : d->length - ETHERNET), place = 0;
	uint32_t protocol = d->tcp ? 6 : 17;
	uint64_t header;

	if (d->more)
		place = d->later ? (uint16_t)((d->more + UDP_HEADER) / 8) : 0x2000;
	*sum += (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff);
	header = *sum + 0x4500 + total + (d->id & 0xffff) + place + 0x4000 + protocol;
	at = put32(at, 0x45000000u | total);
	at = put32(at, (d->id << 16) | place);
	at = put32(at, 0x40000000u | protocol << 16 | (uint16_t)~fold(header));
	return put32(put32(at, from), to);
}

static uint8_t *put_ip6_address(uint8_t *at, uint32_t network, uint32_t host)
{
	at = put32(put32(at, 0xfd000010u), 0x00100000u | network);
	return put32(put32(at, 0), host + 1);
}

static uint8_t *put_ip6(uint8_t *at, const struct datagram *d, const uint32_t *hosts, uint64_t *sum)
{
	uint32_t networks[2] = { 1, 2 };

	at = put32(at, 0x60000000u);
	at = put16(at, d->length - ETHERNET - 40);
	at = put16(at, (d->more ? 44u : 17u) << 8 | 64);
	at = put_ip6_address(at, networks[d->reply], hosts[d->reply]);
	at = put_ip6_address(at, networks[!d->reply], hosts[!d->reply]);
	*sum += 2 * (0xfd00 + 0x10 + 0x10) + 1 + 2 + hosts[0] + 1 + hosts[1] + 1;
	if (!d->more)
		return at;
	at = put16(at, 17u << 8);
	at = put16(at, d->later ? d->more + UDP_HEADER : 1);
	return put32(at, d->id);
}

/* A segment without data that says the same however often it is sent; what follows it pads the frame. */
static uint8_t *put_tcp(uint8_t *at, const struct datagram *d, uint32_t port, uint64_t sum)
{
	const uint32_t next[2] = { 0x10000000u, 0x20000000u }; /* sequence numbers of client and server */

	sum += 6 + 20 + port + d->port + 0x1000 + 0x2000 + 0x5010 + 0xffff;
	at = put16(put16(at, d->reply ? d->port : port), d->reply ? port : d->port);
	at = put32(put32(at, next[d->reply]), next[!d->reply]);
	return put32(put32(at, 0x5010ffffu), (uint32_t)(uint16_t)~fold(sum) << 16);
}

/* The payload is zeros, which the checksum need not look at. */
static uint8_t *put_udp(uint8_t *at, const struct datagram *d, uint32_t port, uint64_t sum, uint32_t length)
{
	sum += 17 + 2 * length + port + d->port;
	at = put16(put16(at, d->reply ? d->port : port), d->reply ? port : d->port);
	return put16(put16(at, length), fold(sum) == 0xffff ? 0xffff : 0xffff - fold(sum));
}

static uint16_t put_datagram(uint8_t *frame, const struct datagram *d, bool ipv6)
{
	uint32_t hosts[2] = { (uint32_t)(d->flow % HOSTS), (uint32_t)(d->flow / HOSTS % HOSTS) };
	uint32_t port = FIRST_PORT + (uint32_t)(d->flow / (HOSTS * HOSTS) % PORTS);
	uint64_t sum = 0;
	uint8_t *at = put_ethernet(frame, d, hosts, ipv6), *end = frame + d->length;

	at = ipv6 ? put_ip6(at, d, hosts, &sum) : put_ip4(at, d, hosts, &sum);
	if (d->tcp)
		at = put_tcp(at, d, port, sum);
	else if (!d->later)
		at = put_udp(at, d, port, sum, (uint32_t)(end - at) + d->more);
	memset(at, 0, (size_t)(end - at));
	return d->length;
}

/* ---- the kinds ---- */

/* Place i of an order of n that is far from the places beside it; a prime larger than n leaves none out. */
static uint64_t scatter(uint64_t i, uint64_t n, uint64_t prime)
{
	return i * prime % n;
}

static struct datagram established(const struct traffic *t, uint64_t i)
{
	uint64_t at = i % (2ull * t->flows);
	bool reply = at >= t->flows;

	return (struct datagram){ .flow = reply ? scatter(at - t->flows, t->flows, 3367900313u)
						: scatter(at, t->flows, 2654435761u),
				  .reply = reply,
				  .port = SERVICE_PORT,
				  .length = t->size };
}

/* IMIX, by count: seven of 64 bytes, four of 594, one of 1518, which with a tag is 1522 less its checksum. */
static struct datagram mixed(const struct traffic *t, uint64_t i)
{
	static const uint16_t sizes[12] = { 64, 594, 64, 594, 64, 64, 1518, 594, 64, 594, 64, 64 };
	struct datagram d;

	/* first its flows are established */
	if (i >= 2ull * t->flows && i % 100 == 0)
		d = (struct datagram){ .flow = t->flows + i / 100, .port = SERVICE_PORT };
	else
		d = established(t, i);
	d.length = sizes[i % 12];
	return d;
}

static struct datagram fragments(const struct traffic *t, uint64_t i)
{
	uint16_t headers = (uint16_t)(ETHERNET + (t->ipv6 ? 48 : 20));
	struct datagram d = established(t, i / 2);

	d.id = (uint32_t)(i / traffic_loop(t)) + 1; /* one more for each datagram of a flow */
	d.later = i % 2;
	d.more = (uint16_t)(t->size - headers - (d.later ? UDP_HEADER : 0));
	if (!t->ipv6)
		d.id &= 0xffff;
	return d;
}

/* Bytes that differ from frame to frame and that a port or a first byte does not give away; they sum to zero. */
static void put_noise(uint8_t *frame, uint16_t length, uint16_t headers, uint64_t i)
{
	uint64_t noise = (i + 1) * 0x9e3779b97f4a7c15ull;

	for (uint16_t at = headers; at + 8 <= length; at = (uint16_t)(at + 8)) {
		noise ^= noise >> 29;
		noise *= 0xbf58476d1ce4e5b9ull;
		traffic_stamp(frame, (uint16_t)(at + 8), (uint32_t)(noise >> 32));
	}
}

/* A frame of a server that nobody asked for: it is refused, but where the server is has been seen. */
static struct datagram greeting(const struct traffic *t, uint64_t host)
{
	return (struct datagram){
		.flow = host * HOSTS, .reply = true, .port = SERVICE_PORT, .length = t->size
	};
}

static struct datagram new_flow(const struct traffic *t, uint64_t i, uint32_t frames)
{
	if (i < HOSTS)
		return greeting(t, i);
	return (struct datagram){ .flow = (i - HOSTS) / frames, .port = SERVICE_PORT, .length = t->size };
}

static struct datagram denied(const struct traffic *t, uint64_t at)
{
	struct datagram d;

	if (at < HOSTS)
		return greeting(t, at);
	d = established(t, at - HOSTS);
	d.port = DENIED_PORT;
	return d;
}

static uint16_t pending(const struct traffic *t, uint64_t i, uint8_t *frame)
{
	struct datagram d = new_flow(t, i, PENDING_FRAMES);

	put_datagram(frame, &d, t->ipv6);
	put_noise(frame, t->size, (uint16_t)(ETHERNET + (t->ipv6 ? 40 : 20) + UDP_HEADER), i);
	return t->size;
}

/* Toeplitz with a key of 16 bits over and over: what a 16-bit word of the input adds to the last 16 bits of the hash depends
 * on the word alone, so the words may be added up first. */
static uint32_t rss_hash(uint32_t words)
{
	uint32_t key = TRAFFIC_RSS_KEY, hash = 0;

	for (int bit = 15; bit >= 0; bit--) {
		hash ^= words >> bit & 1 ? key : 0;
		key = (key << 1 | key >> 15) & 0xffff;
	}
	return hash;
}

/* As RSS spreads them that looks at the two addresses: the frame's queue is its hash modulo the queues. */
bool traffic_shared(const struct traffic *t, uint64_t i)
{
	uint64_t flow = established(t, i).flow;
	uint32_t client = (uint32_t)(flow % HOSTS), server = (uint32_t)(flow / HOSTS % HOSTS), words;

	if (t->shares == 1)
		return true;
	words = t->ipv6 ? 1 ^ 2 ^ (client + 1) ^ (server + 1) : (0x101 + client) ^ (0x201 + server);
	return rss_hash(words) % t->shares == t->share;
}

uint64_t traffic_loop(const struct traffic *t)
{
	switch (t->kind) {
	case TRAFFIC_DENIED:
		return t->flows + HOSTS;
	case TRAFFIC_UNKNOWN:
		return t->flows;
	case TRAFFIC_FRAGMENTS:
		return 4ull * t->flows;
	case TRAFFIC_NEW:
	case TRAFFIC_PENDING:
		return 0;
	default:
		return 2ull * t->flows;
	}
}

uint16_t traffic_frame(const struct traffic *t, uint64_t i, uint8_t *frame)
{
	struct datagram d;

	switch (t->kind) {
	case TRAFFIC_MIXED:
		d = mixed(t, i);
		break;
	case TRAFFIC_FRAGMENTS:
		d = fragments(t, i);
		break;
	case TRAFFIC_DENIED:
		d = denied(t, i % (t->flows + HOSTS));
		break;
	case TRAFFIC_UNKNOWN:
		d = established(t, i % t->flows);
		d.to = i % t->flows + 1;
		break;
	case TRAFFIC_PENDING:
		return pending(t, i, frame);
	case TRAFFIC_NEW:
		d = new_flow(t, i, 1);
		break;
	default:
		d = established(t, i);
	}
	d.tcp = t->tcp;
	return put_datagram(frame, &d, t->ipv6);
}

/* ---- stamps ---- */

/* Two words and their complements: the sum of each pair is the zero of ones' complement. */
void traffic_stamp(uint8_t *frame, uint16_t length, uint32_t stamp)
{
	put32(put32(frame + length - 8, stamp), ~stamp);
}

bool traffic_stamped(const uint8_t *frame, uint16_t length, uint32_t *stamp)
{
	uint32_t words[2];

	memcpy(words, frame + length - 8, sizeof(words));
	*stamp = be32toh(words[0]);
	return *stamp == ~be32toh(words[1]);
}
