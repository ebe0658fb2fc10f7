/* SPDX-License-Identifier: BSD-3-Clause */
#include "payloads.h"

#include <stdio.h>
#include <string.h>

static struct payload made;

static void put(const void *bytes, size_t length)
{
	memcpy(made.bytes + made.length, bytes, length);
	made.length += length;
}

static void put16(size_t value)
{
	put((uint8_t[]){ (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

/* Fill in a length that was left open at `at`: of what follows it. */
static void close16(size_t at)
{
	size_t length = made.length - at - 2;

	made.bytes[at] = (uint8_t)(length >> 8);
	made.bytes[at + 1] = (uint8_t)length;
}

static size_t open16(void)
{
	put16(0);
	return made.length - 2;
}

const struct payload *payload_text(const char *text)
{
	made.length = 0;
	put(text, strlen(text));
	return &made;
}

const struct payload *payload_http_request(const char *host)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n", host);
	return payload_text(text);
}

const struct payload *payload_http_response(void)
{
	return payload_text("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n"
			    "Content-Length: 5\r\n\r\nhello");
}

static void put_server_name(const char *name)
{
	put16(0); /* server_name */
	size_t extension = open16();
	size_t list = open16();
	put("", 1); /* host_name */
	put16(strlen(name));
	put(name, strlen(name));
	close16(list);
	close16(extension);
}

const struct payload *payload_client_hello(const char *name)
{
	static const uint8_t random_and_session[33] = { 0x5a, 0x17, 0x99, 0x03, 0xc4, [32] = 0 };
	static const uint8_t ciphers[] = { 0, 4, 0xc0, 0x2f, 0xc0, 0x30, 1, 0 };
	static const uint8_t groups[] = { 0, 10, 0, 4, 0, 2, 0, 0x1d };

	made.length = 0;
	put("\x16\x03\x01", 3);
	size_t record = open16();
	put("\x01\x00", 2); /* ClientHello; its length has 24 bits */
	size_t hello = open16();
	put("\x03\x03", 2);
	put(random_and_session, sizeof(random_and_session));
	put(ciphers, sizeof(ciphers));
	size_t extensions = open16();
	if (name)
		put_server_name(name);
	put(groups, sizeof(groups));
	close16(extensions);
	close16(hello);
	close16(record);
	return &made;
}

const struct payload *payload_dns(const char *name, bool answer)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };

	made.length = 0;
	put16(0x1234);
	put16(answer ? 0x8180 : 0x0100);
	put16(1);
	put16(answer);
	put16(0);
	put16(0);
	while (*name) {
		size_t label = strcspn(name, ".");
		put(&(uint8_t){ (uint8_t)label }, 1);
		put(name, label);
		name += label + (name[label] == '.');
	}
	put("", 1);
	put16(1);
	put16(1);
	if (answer)
		put(record, sizeof(record));
	return &made;
}

const struct payload *payload_postgres_startup(void)
{
	static const char text[] = "\0\0\0\x29\0\3\0\0user\0postgres\0database\0postgres\0";

	made.length = 0;
	put(text, sizeof(text));
	made.bytes[3] = (uint8_t)made.length;
	return &made;
}

const struct payload *payload_postgres_welcome(void)
{
	made.length = 0;
	put("R\0\0\0\x08\0\0\0\0", 9);
	return &made;
}
