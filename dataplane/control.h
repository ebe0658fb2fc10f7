/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket (bulkhead/control.h), served by the main thread between its other duties. It blocks nobody: a client
 * that does not read loses events, and its connection when an answer is stuck for CONTROL_STUCK_US.
 */
#ifndef DATAPLANE_CONTROL_H
#define DATAPLANE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bulkhead/control.h"

#define CONTROL_CLIENTS 16u
#define CONTROL_STUCK_US 5000000u

struct control;
struct listing;

/* What requests ask of the process. */
struct control_handlers {
	void *opaque;
	/* put the image of a descriptor in force; text: one line for people. 0 or -errno */
	int (*apply)(void *opaque, int fd, char *text, size_t text_size);
	/* read-only descriptors, the caller's to close; or -errno */
	int (*counters)(void *opaque);
	int (*image)(void *opaque);
	uint32_t (*generation)(void *opaque);
	void (*reset_gap)(void *opaque);
	/* account for the time of stages, from zero; or no more */
	void (*stages)(void *opaque, bool on);
	/* a worker's mailbox; NULL: there is no such worker */
	struct listing *(*listing)(void *opaque, uint16_t worker);
	/* copies machines from *cursor on; 0 at the end */
	uint32_t (*hosts)(void *opaque, uint32_t *cursor, struct bh_host *hosts, uint32_t max);
};

/* Listen at `path`, which is taken over if nobody listens there any more. user: who may connect besides root and this
 * process's own user, (uid_t)-1: nobody. 0 or -errno (-EADDRINUSE: another process listens). */
int control_open(struct control **control, const char *path, uid_t user,
		 const struct control_handlers *handlers);
/* Idempotent; NULL is nothing. */
void control_close(struct control *control);

/* Serve a connected SEQPACKET socket whose peer was checked; takes the descriptor. 0 or -ENOSPC (closed) */
int control_adopt(struct control *control, int fd);

/* Wait for at most timeout_ms, or less where an answer is under way, and serve. Returns whether `other` became readable
 * (-1: none). */
bool control_wait(struct control *control, int other, int timeout_ms);

/* An event for whoever asked for them; sent by control_flush() or when a message is full. Returns how many events were lost by
 * clients that do not read. */
uint64_t control_event(struct control *control, const struct bh_event *event);
uint64_t control_flush(struct control *control);
bool control_subscribed(const struct control *control);

#endif
