/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection to the dataplane's control socket (include/bulkhead/control.h). Answers are checked like any other
 * input: what is not a message of the protocol ends the connection.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bulkhead/control.h"

#define CLIENT_TIMEOUT_MS 10000       /* of silence, for questions */
#define CLIENT_APPLY_TIMEOUT_MS 60000 /* a large image is checked, and waits for its grace period */

struct client {
	int fd; /* -1: not connected */
	uint32_t sequence;
	alignas(8) uint8_t buffer[BH_CONTROL_MAX]; /* the message received last */
};

/* One message; `body` points into the client's buffer. */
struct client_message {
	uint16_t type;
	uint32_t sequence, length;
	const void *body;
	int fd; /* that came with it, -1: none; the receiver's to close */
};

/* Connect to RUN/control. 0 or -errno: -ENOENT and -ECONNREFUSED: no dataplane; -EACCES: not permitted; -EAGAIN: busy. */
int client_open(struct client *client, const char *run);
/* Take a connected socket (tests). */
void client_adopt(struct client *client, int fd);
void client_close(struct client *client);

/* Send a request, with a descriptor unless fd is -1. 0 or -errno. */
int client_send(struct client *client, uint16_t type, const void *body, uint32_t length, int fd);

/* Receive one message, waiting at most timeout_ms (0: not at all). 0, -EAGAIN (nothing came), -ECONNRESET (closed), -EPROTO or
 * another -errno. Items are whole: the body of each kind is a multiple of its element. */
int client_receive(struct client *client, struct client_message *message, int timeout_ms);

/* Called for each item of an answer; body as in struct client_message. Non-zero stops and becomes client_ask()'s result. */
typedef int (*client_item)(void *opaque, const struct client_message *item);

/* Send a request and read its whole answer. Items go to `item` (may be NULL). end->text is terminated. *end_fd, unless end_fd is NULL,
 * is the descriptor that came with END or -1. Returns 0 when END came (look at end->status), else -errno; after an
 * error the connection is closed. */
int client_ask(struct client *client, uint16_t type, const void *body, uint32_t length, int fd,
	       int timeout_ms, client_item item, void *opaque, struct bh_end *end, int *end_fd);

/* Copy an image into a sealed memfd, fit for BH_REQUEST_APPLY: the descriptor or -errno. */
int push_seal(const void *image, size_t size);
/* Whether a descriptor is such a memfd; *size is its size. 0, -EINVAL (not sealed) or -E2BIG. */
int push_check(int fd, size_t *size);
/* Put the image in `fd` into force and wait for it. As client_ask(). */
int push_image(struct client *client, int fd, struct bh_end *end);

#endif
