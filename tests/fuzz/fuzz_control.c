/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane's control socket: several clients who say what they like, with descriptors and without, read or do not read,
 * and go. control.c is the real one, on socket pairs; behind it stand real tables with sessions and machines in them, and
 * real activation of whatever image comes.
 *
 * The input is a list of steps: one byte what and who, two bytes length, and so many bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "imagecopy.h"
#include "listing.h"
#include "mactable.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"

#define CLIENTS 4u
#define STEPS 64u
#define DESCRIPTORS 2u

enum step {
	STEP_RAW,
	STEP_HONEST,
	STEP_IMAGE,
	STEP_ANY_IMAGE,
	STEP_READ,
	STEP_EVENT,
	STEP_WAIT,
	STEP_CLOSE,
	STEPS_KINDS
};

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct control *control;
static struct listing *listings[WORLD_WORKERS];
static int clients[CLIENTS]; /* our ends; -1: not connected */

/* ---- the process behind the socket ---- */

static int apply(void *opaque, int fd, char *text, size_t text_size)
{
	(void)opaque;
	return activate_image(world.activate, fd, world.now_ns / 1000, text, text_size);
}

static int counters(void *opaque)
{
	(void)opaque;
	return fcntl(world.counters.fd, F_DUPFD_CLOEXEC, 0);
}

static int image(void *opaque)
{
	int fd = activate_descriptor(world.activate);

	(void)opaque;
	return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static uint32_t generation(void *opaque)
{
	(void)opaque;
	return world.counters.counters->generation;
}

static void reset_gap(void *opaque)
{
	(void)opaque;
}

static void stages(void *opaque, bool on)
{
	(void)opaque;
	(void)on;
}

static struct listing *listing(void *opaque, uint16_t worker)
{
	(void)opaque;
	return worker < WORLD_WORKERS ? listings[worker] : NULL;
}

static uint32_t hosts(void *opaque, uint32_t *cursor, struct bh_host *list, uint32_t max)
{
	uint16_t ids[64][2];

	(void)opaque;
	return mac_table_list(world.workers.macs, cursor, list, ids, RTE_MIN(max, 64u));
}

static const struct control_handlers handlers = {
	.apply = apply,
	.counters = counters,
	.image = image,
	.generation = generation,
	.reset_gap = reset_gap,
	.stages = stages,
	.listing = listing,
	.hosts = hosts,
};

/* ---- sessions and machines to be listed ---- */

static void populate(void)
{
	static uint8_t bytes[64][FORGE_MAX];
	struct sequence_head head = { 0 };
	struct dice dice = { 1 };
	uint32_t previous = 0;

	world_begin(&head);
	for (uint32_t i = 0; i < RTE_DIM(bytes); i++) {
		uint32_t length = i % 2 ? forge_answer(&dice, bytes[i - 1], previous, bytes[i])
					: forge_sample(&dice, bytes[i]);
		struct sequence_frame item = { .bytes = bytes[i], .length = (uint16_t)length };

		previous = length;
		world_item(&item);
	}
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	world_open();
	for (uint16_t i = 0; i < WORLD_WORKERS; i++) {
		listings[i] = listing_new(SOCKET_ID_ANY, NULL);
		WORLD_CHECK(listings[i]);
	}
	populate();
	return 0;
}

/* ---- steps ---- */

static void turn(void)
{
	control_wait(control, -1, 0);
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		listing_serve(world.workers.list[i], listings[i]);
}

static void connect_client(uint32_t i)
{
	int pair[2];

	WORLD_CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	WORLD_CHECK(!control_adopt(control, pair[0]));
	clients[i] = pair[1];
}

static void send_packet(int fd, const void *bytes, size_t length, const int *descriptors, size_t count)
{
	alignas(struct cmsghdr) char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		message.msg_control = space;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), descriptors, count * sizeof(int));
	}
	/* a full socket or a peer that has hung up is the client's trouble */
	if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		WORLD_CHECK(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET || errno == EMSGSIZE);
}

/* A header that fits the body: first byte the type. */
static void send_honest(int fd, const uint8_t *bytes, size_t length, const int *descriptors, size_t count)
{
	static uint8_t packet[sizeof(struct bh_message) + UINT16_MAX];
	struct bh_message header = { .magic = BH_CONTROL_MAGIC, .version = BH_CONTROL_VERSION };

	header.type = length ? bytes[0] % 8 : BH_REQUEST_FLOWS;
	header.sequence = length > 1 ? bytes[1] : 0;
	length = length > 2 ? length - 2 : 0;
	/* a filter is mostly zeroes: what is not written is */
	if (header.type == BH_REQUEST_FLOWS && length < sizeof(struct bh_flow_filter)) {
		memset(packet + sizeof(header), 0, sizeof(struct bh_flow_filter));
		memcpy(packet + sizeof(header), bytes + 2, length);
		length = sizeof(struct bh_flow_filter);
	} else if (length) {
		memcpy(packet + sizeof(header), bytes + 2, length);
	}
	header.length = (uint32_t)length;
	memcpy(packet, &header, sizeof(header));
	send_packet(fd, packet, sizeof(header) + length, descriptors, count);
}

/* A good image with some words of it changed (offset and value, 8 bytes each), and its checksum right. */
static int patched_image(const uint8_t *patches, size_t length)
{
	static uint8_t copy[1 << 16];
	ssize_t size = pread(world.images[length % world.image_count], copy, sizeof(copy), 0);
	struct bh_image_header *header = (struct bh_image_header *)copy;

	WORLD_CHECK(size > (ssize_t)sizeof(*header) && size < (ssize_t)sizeof(copy));
	for (; length >= 8; patches += 8, length -= 8) {
		uint32_t at = (patches[0] | (uint32_t)patches[1] << 8 | (uint32_t)patches[2] << 16) %
			      (uint32_t)size;

		memcpy(copy + at, patches + 3, RTE_MIN((size_t)5, (size_t)size - at));
	}
	header->checksum = bh_image_checksum(copy, (size_t)size);
	return image_seal(copy, (size_t)size);
}

/* First byte: bit 6 it is not sealed, bit 7 a second descriptor comes with it. */
static void send_image(int fd, const uint8_t *bytes, size_t length, bool any)
{
	int unsealed = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const uint8_t request[2] = { BH_REQUEST_APPLY, 0 };
	uint8_t how = length ? bytes[0] : 0;
	int sealed = any ? image_seal(bytes, length) : patched_image(bytes + !!length, length - !!length);
	int list[DESCRIPTORS] = { how & 0x40 ? unsealed : sealed, world.counters.fd };

	WORLD_CHECK(unsealed >= 0 && sealed >= 0);
	send_honest(fd, request, sizeof(request), list, how & 0x80 ? 2 : 1);
	close(sealed);
	close(unsealed);
}

static void check_packet(const uint8_t *bytes, size_t length)
{
	struct bh_message header;

	WORLD_CHECK(length >= sizeof(header));
	memcpy(&header, bytes, sizeof(header));
	WORLD_CHECK(header.magic == BH_CONTROL_MAGIC && header.length == length - sizeof(header));
	WORLD_CHECK(header.type != BH_END || header.length == sizeof(struct bh_end));
}

static void read_all(int fd)
{
	static uint8_t packet[BH_CONTROL_MAX];
	alignas(struct cmsghdr) char space[CMSG_SPACE(4 * sizeof(int))];

	for (;;) {
		struct iovec part = { .iov_base = packet, .iov_len = sizeof(packet) };
		struct msghdr message = { .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = space,
					  .msg_controllen = sizeof(space) };
		ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

		if (n <= 0)
			return;
		check_packet(packet, (size_t)n);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
			int got;

			memcpy(&got, CMSG_DATA(c), sizeof(got));
			close(got);
		}
	}
}

static void do_step(uint8_t what, const uint8_t *bytes, size_t length)
{
	static const struct bh_event event = { .type = BH_EVENT_NOTICE };
	uint32_t who = what >> 3 & 3;

	if (clients[who] < 0)
		connect_client(who);
	switch (what % STEPS_KINDS) {
	case STEP_RAW:
		send_packet(clients[who], bytes, length, &world.counters.fd, what >> 7);
		break;
	case STEP_HONEST:
		send_honest(clients[who], bytes, length, &world.counters.fd, what >> 7);
		break;
	case STEP_IMAGE:
		send_image(clients[who], bytes, length, false);
		break;
	case STEP_ANY_IMAGE:
		send_image(clients[who], bytes, length, true);
		break;
	case STEP_READ:
		read_all(clients[who]);
		break;
	case STEP_EVENT:
		for (size_t i = 0; i < (length ? bytes[0] : 1); i++)
			control_event(control, &event);
		control_flush(control);
		break;
	case STEP_CLOSE:
		close(clients[who]);
		clients[who] = -1;
		break;
	default:
		break;
	}
	/* some packets wait for each other */
	if (!(what & 0x20))
		turn();
}

/* Every client reads, and goes; the mailboxes must be free again. */
static void finish(void)
{
	for (int i = 0; i < 8; i++) {
		turn();
		for (uint32_t k = 0; k < CLIENTS; k++)
			if (clients[k] >= 0)
				read_all(clients[k]);
	}
	for (uint32_t k = 0; k < CLIENTS; k++)
		if (clients[k] >= 0)
			close(clients[k]);
	for (int i = 0; i < 8; i++)
		turn();
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		WORLD_CHECK(listing_finished(listings[i]));
	WORLD_CHECK(!control_subscribed(control));
	control_close(control);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	WORLD_CHECK(!control_open(&control, NULL, (uid_t)-1, &handlers));
	memset(clients, -1, sizeof(clients));
	for (uint32_t steps = 0; size >= 3 && steps < STEPS; steps++) {
		size_t length = RTE_MIN((size_t)(bytes[1] | bytes[2] << 8), size - 3);

		do_step(bytes[0], bytes + 3, length);
		bytes += 3 + length;
		size -= 3 + length;
	}
	finish();
	return 0;
}
