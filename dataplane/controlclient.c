/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlclient.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listing.h"

#define BODY_MAX (BH_CONTROL_MAX - sizeof(struct bh_message))
/* Messages of one answer before others get their turn */
#define STEP_MESSAGES 8
/* Descriptors that one message may carry before the kernel throws the rest away; only one is ever taken */
#define DESCRIPTORS 8

uint64_t client_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int client_open(struct client *c, int fd)
{
	*c = (struct client){ .fd = fd, .end_fd = -1, .out_fd = -1 };
	c->out = malloc(BH_CONTROL_MAX);
	if (c->out)
		return 0;
	close(fd);
	c->fd = -1;
	return -ENOMEM;
}

void client_close(struct client *c)
{
	close(c->fd);
	if (c->end_fd >= 0)
		close(c->end_fd);
	if (c->out_fd >= 0)
		close(c->out_fd);
	free(c->out);
	*c = (struct client){ .fd = -1, .end_fd = -1, .out_fd = -1 };
}

/* ---- sending ---- */

static ssize_t send_message(int fd, const void *message, size_t size, int descriptor)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)message, .iov_len = size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.space);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &descriptor, sizeof(int));
	}
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool client_is_stuck(const struct client *c)
{
	return c->out_size;
}

/* 1: it is gone, 0: the socket is full, -errno */
static int send_out(struct client *c)
{
	ssize_t n;

	if (!c->out_size)
		return 1;
	n = send_message(c->fd, c->out, c->out_size, c->out_fd);
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)) {
		if (!c->stuck_us)
			c->stuck_us = client_clock_us();
		return 0;
	}
	if (n < 0)
		return -errno;
	c->out_size = 0;
	c->stuck_us = 0;
	if (c->out_fd >= 0)
		close(c->out_fd);
	c->out_fd = -1;
	return 1;
}

static void put_header(uint8_t *message, uint16_t type, uint32_t sequence, size_t body)
{
	struct bh_message header = { .magic = BH_CONTROL_MAGIC,
				     .version = BH_CONTROL_VERSION,
				     .type = type,
				     .sequence = sequence,
				     .length = (uint32_t)body };

	memcpy(message, &header, sizeof(header));
}

static uint8_t *out_body(const struct client *c)
{
	return c->out + sizeof(struct bh_message);
}

static void put_out(struct client *c, uint16_t type, size_t body)
{
	put_header(c->out, type, c->sequence, body);
	c->out_size = sizeof(struct bh_message) + body;
}

uint32_t client_events(struct client *c, uint8_t *message, uint32_t count)
{
	size_t body = count * sizeof(struct bh_event);
	uint8_t *first = message + sizeof(struct bh_message) + offsetof(struct bh_event, lost);
	uint32_t before, lost;

	put_header(message, BH_ITEM_EVENTS, c->events_sequence, body);
	memcpy(&before, first, sizeof(before));
	lost = before + c->lost;
	memcpy(first, &lost, sizeof(lost));
	/* an answer that waits must not be overtaken for good, nor events queue behind it */
	if (!c->out_size && send_message(c->fd, message, sizeof(struct bh_message) + body, -1) >= 0) {
		c->lost = 0;
		count = 0;
	}
	memcpy(first, &before, sizeof(before));
	c->lost += count;
	return count;
}

/* ---- requests ---- */

static void end_with(struct client *c, const struct control_handlers *h, int status, const char *text)
{
	c->work = CLIENT_END;
	c->end.status = status;
	c->end.generation = h->generation(h->opaque);
	if (text != c->end.text)
		snprintf(c->end.text, sizeof(c->end.text), "%s", text);
}

/* A descriptor to go with the END. */
static void end_with_descriptor(struct client *c, const struct control_handlers *h, int fd)
{
	c->end_fd = fd < 0 ? -1 : fd;
	end_with(c, h, fd < 0 ? fd : 0, fd < 0 ? strerror(-fd) : "");
}

static void begin_flows(struct client *c, const void *body)
{
	memcpy(&c->filter, body, sizeof(c->filter));
	c->left = c->filter.limit ? c->filter.limit : UINT32_MAX;
	c->worker = 0;
	c->asked = false;
	c->work = CLIENT_WAITS;
}

static void begin_apply(struct client *c, const struct control_handlers *h, int fd)
{
	int status;

	c->end.text[0] = '\0';
	status = h->apply(h->opaque, fd, c->end.text, sizeof(c->end.text));
	end_with(c, h, status, c->end.text);
}

static void begin(struct client *c, const struct control_handlers *h, const struct bh_message *request,
		  const void *body, int fd)
{
	bool apply = request->type == BH_REQUEST_APPLY, flows = request->type == BH_REQUEST_FLOWS;

	c->sequence = request->sequence;
	c->end = (struct bh_end){ 0 };
	if (request->version != BH_CONTROL_VERSION) {
		end_with(c, h, -EPROTO, "another version of the protocol");
		return;
	}
	if (request->length != (flows ? sizeof(struct bh_flow_filter) : 0) || (fd >= 0) != apply) {
		end_with(c, h, -EPROTO, "wrong length of a request, or a descriptor too many or too few");
		return;
	}
	switch (request->type) {
	case BH_REQUEST_APPLY:
		begin_apply(c, h, fd);
		return;
	case BH_REQUEST_COUNTERS:
		end_with_descriptor(c, h, h->counters(h->opaque));
		return;
	case BH_REQUEST_FLOWS:
		begin_flows(c, body);
		return;
	case BH_REQUEST_HOSTS:
		c->cursor = 0;
		c->work = CLIENT_HOSTS;
		return;
	case BH_REQUEST_EVENTS:
		c->subscribed = true;
		c->events_sequence = request->sequence;
		end_with(c, h, 0, "");
		return;
	case BH_REQUEST_IMAGE:
		end_with_descriptor(c, h, h->image(h->opaque));
		return;
	case BH_REQUEST_RESET_GAP:
		h->reset_gap(h->opaque);
		end_with(c, h, 0, "");
		return;
	case BH_REQUEST_STAGES_ON:
	case BH_REQUEST_STAGES_OFF:
		h->stages(h->opaque, request->type == BH_REQUEST_STAGES_ON);
		end_with(c, h, 0, "");
		return;
	default:
		end_with(c, h, -EPROTO, "unknown request");
	}
}

/* The first descriptor that came along is kept, the others are closed. */
static int take_descriptors(struct msghdr *m)
{
	int kept = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (kept < 0)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

int client_read(struct client *c, const struct control_handlers *h)
{
	/* requests are short: what is longer than the longest is cut, and found to be too long */
	uint8_t packet[sizeof(struct bh_message) + sizeof(struct bh_flow_filter) + 1];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = packet, .iov_len = sizeof(packet) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control.space) };
	struct bh_message request;
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd;

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	fd = take_descriptors(&m);
	if ((size_t)n < sizeof(request)) {
		if (fd >= 0)
			close(fd);
		return n ? -EPROTO : -ECONNRESET;
	}
	memcpy(&request, packet, sizeof(request));
	/* an impossible length is one that begin() refuses */
	if ((size_t)n - sizeof(request) != request.length)
		request.length = UINT32_MAX;
	if (request.magic == BH_CONTROL_MAGIC)
		begin(c, h, &request, packet + sizeof(request), fd);
	if (fd >= 0)
		close(fd);
	return request.magic == BH_CONTROL_MAGIC ? 0 : -EPROTO;
}

/* ---- answers ---- */

/* 1: a message was made or the work is another, 0: nothing can be done now */
static int step_hosts(struct client *c, const struct control_handlers *h)
{
	uint32_t max = BODY_MAX / sizeof(struct bh_host);
	uint32_t count = h->hosts(h->opaque, &c->cursor, (struct bh_host *)(void *)out_body(c), max);

	if (count)
		put_out(c, BH_ITEM_HOSTS, count * sizeof(struct bh_host));
	else
		end_with(c, h, 0, "");
	return 1;
}

static uint32_t take_records(struct client *c, struct listing *l)
{
	uint32_t max = BODY_MAX / sizeof(struct bh_flow_record), count = 0;
	const struct bh_flow_record *record;

	while (count < max && c->left && (record = listing_peek(l))) {
		memcpy(out_body(c) + count * sizeof(*record), record, sizeof(*record));
		listing_consume(l);
		count++;
		c->left--;
	}
	return count;
}

/* One worker after the other; a limit that is reached ends the walk of the one that is at it. */
static int step_flows(struct client *c, const struct control_handlers *h)
{
	struct listing *l = h->listing(h->opaque, c->worker);
	uint32_t count;

	if (!l || (!c->left && !c->asked)) {
		end_with(c, h, 0, "");
		return 1;
	}
	if (!c->asked) {
		c->asked = listing_begin(l, &c->filter) == 0;
		/* busy: an asker before went away; what it left is thrown away here */
		return c->asked || listing_finished(l);
	}
	count = take_records(c, l);
	if (count) {
		put_out(c, BH_ITEM_FLOWS, count * sizeof(struct bh_flow_record));
		return 1;
	}
	if (!c->left)
		listing_cancel(l);
	if (!listing_finished(l))
		return 0;
	c->worker++;
	c->asked = false;
	return 1;
}

static int step_end(struct client *c)
{
	memcpy(out_body(c), &c->end, sizeof(c->end));
	put_out(c, BH_END, sizeof(c->end));
	c->out_fd = c->end_fd;
	c->end_fd = -1;
	c->work = CLIENT_IDLE;
	return 1;
}

static int step(struct client *c, const struct control_handlers *h, struct client **turn)
{
	switch (c->work) {
	case CLIENT_WAITS:
		if (*turn && *turn != c)
			return 0;
		*turn = c;
		c->work = CLIENT_FLOWS;
		return 1;
	case CLIENT_FLOWS:
		return step_flows(c, h);
	case CLIENT_HOSTS:
		return step_hosts(c, h);
	case CLIENT_END:
		if (*turn == c)
			*turn = NULL;
		return step_end(c);
	default:
		return 0;
	}
}

int client_step(struct client *c, const struct control_handlers *h, struct client **turn)
{
	for (int i = 0; i < STEP_MESSAGES; i++) {
		int result = send_out(c);

		if (result <= 0)
			return result;
		result = step(c, h, turn);
		if (result <= 0)
			return result;
	}
	return 1;
}
