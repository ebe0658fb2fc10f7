/* SPDX-License-Identifier: BSD-3-Clause */
#include "listing.h"

#include <errno.h>
#include <rte_malloc.h>
#include <stdatomic.h>
#include <string.h>

#include "flow.h"
#include "wait.h"

#define SLOTS 1024u
/* records are a thousand bytes each */
#define SLICE 4u

enum { IDLE, ASKED, DONE };

struct listing {
	_Atomic uint32_t state;       /* IDLE -> ASKED: main; ASKED -> DONE: worker; DONE -> IDLE: main */
	_Atomic bool cancelled;       /* main: rw, worker: ro */
	struct waiter *waiter;        /* of the worker, or NULL */
	struct bh_flow_filter filter; /* main writes while IDLE */
	alignas(64) _Atomic uint32_t head; /* worker: rw */
	uint32_t cursor;                   /* worker */
	alignas(64) _Atomic uint32_t tail; /* main: rw */
	alignas(64) struct bh_flow_record records[SLOTS];
};

struct listing *listing_new(int socket, struct waiter *waiter)
{
	struct listing *l =
		rte_zmalloc_socket("listing", sizeof(struct listing), RTE_CACHE_LINE_SIZE, socket);

	if (l)
		l->waiter = waiter;
	return l;
}

void listing_free(struct listing *l)
{
	rte_free(l);
}

int listing_begin(struct listing *l, const struct bh_flow_filter *filter)
{
	if (atomic_load_explicit(&l->state, memory_order_acquire) != IDLE)
		return -EBUSY;
	l->filter = *filter;
	l->filter.segment[BH_NAME_MAX] = '\0';
	atomic_store_explicit(&l->cancelled, false, memory_order_relaxed);
	atomic_store_explicit(&l->state, ASKED, memory_order_release);
	if (l->waiter)
		wait_wake(l->waiter);
	return 0;
}

const struct bh_flow_record *listing_peek(struct listing *l)
{
	uint32_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&l->head, memory_order_acquire))
		return NULL;
	return &l->records[tail % SLOTS];
}

void listing_consume(struct listing *l)
{
	uint32_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);

	atomic_store_explicit(&l->tail, tail + 1, memory_order_release);
}

bool listing_finished(struct listing *l)
{
	uint32_t state = atomic_load_explicit(&l->state, memory_order_acquire);

	if (atomic_load_explicit(&l->cancelled, memory_order_relaxed))
		while (listing_peek(l))
			listing_consume(l);
	if (state == DONE && !listing_peek(l)) {
		atomic_store_explicit(&l->state, IDLE, memory_order_relaxed);
		state = IDLE;
	}
	return state == IDLE;
}

void listing_cancel(struct listing *l)
{
	atomic_store_explicit(&l->cancelled, true, memory_order_relaxed);
}

static bool matches_ends(const struct bh_flow_filter *f, const uint8_t source[16],
			 const uint8_t destination[16], uint16_t source_port, uint16_t destination_port)
{
	static const uint8_t any[16];

	if (memcmp(f->address, any, sizeof(any)) != 0 && memcmp(f->address, source, 16) != 0 &&
	    memcmp(f->address, destination, 16) != 0)
		return false;
	return !f->port || f->port == source_port || f->port == destination_port;
}

bool listing_matches(const struct bh_flow_filter *f, const struct bh_flow_record *r)
{
	if (f->protocol && f->protocol != r->protocol)
		return false;
	if (f->verdict && f->verdict != r->verdict + 1)
		return false;
	if (f->segment[0] && strcmp(f->segment, r->segment[0]) != 0 && strcmp(f->segment, r->segment[1]) != 0)
		return false;
	return matches_ends(f, r->source, r->destination, r->source_port, r->destination_port);
}

static void visit(struct worker *w, struct flow *flow, void *opaque)
{
	struct listing *l = opaque;
	uint32_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
	struct bh_flow_record *record = &l->records[head % SLOTS];

	/* the cheap half of the filter first: records are a thousand bytes of text */
	if (!matches_ends(&l->filter, flow->key.address[0], flow->key.address[1], flow->key.port[0],
			  flow->key.port[1]))
		return;
	flow_record(w, flow, BH_FLOW_END_LIVE, record);
	if (listing_matches(&l->filter, record))
		atomic_store_explicit(&l->head, head + 1, memory_order_release);
}

bool listing_asked(const struct listing *l)
{
	return atomic_load_explicit(&l->state, memory_order_relaxed) == ASKED;
}

bool listing_serve(struct worker *w, struct listing *l)
{
	uint32_t room;

	if (atomic_load_explicit(&l->state, memory_order_acquire) != ASKED)
		return false;
	room = SLOTS - (atomic_load_explicit(&l->head, memory_order_relaxed) -
			atomic_load_explicit(&l->tail, memory_order_acquire));
	if (!atomic_load_explicit(&l->cancelled, memory_order_relaxed)) {
		if (!room)
			return false;
		if (flow_walk(w, &l->cursor, RTE_MIN(room, SLICE), visit, l))
			return true;
	}
	l->cursor = 0;
	atomic_store_explicit(&l->state, DONE, memory_order_release);
	return false;
}
