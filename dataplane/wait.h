/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a worker waits when there is nothing to do: for a receive interrupt, for another thread that has something for it,
 * or for a bounded time, whichever is first.
 *
 * The sleeper says that it is about to sleep, looks once more at all that others may have left for it, and only then sleeps;
 * whoever leaves something looks, after that, whether the other said so. Between its store and its load each has a full
 * fence, so that one of the two sees the other: no wake-up is lost.
 *
 *     sleeper: wait_begin()   asleep = true | fence | look; nothing there: wait_sleep()   wait_end()
 *     waker:   leave it | wait_wake()   fence | asleep? then write to the eventfd
 *
 * The write is a system call on a worker's way. It is made towards a worker that sleeps, once for each of its sleeps
 * whoever many wake it, after the round that the frames were handed over in; towards one that is awake there is none.
 */
#ifndef DATAPLANE_WAIT_H
#define DATAPLANE_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>

struct waiter {
	int epoll, event; /* event: what wakers write to */
	_Atomic bool asleep;
};

/* What makes a descriptor ready again and again. */
enum wait_kind {
	WAIT_EVENT, /* an eventfd: each write to it wakes once, it is not read */
	WAIT_DATA,  /* a queue: wakes for as long as there is something in it */
};

/* 0 or -errno */
int wait_open(struct waiter *waiter);
/* Nobody sleeps or wakes any more. Idempotent after wait_open(), whatever came of it. */
void wait_close(struct waiter *waiter);
/* Another descriptor that wakes; it stays the caller's and must outlive the waiter. 0 or -errno */
int wait_add(struct waiter *waiter, int fd, enum wait_kind kind);

/* Sleeper: from here on others wake it. What they left before this is to be looked at after it. */
void wait_begin(struct waiter *waiter);
/* Between begin and end. Returns whether something woke it before the time was over; a signal is nothing. */
bool wait_sleep(struct waiter *waiter, int timeout_ms);
void wait_end(struct waiter *waiter);

/* Wakes a sleeper, if nobody else does. */
void wait_ring(struct waiter *waiter);

/* Any thread, after it has left something for the sleeper. */
static inline void wait_wake(struct waiter *waiter)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (__builtin_expect(atomic_load_explicit(&waiter->asleep, memory_order_relaxed), false))
		wait_ring(waiter);
}

#endif
