/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/control.c dataplane/controlclient.c dataplane/listing.c dataplane/wait.c */
/* The control socket over a socketpair: requests and their answers, what is refused, events and their loss, listings. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "eal.h"
#include "flow.h"
#include "listing.h"

enum { WORKERS = 2, FLOWS = 1500, HOSTS = 2000 };

static struct control *control;
static struct listing *listings[WORKERS];
static struct worker workers[WORKERS];
static int peer; /* the client's end */
static char applied[16];
static unsigned int resets;

/* ---- the flow table: FLOWS sessions a worker, numbered by their port ---- */

bool flow_walk(struct worker *w, uint32_t *cursor, uint32_t budget,
	       void (*visit)(struct worker *w, struct flow *flow, void *opaque), void *opaque)
{
	for (; budget && *cursor < FLOWS; budget--, (*cursor)++) {
		struct flow flow = { .key.port = { (uint16_t)*cursor, (uint16_t)(w->id + 1) } };

		visit(w, &flow, opaque);
	}
	return *cursor < FLOWS;
}

void flow_record(const struct worker *w, const struct flow *flow, enum bh_flow_end why,
		 struct bh_flow_record *record)
{
	memset(record, 0, sizeof(*record));
	record->source_port = flow->key.port[0];
	record->destination_port = flow->key.port[1];
	record->protocol = flow->key.port[0] % 2 ? 6 : 17;
	record->end = (uint8_t)why;
	snprintf(record->segment[0], sizeof(record->segment[0]), "segment%u", w->id);
}

/* ---- the process behind the socket ---- */

static int apply(void *opaque, int fd, char *text, size_t text_size)
{
	(void)opaque;
	memset(applied, 0, sizeof(applied));
	assert_true(pread(fd, applied, sizeof(applied) - 1, 0) >= 0);
	snprintf(text, text_size, "read %s", applied);
	return strcmp(applied, "good") == 0 ? 0 : -EINVAL;
}

static int descriptor(void *opaque)
{
	(void)opaque;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int no_image(void *opaque)
{
	(void)opaque;
	return -ENOENT;
}

static uint32_t generation(void *opaque)
{
	(void)opaque;
	return 42;
}

static void reset_gap(void *opaque)
{
	(void)opaque;
	resets++;
}

static int measuring = -1;

static void stages(void *opaque, bool on)
{
	(void)opaque;
	measuring = on;
}

static struct listing *listing(void *opaque, uint16_t worker)
{
	(void)opaque;
	return worker < WORKERS ? listings[worker] : NULL;
}

static uint32_t hosts(void *opaque, uint32_t *cursor, struct bh_host *list, uint32_t max)
{
	uint32_t count = 0;

	(void)opaque;
	for (; count < max && *cursor < HOSTS; count++, (*cursor)++)
		list[count] = (struct bh_host){ .moves = *cursor };
	return count;
}

static const struct control_handlers handlers = {
	.apply = apply,
	.counters = descriptor,
	.image = no_image,
	.generation = generation,
	.reset_gap = reset_gap,
	.stages = stages,
	.listing = listing,
	.hosts = hosts,
};

static int connect_client(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(control_adopt(control, pair[0]), 0);
	return pair[1];
}

static int setup(void **state)
{
	(void)state;
	eal_start();
	assert_int_equal(control_open(&control, NULL, (uid_t)-1, &handlers), 0);
	for (uint16_t i = 0; i < WORKERS; i++) {
		listings[i] = listing_new(SOCKET_ID_ANY, NULL);
		assert_non_null(listings[i]);
		workers[i].id = i;
	}
	peer = connect_client();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(peer);
	control_close(control);
	for (uint16_t i = 0; i < WORKERS; i++)
		listing_free(listings[i]);
	return 0;
}

/* ---- the client ---- */

static void request(int fd, uint16_t type, uint32_t sequence, const void *body, size_t length, int passed)
{
	uint8_t packet[256];
	struct bh_message m = { .magic = BH_CONTROL_MAGIC,
				.version = BH_CONTROL_VERSION,
				.type = type,
				.sequence = sequence,
				.length = (uint32_t)length };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} space = { 0 };
	struct iovec part = { packet, sizeof(m) + length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	memcpy(packet, &m, sizeof(m));
	if (length)
		memcpy(packet + sizeof(m), body, length);
	if (passed >= 0) {
		message.msg_control = &space;
		message.msg_controllen = sizeof(space.space);
		space.header.cmsg_level = SOL_SOCKET;
		space.header.cmsg_type = SCM_RIGHTS;
		space.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&space.header), &passed, sizeof(int));
	}
	assert_true(sendmsg(fd, &message, 0) > 0);
}

static struct {
	struct bh_message header;
	uint8_t body[BH_CONTROL_MAX];
	int passed; /* -1: none */
} answer;

/* false: nothing there; a closed connection is length 0 and type 0 */
static bool receive(int fd)
{
	static uint8_t packet[BH_CONTROL_MAX + 1];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} space;
	struct iovec part = { packet, sizeof(packet) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &space,
				  .msg_controllen = sizeof(space.space) };
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	memset(&answer.header, 0, sizeof(answer.header));
	answer.passed = -1;
	if (n < 0)
		return false;
	if (n == 0)
		return true;
	assert_true((size_t)n >= sizeof(answer.header) && n <= (ssize_t)BH_CONTROL_MAX);
	memcpy(&answer.header, packet, sizeof(answer.header));
	assert_int_equal(answer.header.magic, BH_CONTROL_MAGIC);
	assert_int_equal(answer.header.length, (size_t)n - sizeof(answer.header));
	memcpy(answer.body, packet + sizeof(answer.header), answer.header.length);
	if (message.msg_controllen)
		memcpy(&answer.passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return true;
}

/* Let the server and the workers run until there is something; fails if nothing comes. */
static void wait_for(int fd)
{
	for (int i = 0; i < 1000; i++) {
		control_wait(control, -1, 0);
		for (uint16_t k = 0; k < WORKERS; k++)
			listing_serve(&workers[k], listings[k]);
		if (receive(fd))
			return;
	}
	fail_msg("no answer");
}

static struct bh_end expect_end(int fd, uint32_t sequence, int status)
{
	struct bh_end end;

	wait_for(fd);
	assert_int_equal(answer.header.type, BH_END);
	assert_int_equal(answer.header.sequence, sequence);
	assert_int_equal(answer.header.length, sizeof(end));
	memcpy(&end, answer.body, sizeof(end));
	assert_int_equal(end.status, status);
	assert_int_equal(end.generation, 42);
	return end;
}

static int file_with(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

/* ---- requests ---- */

static void test_apply(void **state)
{
	int good = file_with("good"), bad = file_with("bad");
	struct bh_end end;
	(void)state;

	request(peer, BH_REQUEST_APPLY, 7, NULL, 0, good);
	end = expect_end(peer, 7, 0);
	assert_string_equal(end.text, "read good");
	request(peer, BH_REQUEST_APPLY, 8, NULL, 0, bad);
	end = expect_end(peer, 8, -EINVAL);
	assert_string_equal(end.text, "read bad");
	close(good);
	close(bad);
}

static void test_descriptors(void **state)
{
	(void)state;
	request(peer, BH_REQUEST_COUNTERS, 1, NULL, 0, -1);
	expect_end(peer, 1, 0);
	assert_true(answer.passed >= 0);
	close(answer.passed);
	request(peer, BH_REQUEST_IMAGE, 2, NULL, 0, -1);
	expect_end(peer, 2, -ENOENT);
	assert_int_equal(answer.passed, -1);
	request(peer, BH_REQUEST_RESET_GAP, 3, NULL, 0, -1);
	expect_end(peer, 3, 0);
	assert_int_equal(resets, 1);
}

static void test_stages(void **state)
{
	(void)state;
	request(peer, BH_REQUEST_STAGES_ON, 1, NULL, 0, -1);
	expect_end(peer, 1, 0);
	assert_int_equal(measuring, 1);
	request(peer, BH_REQUEST_STAGES_OFF, 2, NULL, 0, -1);
	expect_end(peer, 2, 0);
	assert_int_equal(measuring, 0);
	/* it takes no body */
	request(peer, BH_REQUEST_STAGES_ON, 3, &(struct bh_flow_filter){ 0 }, sizeof(struct bh_flow_filter),
		-1);
	expect_end(peer, 3, -EPROTO);
	assert_int_equal(measuring, 0);
}

/* Several requests at once are answered one after the other. */
static void test_pipelined(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		request(peer, BH_REQUEST_RESET_GAP, i, NULL, 0, -1);
	for (uint32_t i = 0; i < 20; i++)
		expect_end(peer, i, 0);
}

static void test_refused(void **state)
{
	struct bh_message m = { BH_CONTROL_MAGIC, BH_CONTROL_VERSION + 1, BH_REQUEST_HOSTS, 5, 0 };
	int fd = file_with("good");
	(void)state;

	assert_true(send(peer, &m, sizeof(m), 0) > 0);
	expect_end(peer, 5, -EPROTO);
	request(peer, 99, 6, NULL, 0, -1);
	expect_end(peer, 6, -EPROTO);
	request(peer, BH_REQUEST_APPLY, 7, NULL, 0, -1);
	expect_end(peer, 7, -EPROTO);
	request(peer, BH_REQUEST_HOSTS, 8, NULL, 0, fd);
	expect_end(peer, 8, -EPROTO);
	request(peer, BH_REQUEST_FLOWS, 9, "abc", 3, -1);
	expect_end(peer, 9, -EPROTO);
	/* the header lies about the length */
	m = (struct bh_message){ BH_CONTROL_MAGIC, BH_CONTROL_VERSION, BH_REQUEST_FLOWS, 10, 88 };
	assert_true(send(peer, &m, sizeof(m), 0) > 0);
	expect_end(peer, 10, -EPROTO);
	close(fd);
}

static void assert_closed(int fd)
{
	wait_for(fd);
	assert_int_equal(answer.header.magic, 0);
	close(fd);
}

static void test_nonsense(void **state)
{
	uint8_t noise[300];
	int a = connect_client(), b = connect_client();
	(void)state;

	memset(noise, 0x5a, sizeof(noise));
	assert_true(send(a, noise, 5, 0) > 0);
	assert_closed(a);
	assert_true(send(b, noise, sizeof(noise), 0) > 0);
	assert_closed(b);
	/* others are not disturbed */
	request(peer, BH_REQUEST_RESET_GAP, 3, NULL, 0, -1);
	expect_end(peer, 3, 0);
}

static void test_too_many(void **state)
{
	int clients[CONTROL_CLIENTS], pair[2];
	(void)state;

	for (unsigned int i = 1; i < CONTROL_CLIENTS; i++)
		clients[i] = connect_client();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(control_adopt(control, pair[0]), -ENOSPC);
	close(pair[1]);
	close(clients[1]);
	control_wait(control, -1, 0);
	clients[1] = connect_client();
	request(clients[1], BH_REQUEST_RESET_GAP, 3, NULL, 0, -1);
	expect_end(clients[1], 3, 0);
	for (unsigned int i = 1; i < CONTROL_CLIENTS; i++)
		close(clients[i]);
}

/* ---- lists ---- */

static void test_hosts(void **state)
{
	uint32_t next = 0;
	(void)state;

	request(peer, BH_REQUEST_HOSTS, 4, NULL, 0, -1);
	for (wait_for(peer); answer.header.type == BH_ITEM_HOSTS; wait_for(peer)) {
		assert_int_equal(answer.header.length % sizeof(struct bh_host), 0);
		for (uint32_t i = 0; i < answer.header.length / sizeof(struct bh_host); i++) {
			struct bh_host host;

			memcpy(&host, answer.body + i * sizeof(host), sizeof(host));
			assert_int_equal(host.moves, next++);
		}
	}
	assert_int_equal(answer.header.type, BH_END);
	assert_int_equal(next, HOSTS);
}

/* Sessions that come for a filter; all must be what it asks for. */
static uint32_t list_flows(int fd, const struct bh_flow_filter *filter)
{
	uint32_t count = 0;

	request(fd, BH_REQUEST_FLOWS, 5, filter, sizeof(*filter), -1);
	for (wait_for(fd); answer.header.type == BH_ITEM_FLOWS; wait_for(fd))
		for (uint32_t i = 0; i < answer.header.length / sizeof(struct bh_flow_record); i++, count++) {
			struct bh_flow_record record;

			memcpy(&record, answer.body + i * sizeof(record), sizeof(record));
			assert_true(listing_matches(filter, &record));
			assert_int_equal(record.end, BH_FLOW_END_LIVE);
		}
	assert_int_equal(answer.header.type, BH_END);
	return count;
}

static void test_flows(void **state)
{
	(void)state;
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ 0 }), WORKERS * FLOWS);
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ .protocol = 6 }), WORKERS * FLOWS / 2);
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ .port = 700 }), WORKERS);
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ .segment = "segment1" }), FLOWS);
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ .segment = "none" }), 0);
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ .address = { 1 } }), 0);
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ .limit = 10 }), 10);
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ .limit = FLOWS + 3 }), FLOWS + 3);
	/* a limit leaves nothing behind in the mailboxes */
	assert_int_equal(list_flows(peer, &(struct bh_flow_filter){ 0 }), WORKERS * FLOWS);
}

static void test_flows_abandoned(void **state)
{
	const struct bh_flow_filter all = { 0 };
	int gone = connect_client();
	(void)state;

	request(gone, BH_REQUEST_FLOWS, 5, &all, sizeof(all), -1);
	wait_for(gone);
	assert_int_equal(answer.header.type, BH_ITEM_FLOWS);
	close(gone);
	assert_int_equal(list_flows(peer, &all), WORKERS * FLOWS);
}

/* Two at once: one waits for the other, both get everything. */
static void test_flows_two(void **state)
{
	const struct bh_flow_filter all = { 0 };
	int other = connect_client();
	uint32_t count = 0;
	(void)state;

	request(other, BH_REQUEST_FLOWS, 6, &all, sizeof(all), -1);
	control_wait(control, -1, 0);
	request(peer, BH_REQUEST_FLOWS, 5, &all, sizeof(all), -1);
	for (wait_for(other); answer.header.type == BH_ITEM_FLOWS; wait_for(other))
		count += answer.header.length / sizeof(struct bh_flow_record);
	assert_int_equal(count, WORKERS * FLOWS);
	for (count = 0, wait_for(peer); answer.header.type == BH_ITEM_FLOWS; wait_for(peer))
		count += answer.header.length / sizeof(struct bh_flow_record);
	assert_int_equal(count, WORKERS * FLOWS);
	close(other);
}

/* ---- events ---- */

static void test_events(void **state)
{
	struct bh_event event = { .type = BH_EVENT_NOTICE };
	uint32_t next = 0;
	(void)state;

	assert_false(control_subscribed(control));
	request(peer, BH_REQUEST_EVENTS, 9, NULL, 0, -1);
	expect_end(peer, 9, 0);
	assert_true(control_subscribed(control));
	for (uint32_t i = 0; i < 200; i++) {
		event.time_us = i;
		assert_int_equal(control_event(control, &event), 0);
	}
	assert_int_equal(control_flush(control), 0);
	while (next < 200) {
		wait_for(peer);
		assert_int_equal(answer.header.type, BH_ITEM_EVENTS);
		assert_int_equal(answer.header.sequence, 9);
		for (uint32_t i = 0; i < answer.header.length / sizeof(event); i++) {
			memcpy(&event, answer.body + i * sizeof(event), sizeof(event));
			assert_int_equal(event.time_us, next++);
			assert_int_equal(event.lost, 0);
		}
	}
	/* the connection still answers */
	request(peer, BH_REQUEST_RESET_GAP, 10, NULL, 0, -1);
	expect_end(peer, 10, 0);
}

/* A client that does not read loses events; the first that it gets again tells how many; another one loses none. */
static void test_events_lost(void **state)
{
	struct bh_event event = { .type = BH_EVENT_NOTICE };
	uint64_t lost = 0;
	uint32_t sent = 0, got = 0, told = 0;
	(void)state;

	request(peer, BH_REQUEST_EVENTS, 9, NULL, 0, -1);
	expect_end(peer, 9, 0);
	for (; !lost && sent < 1000000; sent++)
		lost += control_event(control, &event);
	assert_true(lost > 0);
	for (int i = 0; i < 3; i++, sent++) {
		control_event(control, &event);
		lost += control_flush(control);
	}
	while (receive(peer))
		got += answer.header.length / (uint32_t)sizeof(event);
	control_event(control, &event);
	assert_int_equal(control_flush(control), 0);
	wait_for(peer);
	memcpy(&event, answer.body, sizeof(event));
	told = event.lost;
	assert_int_equal(told, lost);
	assert_int_equal(got + told, sent);
}

/* ---- the listening socket ---- */

static void test_socket(void **state)
{
	char directory[] = "/tmp/bulkhead-control-XXXXXX", path[64];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *first, *second;
	struct stat status;
	int fd;
	(void)state;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/control", directory);
	assert_int_equal(control_open(&first, path, (uid_t)-1, &handlers), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(control_open(&second, path, (uid_t)-1, &handlers), -EADDRINUSE);
	control_close(first);
	assert_int_equal(access(path, F_OK), -1);

	/* a socket that was left behind is taken over, a file is not */
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(control_open(&first, path, (uid_t)-1, &handlers), 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	control_wait(first, -1, 0);
	request(fd, BH_REQUEST_RESET_GAP, 1, NULL, 0, -1);
	control_wait(first, -1, 0);
	assert_true(receive(fd));
	assert_int_equal(answer.header.type, BH_END);
	close(fd);
	control_close(first);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(control_open(&first, path, (uid_t)-1, &handlers), -EEXIST);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_apply),           TEST(test_descriptors), TEST(test_stages),
		TEST(test_pipelined),       TEST(test_refused),     TEST(test_nonsense),
		TEST(test_too_many),        TEST(test_hosts),       TEST(test_flows),
		TEST(test_flows_abandoned), TEST(test_flows_two),   TEST(test_events),
		TEST(test_events_lost),     TEST(test_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
