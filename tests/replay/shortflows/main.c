/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * short-flows [FLOWS]: so many sessions with payload (1,000,000) through a pool of 4,096 detection contexts, in waves of twice as
 * many at a time, half of them under `exceptions: { dpi: unknown }` and half under `drop'. For each payload it is known
 * whether there is room; what is done with it must be what the policy says. After each wave all memory must be back.
 */
#include <malloc.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arena.h"
#include "assign.h"
#include "classifier.h"
#include "dpi.h"
#include "tests/fuzz/repair.h"
#include "tests/fuzz/world.h"
#include "tests/replay/shortflows/cost.h"
#include "tests/unit/dataplane/craft.h"
#include "tests/unit/dataplane/payloads.h"

#define CONTEXTS 4096u
#define WAVE (2 * CONTEXTS)
#define FLOWS 1000000u
#define MS 10u /* time of an item, as a power of two of microseconds */

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

/* What a session says, and whether nDPI makes up its mind on that: then its context is free again. */
struct story {
	const char *name;
	bool tcp;
	uint16_t port;
	uint8_t first[1200], second[200];
	uint32_t first_length, second_length;
};

struct tally {
	uint64_t full, denied, passed; /* payloads: found no context; were dropped for that; left */
};

static struct story stories[8];
static struct tally tally;
static struct craft frame;

/* ---- stories ---- */

static void set_first(struct story *s, const void *bytes, size_t length)
{
	memcpy(s->first, bytes, length);
	s->first_length = (uint32_t)length;
}

static void set_text(struct story *s, const char *first, const char *second)
{
	set_first(s, first, strlen(first));
	s->second_length = (uint32_t)strlen(second);
	memcpy(s->second, second, s->second_length);
}

static void noise(uint8_t *bytes, uint32_t length, uint32_t seed)
{
	for (uint32_t i = 0; i < length; i++) {
		seed = seed * 1103515245u + 12345u;
		bytes[i] = (uint8_t)(seed >> 16);
	}
}

static void write_stories(void)
{
	const struct payload *p;

	stories[0] = (struct story){
		.name = "noise over UDP", .port = 40001, .first_length = 100, .second_length = 60
	};
	noise(stories[0].first, 100, 1);
	noise(stories[0].second, 60, 2);
	stories[1] = (struct story){ .name = "DNS", .port = 53 };
	p = payload_dns("www.example.com", false);
	set_first(&stories[1], p->bytes, p->length);
	stories[2] = (struct story){ .name = "half a request line", .tcp = true, .port = 8081 };
	set_text(&stories[2], "GE", "T / HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
	/* the library keeps what there is of a record, to put it together: memory of the arena */
	stories[3] = (struct story){ .name = "half a ClientHello", .tcp = true, .port = 443 };
	p = payload_client_hello("www.example.com");
	set_first(&stories[3], p->bytes, p->length / 2);
	stories[4] = (struct story){ .name = "HTTP", .tcp = true, .port = 80 };
	p = payload_http_request("www.example.com");
	set_first(&stories[4], p->bytes, p->length);
	stories[5] = (struct story){
		.name = "noise over TCP", .tcp = true, .port = 40002, .first_length = 200, .second_length = 90
	};
	noise(stories[5].first, 200, 3);
	noise(stories[5].second, 90, 4);
	stories[6] = (struct story){ .name = "SSH", .tcp = true, .port = 2222 };
	set_text(&stories[6], "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "");
	stories[7] = (struct story){ .name = "a line of SMTP", .tcp = true, .port = 2525 };
	set_text(&stories[7], "EHLO client.example\r\n", "MAIL FROM:<a@client.example>\r\n");
}

/* ---- frames ---- */

static void begin(uint32_t flow, bool reply, uint8_t protocol)
{
	uint8_t *ip = frame.bytes + CRAFT_L3;

	craft_ip4(&frame, protocol);
	/* clients 10.1.0.0/16 by the flow, servers 10.2.0.0/16 */
	uint32_t client = 0x0a010000u | (flow >> 4 & 0xffff), server = 0x0a020000u | (flow & 15);
	craft_put32(ip + 12, reply ? server : client);
	craft_put32(ip + 16, reply ? client : server);
	frame.bytes[15] = reply ? 102 : 101;
}

static void send_frame(void)
{
	craft_finish(&frame);
	struct sequence_frame item = { .time = 0, .length = (uint16_t)frame.length, .bytes = frame.bytes };

	world_item(&item);
}

static uint16_t client_port(uint32_t flow)
{
	return (uint16_t)(20000 + flow % 15000);
}

static void send_tcp(uint32_t flow, bool reply, uint8_t flags, uint32_t seq, uint32_t ack, const void *bytes,
		     uint32_t length)
{
	uint16_t port = stories[flow % 8].port;

	begin(flow, reply, 6);
	craft_tcp(&frame, reply ? port : client_port(flow), reply ? client_port(flow) : port, flags);
	craft_put32(frame.bytes + CRAFT_L4_4 + 4, seq);
	craft_put32(frame.bytes + CRAFT_L4_4 + 8, ack);
	craft_add(&frame, bytes, length);
	send_frame();
}

static void send_payload(uint32_t flow, const uint8_t *bytes, uint32_t length, uint32_t before)
{
	const struct story *s = &stories[flow % 8];

	if (s->tcp) {
		send_tcp(flow, false, TCP_PSH | TCP_ACK, 1001 + before, 5001, bytes, length);
		return;
	}
	begin(flow, false, 17);
	craft_udp(&frame, client_port(flow), s->port, bytes, length);
	send_frame();
}

/* ---- what must become of it ---- */

static uint64_t cell(enum bh_worker_counter which)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		sum += world.workers.list[i]->counters->cells[which];
	return sum;
}

static uint64_t dropped(enum bh_drop reason)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		sum += world.workers.list[i]->counters->ports[0].drops[reason];
	return sum;
}

static uint64_t left(void)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		sum += world.workers.list[i]->counters->ports[0].out;
	return sum;
}

static void first_payload(uint32_t flow, bool drop)
{
	const struct story *s = &stories[flow % 8];
	bool full = cell(BH_WORKER_DETECTING) == CONTEXTS;
	uint64_t fulls = cell(BH_WORKER_DPI_FULL), out = left();
	uint64_t for_that = dropped(BH_DROP_DPI_FULL), denied = dropped(BH_DROP_DENY);

	send_payload(flow, s->first, s->first_length, 0);
	WORLD_CHECK(cell(BH_WORKER_DETECTING) <= CONTEXTS);
	WORLD_CHECK(cell(BH_WORKER_DPI_FULL) - fulls == full);
	WORLD_CHECK(dropped(BH_DROP_DPI_FULL) - for_that == (full && drop));
	/* SSH that could be looked at is denied; what could not is the application `unknown', and passes */
	WORLD_CHECK(dropped(BH_DROP_DENY) - denied == (!full && flow % 8 == 6));
	WORLD_CHECK(left() - out == !((full && drop) || (!full && flow % 8 == 6)));
	tally.full += full;
	tally.denied += full && drop;
	tally.passed += left() - out;
}

static void open_flow(uint32_t flow, bool drop)
{
	if (stories[flow % 8].tcp) {
		send_tcp(flow, false, TCP_SYN, 1000, 0, "", 0);
		send_tcp(flow, true, TCP_SYN | TCP_ACK, 5000, 1001, "", 0);
		send_tcp(flow, false, TCP_ACK, 1001, 5001, "", 0);
	}
	first_payload(flow, drop);
}

static void close_flow(uint32_t flow)
{
	const struct story *s = &stories[flow % 8];

	if (s->second_length)
		send_payload(flow, s->second, s->second_length, s->first_length);
	if (s->tcp)
		send_tcp(flow, false, TCP_RST | TCP_ACK, 1001 + s->first_length + s->second_length, 5001, "",
			 0);
}

/* ---- memory ---- */

struct memory {
	uint64_t arena, dpdk, heap;
};

static struct memory memory_now(void)
{
	struct rte_malloc_socket_stats stats;

	rte_malloc_get_socket_stats(0, &stats);
	return (struct memory){ .arena = arena_used(world.workers.classifiers[0]->arena),
				.dpdk = stats.heap_allocsz_bytes,
				.heap = mallinfo2().uordblks };
}

/* All is back: world_end() has seen tables, buffers and gauges empty; and so are the names and the contexts. */
static void check_wave(void)
{
	const struct classifier *c = world.workers.classifiers[0];

	WORLD_CHECK(name_pool_count(c->names) == 0);
	WORLD_CHECK(!context_oldest(c->contexts));
}

static void wave(uint32_t first, uint32_t count, bool drop)
{
	world_begin(&(struct sequence_head){ .policy = drop });
	for (uint32_t i = 0; i < count; i++)
		open_flow(first + i, drop);
	for (uint32_t i = 0; i < count; i++)
		close_flow(first + i);
	world_end();
	check_wave();
}

/* ---- all of it ---- */

static void assign(void)
{
	static const char *const list[] = { "10.1.0.0/16=clients", "10.2.0.0/16=servers" };
	struct assignment *a = assignment_new();
	char why[192];

	world_begin(&(struct sequence_head){ 0 });
	for (size_t i = 0; i < RTE_DIM(list); i++)
		WORLD_CHECK(!assign_add(a, world.workers.list[0]->policy, list[i], why, sizeof(why)));
	world_end();
	world.given = a;
}

static void report(const char *policy, uint32_t flows, const struct memory *before,
		   const struct memory *after)
{
	printf("  %-8s %8u sessions, %8llu found no context: %8llu dropped for that, %8llu payloads passed\n",
	       policy, flows, (unsigned long long)tally.full, (unsigned long long)tally.denied,
	       (unsigned long long)tally.passed);
	printf("  %-8s after its second wave and its last, in bytes: arena %llu %llu, DPDK's heap %llu %llu, "
	       "heap %llu %llu\n",
	       "", (unsigned long long)before->arena, (unsigned long long)after->arena,
	       (unsigned long long)before->dpdk, (unsigned long long)after->dpdk,
	       (unsigned long long)before->heap, (unsigned long long)after->heap);
	/* two waves and all of the library's caches have been made; they have their sizes from the start */
	WORLD_CHECK(after->arena == before->arena);
	WORLD_CHECK(after->dpdk == before->dpdk);
	WORLD_CHECK(after->heap <= before->heap + 4096);
	WORLD_CHECK(tally.full > 0 && tally.passed > 0);
}

/* ---- what a session under detection costs ---- */

struct bytes {
	uint64_t all, library;
	uint64_t kept; /* of the payload, as long as it is not acknowledged */
};

static void print_bytes(const char *what, const struct bytes *b)
{
	printf("  memory   %-20s %5llu bytes, %5llu of them asked for by nDPI: %.2f\n", what,
	       (unsigned long long)b->all, (unsigned long long)b->library,
	       (double)b->all / (double)b->library);
}

/* After its first payload; with the far end's acknowledgement, or while that is on its way: then the bytes are kept (streamhead.h). */
static struct bytes measure(uint32_t story, bool acknowledged)
{
	const struct story *s = &stories[story];
	const uint32_t count = CONTEXTS / 4;

	world_begin(&(struct sequence_head){ 0 });
	struct cost before = cost_now();
	for (uint32_t i = 0; i < count; i++)
		open_flow(i * 8 + story, false);
	for (uint32_t i = 0; i < count && acknowledged && s->tcp; i++)
		send_tcp(i * 8 + story, true, TCP_ACK, 5001, 1001 + s->first_length, "", 0);
	struct cost during = cost_now();
	uint64_t sessions = cell(BH_WORKER_DETECTING);
	world_end();
	check_wave();
	/* none when it is over */
	WORLD_CHECK(cost_now().asked == before.asked && cost_now().taken == before.taken);
	if (!sessions)
		return (struct bytes){ 0 }; /* recognised at once */
	return (struct bytes){
		.all = context_size() + (during.taken - before.taken) / sessions,
		.library = cost_of_library() + (during.asked - before.asked) / sessions,
		.kept = acknowledged || !s->tcp ? 0 : RTE_MIN(s->first_length, STREAM_HEAD),
	};
}

static void measure_all(bool acknowledged)
{
	struct bytes sum = { 0 };

	printf("  memory   of a session under detection, its payload %s\n",
	       acknowledged ? "acknowledged" : "in flight");
	for (uint32_t story = 0; story < RTE_DIM(stories); story++) {
		struct bytes b = measure(story, acknowledged);

		if (b.library)
			print_bytes(stories[story].name, &b);
		/* what TCP keeps, and blocks of the arena for the library's small strings: it holds of the sum */
		WORLD_CHECK(stories[story].tcp || (b.library && b.all * 10 <= b.library * 11));
		sum = (struct bytes){ sum.all + b.all, sum.library + b.library, sum.kept + b.kept };
	}
	print_bytes("one of each", &sum);
	WORLD_CHECK(sum.library && (sum.all - sum.kept) * 10 <= sum.library * 11);
}

static void run(bool drop, uint32_t flows)
{
	struct memory before = { 0 }, after;
	uint32_t done = 0;

	tally = (struct tally){ 0 };
	for (uint32_t waves = 0; done < flows; waves++) {
		uint32_t count = RTE_MIN(flows - done, WAVE);

		wave(done, count, drop);
		done += count;
		if (waves < 2)
			before = memory_now();
	}
	after = memory_now();
	report(drop ? "drop" : "unknown", flows, &before, &after);
}

int main(int argc, char **argv)
{
	uint32_t flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : FLOWS;

	if (flows < 4 * WAVE) {
		fprintf(stderr, "short-flows: at least %u\n", 4 * WAVE);
		return 2;
	}
	world.policies = "tests/replay/shortflows";
	world.sizes = (struct options){ .flows = 2 * WAVE,
					.macs = 24,
					.fragments = 8,
					.detecting = CONTEXTS,
					.dpi_memory = 48u << 20,
					.workers = WORLD_WORKERS };
	world_open();
	write_stories();
	assign();
	cost_count();
	measure_all(false);
	measure_all(true);
	run(false, flows / 2);
	run(true, flows - flows / 2);
	world_close();
	return 0;
}
