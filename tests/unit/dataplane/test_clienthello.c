/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/clienthello.c */
/* ClientHellos in one piece, in many, and ones that lie about their lengths. Payloads are copied to their exact size, so that ASan
 * sees a read beyond them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clienthello.h"

#define ECH 0xfe0d
#define HEADERS 9 /* of record and message */

static uint8_t message[2000];
static size_t size;

static void put(size_t bytes, uint32_t value)
{
	while (bytes--)
		message[size++] = (uint8_t)(value >> 8 * bytes);
}

static void put_extension(uint16_t type, uint16_t length)
{
	put(2, type);
	put(2, length);
	for (uint16_t i = 0; i < length; i++)
		put(1, 0xfe); /* no ECH, though its bytes may look like one */
}

static void set_length(size_t at, size_t bytes)
{
	size_t end = size;

	size = at;
	put(bytes, (uint32_t)(end - at - bytes));
	size = end;
}

/* A hello with four extensions, the third of `type`. */
static void make(uint16_t type)
{
	size = 0;
	put(3, 0x160301);
	put(2, 0);
	put(4, 0x01000000);
	put(2, 0x0303);
	size += 32;
	put(1, 32);
	size += 32;
	put(2, 4);
	put(4, 0x13011302);
	put(2, 0x0100);
	size_t extensions = size;
	put(2, 0);
	put_extension(0, 20);
	put_extension(51, 600);
	put_extension(type, 200);
	put_extension(43, 3);
	set_length(extensions, 2);
	set_length(6, 3);
	set_length(3, 2);
}

static void read_at(struct client_hello *hello, uint32_t seq, const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	memcpy(copy, bytes, length);
	client_hello_read(hello, seq, copy, length);
	free(copy);
}

/* What is found of the message in pieces of `piece` bytes, from a sequence number that wraps. */
static bool found(size_t piece)
{
	struct client_hello hello = {};
	uint32_t seq = UINT32_MAX - 70;

	for (size_t at = 0; at < size; at += piece)
		read_at(&hello, seq + (uint32_t)at, message + at, size - at < piece ? size - at : piece);
	return client_hello_has_ech(&hello);
}

static void test_pieces(void **unused)
{
	(void)unused;
	for (size_t piece = 1; piece < 1000; piece += piece < 50 ? 1 : 97) {
		make(ECH);
		assert_true(found(piece));
		make(0xfe0c);
		assert_false(found(piece));
	}
}

/* The message may be spread over records as the client likes (RFC 8446, 5.1). */
static void test_records(void **unused)
{
	uint8_t whole[sizeof(message)];

	(void)unused;
	make(ECH);
	size_t length = size - 5, at = 0;
	memcpy(whole, message + 5, length);
	size = 0;
	while (at < length) {
		size_t part = length - at < 40 ? length - at : 40;
		put(3, 0x160303);
		put(2, (uint32_t)part);
		memcpy(message + size, whole + at, part);
		size += part;
		at += part;
	}
	assert_true(found(2000));
	assert_true(found(1));
	assert_true(found(43));
}

/* A warning, an empty record and a change of cipher in front of the hello, and between its records. */
static void test_other_records(void **unused)
{
	static const uint8_t others[] = { 21, 3, 1, 0, 2, 1, 90, 22, 3, 1, 0, 0, 20, 3, 3, 0, 1, 1 };
	uint8_t whole[sizeof(message)];
	uint16_t type = ECH;

	(void)unused;
	for (int round = 0; round < 2; round++, type = 0xfe0c) {
		make(type);
		size_t length = size - 5;
		memcpy(whole, message + 5, length);
		size = 0;
		for (size_t at = 0, part; at < length; at += part) {
			part = at ? length - at : 100;
			memcpy(message + size, others, sizeof(others));
			size += sizeof(others);
			put(3, 0x160303);
			put(2, (uint32_t)part);
			memcpy(message + size, whole + at, part);
			size += part;
		}
		for (size_t piece = 1; piece < 2000; piece += piece < 50 ? 1 : 97)
			assert_int_equal(found(piece), type == ECH);
	}
}

static void test_order(void **unused)
{
	struct client_hello hello = {};

	(void)unused;
	make(ECH);
	read_at(&hello, 100, message, 50);
	read_at(&hello, 100, message, 50);      /* again */
	read_at(&hello, 120, message + 20, 60); /* and overlapping */
	read_at(&hello, 180, message + 80, size - 80);
	assert_true(client_hello_has_ech(&hello));
	read_at(&hello, 180, message + 80, size - 80);
	assert_true(client_hello_has_ech(&hello));
	hello = (struct client_hello){};
	read_at(&hello, 100, message, 50);
	read_at(&hello, 160, message + 60, size - 60); /* a gap ends it */
	assert_false(client_hello_has_ech(&hello));
	read_at(&hello, 100, message + 50, 10);
	assert_false(client_hello_has_ech(&hello));
	/* what follows a gap may be the beginning of one */
	hello = (struct client_hello){};
	read_at(&hello, 10, (const uint8_t *)"\x15\x03\x01\0\2", 5);
	read_at(&hello, 100, message, size);
	assert_true(client_hello_has_ech(&hello));
	hello = (struct client_hello){};
	/* after STARTTLS: what was before it was no hello */
	read_at(&hello, 5000, (const uint8_t *)"STARTTLS\r\n", 10);
	read_at(&hello, 5010, message, size);
	assert_true(client_hello_has_ech(&hello));
}

static void test_no_hello(void **unused)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} changes[] = {
		{ 0, 23 }, { 1, 2 }, { 3, 0xff }, { 5, 2 }, { HEADERS + 34, 33 },
		{ 8, 10 }, /* the message is said to end before its extensions */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		make(ECH);
		message[changes[i].at] = changes[i].byte;
		if (changes[i].at == 8)
			message[7] = 0;
		assert_false(found(2000));
		assert_false(found(7));
	}
	/* a list of extensions that ends before it, and one that claims more than the message has */
	make(ECH);
	size_t extensions = HEADERS + 34 + 33 + 6 + 2;
	message[extensions] = 0;
	message[extensions + 1] = 24;
	assert_false(found(2000));
	make(ECH);
	message[extensions] = 0xff;
	assert_false(found(2000));
	/* cut off: before it nothing is said, after its type it is */
	make(ECH);
	size_t there = extensions + 2 + 24 + 604 + 4;
	for (size_t length = 0; length < size; length++) {
		struct client_hello hello = {};
		read_at(&hello, 1, message, length);
		assert_int_equal(client_hello_has_ech(&hello), length >= there);
	}
}

/* Whatever comes, reading ends, and within the payload. */
static void test_garbage(void **unused)
{
	(void)unused;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct client_hello hello = {};
		uint32_t seq = 0;

		make(round & 1 ? ECH : 1);
		for (int i = 0; i < 4; i++)
			message[(size_t)rand() % (round % 3 ? 120 : size)] = (uint8_t)rand();
		for (size_t at = 0; at < size;) {
			size_t piece = 1 + (size_t)rand() % 300;

			piece = piece < size - at ? piece : size - at;
			read_at(&hello, seq + (uint32_t)at, message + at, piece);
			at += piece;
		}
		assert_true(hello.record_left <= 16384 + 256);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),   cmocka_unit_test(test_records),
		cmocka_unit_test(test_order),    cmocka_unit_test(test_other_records),
		cmocka_unit_test(test_no_hello), cmocka_unit_test(test_garbage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
