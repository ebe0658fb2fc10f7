/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow records, verdicts and notices as JSON: the field names of Suricata's EVE, and a `bulkhead` object beside them.
 * The fields always come in the same order. Records come from a socket or a pipe: no field of theirs is trusted to
 * be terminated, in range or UTF-8.
 *
 * dpi_catalogue_init() must have been called: risks are named by the library.
 */
#ifndef CONTROL_RECORD_H
#define CONTROL_RECORD_H

#include <jansson.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "bulkhead/control.h"
#include "bulkhead/events.h"

/* Text of a field of `size` bytes, up to its NUL if it has one. Bytes that are not UTF-8, and control characters, become
 * \xNN, so that what a hostile peer sent can neither break JSON nor write on a terminal. New reference, NULL: no memory. */
json_t *record_text(const char *text, size_t size);

/* "2026-11-22T10:00:00.123456+0000" */
const char *record_time(uint64_t unix_us, char out[40]);
/* IPv4-mapped addresses as IPv4. */
const char *record_address(const uint8_t address[16], char out[INET6_ADDRSTRLEN]);
const char *record_mac(const uint8_t mac[6], char out[18]);
const char *record_verdict(uint8_t verdict); /* "allow", "deny", "reject", "pending", "unknown" */
/* EVE's name of an IP protocol ("TCP", "IPv6-ICMP"), or its number. */
const char *record_protocol(uint8_t protocol, char out[8]);

/* New references, NULL: no memory. */
json_t *record_flow(const struct bh_flow_record *flow, const char *event_type, uint64_t time_us);
json_t *record_notice(const struct bh_notice *notice, uint64_t time_us);
json_t *record_denials(const struct bh_denials *denials, uint64_t time_us);
/* event_type "flow", "verdict", "denials" or "notice"; NULL for an event of an unknown type too. */
json_t *record_event(const struct bh_event *event);
json_t *record_host(const struct bh_host *host);

#endif
