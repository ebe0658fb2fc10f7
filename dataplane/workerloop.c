/* SPDX-License-Identifier: BSD-3-Clause */
#include "workerloop.h"

#include <errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "environment.h"
#include "flow.h"
#include "frame.h"
#include "interrupts.h"
#include "log.h"
#include "loop.h"
#include "mactable.h"
#include "rx.h"
#include "stages.h"
#include "upkeep.h"
#include "wait.h"

/* Under load the tables are looked after every so many rounds, idle in each. */
#define HOUSEKEEPING_ROUNDS 8u
/* Empty rounds before the first sleep: some microseconds, so that a burst's gaps are not slept through. */
#define IDLE_ROUNDS 512u
/* Empty rounds at each length of sleep before it doubles */
#define IDLE_STEP 8u
/* Time without a frame before a wait for an interrupt: the same by the clock, since an empty round of a tap costs a system call. */
#define WAIT_AFTER_NS 50000u
/* Longest wait for an interrupt: timeouts are late by as much, and it is far from WORKER_PAUSE_NS */
#define WAIT_MS 100
/* While the main thread takes records of a listing */
#define WAIT_LISTING_MS 1

/* A transmit queue that this worker sends for others. */
struct shared_queue {
	uint16_t port;
	struct rte_ring *ring;
};

struct loop {
	struct engine *engine;
	struct worker *w;
	struct rx rx;
	struct waiter waiter; /* others wake by it */
	bool waits;           /* all that it polls can wake it: idle, it waits; else it sleeps for a time */
	bool armed;           /* it is woken from now on, and looks once more */
	struct listing *listing;
	struct upkeep upkeep;
	struct shared_queue shared[BH_MAX_PORTS];
	uint16_t shared_count;
	uint32_t idle;      /* empty rounds on end */
	uint32_t rounds;    /* since the tables were looked after */
	uint32_t gap_epoch; /* last reset seen */
	uint32_t measuring; /* last engine.measuring seen */
	uint64_t quiet_ns;  /* nothing came since, as far as waiting goes */
	uint64_t busy_ns;   /* start of the last round, if it had frames */
};

struct engine {
	_Atomic(const struct policy *) policy; /* main: rw, workers: ro */
	_Atomic bool stop;
	_Atomic uint32_t gap_epoch;
	_Atomic uint32_t measuring; /* 0: no; else another number each time it begins */
	uint32_t measured;          /* times it began; main */
	const struct clock *clock;
	struct rte_rcu_qsbr *qsbr;
	uint32_t idle_sleep_us;
	bool interrupts;  /* where they can be had */
	uint16_t count;   /* of workers to be */
	uint16_t running; /* of loops launched */
	struct loop *loops[BH_MAX_WORKERS];
};

/* ---- a round ---- */

static void take_policy(struct loop *l)
{
	struct worker *w = l->w;
	const struct policy *policy = atomic_load_explicit(&l->engine->policy, memory_order_acquire);

	if (likely(policy == w->policy))
		return;
	w->policy = policy;
	if (!policy)
		return;
	if (!w->start_ns)
		w->start_ns = w->now_ns;
	if (w->id == 0)
		mac_table_policy(w);
}

static uint32_t send_for_others(struct loop *l)
{
	uint32_t seen = 0;

	for (uint16_t i = 0; i < l->shared_count; i++) {
		struct rte_mbuf *frames[BURST];
		unsigned int count =
			rte_ring_sc_dequeue_burst(l->shared[i].ring, (void **)frames, BURST, NULL);

		/* they are in another CPU's cache */
		for (unsigned int k = 0; k < count; k++) {
			rte_prefetch0_write(frames[k]);
			rte_prefetch0((const char *)frame_of(frames[k]) + RTE_CACHE_LINE_SIZE);
		}
		for (unsigned int k = 0; k < count; k++)
			tx_take(l->w, l->shared[i].port, frames[k]);
		seen += count;
	}
	return seen;
}

/* Loop probes, which the main thread made. */
static void send_probes(struct worker *w)
{
	struct rte_mbuf *frames[BURST];
	uint32_t count = loops_take(w->loops, frames, BURST);

	for (uint32_t i = 0; i < count; i++) {
		uint16_t segment = frame_of(frames[i])->dest;

		if (w->policy)
			tx_made(w, frames[i], segment);
		else
			rte_pktmbuf_free(frames[i]);
	}
}

/* In each round without frames. Where something was left also in those that took all that there was, and where ageing is
 * far behind in all. */
static bool is_time_for_upkeep(struct loop *l, uint32_t seen)
{
	if (!seen || ++l->rounds >= HOUSEKEEPING_ROUNDS)
		return true;
	return unlikely(l->upkeep.left) && (seen < BURST || flow_age_presses(l->w));
}

static void look_after(struct loop *l)
{
	l->rounds = 0;
	l->w->unix_offset_us = clock_unix_offset(l->engine->clock);
	upkeep(&l->upkeep, l->w, l->listing);
}

/* Time between the starts of two rounds that both had frames: how long a frame may have waited for this loop. */
static void measure_gap(struct loop *l, bool busy, uint64_t start_ns)
{
	uint64_t *longest = &l->w->counters->cells[BH_WORKER_LONGEST_GAP];
	uint32_t epoch = atomic_load_explicit(&l->engine->gap_epoch, memory_order_relaxed);

	if (unlikely(epoch != l->gap_epoch)) {
		l->gap_epoch = epoch;
		l->busy_ns = 0;
		*longest = 0;
	}
	if (busy && l->busy_ns && start_ns - l->busy_ns > *longest)
		*longest = start_ns - l->busy_ns;
	l->busy_ns = busy ? start_ns : 0;
}

/* Account for the stages' time? One look a round. */
static void take_measuring(struct loop *l)
{
	uint32_t measuring = atomic_load_explicit(&l->engine->measuring, memory_order_relaxed);

	if (likely(measuring == l->measuring))
		return;
	l->measuring = measuring;
	l->w->measuring = measuring;
	if (measuring)
		memset(l->w->counters->stages, 0, sizeof(l->w->counters->stages));
}

/* The driver's time, and upkeep's. */
static void finish_round(struct loop *l, uint32_t seen)
{
	struct worker *w = l->w;
	uint64_t start = stage_begin(w);

	tx_flush(w);
	stage_end(w, BH_STAGE_SEND, seen, &start);
	if (!is_time_for_upkeep(l, seen))
		return;
	look_after(l);
	tx_flush(w);
	stage_end(w, BH_STAGE_UPKEEP, seen, &start);
}

/* Once a round, not for each frame: who sleeps now does not miss what it gets a moment later. */
static void wake_others(struct loop *l)
{
	for (uint32_t rest = l->w->to_wake; rest; rest &= rest - 1)
		wait_wake(&l->engine->loops[__builtin_ctz(rest)]->waiter);
	l->w->to_wake = 0;
}

/* Returns whether there is more to do: there were frames, or the tables are not done with. */
static bool do_round(struct loop *l)
{
	struct worker *w = l->w;
	uint64_t now = clock_now(l->engine->clock);
	uint32_t seen;

	worker_clock(w, now);
	take_policy(l);
	take_measuring(l);
	seen = rx_round(w, &l->rx);
	seen += send_for_others(l);
	if (w->id == 0 && w->loops)
		send_probes(w);
	finish_round(l, seen);
	if (unlikely(w->to_wake))
		wake_others(l);
	worker_count(w, BH_WORKER_POLLS, 1);
	measure_gap(l, seen, w->now_ns);
	return seen || l->upkeep.left;
}

/* ---- idle ---- */

static void arm(struct loop *l, bool on)
{
	if (!on)
		wait_end(&l->waiter);
	for (uint16_t i = 0; i < l->rx.queue_count; i++)
		interrupt_arm(l->rx.queues[i].port, l->rx.queues[i].queue, on);
	if (on)
		wait_begin(&l->waiter);
	l->armed = on;
}

/* Something came, in the last look before the wait or after it. */
static void stay_awake(struct loop *l)
{
	if (l->armed)
		arm(l, false);
	l->idle = 0;
	l->quiet_ns = l->w->now_ns;
}

/* Between arming and the wait there is one whole round: queues, rings, policy, probes, requests. */
static void wait_for_work(struct loop *l)
{
	if (!l->armed) {
		arm(l, true);
		return;
	}
	worker_count(l->w, BH_WORKER_WAITS, 1);
	wait_sleep(&l->waiter, listing_asked(l->listing) ? WAIT_LISTING_MS : WAIT_MS);
	worker_clock(l->w, clock_now(l->engine->clock));
	stay_awake(l);
}

/* Sleep longer the longer nothing came, up to the bound. */
static void sleep_a_while(struct loop *l)
{
	uint32_t limit = l->engine->idle_sleep_us, step = (l->idle - IDLE_ROUNDS) / IDLE_STEP;
	uint64_t us = step < 17 ? RTE_MIN(1u << step, limit) : limit;

	worker_count(l->w, BH_WORKER_SLEEPS, 1);
	nanosleep(&(struct timespec){ .tv_nsec = (long)us * 1000 }, NULL);
}

static bool is_too_early(const struct loop *l)
{
	if (!l->engine->idle_sleep_us)
		return true;
	return l->waits ? l->w->now_ns - l->quiet_ns < WAIT_AFTER_NS : l->idle < IDLE_ROUNDS;
}

/* While asleep a worker holds up no grace period. */
static void rest(struct loop *l)
{
	l->idle++;
	if (is_too_early(l)) {
		rte_pause();
		return;
	}
	rte_rcu_qsbr_thread_offline(l->engine->qsbr, l->w->id);
	if (l->waits)
		wait_for_work(l);
	else
		sleep_a_while(l);
	rte_rcu_qsbr_thread_online(l->engine->qsbr, l->w->id);
}

static int loop_main(void *argument)
{
	struct loop *l = argument;
	struct rte_rcu_qsbr *qsbr = l->engine->qsbr;
	uint16_t id = l->w->id;

	/* the kernel's default would add 50 us to every sleep */
	prctl(PR_SET_TIMERSLACK, 1UL);
	rte_rcu_qsbr_thread_online(qsbr, id);
	while (!atomic_load_explicit(&l->engine->stop, memory_order_relaxed)) {
		if (do_round(l))
			stay_awake(l);
		else
			rest(l);
		rte_rcu_qsbr_quiescent(qsbr, id);
	}
	rte_rcu_qsbr_thread_offline(qsbr, id);
	return 0;
}

/* ---- the main thread's side ---- */

struct engine *engine_new(const struct clock *clock, const struct options *options)
{
	uint16_t workers = options->workers;
	struct engine *engine = rte_zmalloc("engine", sizeof(*engine), RTE_CACHE_LINE_SIZE);

	if (!engine)
		return NULL;
	engine->qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(workers), RTE_CACHE_LINE_SIZE);
	if (!engine->qsbr || rte_rcu_qsbr_init(engine->qsbr, workers)) {
		engine_free(engine);
		return NULL;
	}
	engine->clock = clock;
	engine->count = workers;
	engine->idle_sleep_us = options->idle_sleep_us;
	engine->interrupts = options->idle_interrupts;
	return engine;
}

static void loop_free(struct loop *l)
{
	if (!l)
		return;
	listing_free(l->listing);
	wait_close(&l->waiter);
	rte_free(l);
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	for (uint16_t i = 0; i < engine->count; i++)
		loop_free(engine->loops[i]);
	rte_free(engine->qsbr);
	rte_free(engine);
}

/* How a worker will spend idle time: it waits if each of its queues can wake it. A worker without a queue can. */
static void choose_rest(struct loop *l, struct ports *ports)
{
	uint16_t i = 0;
	int error = 0;

	if (!l->engine->idle_sleep_us) {
		log_line(LOG_INFO, "worker %u: never sleeps", l->w->id);
		return;
	}
	for (; l->engine->interrupts && i < l->rx.queue_count && !error; i++)
		error = interrupts_add(&ports->ports[l->rx.queues[i].index], l->rx.queues[i].queue,
				       &l->waiter);
	l->waits = l->engine->interrupts && !error;
	if (l->waits)
		log_line(LOG_INFO, "worker %u: waits for interrupts while idle", l->w->id);
	else
		log_line(LOG_INFO, "worker %u: sleeps up to %u us while idle%s%s%s", l->w->id,
			 l->engine->idle_sleep_us, error ? ", port " : "",
			 error ? l->rx.queues[i - 1].port->name : "", error ? " has no interrupts" : "");
}

static int make_loop(struct engine *engine, struct worker *w, struct ports *ports,
		     const struct handoff *handoff)
{
	int socket = (int)rte_lcore_to_socket_id(environment_lcore(w->id));
	struct loop *l = rte_zmalloc_socket("loop", sizeof(*l), RTE_CACHE_LINE_SIZE, socket);
	int error;

	if (!l)
		return -ENOMEM;
	error = wait_open(&l->waiter);
	if (error) {
		rte_free(l);
		return error;
	}
	engine->loops[w->id] = l;
	l->engine = engine;
	l->w = w;
	l->listing = listing_new(socket, &l->waiter);
	upkeep_init(&l->upkeep);
	rx_init(&l->rx, w->id, engine->count, ports, handoff);
	w->peers = l->rx.out;
	for (uint16_t p = 0; p < ports->count; p++)
		if (w->id < ports->ports[p].tx_queues && handoff->queues[p][w->id])
			l->shared[l->shared_count++] = (struct shared_queue){ p, handoff->queues[p][w->id] };
	choose_rest(l, ports);
	w->now_ns = clock_now(engine->clock);
	w->unix_offset_us = clock_unix_offset(engine->clock);
	return l->listing ? rte_rcu_qsbr_thread_register(engine->qsbr, w->id) : -ENOMEM;
}

int engine_start(struct engine *engine, struct workers *workers, struct ports *ports,
		 const struct handoff *handoff)
{
	for (uint16_t i = 0; i < engine->count; i++) {
		int error = make_loop(engine, workers->list[i], ports, handoff);

		if (error)
			return error;
	}
	for (uint16_t i = 0; i < engine->count; i++) {
		int error = rte_eal_remote_launch(loop_main, engine->loops[i], environment_lcore(i));

		if (error)
			return error;
		engine->running++;
	}
	return 0;
}

void engine_wake(struct engine *engine, uint16_t worker)
{
	if (worker < engine->count && engine->loops[worker])
		wait_wake(&engine->loops[worker]->waiter);
}

static void wake_all(struct engine *engine)
{
	for (uint16_t i = 0; i < engine->count; i++)
		engine_wake(engine, i);
}

void engine_stop(struct engine *engine)
{
	atomic_store_explicit(&engine->stop, true, memory_order_relaxed);
	wake_all(engine);
	for (uint16_t i = 0; i < engine->running; i++)
		rte_eal_wait_lcore(environment_lcore(i));
	engine->running = 0;
}

void engine_publish(struct engine *engine, const struct policy *policy)
{
	uint64_t token;

	atomic_store_explicit(&engine->policy, policy, memory_order_release);
	wake_all(engine);
	token = rte_rcu_qsbr_start(engine->qsbr);
	/* not rte_rcu_qsbr_synchronize(): it spins, and this thread may share its CPU with the worker it waits for */
	while (!rte_rcu_qsbr_check(engine->qsbr, token, false))
		nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
}

void engine_reset_gap(struct engine *engine)
{
	atomic_fetch_add_explicit(&engine->gap_epoch, 1, memory_order_relaxed);
	wake_all(engine);
}

void engine_measure(struct engine *engine, bool on)
{
	/* 0 is none of the numbers, however often it begins */
	if (on && ++engine->measured == 0)
		engine->measured = 1;
	atomic_store_explicit(&engine->measuring, on ? engine->measured : 0, memory_order_relaxed);
	wake_all(engine);
}

struct listing *engine_listing(struct engine *engine, uint16_t worker)
{
	return worker < engine->count && engine->loops[worker] ? engine->loops[worker]->listing : NULL;
}
