/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions: a worker's own table of them, their ageing and records. A flow is 128 hot bytes and 52
 * cold ones; with the hash table's share (9 bytes) a session costs less than 192 bytes.
 * Everything here belongs to one worker; nothing is shared, but in replay, where one thread drives all workers and they
 * have one table, so that what a full one means does not depend on their number.
 */
#ifndef DATAPLANE_FLOW_H
#define DATAPLANE_FLOW_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bulkhead/events.h"
#include "bulkhead/evaluate.h"
#include "flowkey.h"
#include "worker.h"

/* bits of flow.flags */
enum {
	FLOW_REVERSED = 1 << 0,  /* the initiator is key.address[1] */
	FLOW_REPLIED = 1 << 1,   /* the responder has answered */
	FLOW_EMBRYONIC = 1 << 2, /* counted as half-open */
	FLOW_JUDGED = 1 << 3,    /* verdict, rule_id and generation are valid */
	FLOW_SETTLED = 1 << 4,   /* nothing that is still to be learned can change verdict or rule */
	FLOW_LOG = 1 << 5,       /* rule asks for events; the verdict's was sent */
	FLOW_MONITORED = 1 << 6, /* mode monitor: verdict is recorded, frames pass */
	FLOW_MIDSTREAM = 1 << 7, /* picked up under way */
	FLOW_TRUST = 1 << 8,     /* .. with `application: trust` */
	FLOW_DPI_DONE = 1 << 9,  /* nothing more will be learned of the application, name and risks */
	FLOW_RENAMED = 1 << 10,  /* classify learned something since the last judgement */
	FLOW_APP_KNOWN = 1 << 11,
	FLOW_NAME_KNOWN = 1 << 12, /* no (further) server name will come */
	FLOW_NAME_CUT = 1 << 13,
	FLOW_MANY = 1 << 14, /* multicast or broadcast: judged for each segment, never gets one destination */
	FLOW_DEST_NEW = 1 << 15, /* the responder's segment became known: judge again */
	FLOW_EXPIRED = 1 << 16,  /* classification ended by its budget */
	FLOW_SAMPLE = 1 << 17,   /* nDPI is done, but is shown some more of it: see sample.h */
	FLOW_COUNTED = 1 << 18,  /* its session was counted under its rule */
	FLOW_LIMITED = 1 << 19,  /* `limit_rule` is the index of a rule with a limit, of this generation */
	FLOW_MIRRORED = 1 << 20, /* the rule has a mirror */
	FLOW_STREAM = 1 << 21,   /* UDP: seen in both directions more than once */
	FLOW_CHANGED = 1 << 22,  /* became another application after nDPI was done with it */
	FLOW_YIELDS = 1 << 27,   /* gives its place where there is no other: flowroom.c */
	FLOW_SUMMED = 1 << 28,   /* refused, and told of in a sum (denials.h): its rule's log is not for it */
	FLOW_LET_IN =
		1 << 23, /* frames of it have passed: a refusal now interrupts it, and does not forget it */
	FLOW_MASTER_INSPECTED =
		1 << 25,    /* its application was not recognised by inspection, but the carrier was */
	FLOW_ECH = 1 << 26, /* TLS Encrypted Client Hello: its server name is a cover */
	FLOW_NAME_SHOWN_ONLY = 1 << 24, /* its name is no server name: for records, not for rules */
};

/* One direction of a TCP session: what this peer has sent. */
struct tcp_peer {
	uint32_t end;    /* highest sequence number + length sent (its next) */
	uint32_t limit;  /* highest sequence number it may send: the other's ack + window */
	uint16_t window; /* largest window it has advertised, unscaled */
	uint8_t scale;   /* shift of its windows, 0..14 */
	uint8_t flags;   /* TCP_PEER_* of tcp.h */
};

struct flow {
	/* first line: found, checked, forwarded */
	alignas(64) struct flow_key key;
	uint64_t last_ns;
	uint32_t generation; /* of the policy that judged it */
	uint32_t rule_id;    /* stable id (ids.h), 0: default */
	uint16_t segment[2]; /* stable ids: initiator's, responder's (SEGMENT_NONE: not yet known) */
	uint8_t verdict;     /* enum bh_verdict */
	uint8_t tcp_state;   /* enum bh_tcp_state */
	uint8_t timeout;     /* enum bh_timeout in force */
	uint8_t open;        /* BH_OPEN_* */
	/* second line: windows and counters */
	struct tcp_peer peer[2]; /* initiator, responder */
	uint64_t packets[2], bytes[2];
	uint32_t flags;
	uint32_t dpi; /* classifier's context + 1, 0: none; with FLOW_SAMPLE the account of looks */
};
static_assert(sizeof(struct flow) == 128);
static_assert(offsetof(struct flow, peer) == 64);

struct __attribute__((packed, aligned(4))) flow_cold {
	uint64_t start_ns;
	uint64_t risks;
	uint32_t pending_bytes[2]; /* saturating */
	uint32_t dropped;          /* saturating */
	uint32_t name;             /* classifier's interned server name, 0: none */
	uint32_t wheel_next, wheel_previous;
	uint16_t master, app; /* nDPI ids, stable over images (dpi.h) */
	uint16_t icmp;        /* type << 8 | code of the first packet */
	uint16_t packets_to_verdict;
	uint8_t category;
	uint8_t confidence;  /* enum bh_confidence */
	uint16_t limit_rule; /* FLOW_LIMITED: index in RULES of this generation */
};
static_assert(sizeof(struct flow_cold) == 52);

/* The policy refused the session and its frames do not pass. */
static inline bool flow_is_refused(const struct flow *flow)
{
	return (flow->flags & FLOW_JUDGED) && !(flow->flags & FLOW_MONITORED) &&
	       (flow->verdict == BH_VERDICT_DENY || flow->verdict == BH_VERDICT_REJECT);
}

struct flow_table;

/* A table for `capacity` sessions, its memory in large pages where there are any; now: all of it taken at once (pages.h).
 * NULL: no memory. */
struct flow_table *flow_table_new(uint32_t capacity, int socket, bool now);
void flow_table_free(struct flow_table *table);
uint32_t flow_table_count(const struct flow_table *table);
size_t flow_table_memory(const struct flow_table *table);

struct flow_cold *flow_cold(const struct flow_table *table, const struct flow *flow);

/* NULL if there is none. Does not look at expiry. */
struct flow *flow_find(struct flow_table *table, const struct flow_key *key, uint32_t hash);

/* End a session: its record goes to the events (if its rule logs, or in replay), its DPI context and name
 * go back, gauges are settled, its place is free. */
void flow_end(struct worker *w, struct flow *flow, enum bh_flow_end why);

/* Age: look at what is due by w->now_ns, at most `budget` sessions a call; cheap when nothing is due. Returns whether something due
 * is left. A session is also ended by the lookup that finds it overdue, so results never depend on the budget. */
bool flow_age(struct worker *w, uint32_t budget);

/* Ageing is more than a second behind, or behind while the table is nearly full: it must not wait for quieter times. */
bool flow_age_presses(const struct worker *w);

/* End every session (replay's end). */
void flow_end_all(struct worker *w, enum bh_flow_end why);

/* Visit sessions from *cursor (0 at first), at most `budget` slots; returns false when the table's end was reached. */
bool flow_walk(struct worker *w, uint32_t *cursor, uint32_t budget,
	       void (*visit)(struct worker *w, struct flow *flow, void *opaque), void *opaque);

/* What the world is told of a session, as of now. `why` BH_FLOW_END_LIVE for a listing. */
void flow_record(const struct worker *w, const struct flow *flow, enum bh_flow_end why,
		 struct bh_flow_record *record);

/* The session as bh_evaluate() asks for it, under `policy`. to_segment: stable id of the segment to judge for. Returns
 * false if one of the segments is not in the policy. The name in knowledge points into the classifier's pool. */
bool flow_session(const struct worker *w, const struct flow *flow, const struct policy *policy,
		  uint16_t to_segment, struct bh_session *session);

/* The policy stage tells what it decided: a refused session is kept for timeouts[DENIED] only, to answer its
 * next frames cheaply, and its TCP state does not advance; a judged one lives by its protocol's timeouts (again). */
void flow_refused(struct worker *w, struct flow *flow);
void flow_judged(struct worker *w, struct flow *flow);

/* A machine (MAC) moved: nothing is carried along. Its sessions are recognised when their frames enter by another
 * segment; see session-segment in flow_stage. */

#endif
