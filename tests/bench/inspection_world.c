/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane round the stage: one worker with real tables and the real stages, frames from memory one by one. Who is in
 * which segment is told by the order of the two addresses, so that every flow of every capture goes from one to the other.
 */
#include "inspection.h"

#include <dirent.h>
#include <pcap/pcap.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "activate.h"
#include "arena.h"
#include "classifier.h"
#include "counterfile.h"
#include "dpi.h"
#include "environment.h"
#include "event.h"
#include "flow.h"
#include "fragment.h"
#include "imagecopy.h"
#include "layer2.h"
#include "log.h"
#include "pipeline.h"
#include "workers.h"

#define FIRST_NS 1000000000000u
#define BETWEEN_NS 1000000000u /* from one capture to the next */
#define PASSES 2u              /* of all captures in a run: the second finds the module's caches made */
#define LONGEST (UINT16_MAX - RTE_PKTMBUF_HEADROOM)

struct frame_bytes {
	uint64_t time_us;
	uint32_t length;
	const uint8_t *bytes;
};

struct capture_bytes {
	struct frame_bytes *frames;
	uint32_t count, room;
};

static struct capture_bytes *captures;
static struct world_facts facts;
static int image_fd;
static struct rte_mempool *pool;
static struct counterfile counters;
static struct workers workers;
static struct activate *activate;
static struct options sizes = { .flows = 65536,
				.macs = 64,
				.fragments = 64,
				.detecting = 16384,
				.dpi_memory = 64u << 20,
				.workers = 1,
				.mbufs = 512,
				.huge = OPTION_HUGE_NEVER,
				.replay = "memory" };
static const char *const port_names[] = { "trunk" };

static enum inspection_mode mode;
static uint32_t step, *step_cycles;
static uint64_t pair_cycles; /* of looking at the clock twice */

static void need(bool there, const char *what)
{
	if (there)
		return;
	fprintf(stderr, "inspection: %s\n", what);
	exit(1);
}

static void spent(uint64_t begin)
{
	uint64_t cycles = rte_rdtsc() - begin;

	step_cycles[step] += cycles > pair_cycles ? (uint32_t)RTE_MIN(cycles - pair_cycles, 1u << 30) : 0;
}

/* ---- captures ---- */

static void load_capture(const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline(path, why);
	struct capture_bytes *c;
	struct pcap_pkthdr *header;
	const u_char *bytes;

	if (!file || pcap_datalink(file) != DLT_EN10MB) {
		fprintf(stderr, "inspection: %s is left out: %s\n", path, file ? "not Ethernet" : why);
		if (file)
			pcap_close(file);
		return;
	}
	captures = realloc(captures, (facts.captures + 1) * sizeof(*captures));
	need(captures, "no memory");
	c = &captures[facts.captures++];
	*c = (struct capture_bytes){ 0 };
	while (pcap_next_ex(file, &header, &bytes) == 1) {
		if (header->caplen > LONGEST || header->caplen < 14)
			continue;
		if (c->count == c->room) {
			c->room = c->room ? 2 * c->room : 1024;
			c->frames = realloc(c->frames, c->room * sizeof(*c->frames));
			need(c->frames, "no memory");
		}
		uint8_t *copy = malloc(header->caplen);
		need(copy, "no memory");
		memcpy(copy, bytes, header->caplen);
		c->frames[c->count++] = (struct frame_bytes){
			.time_us = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec,
			.length = header->caplen,
			.bytes = copy,
		};
	}
	facts.frames += c->count;
	pcap_close(file);
}

static int is_capture(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return end && (!strcmp(end, ".pcap") || !strcmp(end, ".pcapng"));
}

static void load_folder(const char *folder)
{
	struct dirent **list;
	int count = scandir(folder, &list, is_capture, alphasort);
	char path[4096];

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
		load_capture(path);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
}

/* nDPI's clock does not go back: the oldest capture first. */
static int by_time(const void *a, const void *b)
{
	const struct capture_bytes *x = a, *y = b;
	uint64_t s = x->count ? x->frames[0].time_us : 0, t = y->count ? y->frames[0].time_us : 0;

	return s < t ? -1 : s > t;
}

/* ---- the dataplane ---- */

static struct worker *worker(void)
{
	return workers.list[0];
}

static uint16_t swallow(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames, uint16_t count)
{
	(void)opaque;
	(void)port;
	(void)queue;
	rte_pktmbuf_free_bulk(frames, count);
	return count;
}

static void publish(void *opaque, const struct policy *policy)
{
	(void)opaque;
	worker()->policy = policy;
}

static void tell(void *opaque, enum bh_notice_kind kind, const char *text)
{
	(void)opaque;
	(void)kind;
	(void)text;
}

static void drain_events(struct event_ring *ring, void *opaque)
{
	(void)opaque;
	while (event_peek(ring))
		event_consume(ring);
}

static void open_world(void)
{
	struct tx_port transmit = { .burst = swallow, .max_frame = UINT32_MAX };
	struct workers_need workers_need = {
		.count = 1,
		.replay = true,
		.sizes = &sizes,
		.counters = &counters,
		.copies = pool,
		.port_count = 1,
		.transmit = &transmit,
		.event_slots = 1024,
	};
	struct activate_need activate_need = {
		.ports = port_names,
		.port_count = 1,
		.workers = 1,
		.sizes = &sizes,
		.replay = true,
		.publish = publish,
		.notice = tell,
	};
	char text[256];

	need(counterfile_open(&counters, NULL, 1, (gid_t)-1) == 0, "no memory for counters");
	need(workers_open(&workers, &workers_need) == 0, "no memory for tables");
	event_ring_on_full(worker()->events, drain_events, NULL);
	activate_need.counters = counters.counters;
	activate = activate_new(&activate_need);
	need(activate, "no memory");
	activate_watch(activate, workers.classifiers);
	need(activate_image(activate, image_fd, 0, text, sizeof(text)) == 0, text);
	/* as a live worker does: no records of sessions whose rule does not log */
	worker()->replay = false;
	worker()->start_ns = worker()->now_ns = FIRST_NS;
	bucket_init(&worker()->rejects, 1, 1);
}

static void close_world(void)
{
	activate_free(activate);
	workers_close(&workers);
	counterfile_close(&counters);
}

/* Segments by the order of the addresses; ARP and the like are not looked at by nDPI. */
static uint16_t place_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct frame *f = frame_of(frames[i]);

		if (f->kind != FRAME_IPV4 && f->kind != FRAME_IPV6) {
			rte_pktmbuf_free(frames[i]);
			continue;
		}
		f->segment = w->policy->segment_ids[f->reversed];
		f->dest = w->policy->segment_ids[!f->reversed];
		f->network = f->key.network = w->policy->segments[f->segment].network;
		f->flags |= FRAME_ASSIGNED;
		f->hash = flow_hash(&f->key, w->seed);
		frames[kept++] = frames[i];
	}
	return kept;
}

/* ---- what stands in for the stage ---- */

static void read_as_reader(struct worker *w, struct rte_mbuf *m)
{
	const struct frame *f = frame_of(m);
	struct flow *flow = f->flow;

	if (!flow || (flow->flags & FLOW_DPI_DONE) || (f->flags & FRAME_RELATED))
		return;
	if (bare_read(&flow->dpi, rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l3), (uint16_t)f->l3_length,
		      worker_unix_us(w) / 1000, f->flags & FRAME_REVERSE, f->protocol))
		flow->flags |= FLOW_DPI_DONE;
}

static uint16_t timed_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	const struct frame *f = count ? frame_of(frames[0]) : NULL;
	const uint8_t *l3 = f ? rte_pktmbuf_mtod_offset(frames[0], const uint8_t *, f->l3) : NULL;
	uint64_t begin;

	bare_step(step, l3);
	begin = rte_rdtsc();
	if (mode == INSPECTION_BARE)
		bare_replay(step, l3);
	else if (mode == INSPECTION_READER && count)
		read_as_reader(w, frames[0]);
	else if (mode != INSPECTION_READER && count)
		count = classify_stage(w, frames, count);
	spent(begin);
	return count;
}

extern void __real_classifier_release(struct worker *w, struct flow *flow);
extern void __wrap_classifier_release(struct worker *w, struct flow *flow);
extern void __real_classifier_give_up(struct worker *w, struct flow *flow);
extern void __wrap_classifier_give_up(struct worker *w, struct flow *flow);

/* Sessions end in the flow stage; what that costs nDPI belongs to inspection. */
void __wrap_classifier_release(struct worker *w, struct flow *flow)
{
	uint64_t begin = rte_rdtsc();

	if (mode == INSPECTION_READER)
		bare_read_end(&flow->dpi);
	else if (mode != INSPECTION_BARE)
		__real_classifier_release(w, flow);
	spent(begin);
}

void __wrap_classifier_give_up(struct worker *w, struct flow *flow)
{
	if (mode == INSPECTION_RECORD || mode == INSPECTION_OURS)
		__real_classifier_give_up(w, flow);
}

/* ---- a run ---- */

static size_t
	idle_bytes; /* of the arena and asked for while no session is under detection: the module's caches */
static size_t idle_asked;

static void weigh(const struct worker *w)
{
	double sessions = (double)w->counters->cells[BH_WORKER_DETECTING];

	facts.detecting += sessions;
	facts.held += sessions * (double)context_size() + (double)arena_used(w->classifier->arena) -
		      (double)idle_bytes;
	facts.wanted += sessions * (double)bare_flow_size() + (double)bare_asked() - (double)idle_asked;
}

static void next_step(struct worker *w, bool weighed)
{
	if (mode == INSPECTION_RECORD && weighed)
		weigh(w);
	step++;
	bare_step(step, NULL);
}

static void run_frame(struct worker *w, const struct frame_bytes *bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint16_t count = 1;

	need(m, "no buffer");
	memcpy(rte_pktmbuf_append(m, (uint16_t)bytes->length), bytes->bytes, bytes->length);
	m->port = 0;
	flow_age(w, UINT32_MAX);
	fragments_age(w, UINT32_MAX);
	count = parse_stage(w, &m, count);
	count = place_stage(w, &m, count);
	count = count ? layer2_stage(w, &m, count) : 0;
	count = count ? fragment_stage(w, &m, count) : 0;
	count = count ? flow_stage(w, &m, count) : 0;
	count = timed_stage(w, &m, count);
	count = count ? policy_stage(w, &m, count) : 0;
	if (count)
		tx_stage(w, &m, count);
	tx_flush(w);
}

static void run_capture(const struct capture_bytes *c, bool weighed)
{
	struct worker *w = worker();
	uint64_t first = c->count ? c->frames[0].time_us : 0, begin = w->now_ns + BETWEEN_NS;

	idle_bytes = arena_used(w->classifier->arena);
	idle_asked = bare_asked();
	w->unix_offset_us = first - begin / 1000;
	for (uint32_t i = 0; i < c->count; i++) {
		uint64_t at = begin + (c->frames[i].time_us - first) * 1000;

		if (c->frames[i].time_us >= first && at > w->now_ns)
			w->now_ns = at;
		run_frame(w, &c->frames[i]);
		next_step(w, weighed);
	}
	fragments_drain(w, BH_DROP_END_OF_RUN);
	tx_flush(w);
	flow_end_all(w, BH_FLOW_END_END_OF_RUN);
	timed_stage(w, NULL, 0);
	next_step(w, false);
}

void world_run(enum inspection_mode next, uint32_t *cycles)
{
	mode = next;
	step = 0;
	step_cycles = cycles;
	memset(cycles, 0, facts.steps * sizeof(*cycles));
	open_world();
	bare_begin(mode);
	bare_step(0, NULL);
	for (uint32_t pass = 0; pass < PASSES; pass++)
		for (uint32_t i = 0; i < facts.captures; i++)
			run_capture(&captures[i], pass > 0);
	bare_end();
	close_world();
}

const struct world_facts *world_facts(void)
{
	return &facts;
}

static void measure_clock(void)
{
	pair_cycles = UINT64_MAX;
	for (int i = 0; i < 100000; i++) {
		uint64_t begin = rte_rdtsc();
		uint64_t cycles = rte_rdtsc() - begin;

		pair_cycles = RTE_MIN(pair_cycles, cycles);
	}
}

int world_start(const char *image, const char *const *folders, int count)
{
	int file = open(image, O_RDONLY | O_CLOEXEC);

	need(file >= 0, image);
	image_fd = image_seal_file(file);
	close(file);
	need(image_fd >= 0, image);
	for (int i = 0; i < count; i++)
		load_folder(folders[i]);
	if (!facts.frames)
		return -1;
	qsort(captures, facts.captures, sizeof(*captures), by_time);
	facts.steps = PASSES * (facts.frames + facts.captures);
	log_level(LOG_ERR);
	need(environment_start(&sizes) == 0, "no EAL");
	need(dpi_catalogue_init() == 0, "no catalogue");
	pool = rte_pktmbuf_pool_create("inspection", sizes.mbufs, 0, FRAME_PRIVATE_SIZE, UINT16_MAX,
				       SOCKET_ID_ANY);
	need(pool, "no buffers");
	measure_clock();
	return 0;
}

/* ---- single figures ---- */

double world_decided(void)
{
	enum { TURNS = 20000 };
	static struct flow flow = { .flags = FLOW_DPI_DONE };
	struct rte_mbuf *frames[BURST];
	uint64_t best = UINT64_MAX;

	open_world();
	need(rte_pktmbuf_alloc_bulk(pool, frames, BURST) == 0, "no buffers");
	for (uint16_t i = 0; i < BURST; i++)
		*frame_of(frames[i]) = (struct frame){ .flow = &flow, .payload_length = 100 };
	for (uint32_t i = 0; i < TURNS; i++) {
		uint64_t begin = rte_rdtsc();

		classify_stage(worker(), frames, BURST);
		best = RTE_MIN(best, rte_rdtsc() - begin);
	}
	rte_pktmbuf_free_bulk(frames, BURST);
	close_world();
	return (double)(best - pair_cycles) / BURST;
}

double world_context(void)
{
	enum { LIVE = 1024, TURNS = 200 };
	static struct flow flows[LIVE];
	uint64_t best = UINT64_MAX;

	open_world();
	struct contexts *contexts = worker()->classifier->contexts;
	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t begin = rte_rdtsc();

		for (int i = 0; i < LIVE; i++)
			context_take(contexts, worker(), &flows[i]);
		for (int i = 0; i < LIVE; i++)
			context_give_back(contexts, context_of(contexts, &flows[i]));
		best = RTE_MIN(best, rte_rdtsc() - begin);
	}
	close_world();
	return (double)best / LIVE;
}
