/* SPDX-License-Identifier: BSD-3-Clause */
#include "wait.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wait_open(struct waiter *waiter)
{
	int error;

	*waiter = (struct waiter){ .epoll = epoll_create1(EPOLL_CLOEXEC),
				   .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (waiter->epoll < 0 || waiter->event < 0)
		error = -errno;
	else
		error = wait_add(waiter, waiter->event, WAIT_EVENT);
	if (error)
		wait_close(waiter);
	return error;
}

void wait_close(struct waiter *waiter)
{
	if (waiter->epoll >= 0)
		close(waiter->epoll);
	if (waiter->event >= 0)
		close(waiter->event);
	waiter->epoll = waiter->event = -1;
}

int wait_add(struct waiter *waiter, int fd, enum wait_kind kind)
{
	struct epoll_event event = { .events = EPOLLIN | (kind == WAIT_EVENT ? EPOLLET : 0) };

	return epoll_ctl(waiter->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

void wait_begin(struct waiter *waiter)
{
	atomic_store_explicit(&waiter->asleep, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

bool wait_sleep(struct waiter *waiter, int timeout_ms)
{
	struct epoll_event event;

	return epoll_wait(waiter->epoll, &event, 1, timeout_ms) > 0;
}

void wait_end(struct waiter *waiter)
{
	atomic_store_explicit(&waiter->asleep, false, memory_order_relaxed);
}

void wait_ring(struct waiter *waiter)
{
	const uint64_t once = 1;

	/* the first one writes; it can not fail but by an overflow, and then it is readable anyway */
	if (atomic_exchange_explicit(&waiter->asleep, false, memory_order_acq_rel) &&
	    write(waiter->event, &once, sizeof(once)) < 0)
		return;
}
