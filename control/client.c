/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void client_adopt(struct client *client, int fd)
{
	client->fd = fd;
	client->sequence = 0;
}

int client_open(struct client *client, const char *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	client_adopt(client, -1);
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", run);
	if (length < 0 || (size_t)length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	client->fd = fd;
	return 0;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0 when ready, -EAGAIN when the time is over */
static int wait_for(int fd, short events, int timeout_ms)
{
	int64_t until = monotonic_ms() + timeout_ms;

	for (;;) {
		struct pollfd poller = { .fd = fd, .events = events };
		int64_t left = until - monotonic_ms();
		int ready = poll(&poller, 1, left > 0 ? (int)left : 0);
		if (ready > 0)
			return 0;
		if (ready == 0)
			return -EAGAIN;
		if (errno != EINTR)
			return -errno;
	}
}

int client_send(struct client *client, uint16_t type, const void *body, uint32_t length, int fd)
{
	struct bh_message header = {
		.magic = BH_CONTROL_MAGIC,
		.version = BH_CONTROL_VERSION,
		.type = type,
		.sequence = ++client->sequence,
		.length = length,
	};
	struct iovec parts[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = length },
	};
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = length ? 2 : 1 };

	if (fd >= 0) {
		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		struct cmsghdr *control = CMSG_FIRSTHDR(&message);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(control), &fd, sizeof(fd));
	}
	for (;;) {
		if (sendmsg(client->fd, &message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		int error = wait_for(client->fd, POLLOUT, CLIENT_TIMEOUT_MS);
		if (error)
			return error == -EAGAIN ? -ETIMEDOUT : error;
	}
}

/* The first descriptor of the message; all others are closed, whoever sent them. */
static int take_descriptor(struct msghdr *message)
{
	int first = -1;

	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(fd));
			if (first < 0)
				first = fd;
			else
				close(fd);
		}
	}
	return first;
}

/* The size of an element of each kind of body; 0: no message of an answer. */
static size_t element_size(uint16_t type)
{
	switch (type) {
	case BH_ITEM_FLOWS:
		return sizeof(struct bh_flow_record);
	case BH_ITEM_HOSTS:
		return sizeof(struct bh_host);
	case BH_ITEM_EVENTS:
		return sizeof(struct bh_event);
	case BH_END:
		return sizeof(struct bh_end);
	default:
		return 0;
	}
}

static int message_check(const struct client *client, size_t size, struct client_message *message)
{
	struct bh_message header;

	if (size < sizeof(header))
		return -EPROTO;
	memcpy(&header, client->buffer, sizeof(header));
	if (header.magic != BH_CONTROL_MAGIC || header.version != BH_CONTROL_VERSION ||
	    header.length != size - sizeof(header))
		return -EPROTO;
	size_t element = element_size(header.type);
	if (!element || header.length % element)
		return -EPROTO;
	if (header.type == BH_END && header.length != element)
		return -EPROTO;
	message->type = header.type;
	message->sequence = header.sequence;
	message->length = header.length;
	message->body = client->buffer + sizeof(header);
	return 0;
}

int client_receive(struct client *client, struct client_message *message, int timeout_ms)
{
	struct iovec part = { .iov_base = client->buffer, .iov_len = sizeof(client->buffer) };
	alignas(struct cmsghdr) char space[CMSG_SPACE(8 * sizeof(int))];
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
	};
	ssize_t size;

	memset(message, 0, sizeof(*message));
	message->fd = -1;
	for (;;) {
		size = recvmsg(client->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (size >= 0)
			break;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		int error = timeout_ms ? wait_for(client->fd, POLLIN, timeout_ms) : -EAGAIN;
		if (error)
			return error;
	}
	if (size == 0)
		return -ECONNRESET;
	message->fd = take_descriptor(&header);
	int error = header.msg_flags & MSG_TRUNC ? -EPROTO : message_check(client, (size_t)size, message);
	if (error && message->fd >= 0) {
		close(message->fd);
		message->fd = -1;
	}
	return error;
}

static int read_answer(struct client *client, int timeout_ms, client_item item, void *opaque,
		       struct bh_end *end, int *end_fd)
{
	for (;;) {
		struct client_message message;
		int error = client_receive(client, &message, timeout_ms);
		if (error)
			return error == -EAGAIN ? -ETIMEDOUT : error;
		if (message.sequence != client->sequence) {
			/* events of a subscription, or the rest of an answer that was given up */
			if (message.fd >= 0)
				close(message.fd);
			continue;
		}
		if (message.type == BH_END) {
			memcpy(end, message.body, sizeof(*end));
			end->text[sizeof(end->text) - 1] = 0;
			if (end_fd)
				*end_fd = message.fd;
			else if (message.fd >= 0)
				close(message.fd);
			return 0;
		}
		error = item ? item(opaque, &message) : 0;
		if (message.fd >= 0)
			close(message.fd);
		if (error)
			return error;
	}
}

int client_ask(struct client *client, uint16_t type, const void *body, uint32_t length, int fd,
	       int timeout_ms, client_item item, void *opaque, struct bh_end *end, int *end_fd)
{
	memset(end, 0, sizeof(*end));
	if (end_fd)
		*end_fd = -1;
	int error = client_send(client, type, body, length, fd);
	if (!error)
		error = read_answer(client, timeout_ms, item, opaque, end, end_fd);
	if (error)
		client_close(client);
	return error;
}
