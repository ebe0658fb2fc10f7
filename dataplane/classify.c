/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classify stage: shows nDPI the payload of sessions that are still to be recognised, within the budgets of the policy, and
 * keeps what it learns with the session. Whatever rules can see of that is judged again (FLOW_RENAMED).
 */
#include "classify.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <rte_cycles.h>
#include <rte_malloc.h>
#include <stdlib.h>

#include "arena.h"
#include "classifier.h"
#include "dpi.h"
#include "fault.h"
#include "frame.h"
#include "handshake.h"
#include "log.h"
#include "pipeline.h"
#include "sample.h"

/* A call of the library that takes longer is counted: its slowest real packets (certificates, QUIC) take 60 us. */
#define DPI_SLOW_NS 1000000u

struct classifier *classifier_new(uint32_t contexts, size_t arena_bytes, uint32_t names, int socket)
{
	struct classifier *c = rte_zmalloc_socket("classifier", sizeof(*c), RTE_CACHE_LINE_SIZE, socket);
	void *region = rte_malloc_socket("arena", arena_bytes, RTE_CACHE_LINE_SIZE, socket);

	if (c && region && arena_bytes >= 1u << 20)
		c->arena = arena_new(region, arena_bytes);
	if (!c || !c->arena) {
		rte_free(region);
		rte_free(c);
		return NULL;
	}
	c->room_for_new = arena_capacity(c->arena) / 4 * 3;
	c->room_for_any = arena_capacity(c->arena) / 20 * 19;
	c->contexts = contexts_new(contexts, socket);
	c->names = name_pool_new(names, socket);
	if (!c->contexts || !c->names) {
		classifier_free(c);
		return NULL;
	}
	dpi_set_allocator(arena_hook_allocate, arena_hook_release);
	return c;
}

void classifier_free(struct classifier *c)
{
	if (!c)
		return;
	name_pool_free(c->names);
	contexts_free(c->contexts);
	arena_delete(c->arena);
	rte_free(c->arena); /* it begins its region */
	rte_free(c);
}

static struct dpi_module *module_of(const struct worker *w)
{
	return w->policy && w->policy->modules ? w->policy->modules[w->id] : NULL;
}

/* ---- contexts; the arena is entered in all that follows up to the public functions ---- */

/* The session of which nDPI says no more may still become another one. */
static void watch(struct worker *w, struct flow *flow, uint32_t looks)
{
	uint16_t master, app;

	if (!(flow->flags & FLOW_DPI_DONE) || flow->key.protocol != IPPROTO_TCP || !module_of(w))
		return;
	knowledge_inspected(w, flow, &master, &app);
	if (dpi_may_change(master ? master : app))
		sample_arm(flow, looks);
}

static void context_drop(struct worker *w, struct context *context)
{
	w->counters->cells[BH_WORKER_DETECTING]--;
	context_tcp_release(context, w->classifier->arena);
	context_give_back(w->classifier->contexts, context);
}

static void context_end(struct worker *w, struct context *context)
{
	struct flow *flow = context->flow;
	uint32_t looks = context->looks;

	context_drop(w, context);
	watch(w, flow, looks);
}

static void finish(struct worker *w, struct context *context, struct dpi_result *result)
{
	dpi_finish(context_module(w->classifier->contexts, context), context_flow(context), result);
}

/* A look showed no other protocol: nothing has happened. */
static void look_end(struct worker *w, struct context *context)
{
	struct flow *flow = context->flow;
	uint32_t account = context->account;

	context_drop(w, context);
	flow->dpi = account;
	sample_spend(flow);
}

static void give_up(struct worker *w, struct flow *flow)
{
	struct context *context = context_of(w->classifier->contexts, flow);
	struct dpi_result result;

	if (context && context->account) {
		look_end(w, context);
	} else if (context) {
		finish(w, context, &result);
		knowledge_learn(w, context, &result);
		context_end(w, context);
	} else if (!(flow->flags & FLOW_DPI_DONE)) {
		knowledge_close(w, flow);
		flow->flags |= FLOW_RENAMED;
		watch(w, flow, SAMPLE_LOOKS);
	}
}

static void expire(struct worker *w, struct flow *flow)
{
	if (!(flow->flags & FLOW_DPI_DONE))
		flow->flags |= FLOW_EXPIRED;
	if ((flow->flags & FLOW_JUDGED) && flow->verdict == BH_VERDICT_PENDING)
		worker_count(w, BH_WORKER_PENDING_EXPIRED, 1);
	give_up(w, flow);
}

/* nDPI looks at nothing more: what it would guess by now is for the record alone. */
static void abandon(struct worker *w, struct context *context)
{
	struct dpi_result result;

	if (context->account) {
		look_end(w, context);
		return;
	}
	finish(w, context, &result);
	knowledge_guess(w, context, &result);
	context_end(w, context);
}

/* How long nDPI had the worker. Not in replay: it is the same each time. */
static void count_time(struct worker *w, uint64_t cycles)
{
	uint64_t ns = cycles * 1000 / (rte_get_tsc_hz() / 1000000),
		 *longest = &w->counters->cells[BH_WORKER_DPI_LONGEST];

	if (ns > DPI_SLOW_NS)
		worker_count(w, BH_WORKER_DPI_SLOW, 1);
	if (ns > *longest)
		*longest = ns;
}

/* Returns whether the library will learn no more. */
static bool show(struct worker *w, struct context *context, const void *packet, uint16_t length,
		 bool from_initiator, struct dpi_result *result)
{
	uint64_t begin = w->replay ? 0 : rte_rdtsc();

	if (fault(FAULT_SLOW))
		rte_delay_us_block(2 * DPI_SLOW_NS / 1000);
	if (fault(FAULT_CRASH)) {
		log_line(LOG_ERR, "dpi-crash: ends as if the library had crashed");
		abort();
	}
	bool done = dpi_inspect(context_module(w->classifier->contexts, context), context_flow(context),
				packet, length, worker_unix_us(w) / 1000, from_initiator, result);
	if (!w->replay)
		count_time(w, rte_rdtsc() - begin);
	return done;
}

static bool show_empty(struct worker *w, struct context *context, bool from_initiator, uint8_t flags,
		       uint32_t seq, uint32_t ack)
{
	uint8_t packet[HANDSHAKE_SIZE];
	uint16_t length = handshake_packet(context->flow, from_initiator, flags, seq, ack, packet);

	return show(w, context, packet, length, from_initiator, NULL);
}

/* The handshake as it must have been for this frame to be what follows it. */
static bool show_handshake(struct worker *w, struct context *context, const struct frame *f)
{
	bool reply = f->flags & FRAME_REVERSE;
	uint32_t seq = reply ? f->tcp_ack : f->tcp_seq, ack = reply ? f->tcp_seq : f->tcp_ack;

	return show_empty(w, context, true, TH_SYN, seq - 1, 0) ||
	       show_empty(w, context, false, TH_SYN | TH_ACK, ack - 1, seq) ||
	       show_empty(w, context, true, TH_ACK, seq, ack);
}

static struct context *context_begin(struct worker *w, struct flow *flow)
{
	struct classifier *c = w->classifier;

	if (arena_used(c->arena) > c->room_for_new)
		return NULL;
	struct context *context = context_take(c->contexts, w, flow);
	if (context)
		worker_count(w, BH_WORKER_DETECTING, 1);
	return context;
}

/* A session that never carried payload is guessed by its ports and addresses, as the library would: for its record,
 * so only if there will be one. */
static void guess_unseen(struct worker *w, struct flow *flow)
{
	uint8_t protocol = flow->key.protocol;

	if ((flow->flags & FLOW_DPI_DONE) || flow_cold(w->flows, flow)->app || !module_of(w) ||
	    !(w->replay || (flow->flags & FLOW_LOG)) || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return;
	struct context *context = context_begin(w, flow);
	if (!context)
		return;
	show_empty(w, context, true, TH_SYN, 0, 0);
	abandon(w, context);
}

/* ---- one frame ---- */

/* Whether anything that could be learned matters: not if the session is refused for good, or nobody asks. */
static bool is_wanted(const struct worker *w, const struct flow *flow)
{
	if (!(flow->flags & FLOW_JUDGED) || flow->generation != w->policy->generation)
		return true;
	if (flow->verdict == BH_VERDICT_DENY || flow->verdict == BH_VERDICT_REJECT)
		return (flow->flags & FLOW_MONITORED) || !(flow->flags & FLOW_SETTLED);
	return flow->open || !w->policy->image.header->settings.classification_off;
}

/* For want of memory: exceptions.dpi. Returns whether the frame goes on. */
static bool exhausted(struct worker *w, struct rte_mbuf *m, struct flow *flow)
{
	worker_count(w, BH_WORKER_DPI_FULL, 1);
	if (w->policy->image.header->settings.exception_dpi == BH_EXCEPTION_DROP) {
		drop_frame(w, m, BH_DROP_DPI_FULL);
		return false;
	}
	give_up(w, flow);
	return true;
}

static bool is_over_time(const struct worker *w, const struct context *context)
{
	uint64_t limit = w->policy->image.header->settings.dpi_max_ms * 1000000ull;

	return w->now_ns >= worker_last(w, context->start_ns) + limit;
}

static bool is_over_budget(const struct worker *w, const struct context *context)
{
	const struct bh_settings *s = &w->policy->image.header->settings;

	return context->packets >= s->dpi_max_packets || context->bytes[0] >= s->dpi_max_bytes ||
	       context->bytes[1] >= s->dpi_max_bytes;
}

/* Sequence number of the payload: a SYN takes one (RFC 9293, 3.4). */
static uint32_t payload_seq(const struct frame *f)
{
	return f->tcp_seq + (f->tcp_flags & TH_SYN ? 1 : 0);
}

/* Bytes of payload in the first `length` of the packet. */
static uint32_t payload_shown(const struct frame *f, uint32_t length)
{
	uint32_t headers = (uint32_t)(f->payload - f->l3);

	return headers < length ? RTE_MIN((uint32_t)f->payload_length, length - headers) : 0;
}

static void show_frame(struct worker *w, struct context *context, struct rte_mbuf *m,
		       struct dpi_result *result)
{
	const struct frame *f = frame_of(m);
	uint16_t length = (uint16_t)RTE_MIN(f->l3_length, (uint32_t)UINT16_MAX);
	const void *packet = rte_pktmbuf_read(m, f->l3, length, w->classifier->scratch);
	bool reply = f->flags & FRAME_REVERSE;

	if (!packet)
		return;
	show(w, context, packet, length, !reply, result);
	if (context->tcp && !reply)
		client_hello_read(&context->tcp->hello, payload_seq(f),
				  (const uint8_t *)packet + (f->payload - f->l3), payload_shown(f, length));
	worker_count(w, BH_WORKER_DPI_PACKETS, 1);
	context->packets++;
	context->bytes[reply] += f->payload_length;
}

/* The first payload of a TCP session is shown behind its handshake. */
static void show_first(struct worker *w, struct context *context, struct rte_mbuf *m,
		       struct dpi_result *result)
{
	const struct frame *f = frame_of(m);

	if (!context->packets && f->protocol == IPPROTO_TCP && !(f->tcp_flags & TH_SYN) &&
	    show_handshake(w, context, f))
		dpi_answer(context_module(w->classifier->contexts, context), context_flow(context), result);
	else
		show_frame(w, context, m, result);
}

static void inspect(struct worker *w, struct context *context, struct rte_mbuf *m)
{
	struct flow *flow = context->flow;
	struct dpi_result result = {};

	show_first(w, context, m, &result);
	if (!result.name)
		return; /* nothing was shown */
	if (result.done && !result.app)
		finish(w, context, &result);
	knowledge_learn(w, context, &result);
	if (result.done)
		context_end(w, context);
	else if (is_over_budget(w, context))
		expire(w, flow);
}

/* TCP and UDP are looked at where there is payload, other protocols at once. */
static bool has_news(const struct frame *f)
{
	if (f->flags & (FRAME_RELATED | FRAME_PROTECTED | FRAME_RETRANSMIT))
		return false;
	return f->payload_length || (f->protocol != IPPROTO_TCP && f->protocol != IPPROTO_UDP);
}

/* Does the frame say of bytes that nDPI has seen that they were others? If not, it is remembered. */
static enum stream_answer compare(struct worker *w, struct context *context, const struct rte_mbuf *m)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);
	uint32_t length = RTE_MIN((uint32_t)f->payload_length, STREAM_HEAD);
	bool reply = f->flags & FRAME_REVERSE;

	if (f->protocol != IPPROTO_TCP || (f->flags & FRAME_RELATED))
		return STREAM_AGREES;
	struct arena *arena = w->classifier->arena;
	struct context_tcp *tcp = length ? context_tcp(context, arena) : context->tcp;
	if (!tcp)
		return length ? STREAM_NO_MEMORY : STREAM_AGREES;
	/* what was never sent can not have been taken */
	if (tcp->heads.parts && (f->tcp_flags & TH_ACK) &&
	    (int32_t)(context->flow->peer[!reply].end - f->tcp_ack) >= 0)
		stream_heads_acknowledge(&tcp->heads, arena, !reply, f->tcp_ack);
	const uint8_t *bytes =
		length ? rte_pktmbuf_read(m, f->payload, length, w->classifier->scratch) : NULL;
	if (!bytes)
		return STREAM_AGREES;
	return stream_heads_show(&tcp->heads, arena, reply, payload_seq(f), bytes, length);
}

/* Which of two copies the far end takes is not known: what nDPI would say holds for one of them only. exceptions.dpi answers.
 * Returns whether the frame goes on. */
static bool contradicted(struct worker *w, struct rte_mbuf *m, struct flow *flow)
{
	worker_count(w, BH_WORKER_TCP_CONFLICTS, 1);
	if (w->policy->image.header->settings.exception_dpi == BH_EXCEPTION_DROP) {
		drop_frame(w, m, BH_DROP_TCP_CONFLICT);
		return false;
	}
	give_up(w, flow);
	return true;
}

/* ---- after nDPI's end ---- */

static bool is_refused(const struct worker *w, const struct flow *flow)
{
	return flow_is_refused(flow) && flow->generation == w->policy->generation;
}

/* Did what was just shown, as if the session began with it, turn out to be another protocol? */
static bool has_changed(const struct worker *w, struct context *context, const struct dpi_result *result)
{
	uint16_t master, app;
	bool within;

	knowledge_inspected(w, context->flow, &master, &app);
	if (!dpi_is_change(master, app, result, &within))
		return false;
	context->carrier = within ? (master ? master : app) : 0;
	return true;
}

/* Begin a look: flow->dpi becomes that of a new context. NULL: no room, it is put off. */
static struct context *look_begin(struct worker *w, struct flow *flow)
{
	uint32_t account = flow->dpi;

	flow->dpi = 0;
	struct context *context = context_begin(w, flow);
	if (!context) {
		flow->dpi = account;
		return NULL;
	}
	context->account = account;
	context->looks = (uint16_t)(sample_left(account) - 1);
	return context;
}

/* Show a payload as if the session began with the look's first one. If it has become another session, it is under detection as that
 * from this frame on, within the budgets of any. */
static void look(struct worker *w, struct context *context, struct rte_mbuf *m)
{
	struct flow *flow = context->flow;
	struct dpi_result result = {};

	show_first(w, context, m, &result);
	if (result.name && has_changed(w, context, &result)) {
		context->account = 0;
		flow->flags &= ~FLOW_SAMPLE;
		knowledge_change(w, context, &result);
		if (result.done)
			context_end(w, context);
	} else if (!result.name || result.done || context->packets >= SAMPLE_SPAN ||
		   !dpi_is_collecting(context_flow(context))) {
		look_end(w, context);
	}
}

/* Sessions that nDPI is done with, and this one may have changed. Want of memory is no reason to stop it: the look is put off.
 * false: the frame was dropped. */
static bool classify_again(struct worker *w, struct rte_mbuf *m, struct flow *flow)
{
	struct classifier *c = w->classifier;
	const struct frame *f = frame_of(m);
	struct context *context = context_of(c->contexts, flow);
	enum stream_answer answer = context ? compare(w, context, m) : STREAM_AGREES;

	if (answer == STREAM_CONTRADICTS)
		return contradicted(w, m, flow);
	if (!has_news(f) || (!context && !sample_due(flow, f->flags & FRAME_REVERSE)))
		return true;
	if (is_refused(w, flow) || !module_of(w) || arena_used(c->arena) > c->room_for_any ||
	    (context && is_over_time(w, context))) {
		if (context)
			look_end(w, context);
		return true;
	}
	if (!context && (context = look_begin(w, flow)))
		answer = compare(w, context, m); /* nothing was seen yet: it is remembered */
	if (answer == STREAM_NO_MEMORY)
		look_end(w, context);
	else if (context)
		look(w, context, m);
	return true;
}

/* false: the frame was dropped */
static bool classify_frame(struct worker *w, struct rte_mbuf *m)
{
	const struct frame *f = frame_of(m);
	struct classifier *c = w->classifier;
	struct flow *flow = f->flow;

	if (!flow || (flow->flags & (FLOW_DPI_DONE | FLOW_SAMPLE)) == FLOW_DPI_DONE)
		return true;
	if (flow->flags & FLOW_SAMPLE)
		return classify_again(w, m, flow);
	struct context *context = context_of(c->contexts, flow);
	enum stream_answer answer = context ? compare(w, context, m) : STREAM_AGREES;
	if (answer == STREAM_CONTRADICTS)
		return contradicted(w, m, flow);
	if (!has_news(f))
		return true;
	if (!is_wanted(w, flow)) {
		if (context)
			abandon(w, context);
		return true;
	}
	if (context && is_over_time(w, context)) {
		expire(w, flow);
		return true;
	}
	if (!context && !module_of(w)) {
		give_up(w, flow);
		return true;
	}
	if (answer == STREAM_NO_MEMORY || arena_used(c->arena) > c->room_for_any || fault(FAULT_ARENA))
		return exhausted(w, m, flow);
	if (!context) {
		context = context_begin(w, flow);
		if (!context || compare(w, context, m) == STREAM_NO_MEMORY)
			return exhausted(w, m, flow);
	}
	inspect(w, context, m);
	return true;
}

/* Is nDPI done with the frame's session, or is it neither looking at it nor asked to? */
static inline bool is_over(const struct worker *w, const struct frame *f)
{
	const struct flow *flow = f->flow;

	if (!flow || (flow->flags & (FLOW_DPI_DONE | FLOW_SAMPLE)) == FLOW_DPI_DONE)
		return true;
	return !flow->dpi && (flow->flags & (FLOW_JUDGED | FLOW_SAMPLE)) == FLOW_JUDGED &&
	       !is_wanted(w, flow);
}

/* Bits of the frames that are to be looked at. A session that will not be let in gets no context: TCP was judged at its SYN, others are
 * before their payload is shown. Nor is nDPI asked for what the policy in force does not want to know, because an older one would
 * have. */
static uint32_t judge_first(struct worker *w, struct rte_mbuf **frames, uint32_t count)
{
	uint32_t open = 0;

	static_assert(BURST <= 32);
	for (uint32_t i = 0; i < count; i++) {
		const struct frame *f = frame_of(frames[i]);
		const struct flow *flow = f->flow;

		if (likely(is_over(w, f)))
			continue;
		open |= 1u << i;
		if (!(flow->flags & FLOW_DPI_DONE) &&
		    (!(flow->flags & FLOW_JUDGED) || flow->generation != w->policy->generation) &&
		    has_news(f))
			policy_judge_now(w, f->flow);
	}
	return open;
}

/* Returns whether the budget was spent. */
static bool age(struct worker *w, uint32_t budget)
{
	struct contexts *contexts = w->classifier->contexts;
	struct context *oldest;

	for (; budget && (oldest = context_oldest(contexts)) && is_over_time(w, oldest); budget--)
		expire(context_owner(contexts, oldest), oldest->flow);
	return !budget;
}

/* What nDPI holds is told whenever it may have changed. In replay all workers share one arena. */
static void leave(struct worker *w)
{
	arena_leave();
	if (!w->replay || w->id == 0)
		w->counters->cells[BH_WORKER_DPI_MEMORY] = arena_used(w->classifier->arena);
}

/* ---- public ---- */

uint16_t classify_stage(struct worker *w, struct rte_mbuf **frames, uint16_t count)
{
	uint32_t open = judge_first(w, frames, count);
	uint16_t kept = 0;

	if (likely(!open && !context_oldest(w->classifier->contexts)))
		return count;
	arena_enter(w->classifier->arena);
	/* as many as can be begun, so that the pool is never full of those whose time is over */
	age(w, count);
	for (uint16_t i = 0; i < count; i++)
		if (!(open >> i & 1) || classify_frame(w, frames[i]))
			frames[kept++] = frames[i];
	leave(w);
	return kept;
}

bool classifier_age(struct worker *w, uint32_t budget)
{
	bool more;

	if (!w->policy)
		return false;
	arena_enter(w->classifier->arena);
	more = age(w, budget);
	leave(w);
	return more;
}

void classifier_give_up(struct worker *w, struct flow *flow)
{
	arena_enter(w->classifier->arena);
	give_up(w, flow);
	leave(w);
}

void classifier_release(struct worker *w, struct flow *flow)
{
	struct context *context = context_of(w->classifier->contexts, flow);

	arena_enter(w->classifier->arena);
	if (context)
		abandon(w, context);
	else
		guess_unseen(w, flow);
	leave(w);
}

bool classifier_module_idle(const struct classifier *c, const struct dpi_module *module)
{
	return contexts_module_idle(c->contexts, module);
}
