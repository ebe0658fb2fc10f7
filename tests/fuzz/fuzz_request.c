/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulkheadd's request socket: a line of JSON in pieces, with descriptors and without. Accepting, reading, parsing and the
 * history of events are the daemon's own; what it forks a child for is answered here, in this process, from counters and an
 * image that are there. No dataplane answers, so that a listing ends with an error after its question was read.
 *
 * The first byte of the input: bit 0 a descriptor comes with it, bit 1 in two pieces, bit 2 nothing ends the line.
 */
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "counterfile.h"
#include "daemon.h"
#include "query.h"
#include "tests/fuzz/compile.h"

enum { WITH_DESCRIPTOR = 1, TWO_PIECES = 2, NO_END = 4 };

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct daemon *served;
static struct counterfile counters;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_length = sizeof(address);
static void *image;
static size_t image_size;

static void need(bool there, const char *what)
{
	if (there)
		return;
	fprintf(stderr, "BROKEN: %s (%s)\n", what, strerror(errno));
	abort();
}

/* An event may say that an image came into force. */
void job_adopt(struct daemon *daemon)
{
	(void)daemon;
}

static int take_item(void *opaque, json_t *item)
{
	(void)opaque;
	need(json_is_object(item), "an item that is none");
	return 0;
}

/* What the child of daemon_job.c would do. */
int job_start(struct daemon *daemon, enum daemon_job kind, int fd, int image_fd, const json_t *question)
{
	struct query_sink sink = { .item = take_item };
	struct source source;
	char path[64];

	(void)daemon;
	(void)fd;
	need(kind == JOB_ANSWER, "a job that nobody asked for");
	source_init(&source, "/nonexistent");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", counters.fd);
	need(!counters_open(&source.counters, path, source.why, sizeof(source.why)), "counters");
	source.image = malloc(image_size);
	need(source.image, "memory");
	memcpy(source.image, image, image_size);
	need(!bh_image_open(&source.policy, source.image, image_size, source.why, sizeof(source.why)),
	     "image");
	json_t *result = query_run(&source, question, image_fd, &sink);
	if (result) {
		char *text = json_dumps(result, JSON_COMPACT);

		need(text, "an answer that is not JSON");
		free(text);
		json_decref(result);
	} else {
		need(source.why[0], "an error without a word");
	}
	source_close(&source);
	return 0;
}

static void fill_counters(void)
{
	struct bh_counters *c;

	need(!counterfile_open(&counters, NULL, 1, (gid_t)-1), "counters");
	c = counters.counters;
	c->port_count = 1;
	c->ports[0].used = 1;
	snprintf(c->ports[0].name, sizeof(c->ports[0].name), "trunk");
	c->rule_ids = c->segment_ids = c->network_ids = 2;
	for (int i = 1; i < 3; i++) {
		snprintf(c->rules[i], sizeof(c->rules[i]), "rule-%d", i);
		snprintf(c->segments[i], sizeof(c->segments[i]), "segment-%d", i);
		c->segment_network[i] = 1;
	}
	snprintf(c->networks[1], sizeof(c->networks[1]), "shop");
	c->generation = 1;
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static const struct bh_event notice = { .type = BH_EVENT_NOTICE, .notice.text = "hello" };
	static const struct bh_event flow = { .type = BH_EVENT_FLOW, .flow.application = "HTTP" };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)count;
	(void)arguments;
	image = compile_policy("tests/fuzz/policies/a.yaml", &image_size);
	need(image, "policy: run it from the root of the repository");
	fill_counters();
	served = calloc(1, sizeof(*served));
	need(served && (served->base = event_base_new()), "memory");
	log_level_set(LOG_EMERG);
	need(!history_start(served), "memory");
	history_add(served, &notice);
	history_add(served, &flow);
	/* an abstract name that the kernel chooses */
	need(!bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) && !listen(listener, 8),
	     "socket");
	need(!getsockname(listener, (struct sockaddr *)&address, &address_length), "name");
	need(!request_start(served, listener), "events");
	return 0;
}

static void turn(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(served->base, EVLOOP_NONBLOCK);
}

static void say(int fd, const void *bytes, size_t size, int descriptor)
{
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &descriptor, sizeof(int));
	}
	/* the daemon may have hung up on what came before */
	if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		need(errno == EPIPE || errno == EAGAIN || errno == ECONNRESET, "sendmsg");
	turn();
}

static void hang_up(int fd)
{
	char answer[4096];

	while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		turn();
	close(fd);
	turn();
	need(served->connections == 0, "a connection that stays");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	uint8_t how = size ? bytes[0] : 0;
	size_t first;

	need(fd >= 0 && !connect(fd, (struct sockaddr *)&address, address_length), "connect");
	turn();
	bytes += !!size;
	size -= !!size;
	first = how & TWO_PIECES ? size / 2 : size;
	if (first)
		say(fd, bytes, first, how & WITH_DESCRIPTOR ? counters.fd : -1);
	if (size > first)
		say(fd, bytes + first, size - first, how & WITH_DESCRIPTOR ? counters.fd : -1);
	if (!(how & NO_END))
		say(fd, "\n", 1, -1);
	hang_up(fd);
	return 0;
}
