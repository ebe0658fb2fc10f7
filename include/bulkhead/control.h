/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket of the dataplane: Unix SEQPACKET, mode 0600, the peer's user id checked (root or
 * --control-user). Each packet is one message: struct bh_message and its body. The client asks;
 * the dataplane answers each request, in order, with messages of the same `sequence`: none or
 * more items and then one END, whose body says how it went. Events that were subscribed to come
 * between answers with the subscription's sequence.
 *
 * A message of another version, an unknown type or a wrong length is answered with END and -EPROTO;
 * what can not be understood at all closes the connection. A client that does not read loses
 * events (bh_event.lost tells how many) and, when an answer is stuck for 5 s, its connection.
 */
#ifndef BULKHEAD_CONTROL_H
#define BULKHEAD_CONTROL_H

#include <assert.h>
#include <stdint.h>

#include "bulkhead/events.h"

#define BH_CONTROL_MAGIC 0x4d4b4842u /* "BHKM" */
#define BH_CONTROL_VERSION 2u
#define BH_CONTROL_MAX 65536u /* bytes of a message */

enum bh_message_type {
	/* requests */
	BH_REQUEST_APPLY =
		1, /* one file descriptor by SCM_RIGHTS: a memfd with F_SEAL_WRITE, SHRINK and GROW; no body.
				  * END when the image is in force for every worker, or refused. */
	BH_REQUEST_COUNTERS = 2, /* answer: END with a read-only descriptor of the counters */
	BH_REQUEST_FLOWS = 3,    /* body: struct bh_flow_filter; items: struct bh_flow_record[] */
	BH_REQUEST_HOSTS = 4,    /* items: struct bh_host[] */
	BH_REQUEST_EVENTS = 5,   /* END at once; then EVENT items for as long as the connection lives */
	BH_REQUEST_IMAGE =
		6, /* answer: END with a read-only descriptor of the image in force; -ENOENT: none; -EOWNERDEAD: none,
		    * because of repeated crashes: only a person applies one then, no program by itself */
	BH_REQUEST_RESET_GAP = 7, /* sets longest_gap_ns of all workers to 0 */
	BH_REQUEST_STAGES_ON = 8, /* the workers begin to account for the time of their stages, from zero */
	BH_REQUEST_STAGES_OFF = 9,
	/* answers */
	BH_ITEM_FLOWS = 64,
	BH_ITEM_HOSTS = 65,
	BH_ITEM_EVENTS = 66, /* struct bh_event[] */
	BH_END = 127,        /* struct bh_end */
};

struct bh_message {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t sequence;
	uint32_t length; /* of the body; the packet has sizeof(struct bh_message) + length bytes */
};

struct bh_end {
	int32_t status;      /* 0 or -errno */
	uint32_t generation; /* of the image in force after the request */
	char text[240];      /* one line for a person; "" if there is nothing to say */
};

/* All-zero fields do not filter. */
struct bh_flow_filter {
	uint8_t address[16]; /* either end */
	uint16_t port;       /* either end */
	uint8_t protocol;
	uint8_t verdict;               /* enum bh_verdict + 1 */
	uint32_t limit;                /* at most so many records, 0: no limit */
	char segment[BH_NAME_MAX + 1]; /* either end */
};

struct bh_host {
	uint8_t mac[6];
	uint8_t bound;     /* bool: named by a binding of the policy */
	uint8_t announced; /* bool: last placed by RARP or gratuitous ARP */
	uint32_t moves;
	uint64_t first_us, last_us;
	uint8_t address4[16]; /* ::ffff:a.b.c.d or zero: last IPv4 address seen with it */
	uint8_t address6[16]; /* last global or link-local IPv6 address seen with it, or zero */
	char network[BH_NAME_MAX + 1];
	char segment[BH_NAME_MAX + 1];
};

static_assert(sizeof(struct bh_message) == 16);
static_assert(sizeof(struct bh_end) == 248);
static_assert(sizeof(struct bh_flow_filter) == 88);

#endif
