/* SPDX-License-Identifier: BSD-3-Clause */
/* The request socket: one line, perhaps with a descriptor, from each connection; then the answer has it. */
#include "daemon.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "query.h"

#define REQUEST_PATIENCE_S 10

struct connection {
	struct daemon *daemon;
	struct event *event;
	int fd, image_fd;
	size_t length;
	char line[QUERY_LINE_MAX];
};

/* fd and image_fd are closed unless they were handed on (set to -1). */
static void connection_free(struct connection *connection)
{
	connection->daemon->connections--;
	event_free(connection->event);
	if (connection->fd >= 0)
		close(connection->fd);
	if (connection->image_fd >= 0)
		close(connection->image_fd);
	free(connection);
}

static void connection_refuse(struct connection *connection, const char *why)
{
	json_t *answer = json_pack("{s:s}", "error", why);
	char *text = json_dumps(answer, JSON_COMPACT);

	/* it fits any socket's buffer; if not, the peer sees the connection end */
	if (text && (send(connection->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ||
		     send(connection->fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0))
		log_line(LOG_DEBUG, "a client went before its answer: %m");
	free(text);
	json_decref(answer);
	connection_free(connection);
}

static void connection_answer(struct connection *connection)
{
	json_error_t error;
	json_t *question = json_loadb(connection->line, connection->length, JSON_REJECT_DUPLICATES, &error);
	const char *command = query_text(question, "command");

	if (!json_is_object(question) || !command) {
		json_decref(question);
		connection_refuse(connection, "a question is one line: {\"command\": ...}");
		return;
	}
	if (!strcmp(command, "events")) {
		/* the event still watches the descriptor */
		event_del(connection->event);
		history_answer(connection->daemon, connection->fd, question);
		connection->fd = -1;
		json_decref(question);
		connection_free(connection);
		return;
	}
	event_del(connection->event);
	int busy = job_start(connection->daemon, JOB_ANSWER, connection->fd, connection->image_fd, question);
	json_decref(question);
	if (busy) {
		connection_refuse(connection, busy == -EAGAIN ? "too many questions at a time; ask again"
							      : "bulkheadd could not begin to answer");
		return;
	}
	connection_free(connection);
}

static void take_descriptors(struct connection *connection, struct msghdr *message)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(fd));
			if (connection->image_fd < 0)
				connection->image_fd = fd;
			else
				close(fd);
		}
	}
}

static void connection_read(evutil_socket_t fd, short what, void *opaque)
{
	struct connection *connection = opaque;
	alignas(struct cmsghdr) char space[CMSG_SPACE(4 * sizeof(int))];
	struct iovec part = { .iov_base = connection->line + connection->length,
			      .iov_len = sizeof(connection->line) - connection->length };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
	};

	if (what & EV_TIMEOUT) {
		connection_free(connection);
		return;
	}
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_free(connection);
		return;
	}
	take_descriptors(connection, &message);
	const char *end = memchr(part.iov_base, '\n', (size_t)n);
	connection->length += (size_t)n;
	if (end) {
		connection->length = (size_t)(end - connection->line);
		connection_answer(connection);
	} else if (connection->length == sizeof(connection->line)) {
		connection_refuse(connection, "the question is too long");
	}
}

static void request_accept(evutil_socket_t listen_fd, short what, void *opaque)
{
	struct timeval patience = { .tv_sec = REQUEST_PATIENCE_S };
	struct daemon *daemon = opaque;

	(void)what;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!listen_permits(fd)) {
		log_line(LOG_WARNING, "a client was turned away: neither root nor of our user or group");
		close(fd);
		return;
	}
	struct connection *connection =
		daemon->connections < DAEMON_CONNECTIONS ? malloc(sizeof(*connection)) : NULL;
	if (!connection) {
		close(fd);
		return;
	}
	connection->daemon = daemon;
	connection->fd = fd;
	connection->image_fd = -1;
	connection->length = 0;
	connection->event = event_new(daemon->base, fd, EV_READ | EV_PERSIST, connection_read, connection);
	if (!connection->event || event_add(connection->event, &patience)) {
		if (connection->event)
			event_free(connection->event);
		close(fd);
		free(connection);
		return;
	}
	daemon->connections++;
}

int request_start(struct daemon *daemon, int listen_fd)
{
	evutil_make_socket_nonblocking(listen_fd);
	evutil_make_socket_closeonexec(listen_fd);
	daemon->accept_event =
		event_new(daemon->base, listen_fd, EV_READ | EV_PERSIST, request_accept, daemon);
	return daemon->accept_event && !event_add(daemon->accept_event, NULL) ? 0 : -ENOMEM;
}

void request_stop(struct daemon *daemon)
{
	if (daemon->accept_event)
		event_free(daemon->accept_event);
	daemon->accept_event = NULL;
}
