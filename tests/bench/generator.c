/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * generator KIND [--flows N] [--size N] [--ipv6] --socket PATH --cpu N --drivers A,B.. [--buffer BYTES] [--queues N]
 *
 * A source that pushes: the server of a memif, whose client is the program under measurement
 * and transmits by N queues. One thread sends the traffic
 * and takes what comes back; it begins when the other side is there. Commands on standard input, an answer each:
 *   rate N      frames a second from now on; 0: as many as the other side takes
 *   send N      this many frames and no more, then rest; 0: without end
 *   stats       JSON: sent, refused (due, but the ring was full), received, rounds (attempts to send), full (those that the
 *               ring took nothing or only a part of), up
 *   latency     JSON: percentiles since the last such command, of stamped frames
 */
#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "histogram.h"
#include "traffic.h"

#define BURST 32u
#define WORDS_MAX 32
#define QUEUES_MAX 16u

struct options {
	struct traffic traffic;
	const char *socket, *cpu, *drivers;
	uint32_t buffer;
	uint16_t queues; /* by which frames come back: as many as the other side transmits by */
};

static struct {
	struct options options;
	uint16_t port;
	struct rte_mempool *pool;
	double ns_per_tick;
	_Atomic uint64_t rate;  /* frames a second; main: rw, sender: ro */
	_Atomic uint64_t until; /* frames to be sent in all; main: rw, sender: ro */
	_Atomic uint32_t epoch; /* of the histogram; main: rw, sender: ro */
	_Atomic uint32_t
		seen; /* the epoch that the sender is in; then the other histogram is main's to read */
	_Atomic bool stop;
	_Atomic uint64_t sent, refused, received, rounds, full; /* sender: rw, main: ro */
	struct histogram latency[2];                            /* by the epoch's lowest bit */
} generator;

/* ---- the sending thread ---- */

struct sender {
	uint64_t next;  /* number of the next frame */
	uint64_t begun; /* tick at which the rate began, with this many frames sent since: */
	uint64_t paced, rate;
	uint16_t left; /* of the burst: not taken yet */
	struct rte_mbuf *burst[BURST];
};

static uint32_t stamp_now(void)
{
	return (uint32_t)((double)rte_rdtsc() * generator.ns_per_tick);
}

/* How many frames are due, at most a burst. */
static uint16_t due(struct sender *s)
{
	uint64_t rate = atomic_load_explicit(&generator.rate, memory_order_relaxed), count = BURST, all;
	uint64_t until = atomic_load_explicit(&generator.until, memory_order_relaxed);

	if (rate != s->rate) {
		s->rate = rate;
		s->begun = rte_rdtsc();
		s->paced = 0;
	}
	if (rate) {
		all = (uint64_t)((double)(rte_rdtsc() - s->begun) * generator.ns_per_tick * (double)rate /
				 1e9);
		/* a source that was kept from its CPU does not catch up on more than a ring */
		if (all > s->paced + 1024)
			s->paced = all - 1024;
		count = RTE_MIN(all - s->paced, (uint64_t)BURST);
	}
	return (uint16_t)RTE_MIN(count, until > s->next ? until - s->next : 0);
}

static uint16_t fill(struct sender *s, uint16_t count)
{
	const struct traffic *t = &generator.options.traffic;
	bool stamp = s->rate;

	if (!count || rte_pktmbuf_alloc_bulk(generator.pool, s->burst, count))
		return 0;
	for (uint16_t i = 0; i < count; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(s->burst[i], uint8_t *);
		uint16_t length = traffic_frame(t, s->next++, frame);

		s->burst[i]->data_len = length;
		s->burst[i]->pkt_len = length;
		if (stamp)
			traffic_stamp(frame, length, stamp_now());
	}
	s->paced += count;
	return count;
}

static void count_up(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
			      memory_order_relaxed);
}

/* At a rate, what the ring does not take is lost; without one it waits. */
static void push(struct sender *s)
{
	uint16_t count = s->left, sent;

	if (!count)
		count = fill(s, due(s));
	if (!count)
		return;
	sent = rte_eth_tx_burst(generator.port, 0, s->burst, count);
	count_up(&generator.sent, sent);
	count_up(&generator.rounds, 1);
	count_up(&generator.full, sent < count);
	s->left = (uint16_t)(count - sent);
	if (s->left && s->rate) {
		rte_pktmbuf_free_bulk(s->burst + sent, s->left);
		count_up(&generator.refused, s->left);
		s->left = 0;
	} else if (sent) {
		memmove(s->burst, s->burst + sent, s->left * sizeof(s->burst[0]));
	}
}

static void take(uint16_t queue, bool stamped)
{
	struct histogram *h =
		&generator.latency[atomic_load_explicit(&generator.seen, memory_order_relaxed) & 1];
	struct rte_mbuf *frames[BURST];
	uint16_t count = rte_eth_rx_burst(generator.port, queue, frames, BURST);
	uint32_t stamp, now;

	if (!count)
		return;
	count_up(&generator.received, count);
	now = stamp_now();
	for (uint16_t i = 0; stamped && i < count; i++)
		if (traffic_stamped(rte_pktmbuf_mtod(frames[i], uint8_t *), frames[i]->data_len, &stamp) &&
		    stamp)
			histogram_add(h, now - stamp);
	rte_pktmbuf_free_bulk(frames, count);
}

static bool link_is_up(void)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(generator.port, &link) == 0 && link.link_status;
}

static int send_main(void *unused __rte_unused)
{
	struct sender s = { 0 };

	while (!atomic_load_explicit(&generator.stop, memory_order_relaxed)) {
		uint32_t epoch = atomic_load_explicit(&generator.epoch, memory_order_relaxed);

		if (epoch != atomic_load_explicit(&generator.seen, memory_order_relaxed))
			atomic_store_explicit(&generator.seen, epoch, memory_order_release);
		push(&s);
		for (uint16_t q = 0; q < generator.options.queues; q++)
			take(q, s.rate);
	}
	return 0;
}

/* ---- the main thread ---- */

static void print_stats(void)
{
	printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"received\": %" PRIu64
	       ", \"rounds\": %" PRIu64 ", \"full\": %" PRIu64 ", \"up\": %s}\n",
	       generator.sent, generator.refused, generator.received, generator.rounds, generator.full,
	       link_is_up() ? "true" : "false");
}

static void print_latency(void)
{
	uint32_t epoch = atomic_fetch_add(&generator.epoch, 1) + 1;
	struct histogram *h = &generator.latency[(epoch - 1) & 1];

	while (atomic_load_explicit(&generator.seen, memory_order_acquire) != epoch)
		rte_delay_us_sleep(100);
	printf("{\"count\": %" PRIu64 ", \"p50\": %" PRIu64 ", \"p90\": %" PRIu64 ", \"p99\": %" PRIu64
	       ", \"p999\": %" PRIu64 ", \"max\": %" PRIu64 "}\n",
	       h->count, histogram_quantile(h, 0.5), histogram_quantile(h, 0.9), histogram_quantile(h, 0.99),
	       histogram_quantile(h, 0.999), h->greatest);
	memset(h, 0, sizeof(*h));
}

static void command(const char *line)
{
	uint64_t number;

	if (sscanf(line, "rate %" SCNu64, &number) == 1) {
		atomic_store(&generator.rate, number);
		printf("{}\n");
	} else if (sscanf(line, "send %" SCNu64, &number) == 1) {
		atomic_store(&generator.until, number ? number : UINT64_MAX);
		printf("{}\n");
	} else if (strcmp(line, "stats\n") == 0) {
		print_stats();
	} else if (strcmp(line, "latency\n") == 0) {
		print_latency();
	} else {
		printf("{\"error\": \"rate, send, stats or latency\"}\n");
	}
	fflush(stdout);
}

/* ---- start ---- */

static const char *read_options(struct options *o, int argc, char **argv)
{
	const char *wrong = traffic_read(&o->traffic, &argc, (const char **)argv);
	const char *buffer = "2048", *queues = "1";
	const struct {
		const char *name, **value;
	} words[] = { { "--socket", &o->socket },
		      { "--cpu", &o->cpu },
		      { "--drivers", &o->drivers },
		      { "--buffer", &buffer },
		      { "--queues", &queues } };

	for (int i = 1; i < argc && !wrong; i += 2) {
		size_t word = 0;

		while (word < RTE_DIM(words) && strcmp(argv[i], words[word].name))
			word++;
		if (word == RTE_DIM(words) || i + 1 == argc)
			return "--socket PATH --cpu N --drivers A,B.. [--buffer BYTES] [--queues N] after "
			       "the "
			       "traffic";
		*words[word].value = argv[i + 1];
	}
	o->buffer = (uint32_t)strtoul(buffer, NULL, 10);
	o->queues = (uint16_t)strtoul(queues, NULL, 10);
	if (!wrong && (!o->socket || !o->cpu || !o->drivers))
		wrong = "--socket, --cpu and --drivers are needed";
	if (!wrong && (!o->queues || o->queues > QUEUES_MAX))
		wrong = "--queues: 1 to 16";
	if (!wrong && o->buffer < o->traffic.size)
		wrong = "--buffer is less than a frame";
	return wrong;
}

static int start_eal(const struct options *o)
{
	static char words[WORDS_MAX][512], drivers[4096];
	static char *list[WORDS_MAX];
	char *at = drivers, *driver;
	int count = 0;

	snprintf(drivers, sizeof(drivers), "%s", o->drivers);
	snprintf(words[count++], sizeof(words[0]), "generator");
	snprintf(words[count++], sizeof(words[0]), "--lcores=0@0,1@%s", o->cpu);
	snprintf(words[count++], sizeof(words[0]), "--no-huge");
	snprintf(words[count++], sizeof(words[0]), "--no-shconf");
	snprintf(words[count++], sizeof(words[0]), "--no-telemetry");
	snprintf(words[count++], sizeof(words[0]), "--no-pci");
	snprintf(words[count++], sizeof(words[0]), "--log-level=*:error");
	snprintf(words[count++], sizeof(words[0]), "--file-prefix=generator-%d", (int)getpid());
	snprintf(words[count++], sizeof(words[0]), "-m");
	snprintf(words[count++], sizeof(words[0]), "256");
	snprintf(words[count++], sizeof(words[0]),
		 "--vdev=net_memif0,role=server,id=0,socket=%s,socket-abstract=no,rsize=10,bsize=%u",
		 o->socket, o->buffer);
	while ((driver = strsep(&at, ",")) && count + 2 < WORDS_MAX) {
		snprintf(words[count++], sizeof(words[0]), "-d");
		snprintf(words[count++], sizeof(words[0]), "%s", driver);
	}
	for (int i = 0; i < count; i++)
		list[i] = words[i];
	return rte_eal_init(count, list) < 0 ? -1 : 0;
}

static int start_port(const struct options *o)
{
	const struct rte_eth_conf conf = { 0 };
	uint16_t port = generator.port;
	int error;

	/* long frames come back in several buffers where one does not hold them */
	generator.pool = rte_pktmbuf_pool_create("frames", 8191, 256, 0,
						 (uint16_t)(o->buffer + RTE_PKTMBUF_HEADROOM), 0);
	if (!generator.pool)
		return -ENOMEM;
	error = rte_eth_dev_configure(port, o->queues, 1, &conf);
	for (uint16_t q = 0; q < o->queues && !error; q++)
		error = rte_eth_rx_queue_setup(port, q, 1024, 0, NULL, generator.pool);
	if (!error)
		error = rte_eth_tx_queue_setup(port, 0, 1024, 0, NULL);
	return error ? error : rte_eth_dev_start(port);
}

int main(int argc, char **argv)
{
	const char *wrong = read_options(&generator.options, argc, argv);
	char line[128];

	if (wrong) {
		fprintf(stderr, "generator: %s\n", wrong);
		return 2;
	}
	if (start_eal(&generator.options) || rte_eth_dev_get_port_by_name("net_memif0", &generator.port) ||
	    start_port(&generator.options)) {
		fprintf(stderr, "generator: DPDK or its memif does not start\n");
		return EXIT_FAILURE;
	}
	generator.ns_per_tick = 1e9 / (double)rte_get_tsc_hz();
	rte_eal_remote_launch(send_main, NULL, 1);
	while (fgets(line, sizeof(line), stdin))
		command(line);
	atomic_store(&generator.stop, true);
	rte_eal_mp_wait_lcore();
	rte_eth_dev_stop(generator.port);
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
