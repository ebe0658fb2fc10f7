/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scalars of policies and of bulkhead.yaml. Each function reads one text as a whole and returns 0, or
 * -EINVAL (it is none) or -ERANGE (it is one, but out of bounds); what is written to is then undefined.
 */
#ifndef CONTROL_VALUE_H
#define CONTROL_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

int value_unsigned(const char *text, uint64_t *value);     /* decimal digits */
int value_duration(const char *text, uint64_t *us);        /* 50us 10ms 60s 2m 1h 1d, at most 366 days */
int value_size(const char *text, uint64_t *bytes);         /* 4096, 64 KiB, 1 MiB, 1 GiB, 1 TiB */
int value_bit_rate(const char *text, uint64_t *bits);      /* 800 bit/s, 64 kbit/s, 10 Mbit/s, 1 Gbit/s */
int value_rate(const char *text, uint64_t *per_second);    /* 500/s, 50k/s, 1M/s */
int value_percent(const char *text, uint32_t *hundredths); /* 50%, 12.5%; above 0 and at most 100 */
int value_ports(const char *text, uint16_t *first, uint16_t *last); /* 80, 8000-8100 */
int value_vlan(const char *text, uint16_t *vlan); /* 1..4094, or untagged: BH_VLAN_UNTAGGED */
int value_mac(const char *text, uint8_t mac[6]);
int value_ethertype(const char *text, uint16_t *type);                 /* 0x0600..0xffff in hexadecimal */
int value_address(const char *text, uint8_t address[16]);              /* IPv4 as ::ffff:a.b.c.d */
int value_clock_range(const char *text, uint16_t *from, uint16_t *to); /* 07:00-19:00; 24:00 is 0 */
int value_time(const char *text, int64_t *seconds);                    /* 2026-11-22T10:00[:00](Z|+01:00) */

/* An address, a prefix or a range (first-last). An IPv6 range that holds the addresses by which IPv4 is
 * represented (::ffff:0:0/96) is cut in two around them: count is 1 or 2. *why is a remedy for -EINVAL, or NULL. */
int value_addresses(const char *text, struct address_range ranges[2], uint32_t *count, const char **why);

/* The number of an ICMP or ICMPv6 type's name, or -ENOENT. */
int value_icmp_type(const char *name, bool v6);
/* All those names, for messages. */
const char *const *value_icmp_types(bool v6, uint32_t *count);

/* Whether it can be a name of something in a policy: 1..BH_NAME_MAX bytes of letters, digits, '_', '-', '.', or of
 * other scripts, a letter, digit or '_' first. spaces: ' ' and the like of ( ) / : + , too, but not at the ends. */
bool value_is_name(const char *text, bool spaces);

#endif
