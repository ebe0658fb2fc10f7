/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to an answer: bulkheadd's socket, or the dataplane itself while bulkheadd is down. */
#include "ctl.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* of silence. bulkheadd begins at once if it lives; it itself gives up before the others */
#define ASK_BEGIN_TIMEOUT_S 5
#define ASK_TIMEOUT_S 15
#define ASK_APPLY_TIMEOUT_S 90

static int daemon_connect(const char *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/bulkheadd.sock", run);
	if (length < 0 || (size_t)length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	struct timeval timeout = { .tv_sec = ASK_TIMEOUT_S };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int question_send(int socket_fd, const json_t *question, int image_fd)
{
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	char *line = json_dumps(question, JSON_COMPACT);
	if (!line)
		return -ENOMEM;
	size_t length = strlen(line);
	line[length] = '\n'; /* in the place of the NUL */
	struct iovec part = { .iov_base = line, .iov_len = length + 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int error = 0;

	if (image_fd >= 0) {
		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		struct cmsghdr *control = CMSG_FIRSTHDR(&message);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(control), &image_fd, sizeof(image_fd));
	}
	while (part.iov_len && !error) {
		ssize_t n = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			error = -errno;
		if (n < 0)
			continue;
		part.iov_base = (char *)part.iov_base + n;
		part.iov_len -= (size_t)n;
		message.msg_control = NULL; /* the descriptor went with the first byte */
		message.msg_controllen = 0;
	}
	free(line);
	return error;
}

static void answer_patience(int fd, int seconds)
{
	struct timeval timeout = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

/* {"begun": ..}, lines of {"item": ..}, then {"result": ..} or {"error": ..}. *silent: no more than that it
 * has begun came; the next line may then take `seconds`. */
static json_t *answer_read(FILE *in, int seconds, struct query_sink *sink, bool *silent)
{
	json_t *result = NULL;
	char *line = NULL;
	size_t room = 0;
	bool ended = false;

	while (!ended && getline(&line, &room, in) > 0) {
		json_error_t error;
		json_t *answer = json_loads(line, 0, &error);
		json_t *item = json_object_get(answer, "item"), *begun = json_object_get(answer, "begun");
		*silent = *silent && begun;
		if (item) {
			ended = sink && sink->item(sink->opaque, item);
		} else if (begun) {
			answer_patience(fileno(in), seconds);
		} else {
			const char *text = json_string_value(json_object_get(answer, "error"));
			result = json_incref(json_object_get(answer, "result"));
			if (!result)
				fprintf(stderr, "bulkheadctl: %s\n",
					text ? text : "bulkheadd's answer can not be read");
			json_decref(answer);
			free(line);
			return result;
		}
		json_decref(answer);
	}
	if (!ended && !*silent)
		fprintf(stderr, "bulkheadctl: bulkheadd did not finish its answer\n");
	free(line);
	return NULL;
}

static json_t *ask_daemon(int fd, const struct ctl_request *request, int image_fd, struct query_sink *sink,
			  bool *silent)
{
	json_t *result = NULL;

	*silent = true;
	if (!json_is_true(json_object_get(request->question, "follow")))
		answer_patience(fd, ASK_BEGIN_TIMEOUT_S);
	FILE *in = question_send(fd, request->question, image_fd) ? NULL : fdopen(fd, "r");
	if (!in) {
		close(fd);
		return NULL;
	}
	result = answer_read(in, image_fd < 0 ? ASK_TIMEOUT_S : ASK_APPLY_TIMEOUT_S, sink, silent);
	fclose(in);
	return result;
}

static json_t *ask_dataplane(const struct ctl_request *request, int image_fd, struct query_sink *sink)
{
	struct source source;

	source_init(&source, request->run);
	json_t *result = query_run(&source, request->question, image_fd, sink);
	if (!result)
		fprintf(stderr, "bulkheadctl: %s (the dataplane was asked: bulkheadd does not answer)\n",
			source.why);
	else
		json_object_set_new(result, "daemon", json_pack("{s:b}", "up", 0));
	source_close(&source);
	return result;
}

json_t *ctl_ask(const struct ctl_request *request, int image_fd, struct query_sink *sink)
{
	int fd = daemon_connect(request->run);
	bool silent;

	if (fd >= 0) {
		json_t *result = ask_daemon(fd, request, image_fd, sink, &silent);
		if (result || !silent)
			return result;
		/* it died or hangs: the dataplane can still be asked. We have hung up: an apply is not done by both */
		fprintf(stderr, "bulkheadctl: bulkheadd does not answer; asking the dataplane\n");
		return ask_dataplane(request, image_fd, sink);
	}
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return ask_dataplane(request, image_fd, sink);
	fprintf(stderr, "bulkheadctl: %s/bulkheadd.sock: %s%s\n", request->run, strerror(-fd),
		fd == -EACCES ? " (root and the members of bulkheadd's group may ask)" : "");
	return NULL;
}

int ctl_print_json(const json_t *json)
{
	bool failed =
		json_dumpf(json, stdout, JSON_INDENT(2)) < 0 || fputc('\n', stdout) == EOF || fflush(stdout);

	if (failed)
		fprintf(stderr, "bulkheadctl: stdout: %s\n", strerror(errno));
	return failed ? CTL_FAILED : CTL_OK;
}
