/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlclient.h"
#include "listing.h"

#define EVENTS_A_MESSAGE ((BH_CONTROL_MAX - sizeof(struct bh_message)) / sizeof(struct bh_event))
/* Several of the largest messages: a client that is busy for a moment loses nothing */
#define SEND_BUFFER (4 * 1024 * 1024)

struct control {
	int listener;
	struct sockaddr_un address;
	uid_t user;
	struct control_handlers handlers;
	struct client clients[CONTROL_CLIENTS];
	struct client *turn; /* who lists sessions */
	uint32_t event_count;
	uint8_t events[sizeof(struct bh_message) + EVENTS_A_MESSAGE * sizeof(struct bh_event)];
};

/* ---- listening ---- */

/* What is left of a process that died is a socket where nobody answers. Anything else is not ours to remove. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;
	int fd, error;

	if (lstat(address->sun_path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	close(fd);
	if (error != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) ? -errno : 0;
}

/* Never, not for a moment, open to others: the mode is right at the bind. */
static int bind_private(int fd, const struct sockaddr_un *address, uid_t user)
{
	mode_t mask = umask(0177);
	int error = bind(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;

	umask(mask);
	if (error)
		return error;
	if (user != (uid_t)-1 && lchown(address->sun_path, user, (gid_t)-1))
		return -errno;
	return listen(fd, (int)CONTROL_CLIENTS) ? -errno : 0;
}

static int open_listener(struct control *control)
{
	int error = remove_stale(&control->address);

	if (error)
		return error;
	control->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0)
		return -errno;
	error = bind_private(control->listener, &control->address, control->user);
	if (error) {
		close(control->listener);
		control->listener = -1;
		if (error != -EADDRINUSE)
			unlink(control->address.sun_path);
	}
	return error;
}

int control_open(struct control **made, const char *path, uid_t user, const struct control_handlers *handlers)
{
	struct control *control = calloc(1, sizeof(*control));
	int error;

	if (!control)
		return -ENOMEM;
	control->listener = -1;
	control->user = user;
	control->handlers = *handlers;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i].fd = -1;
	*made = control;
	if (!path)
		return 0;
	control->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(control->address.sun_path)) {
		error = -ENAMETOOLONG;
	} else {
		strcpy(control->address.sun_path, path);
		error = open_listener(control);
	}
	if (!error)
		return 0;
	*made = NULL;
	free(control);
	return error;
}

/* ---- clients ---- */

static void drop_client(struct control *control, struct client *c)
{
	struct listing *l;

	if (control->turn == c) {
		l = control->handlers.listing(control->handlers.opaque, c->worker);
		control->turn = NULL;
		/* the worker goes on until it sees this; the mailbox is free when the next asker finds it finished */
		if (l && c->asked)
			listing_cancel(l);
	}
	client_close(c);
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			client_close(&control->clients[i]);
	if (control->listener >= 0) {
		close(control->listener);
		unlink(control->address.sun_path);
	}
	free(control);
}

int control_adopt(struct control *control, int fd)
{
	int size = SEND_BUFFER;

	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd < 0) {
			/* without the right to exceed it, the system's bound holds */
			if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
				setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
			return client_open(&control->clients[i], fd);
		}
	close(fd);
	return -ENOSPC;
}

static void accept_clients(struct control *control)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct ucred peer;
		socklen_t length = sizeof(peer);

		if (fd < 0)
			return;
		/* the mode of the socket says the same; a descriptor that was handed on is not stopped by a mode */
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) ||
		    (peer.uid != 0 && peer.uid != control->user && peer.uid != geteuid())) {
			close(fd);
			continue;
		}
		control_adopt(control, fd);
	}
}

/* ---- serving ---- */

static bool is_over(const struct client *c, short events)
{
	if (events & (POLLERR | POLLNVAL))
		return true;
	return c->stuck_us && client_clock_us() - c->stuck_us > CONTROL_STUCK_US;
}

static void serve_client(struct control *control, struct client *c, short events)
{
	int result = 0;

	/* a client that has gone, or sent what can not be understood, gets nothing more */
	if (is_over(c, events))
		result = -EPIPE;
	else if (c->work == CLIENT_IDLE && !client_is_stuck(c) && (events & (POLLIN | POLLHUP)))
		result = client_read(c, &control->handlers);
	else if (events & POLLHUP)
		result = -EPIPE;
	if (result >= 0 || result == -EAGAIN)
		result = client_step(c, &control->handlers, &control->turn);
	if (result < 0)
		drop_client(control, c);
}

static int poll_list(const struct control *control, struct pollfd *list, int other)
{
	list[0] = (struct pollfd){ .fd = other, .events = POLLIN };
	list[1] = (struct pollfd){ .fd = control->listener, .events = POLLIN };
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *c = &control->clients[i];
		short events = 0;

		if (client_is_stuck(c))
			events = POLLOUT;
		else if (c->work == CLIENT_IDLE)
			events = POLLIN;
		list[2 + i] = (struct pollfd){ .fd = c->fd, .events = events };
	}
	return 2 + (int)CONTROL_CLIENTS;
}

/* Answers that wait for a worker are looked after every millisecond. */
static bool is_waiting(const struct control *control)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *c = &control->clients[i];

		if (c->fd >= 0 && c->work != CLIENT_IDLE && !client_is_stuck(c))
			return true;
	}
	return false;
}

bool control_wait(struct control *control, int other, int timeout_ms)
{
	struct pollfd list[2 + CONTROL_CLIENTS];
	int count = poll_list(control, list, other);
	bool readable;

	if (is_waiting(control) && timeout_ms > 1)
		timeout_ms = 1;
	if (poll(list, (nfds_t)count, timeout_ms) < 0)
		return false;
	readable = list[0].revents;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		if (list[2 + i].fd >= 0)
			serve_client(control, &control->clients[i], list[2 + i].revents);
	if (list[1].revents)
		accept_clients(control);
	return readable;
}

/* ---- events ---- */

bool control_subscribed(const struct control *control)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0 && control->clients[i].subscribed)
			return true;
	return false;
}

uint64_t control_flush(struct control *control)
{
	uint64_t lost = 0;

	if (!control->event_count)
		return 0;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *c = &control->clients[i];

		if (c->fd >= 0 && c->subscribed)
			lost += client_events(c, control->events, control->event_count);
	}
	control->event_count = 0;
	return lost;
}

uint64_t control_event(struct control *control, const struct bh_event *event)
{
	uint64_t lost = 0;

	if (control->event_count == EVENTS_A_MESSAGE)
		lost = control_flush(control);
	memcpy(control->events + sizeof(struct bh_message) + control->event_count * sizeof(*event), event,
	       sizeof(*event));
	control->event_count++;
	return lost;
}
