/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of the control socket: what it asked for and how far the answer is. */
#ifndef DATAPLANE_CONTROLCLIENT_H
#define DATAPLANE_CONTROLCLIENT_H

#include "control.h"

enum client_work {
	CLIENT_IDLE,  /* the next request may come */
	CLIENT_WAITS, /* for its turn to list sessions */
	CLIENT_FLOWS,
	CLIENT_HOSTS,
	CLIENT_END, /* `end` goes out as soon as it can */
};

struct client {
	int fd; /* -1: place is free */
	enum client_work work;
	uint32_t sequence; /* of the request in work */
	uint32_t cursor;   /* CLIENT_HOSTS */
	uint16_t worker;   /* CLIENT_FLOWS: whose table */
	bool asked;        /* .. and whether its mailbox was given the request */
	uint32_t left;     /* records until the limit */
	struct bh_flow_filter filter;
	struct bh_end end;
	int end_fd; /* goes with `end`; -1: none */

	bool subscribed;
	uint32_t events_sequence;
	uint32_t lost;

	/* one message that the socket did not take yet */
	uint8_t *out;
	size_t out_size;
	int out_fd;
	uint64_t stuck_us; /* since when (monotonic) */
};

/* 0 or -ENOMEM. Takes the descriptor. */
int client_open(struct client *c, int fd);
void client_close(struct client *c);

/* Read one request and begin with it. -errno: the connection is of no use any more; -EAGAIN: there is none. */
int client_read(struct client *c, const struct control_handlers *handlers);

/* Go on with the answer, a bounded number of messages. `*turn` is whose turn it is to list sessions (NULL: nobody's). Returns
 * 1 if more can be done at once, 0 if not, -errno if the connection is of no use any more. */
int client_step(struct client *c, const struct control_handlers *handlers, struct client **turn);

/* Whether something waits for the socket to take it. */
bool client_is_stuck(const struct client *c);

/* Send events; what the socket does not take is lost, and told in the next event that it does. `message` has room for
 * its header in front. Returns the number lost. */
uint32_t client_events(struct client *c, uint8_t *message, uint32_t count);

/* Monotonic microseconds. */
uint64_t client_clock_us(void);

#endif
