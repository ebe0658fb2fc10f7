/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/client.c control/push.c */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"

/* Two ends of a SEQPACKET socket: the client, and a dataplane whose answers are put there beforehand. */
struct fixture {
	struct client client;
	int dataplane;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	client_adopt(&f->client, fds[0]);
	f->dataplane = fds[1];
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	client_close(&f->client);
	if (f->dataplane >= 0)
		close(f->dataplane);
	free(f);
	return 0;
}

static void answer_raw(struct fixture *f, const struct bh_message *header, const void *body, size_t length,
		       int fd)
{
	struct iovec parts[2] = { { (void *)(uintptr_t)header, sizeof(*header) },
				  { (void *)(uintptr_t)body, length } };
	alignas(struct cmsghdr) char space[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (fd >= 0) { /* twice: the second must be closed */
		int fds[2] = { fd, fd };
		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		struct cmsghdr *control = CMSG_FIRSTHDR(&message);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(control), fds, sizeof(fds));
	}
	assert_true(sendmsg(f->dataplane, &message, 0) >= 0);
}

static void answer(struct fixture *f, uint16_t type, uint32_t sequence, const void *body, uint32_t length)
{
	struct bh_message header = { BH_CONTROL_MAGIC, BH_CONTROL_VERSION, type, sequence, length };

	answer_raw(f, &header, body, length, -1);
}

static void answer_end(struct fixture *f, uint32_t sequence, int status, const char *text)
{
	struct bh_end end = { .status = status, .generation = 7 };

	strncpy(end.text, text, sizeof(end.text) - 1);
	answer(f, BH_END, sequence, &end, sizeof(end));
}

static int ask(struct fixture *f, client_item item, void *opaque, struct bh_end *end, int *fd)
{
	return client_ask(&f->client, BH_REQUEST_HOSTS, NULL, 0, -1, 200, item, opaque, end, fd);
}

static int count_hosts(void *opaque, const struct client_message *item)
{
	unsigned int *count = opaque;

	assert_int_equal(item->type, BH_ITEM_HOSTS);
	*count += (unsigned int)(item->length / sizeof(struct bh_host));
	return 0;
}

static void items_then_end(void **state)
{
	struct fixture *f = *state;
	struct bh_host hosts[3] = { 0 };
	struct bh_end end;
	unsigned int count = 0;
	uint8_t request[64];

	answer(f, BH_ITEM_HOSTS, 1, hosts, sizeof(hosts));
	answer(f, BH_ITEM_HOSTS, 1, hosts, sizeof(hosts[0]));
	answer_end(f, 1, 0, "fine");
	assert_int_equal(ask(f, count_hosts, &count, &end, NULL), 0);
	assert_int_equal(count, 4);
	assert_int_equal(end.generation, 7);
	assert_string_equal(end.text, "fine");

	struct bh_message sent;
	assert_int_equal(recv(f->dataplane, request, sizeof(request), 0), sizeof(sent));
	memcpy(&sent, request, sizeof(sent));
	assert_int_equal(sent.magic, BH_CONTROL_MAGIC);
	assert_int_equal(sent.type, BH_REQUEST_HOSTS);
	assert_int_equal(sent.sequence, 1);
}

static void refusals_are_told(void **state)
{
	struct fixture *f = *state;
	struct bh_end end;

	answer_end(f, 1, -EINVAL, "port \"x\" is not known");
	assert_int_equal(ask(f, NULL, NULL, &end, NULL), 0);
	assert_int_equal(end.status, -EINVAL);
	assert_string_equal(end.text, "port \"x\" is not known");
}

static void text_without_end_is_cut(void **state)
{
	struct fixture *f = *state;
	struct bh_end end;

	memset(&end, 'x', sizeof(end));
	answer(f, BH_END, 1, &end, sizeof(end));
	assert_int_equal(ask(f, NULL, NULL, &end, NULL), 0);
	assert_int_equal(strlen(end.text), sizeof(end.text) - 1);
}

static void other_sequences_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct bh_event event = { 0 };
	struct bh_end end;

	answer(f, BH_ITEM_EVENTS, 99, &event, sizeof(event));
	answer_end(f, 98, -EIO, "of another");
	answer_end(f, 1, 0, "mine");
	assert_int_equal(ask(f, NULL, NULL, &end, NULL), 0);
	assert_string_equal(end.text, "mine");
}

static void descriptor_comes_with_end(void **state)
{
	struct fixture *f = *state;
	struct bh_message header = { BH_CONTROL_MAGIC, BH_CONTROL_VERSION, BH_END, 1, sizeof(struct bh_end) };
	struct bh_end end = { 0 };
	int fd = -1, memory = memfd_create("x", 0);

	int probe = dup(memory); /* the next free number: nothing may be left open below */
	close(probe);
	answer_raw(f, &header, &end, sizeof(end), memory);
	assert_int_equal(ask(f, NULL, NULL, &end, &fd), 0);
	assert_true(fd >= 0);
	close(fd);
	int after = dup(memory);
	assert_int_equal(after, probe);
	close(after);
	close(memory);
}

/* What is not of the protocol ends the connection. */
static void expect_protocol_error(struct fixture *f)
{
	struct bh_end end;

	assert_int_equal(ask(f, NULL, NULL, &end, NULL), -EPROTO);
	assert_int_equal(f->client.fd, -1);
}

static void wrong_magic(void **state)
{
	struct bh_message header = { 1, BH_CONTROL_VERSION, BH_END, 1, sizeof(struct bh_end) };
	struct bh_end end = { 0 };

	answer_raw(*state, &header, &end, sizeof(end), -1);
	expect_protocol_error(*state);
}

static void wrong_version(void **state)
{
	struct bh_message header = { BH_CONTROL_MAGIC, BH_CONTROL_VERSION + 1, BH_END, 1,
				     sizeof(struct bh_end) };
	struct bh_end end = { 0 };

	answer_raw(*state, &header, &end, sizeof(end), -1);
	expect_protocol_error(*state);
}

static void wrong_length(void **state)
{
	struct bh_message header = { BH_CONTROL_MAGIC, BH_CONTROL_VERSION, BH_END, 1, 4 };
	struct bh_end end = { 0 };

	answer_raw(*state, &header, &end, sizeof(end), -1);
	expect_protocol_error(*state);
}

static void half_an_item(void **state)
{
	struct bh_host host = { 0 };

	answer(*state, BH_ITEM_HOSTS, 1, &host, sizeof(host) - 1);
	expect_protocol_error(*state);
}

static void unknown_type(void **state)
{
	answer(*state, 77, 1, "abcd", 4);
	expect_protocol_error(*state);
}

static void two_ends_in_one(void **state)
{
	struct bh_end ends[2] = { 0 };

	answer(*state, BH_END, 1, ends, sizeof(ends));
	expect_protocol_error(*state);
}

static void shorter_than_a_header(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send(f->dataplane, "abc", 3, 0), 3);
	expect_protocol_error(f);
}

static void closed_connection(void **state)
{
	struct fixture *f = *state;
	struct bh_end end;

	/* what was answered before the end still counts as unfinished */
	answer(f, BH_ITEM_HOSTS, 1, &(struct bh_host){ 0 }, sizeof(struct bh_host));
	shutdown(f->dataplane, SHUT_WR);
	assert_int_equal(ask(f, NULL, NULL, &end, NULL), -ECONNRESET);
	assert_int_equal(f->client.fd, -1);
}

static void silence_times_out(void **state)
{
	struct fixture *f = *state;
	struct bh_end end;

	assert_int_equal(client_ask(&f->client, BH_REQUEST_HOSTS, NULL, 0, -1, 20, NULL, NULL, &end, NULL),
			 -ETIMEDOUT);
}

static void nothing_to_receive(void **state)
{
	struct fixture *f = *state;
	struct client_message message;

	assert_int_equal(client_receive(&f->client, &message, 0), -EAGAIN);
	assert_int_equal(message.fd, -1);
}

static int stop(void *opaque, const struct client_message *item)
{
	(void)opaque;
	(void)item;
	return -ECANCELED;
}

static void item_may_stop(void **state)
{
	struct fixture *f = *state;
	struct bh_host host = { 0 };
	struct bh_end end;

	answer(f, BH_ITEM_HOSTS, 1, &host, sizeof(host));
	assert_int_equal(ask(f, stop, NULL, &end, NULL), -ECANCELED);
}

static void image_goes_sealed(void **state)
{
	struct fixture *f = *state;
	static const char image[] = "an image";
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))];
	struct bh_message request;
	struct iovec part = { &request, sizeof(request) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
	};
	struct bh_end end;
	char copy[sizeof(image)];
	size_t size;
	int got;

	int fd = push_seal(image, sizeof(image));
	assert_true(fd >= 0);
	answer_end(f, 1, 0, "");
	assert_int_equal(push_image(&f->client, fd, &end), 0);
	assert_int_equal(recvmsg(f->dataplane, &message, 0), sizeof(request));
	assert_int_equal(request.type, BH_REQUEST_APPLY);
	assert_int_equal(request.length, 0);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
	assert_int_equal(push_check(got, &size), 0);
	assert_int_equal(size, sizeof(image));
	assert_int_equal(pread(got, copy, sizeof(copy), 0), sizeof(copy));
	assert_memory_equal(copy, image, sizeof(image));
	assert_int_equal(pwrite(got, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	close(got);
	close(fd);
}

static void unsealed_and_empty_are_no_image(void **state)
{
	size_t size;

	(void)state;
	int plain = memfd_create("plain", MFD_ALLOW_SEALING), empty = push_seal("", 0);
	assert_int_equal(write(plain, "x", 1), 1);
	assert_int_equal(push_check(plain, &size), -EINVAL);
	assert_int_equal(fcntl(plain, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(push_check(plain, &size), -EINVAL);
	assert_int_equal(push_check(empty, &size), -E2BIG);
	assert_int_equal(push_check(STDERR_FILENO, &size), -EINVAL);
	close(plain);
	close(empty);
}

static void nobody_listens(void **state)
{
	struct client client;
	char run[200];

	(void)state;
	assert_int_equal(client_open(&client, "/nonexistent"), -ENOENT);
	memset(run, 'x', sizeof(run) - 1);
	run[sizeof(run) - 1] = 0;
	assert_int_equal(client_open(&client, run), -ENAMETOOLONG);
	assert_int_equal(client.fd, -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(items_then_end),
		TEST(refusals_are_told),
		TEST(text_without_end_is_cut),
		TEST(other_sequences_are_passed_over),
		TEST(descriptor_comes_with_end),
		TEST(wrong_magic),
		TEST(wrong_version),
		TEST(wrong_length),
		TEST(half_an_item),
		TEST(unknown_type),
		TEST(two_ends_in_one),
		TEST(shorter_than_a_header),
		TEST(closed_connection),
		TEST(silence_times_out),
		TEST(nothing_to_receive),
		TEST(item_may_stop),
		TEST(image_goes_sealed),
		cmocka_unit_test(unsealed_and_empty_are_no_image),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
