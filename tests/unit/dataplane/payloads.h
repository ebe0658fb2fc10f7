/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients and servers say first, made by hand. Each is valid until the next call. */
#ifndef TESTS_PAYLOADS_H
#define TESTS_PAYLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct payload {
	uint8_t bytes[1200];
	size_t length;
};

const struct payload *payload_text(const char *text);
const struct payload *payload_http_request(const char *host);
const struct payload *payload_http_response(void);
/* TLS 1.2 with a server name; NULL: without */
const struct payload *payload_client_hello(const char *name);
const struct payload *payload_dns(const char *name, bool answer);
const struct payload *payload_postgres_startup(void);
const struct payload *payload_postgres_welcome(void);

#endif
