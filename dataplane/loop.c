/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "frame.h"
#include "notice.h"
#include "worker.h"

#define TICKS 10u /* of a round */
#define SEND_SLOTS 16384u
#define HEARD_SLOTS 64u
#define PEERS 8u
/* A probe is of its round or the next: what is older was recorded. */
#define ROUNDS_FRESH 1u
/* .. and is back at once. Who takes it from one segment and sends it on another within this time joins them; what comes
 * later was kept. Rings hold it for some ms, a machine with more work than CPUs for longer. */
#define LATE_US 1000000
#define PEER_FRESH_US 3000000u
/* Clocks of the appliances of a group may differ by so much. */
#define PEER_CLOCK_US 30000000u

struct heard {
	struct probe probe;
	uint16_t segment;
};

/* One producer, one consumer. */
struct heard_ring {
	alignas(64) _Atomic uint32_t head; /* worker: rw */
	alignas(64) _Atomic uint32_t tail; /* main: rw */
	struct heard slots[HEARD_SLOTS];
};

struct peer {
	uint64_t appliance, boot, round, heard_us;
	uint64_t at[BH_SEGMENT_IDS]; /* when its probe of a segment was heard there */
};

struct closed {
	uint32_t pair; /* 0: free */
	uint64_t last_us;
};

struct loops {
	struct loop_gate gate;
	struct loop_need need;
	uint8_t key[SIPHASH_KEY];
	uint64_t group, appliance, boot;
	_Atomic uint64_t round; /* main: rw, workers: ro */
	uint32_t ticks;
	struct rte_ring *to_send;
	uint64_t names[BH_SEGMENT_IDS];    /* 0: not in the policy */
	uint16_t networks[BH_SEGMENT_IDS]; /* of those that are */
	/* of a segment that is not open */
	bool probed[BH_SEGMENT_IDS];      /* its first probe is on its way */
	uint64_t left_us[BH_SEGMENT_IDS]; /* when one was known to have left; 0: none has */
	struct closed closed[LOOP_PAIRS];
	struct peer *peers; /* PEERS */
	struct heard_ring heard[BH_MAX_WORKERS];
};

/* ---- the group ---- */

/* 32 hexadecimal digits: `openssl rand -hex 16` */
static int read_key(const char *path, uint8_t key[SIPHASH_KEY])
{
	char text[2 * SIPHASH_KEY + 2] = "", pair[3] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int error = length < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	text[strcspn(text, "\n")] = '\0';
	if (!error &&
	    (strlen(text) != 2 * SIPHASH_KEY || strspn(text, "0123456789abcdefABCDEF") != strlen(text)))
		error = -EINVAL;
	for (unsigned int i = 0; i < SIPHASH_KEY && !error; i++) {
		memcpy(pair, text + 2 * i, 2);
		key[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	explicit_bzero(text, sizeof(text));
	if (error)
		log_line(LOG_ERR, "%s: %s", path,
			 error == -EINVAL ? "a group's key is 32 hexadecimal digits" : strerror(-error));
	return error;
}

/* Which appliance of a group: the same after a restart, another for two on one machine. */
static uint64_t who(const char *run)
{
	char machine[33] = "";
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, machine, sizeof(machine) - 1) < 0)
			machine[0] = '\0';
		close(fd);
	}
	return probe_name(machine, run);
}

static int join_group(struct loops *l)
{
	const struct options *o = l->need.options;

	l->appliance = who(o->run);
	l->boot = l->need.now_us;
	l->group = probe_name("group", o->group);
	if (o->group_key)
		return read_key(o->group_key, l->key);
	/* a group of one: nobody else's probes are ours */
	if (getrandom(l->key, sizeof(l->key), 0) != sizeof(l->key) ||
	    getrandom(&l->group, sizeof(l->group), 0) != sizeof(l->group))
		return -EIO;
	return 0;
}

int loops_new(struct loops **loops, const struct loop_need *need)
{
	struct loops *l = rte_zmalloc("loops", sizeof(*l), 64);
	char name[RTE_RING_NAMESIZE];
	int error = -ENOMEM;

	if (!l)
		return error;
	l->need = *need;
	l->peers = calloc(PEERS, sizeof(*l->peers));
	snprintf(name, sizeof(name), "probes-%p", (void *)l);
	l->to_send = rte_ring_create(name, SEND_SLOTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (l->peers && l->to_send)
		error = join_group(l);
	if (error)
		loops_free(l);
	else
		*loops = l;
	return error;
}

void loops_free(struct loops *l)
{
	void *frame;

	if (!l)
		return;
	while (l->to_send && rte_ring_dequeue(l->to_send, &frame) == 0)
		rte_pktmbuf_free(frame);
	rte_ring_free(l->to_send);
	free(l->peers);
	explicit_bzero(l->key, sizeof(l->key));
	rte_free(l);
}

struct loop_gate *loops_gate(struct loops *l)
{
	return l ? &l->gate : NULL;
}

/* ---- workers ---- */

static bool tell_main(struct heard_ring *ring, const struct probe *probe, uint16_t segment)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == HEARD_SLOTS)
		return false;
	ring->slots[head % HEARD_SLOTS] = (struct heard){ *probe, segment };
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

/* Our own, but not of now? Those of others are judged by who knows them. */
static bool is_recorded(const struct loops *l, const struct probe *probe, uint64_t now_us)
{
	uint64_t round = atomic_load_explicit(&l->round, memory_order_relaxed);
	int64_t age_us = (int64_t)(now_us - probe->sent_us);

	if (probe->appliance != l->appliance)
		return false;
	/* a clock that was set makes the second between two of its disciplinings look late or early */
	return probe->boot != l->boot || probe->round > round || probe->round + ROUNDS_FRESH < round ||
	       age_us > LATE_US || age_us < -LATE_US;
}

static void refuse(struct worker *w, const struct rte_mbuf *m, const char *text)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);

	worker_count(w, BH_WORKER_PROBES_REFUSED, 1);
	notice(w, BH_NOTICE_LOOP, rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr.addr_bytes,
	       NULL, f->segment, SEGMENT_NONE, text);
}

bool loops_hear(struct loops *l, struct worker *w, const struct rte_mbuf *m)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	struct probe probe;

	if (f->kind != FRAME_OTHER || f->ethertype != PROBE_ETHERTYPE || f->inner || m->data_len < f->l3)
		return false;
	switch (probe_read(rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l3), m->data_len - f->l3, l->group,
			   l->key, &probe)) {
	case PROBE_NONE:
		return false;
	case PROBE_FOREIGN_GROUP:
		return true;
	case PROBE_FORGED:
		refuse(w, m, "loop probe with a wrong signature: nothing is closed for it");
		return true;
	case PROBE_OURS:
		break;
	}
	worker_count(w, BH_WORKER_PROBES, 1);
	if (is_recorded(l, &probe, worker_unix_us(w)))
		refuse(w, m, "loop probe that was sent long ago: nothing is closed for it");
	else if (!tell_main(&l->heard[w->id], &probe, f->segment))
		worker_count(w, BH_WORKER_PROBES_REFUSED, 1);
	return true;
}

uint32_t loops_take(struct loops *l, struct rte_mbuf **frames, uint32_t count)
{
	return rte_ring_sc_dequeue_burst(l->to_send, (void **)frames, count, NULL);
}

/* ---- main: sending ---- */

bool loops_waiting(const struct loops *l)
{
	return !rte_ring_empty(l->to_send);
}

static void set_open(struct loops *l, uint32_t id, bool open)
{
	uint64_t bit = UINT64_C(1) << (id % 64);

	if (open)
		atomic_fetch_or_explicit(&l->gate.open[id / 64], bit, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&l->gate.open[id / 64], ~bit, memory_order_relaxed);
}

/* Has a probe left by the segment since this was asked last? */
static bool take_left(struct loops *l, uint32_t id)
{
	uint64_t bit = UINT64_C(1) << (id % 64);

	return atomic_fetch_and_explicit(&l->gate.left[id / 64], ~bit, memory_order_relaxed) & bit;
}

/* Segments that go stay open: frames of theirs may be under way by the policy before. */
void loops_policy(struct loops *l, const struct policy *policy)
{
	struct bh_counters *c = l->need.counters;

	c->listening = 0;
	for (uint32_t id = 1; id < BH_SEGMENT_IDS; id++) {
		const struct policy_segment *segment = &policy->segments[id];

		if (segment->index == BH_NONE) {
			l->names[id] = 0;
			continue;
		}
		/* what it shared no network with could be joined to it, and was not asked for */
		if (!l->names[id] || l->networks[id] != segment->network) {
			set_open(l, id, false);
			l->probed[id] = false;
			l->left_us[id] = 0;
		}
		l->networks[id] = segment->network;
		l->names[id] = probe_name(c->networks[segment->network], c->segments[id]);
		c->listening += !loop_open(&l->gate, (uint16_t)id);
	}
}

static void send_probe(struct loops *l, const struct policy *policy, uint16_t segment, uint64_t now_us)
{
	const struct probe probe = { .group = l->group,
				     .appliance = l->appliance,
				     .boot = l->boot,
				     .round = atomic_load_explicit(&l->round, memory_order_relaxed),
				     .sent_us = now_us,
				     .segment = l->names[segment] };
	struct rte_mbuf *m = rte_pktmbuf_alloc(l->need.buffers);
	uint8_t *frame;

	if (!m)
		return;
	memset(frame_of(m), 0, sizeof(struct frame));
	frame_of(m)->dest = segment;
	frame_of(m)->ethertype = PROBE_ETHERTYPE;
	frame = (uint8_t *)rte_pktmbuf_append(m, PROBE_FRAME);
	if (frame)
		probe_write(&probe, l->key, l->need.macs[policy->segments[segment].port].addr_bytes, frame);
	if (!frame || rte_ring_sp_enqueue(l->to_send, m) != 0)
		rte_pktmbuf_free(m);
}

/* A tenth of the segments each time. */
static void send_round(struct loops *l, const struct policy *policy, uint64_t now_us)
{
	uint32_t tick = l->ticks++ % TICKS;

	if (!tick)
		atomic_fetch_add_explicit(&l->round, 1, memory_order_relaxed);
	for (uint32_t id = tick; id < BH_SEGMENT_IDS; id += TICKS)
		if (l->names[id])
			send_probe(l, policy, (uint16_t)id, now_us);
}

/* ---- main: pairs ---- */

static const char *name_of(const struct loops *l, uint32_t segment)
{
	return l->need.counters->segments[segment];
}

static void tell_pair(struct loops *l, uint32_t pair, const char *what)
{
	char text[192];

	if (pair == LOOP_EVERY_PAIR)
		snprintf(text, sizeof(text), "more loops than are told apart: all segments %s", what);
	else
		snprintf(text, sizeof(text), "loop: segments %s and %s %s", name_of(l, pair >> 16),
			 name_of(l, pair & 0xffff), what);
	l->need.notice(l->need.opaque, BH_NOTICE_LOOP, text);
}

/* What is closed, for workers and for status. A worker that looks meanwhile sees a pair twice, or one that is open again. */
static void publish(struct loops *l)
{
	struct bh_counters *c = l->need.counters;
	uint32_t count = 0;

	for (unsigned int i = 0; i < LOOP_PAIRS; i++) {
		if (!l->closed[i].pair)
			continue;
		atomic_store_explicit(&l->gate.pairs[count], l->closed[i].pair, memory_order_relaxed);
		c->loops[count++] = l->closed[i].pair;
	}
	atomic_store_explicit(&l->gate.count, count, memory_order_release);
	c->loop_count = count;
}

static void close_pair(struct loops *l, uint32_t pair, uint64_t now_us, const char *why)
{
	unsigned int place = 0;

	for (unsigned int i = 0; i < LOOP_PAIRS; i++)
		if (l->closed[i].pair == pair) {
			l->closed[i].last_us = now_us;
			return;
		}
	/* the last place is for all those that have none */
	while (place < LOOP_PAIRS - 1 && l->closed[place].pair)
		place++;
	if (place == LOOP_PAIRS - 1)
		pair = LOOP_EVERY_PAIR;
	if (l->closed[place].pair == LOOP_EVERY_PAIR) {
		l->closed[place].last_us = now_us;
		return;
	}
	l->closed[place] = (struct closed){ pair, now_us };
	publish(l);
	tell_pair(l, pair, why);
}

static void open_pairs(struct loops *l, uint64_t now_us)
{
	for (unsigned int i = 0; i < LOOP_PAIRS; i++) {
		struct closed *closed = &l->closed[i];
		uint32_t pair = closed->pair;

		if (!pair || now_us - closed->last_us < LOOP_HOLD_US)
			continue;
		closed->pair = 0;
		publish(l);
		tell_pair(l, pair, "are open again: no probe came from one to the other for 10 s");
	}
}

/* ---- main: what was heard ---- */

static struct peer *find_peer(struct loops *l, uint64_t appliance)
{
	struct peer *oldest = l->peers;

	for (unsigned int i = 0; i < PEERS; i++) {
		if (l->peers[i].appliance == appliance)
			return &l->peers[i];
		if (l->peers[i].heard_us < oldest->heard_us)
			oldest = &l->peers[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->appliance = appliance;
	return oldest;
}

/* Is it of now? What was recorded of a peer is of an older round, or older than the peer's process. */
static bool hear_peer(struct peer *peer, const struct probe *probe, uint64_t now_us)
{
	uint64_t apart = probe->sent_us > now_us ? probe->sent_us - now_us : now_us - probe->sent_us;
	bool later = probe->boot > peer->boot || (probe->boot == peer->boot && probe->round > peer->round);
	bool again = probe->boot == peer->boot && probe->round + ROUNDS_FRESH >= peer->round &&
		     now_us - peer->heard_us < PEER_FRESH_US;

	if (apart > PEER_CLOCK_US || (!later && !again))
		return false;
	if (probe->boot != peer->boot)
		memset(peer->at, 0, sizeof(peer->at));
	if (later) {
		peer->boot = probe->boot;
		peer->round = probe->round;
		peer->heard_us = now_us;
	}
	return true;
}

/* It is on two segments that we join: so does it. One of the two appliances has to stop. */
static void hear_at_home(struct loops *l, struct peer *peer, const struct policy *policy, uint16_t segment,
			 uint64_t now_us)
{
	peer->at[segment] = now_us;
	if (l->appliance < peer->appliance)
		return;
	for (uint32_t id = 1; id < BH_SEGMENT_IDS; id++)
		if (id != segment && l->names[id] && peer->at[id] && now_us - peer->at[id] < PEER_FRESH_US &&
		    policy->segments[id].network == policy->segments[segment].network)
			close_pair(l, loop_pair((uint16_t)id, segment), now_us,
				   "are joined by another appliance of the group: nothing goes between them "
				   "here");
}

static uint16_t segment_named(const struct loops *l, uint64_t name)
{
	for (uint32_t id = 1; id < BH_SEGMENT_IDS; id++)
		if (l->names[id] == name)
			return (uint16_t)id;
	return SEGMENT_NONE;
}

/* false: it says nothing about now */
static bool hear(struct loops *l, const struct policy *policy, const struct heard *heard, uint64_t now_us)
{
	const struct probe *probe = &heard->probe;
	bool own = probe->appliance == l->appliance;
	uint16_t from = probe->segment ? segment_named(l, probe->segment) : SEGMENT_NONE;
	struct peer *peer = own ? NULL : find_peer(l, probe->appliance);

	if (peer && !hear_peer(peer, probe, now_us))
		return false;
	if (from == SEGMENT_NONE || !l->names[heard->segment] ||
	    policy->segments[from].network != policy->segments[heard->segment].network)
		return true;
	if (from != heard->segment)
		close_pair(l, loop_pair(from, heard->segment), now_us,
			   "are joined outside: nothing goes between them any more");
	else if (peer)
		hear_at_home(l, peer, policy, from, now_us);
	return true;
}

static void hear_all(struct loops *l, const struct policy *policy, uint64_t now_us)
{
	uint32_t refused = 0;

	for (uint16_t i = 0; i < l->need.workers; i++) {
		struct heard_ring *ring = &l->heard[i];
		uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
		uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

		for (; tail != head; tail++)
			refused += !hear(l, policy, &ring->slots[tail % HEARD_SLOTS], now_us);
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
	}
	if (refused)
		l->need.notice(l->need.opaque, BH_NOTICE_LOOP,
			       "loop probes of a peer that were sent long ago: nothing is closed for them");
}

/* The time counts from when the probe did leave: a port may come up long after the policy. The later rounds' probes leave, too. */
static void listen_to(struct loops *l, const struct policy *policy, uint16_t id, uint64_t now_us)
{
	bool left = take_left(l, id);

	if (!l->probed[id]) {
		/* what left before is of another policy */
		send_probe(l, policy, id, now_us);
		l->probed[id] = true;
	} else if ((left && !l->left_us[id]) || now_us < l->left_us[id]) {
		l->left_us[id] = now_us;
	} else if (l->left_us[id] && now_us - l->left_us[id] >= LOOP_LISTEN_US) {
		set_open(l, id, true);
	}
}

bool loops_listen(struct loops *l, const struct policy *policy, uint64_t now_us)
{
	struct bh_counters *c = l->need.counters;
	uint32_t listening = 0;

	if (!policy || !c->listening)
		return false;
	/* before anything is opened by what was heard up to here */
	hear_all(l, policy, now_us);
	for (uint32_t id = 1; id < BH_SEGMENT_IDS; id++) {
		if (!l->names[id] || loop_open(&l->gate, (uint16_t)id))
			continue;
		listen_to(l, policy, (uint16_t)id, now_us);
		listening += !loop_open(&l->gate, (uint16_t)id);
	}
	c->listening = listening;
	return listening;
}

void loops_tick(struct loops *l, const struct policy *policy, uint64_t now_us)
{
	open_pairs(l, now_us);
	if (!policy)
		return;
	send_round(l, policy, now_us);
	hear_all(l, policy, now_us);
}
