/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the dataplane tells: flow records and notices, as they travel on the control socket (and, in
 * replay, to a pipe). Names and not indices, so that a record outlives the image it was made under.
 * All times are microseconds since the Unix epoch (in replay: the capture's clock).
 */
#ifndef BULKHEAD_EVENTS_H
#define BULKHEAD_EVENTS_H

#include <assert.h>
#include <stdint.h>

#include "bulkhead/image.h"

/* clang-format off */
#define BH_TCP_STATES(X) \
	X(NONE, "none") \
	X(SYN_SENT, "syn_sent") \
	X(SYN_RECV, "syn_recv") \
	X(ESTABLISHED, "established") \
	X(FIN_WAIT, "fin_wait") \
	X(CLOSE_WAIT, "close_wait") \
	X(CLOSING, "closing") \
	X(TIME_WAIT, "time_wait") \
	X(CLOSED, "closed")
/* clang-format on */
enum bh_tcp_state {
#define BH_TCP_STATE_ENUM(symbol, name) BH_TCP_##symbol,
	BH_TCP_STATES(BH_TCP_STATE_ENUM)
#undef BH_TCP_STATE_ENUM
		BH_TCP_STATE_COUNT
};

/* X(SYMBOL, "text"): why a flow record was written (EVE flow.reason) */
/* clang-format off */
#define BH_FLOW_ENDS(X) \
	X(LIVE, "live") \
	X(CLOSED, "closed") \
	X(TIMEOUT, "timeout") \
	X(REUSED, "reused") \
	X(EVICTED, "evicted") \
	X(POLICY, "policy") \
	X(END_OF_RUN, "end-of-run")
/* clang-format on */
enum bh_flow_end {
#define BH_FLOW_END_ENUM(symbol, name) BH_FLOW_END_##symbol,
	BH_FLOW_ENDS(BH_FLOW_END_ENUM)
#undef BH_FLOW_END_ENUM
		BH_FLOW_END_COUNT
};

/* How sure the name of an application is. X(SYMBOL, "text", by inspection) */
/* clang-format off */
#define BH_CONFIDENCES(X) \
	X(UNKNOWN, "unknown", 0) \
	X(PORT, "port", 0) \
	X(ADDRESS, "address", 0) \
	X(CACHE, "cache", 0) \
	X(PARTIAL, "partial", 0) \
	X(CUSTOM, "custom", 1) \
	X(DPI, "dpi", 1)
/* clang-format on */
enum bh_confidence {
#define BH_CONFIDENCE_ENUM(symbol, name, inspected) BH_CONFIDENCE_##symbol,
	BH_CONFIDENCES(BH_CONFIDENCE_ENUM)
#undef BH_CONFIDENCE_ENUM
		BH_CONFIDENCE_COUNT
};

#define BH_SERVER_NAME_MAX 79

/* One session. Index 0 of each pair: initiator to responder. Text fields are NUL-terminated. */
struct bh_flow_record {
	uint64_t id; /* unique in the life of the dataplane */
	uint64_t start_us, last_us;
	uint64_t packets[2],
		bytes[2]; /* IP bytes with the Ethernet header and tag, as received; what was dropped counts too */
	uint64_t dropped; /* of those packets, both directions */
	uint64_t reserved0;
	uint64_t pending_bytes[2]; /* payload that passed before the verdict was settled */
	uint64_t risks;
	uint8_t source[16], destination[16];    /* IPv4 as ::ffff:a.b.c.d */
	uint16_t source_port, destination_port; /* ICMP: identifier, 0 */
	uint16_t icmp;                          /* type << 8 | code */
	uint8_t protocol;
	uint8_t verdict;   /* enum bh_verdict */
	uint8_t settled;   /* bool */
	uint8_t monitored; /* bool: mode monitor turned a refusal into a pass */
	uint8_t tcp_state; /* enum bh_tcp_state */
	uint8_t end;       /* enum bh_flow_end */
	uint8_t confidence;
	uint8_t log;                 /* bool: the rule asks for events */
	uint8_t midstream;           /* bool: picked up under way */
	uint8_t name_cut;            /* bool */
	uint16_t packets_to_verdict; /* 1: the first packet */
	uint16_t vlan[2];            /* of the segments */
	uint32_t generation;
	uint32_t timeout_s;   /* live records: seconds to expiry */
	uint16_t master, app; /* nDPI ids */
	uint8_t ech;          /* bool: TLS Encrypted Client Hello, the server name is a cover */
	uint8_t changed;      /* bool: became another application after nDPI was done with it */
	uint16_t inner_vlan;  /* id of a second tag inside those, 0: none */
	char network[BH_NAME_MAX + 1];
	char segment[2][BH_NAME_MAX + 1];  /* "" of the destination: not yet known */
	char rule[BH_NAME_MAX + 1];        /* "default" for the default */
	char application[BH_NAME_MAX + 1]; /* master.app or app; "Unknown" */
	char category[BH_NAME_MAX + 1];
	char server_name[BH_SERVER_NAME_MAX + 1];
};

/* X(SYMBOL, "name") of notices */
/* clang-format off */
#define BH_NOTICES(X) \
	X(IMAGE_ACCEPTED, "image-accepted") \
	X(IMAGE_REFUSED, "image-refused") \
	X(SCHEDULE, "schedule") \
	X(MAC_LEARNED, "mac-learned") \
	X(MAC_MOVED, "mac-moved") \
	X(MAC_FLAPPING, "mac-flapping") \
	X(MAC_LIMIT, "mac-limit") \
	X(SPOOF, "spoof") \
	X(DHCP_GUARD, "dhcp-guard") \
	X(RA_GUARD, "ra-guard") \
	X(LINK_UP, "link-up") \
	X(LINK_DOWN, "link-down") \
	X(EXHAUSTED, "exhausted") \
	X(LOOP, "loop") \
	X(STARTED, "started") \
	X(APPLICATIONS, "applications-out-of-force") \
	X(ETHERTYPE, "ethertype") \
	X(CRASHES, "crash-loop")
/* clang-format on */
enum bh_notice_kind {
#define BH_NOTICE_ENUM(symbol, name) BH_NOTICE_##symbol,
	BH_NOTICES(BH_NOTICE_ENUM)
#undef BH_NOTICE_ENUM
		BH_NOTICE_COUNT
};

struct bh_notice {
	uint32_t kind;
	uint32_t count; /* how many alike this one stands for */
	uint8_t mac[6];
	uint8_t reserved[2];
	uint8_t address[16];              /* all zero: none */
	char segment[2][BH_NAME_MAX + 1]; /* "" where there is none; [0] old or only place, [1] new place */
	char text[192];
};

/* Sessions that were refused faster than each is told of: so many alike. Text fields are NUL-terminated. */
struct bh_denials {
	uint64_t count;
	uint64_t first_us, last_us;
	uint8_t source[16], destination[16]; /* of the first; IPv4 as ::ffff:a.b.c.d */
	uint16_t source_port, destination_port;
	uint16_t icmp; /* type << 8 | code */
	uint8_t protocol;
	uint8_t verdict;   /* enum bh_verdict */
	uint8_t monitored; /* bool: mode monitor turned the refusal into a pass */
	uint8_t others; /* bool: of more kinds than are told apart: no names, and protocol and verdict are of the first */
	uint8_t reserved[6];
	char network[BH_NAME_MAX + 1];
	char segment[2][BH_NAME_MAX + 1];
	char rule[BH_NAME_MAX + 1]; /* "default" for the default */
};

enum bh_event_type {
	BH_EVENT_VERDICT = 1,
	BH_EVENT_FLOW = 2,
	BH_EVENT_NOTICE = 3,
	BH_EVENT_DENIALS = 4,
};

/* An event: VERDICT and FLOW carry a flow record (at the verdict, at the end), NOTICE a notice, DENIALS a count of refusals. */
struct bh_event {
	uint32_t type;
	uint32_t lost; /* events dropped by this source right before this one */
	uint64_t time_us;
	union {
		struct bh_flow_record flow;
		struct bh_notice notice;
		struct bh_denials denials;
	};
};

/* Texts of the lists above; dataplane/names.c. */
extern const char *const bh_tcp_state_names[BH_TCP_STATE_COUNT];
extern const char *const bh_flow_end_names[BH_FLOW_END_COUNT];
extern const char *const bh_confidence_names[BH_CONFIDENCE_COUNT];
extern const char *const bh_notice_names[BH_NOTICE_COUNT];

static_assert(sizeof(struct bh_event) % 8 == 0);

#endif
