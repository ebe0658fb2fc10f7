/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters in shared memory: a file that the dataplane creates (mode 0640) and everybody else maps read-only. Each
 * cache line has one writer; readers never block one. A reader sums over the workers; values
 * only grow, but for those marked gauge.
 *
 * The identity that every lab test asserts at its end, for each port that frames enter by, once
 * drained:
 *     in + copies == out + sum(drops) + consumed + held
 * where copies = candidate segments - 1 of a flooded frame (each refused copy is a drop). All of these
 * are counted under the port by which the frame *entered*. Of frames of our own making (rejects, mirror copies):
 *     made == made_out + made_dropped
 */
#ifndef BULKHEAD_COUNTERS_H
#define BULKHEAD_COUNTERS_H

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>

#include "bulkhead/drops.h"
#include "bulkhead/image.h"

#define BH_COUNTERS_MAGIC 0x434b4842u /* "BHKC" */
#define BH_COUNTERS_VERSION 4u

#define BH_MAX_WORKERS 16u
#define BH_MAX_PORTS 16u
/* Rules and segments are counted under ids that outlive an image: one for each name (rules) or (port, VLAN)
 * (segments) seen in the life of the dataplane. Rule id 0 is the default. */
#define BH_RULE_IDS 131072u
#define BH_SEGMENT_IDS 8192u
#define BH_NETWORK_IDS 4096u

struct bh_port_counters {
	alignas(64) uint64_t in; /* frames that entered by this port */
	uint64_t in_bytes;
	uint64_t copies;
	uint64_t out; /* frames that entered here and left (by any port) */
	uint64_t consumed;
	uint64_t held; /* gauge */
	uint64_t made; /* frames of our own for this port to send */
	uint64_t made_out;
	uint64_t made_dropped;
	uint64_t tx; /* frames that left by this port, made ones too */
	uint64_t tx_bytes;
	uint64_t drops[BH_DROP_COUNT];
};

struct bh_rule_counters {
	uint64_t sessions; /* sessions that this rule decided (monitor rules: would have) */
	uint64_t packets;  /* of those sessions, while it decided */
	uint64_t bytes;
	uint64_t limited; /* frames over its limit */
};

struct bh_segment_counters {
	alignas(64) uint64_t in;
	uint64_t in_bytes;
	uint64_t out, out_bytes;
	uint64_t drops;
	uint64_t flows;     /* gauge: sessions begun from here, alive */
	uint64_t embryonic; /* gauge: of those, not yet answered */
	uint64_t macs;      /* gauge; in the MAC table's writer only */
};

#define BH_VLANS 4096u

/* X(SYMBOL, "name", "help"): where a worker's time goes, in the order of a frame's way (dataplane/pipeline.c) */
#define BH_STAGES(X)                                                                                         \
	X(RECEIVE, "receive", "the drivers: bursts of the ports")                                            \
	X(PARSE, "parse", "lengths, addresses, checksums")                                                   \
	X(SEGMENT, "segment", "(port, VLAN) to segment, guards")                                             \
	X(LAYER2, "layer2", "learning, destination segment")                                                 \
	X(FRAGMENT, "fragment", "fragments, until their packet is whole")                                    \
	X(FLOW, "flow", "session, its state and windows")                                                    \
	X(CLASSIFY, "classify", "application, by nDPI")                                                      \
	X(POLICY, "policy", "verdict, limits, counters of rules")                                            \
	X(TX, "tx", "re-tagging, gathering")                                                                 \
	X(SEND, "send", "the drivers: bursts to the ports")                                                  \
	X(UPKEEP, "upkeep", "ageing, listings, the MAC table; frames are those received meanwhile")
enum bh_stage {
#define BH_STAGE_ENUM(symbol, name, help) BH_STAGE_##symbol,
	BH_STAGES(BH_STAGE_ENUM)
#undef BH_STAGE_ENUM
		BH_STAGE_COUNT
};

/* Since measuring was last switched on; stands still while it is off. A stage that another calls is part of that one. */
struct bh_stage_counters {
	uint64_t bursts;
	uint64_t frames; /* that entered it */
	uint64_t cycles; /* of the time-stamp counter, with what interrupted it */
};

struct bh_app_counters {
	uint64_t flows, packets, bytes;
};

/* X(SYMBOL, "name", gauge, "help"): one cell a worker */
#define BH_WORKER_COUNTERS(X)                                                                                \
	X(BURSTS, "bursts", 0, "receive bursts that brought a frame")                                        \
	X(POLLS, "polls", 0, "rounds of the loop")                                                           \
	X(SLEEPS, "sleeps", 0, "times the idle worker slept for a time")                                     \
	X(WAITS, "waits", 0, "times the idle worker waited for an interrupt, or for another thread")         \
	X(HANDED_OVER, "handed_over", 0, "frames given to the worker that owns their flow")                  \
	X(FLOWS, "flows", 1, "sessions in the table")                                                        \
	X(FLOWS_CREATED, "flows_created", 0, "sessions begun")                                               \
	X(FLOWS_ENDED, "flows_ended", 0, "sessions ended")                                                   \
	X(FLOWS_EVICTED, "flows_evicted", 0,                                                                 \
	  "unanswered or refused sessions that gave their place when a table or quota was full")             \
	X(EMBRYONIC, "embryonic", 1, "sessions not yet answered")                                            \
	X(PENDING, "pending", 1, "sessions whose verdict waits for their application")                       \
	X(PENDING_EXPIRED, "pending_expired", 0, "sessions whose classification budget ended")               \
	X(DETECTING, "detecting", 1, "sessions that nDPI is looking at")                                     \
	X(DPI_PACKETS, "dpi_packets", 0, "packets shown to nDPI")                                            \
	X(DPI_FULL, "dpi_full", 0, "sessions not classified for want of memory")                             \
	X(DPI_MEMORY, "dpi_memory", 1, "bytes that nDPI holds in its arena")                                 \
	X(FRAGMENT_SETS, "fragment_sets", 1, "fragmented packets being collected")                           \
	X(EVALUATIONS, "evaluations", 0, "times the rules were asked")                                       \
	X(EVENTS_LOST, "events_lost", 0, "events dropped because their ring was full")                       \
	X(LEARNED, "learned", 0, "MAC addresses learned")                                                    \
	X(LEARN_LOST, "learn_lost", 0, "learn requests dropped because their ring was full")                 \
	X(PROBES, "loop_probes", 0, "loop probes of the group that were taken in")                           \
	X(PROBES_REFUSED, "loop_probes_refused", 0, "loop probes that were forged or recorded")              \
	X(LONGEST_GAP, "longest_gap_ns", 1,                                                                  \
	  "longest time between two rounds under load since it was last reset")                              \
	X(DUPLICATES, "duplicates", 0, "unicast frames that arrived twice within 500 microseconds")          \
	X(TCP_CONFLICTS, "tcp_conflicts", 0, "TCP segments with other data for bytes that nDPI had seen")    \
	X(DPI_SLOW, "dpi_slow", 0, "calls of nDPI that took longer than 1 ms")                               \
	X(DPI_LONGEST, "dpi_longest_ns", 1, "longest call of nDPI")                                          \
	X(APP_CHANGES, "application_changes", 0,                                                             \
	  "sessions that became another application after nDPI was done with them")
enum bh_worker_counter {
#define BH_WORKER_ENUM(symbol, name, gauge, help) BH_WORKER_##symbol,
	BH_WORKER_COUNTERS(BH_WORKER_ENUM)
#undef BH_WORKER_ENUM
		BH_WORKER_COUNT
};

/* Written by one worker only. */
struct bh_worker_counters {
	alignas(64) uint64_t cells[BH_WORKER_COUNT];
	struct bh_port_counters ports[BH_MAX_PORTS];
	/* frames dropped as unknown-vlan, by port and VLAN id: which VLANs they were */
	uint64_t unknown_vlans[BH_MAX_PORTS][BH_VLANS];
	struct bh_app_counters apps[BH_APP_IDS];
	struct bh_segment_counters segments[BH_SEGMENT_IDS];
	alignas(64) struct bh_stage_counters stages[BH_STAGE_COUNT];
	alignas(64) struct bh_rule_counters rules[BH_RULE_IDS];
};

struct bh_port_info {
	char name[BH_NAME_MAX + 1]; /* as in bulkhead.yaml and the policy */
	char device[BH_NAME_MAX + 1];
	uint8_t mac[6];
	uint8_t up; /* link */
	uint8_t used;
	uint16_t rx_queues, tx_queues;
	uint32_t mtu;
	uint64_t missed; /* the driver's rx_missed + rx_nombuf + rx_errors: lost before Bulkhead saw them */
};

/* X(SYMBOL, "name"): what can be spent. The first ones have a limit of each segment, too. */
/* clang-format off */
#define BH_RESOURCES(X) \
	X(FLOWS, "flows") \
	X(EMBRYONIC, "embryonic") \
	X(MACS, "macs") \
	X(FRAGMENTS, "fragments") \
	X(DETECTING, "detecting") \
	X(DPI_MEMORY, "dpi-memory") \
	X(EVENTS, "events")
/* clang-format on */
enum bh_resource {
#define BH_RESOURCE_ENUM(symbol, name) BH_RESOURCE_##symbol,
	BH_RESOURCES(BH_RESOURCE_ENUM)
#undef BH_RESOURCE_ENUM
		BH_RESOURCE_COUNT
};
#define BH_SEGMENT_RESOURCES (BH_RESOURCE_FRAGMENTS + 1)

/* A resource that is nearly spent. Of a table or limit that is divided among workers: of the fullest share. */
struct bh_alarm {
	uint32_t resource; /* enum bh_resource */
	uint32_t segment;  /* id; 0: of all segments together */
	uint32_t level;    /* percent that were reached: 70, 85 or 95; it ends 5 below */
	uint32_t reserved;
	uint64_t used, size; /* when it was looked at */
};
#define BH_ALARMS_MAX 64u
#define BH_LOOPS_MAX 32u

/* Written by the main thread only. `generation` is written last of a change (release). */
struct bh_counters {
	uint32_t magic, version;
	uint64_t size;          /* of the file */
	uint64_t worker_offset; /* of worker 0's struct bh_worker_counters */
	uint64_t worker_stride;
	uint32_t worker_count, port_count;
	uint32_t drop_count; /* BH_DROP_COUNT of the writer: a reader of another count refuses */
	uint32_t pid;
	uint64_t started_us;        /* Unix */
	uint64_t heartbeat_us;      /* Unix, about every 100 ms */
	uint32_t generation;        /* of the image in force, 0: none */
	uint32_t apps_out_of_force; /* bool */
	uint64_t accepted_us;
	uint64_t image_size, source_digest;
	uint64_t flow_capacity, mac_capacity, detect_capacity; /* all workers together */
	uint64_t macs;                                         /* gauge */
	uint64_t events_lost;                                  /* by slow readers of the control socket */
	char policy[BH_NAME_MAX + 1];
	struct bh_port_info ports[BH_MAX_PORTS];
	uint32_t rule_ids, segment_ids, network_ids; /* used so far */
	uint32_t alarm_count;
	struct bh_alarm alarms[BH_ALARMS_MAX]; /* in force: the worst */
	uint32_t measuring;                    /* bool: the workers account for their stages */
	uint64_t tsc_hz;                       /* cycles of bh_stage_counters a second */
	uint32_t loop_count;
	uint32_t listening;           /* gauge: segments that are probed for loops, and do not forward yet */
	uint32_t loops[BH_LOOPS_MAX]; /* pairs of segment ids, << 16 |: closed; UINT32_MAX: all are */
	/* directories of the ids */
	char rules[BH_RULE_IDS][BH_NAME_MAX + 1];
	char segments[BH_SEGMENT_IDS][BH_NAME_MAX + 1];
	uint32_t segment_network[BH_SEGMENT_IDS]; /* network id */
	char networks[BH_NETWORK_IDS][BH_NAME_MAX + 1];
};

extern const char *const bh_stage_names[BH_STAGE_COUNT];
extern const char *const bh_stage_help[BH_STAGE_COUNT];
extern const char *const bh_resource_names[BH_RESOURCE_COUNT];
extern const char *const bh_worker_counter_names[BH_WORKER_COUNT];
extern const char *const bh_worker_counter_help[BH_WORKER_COUNT];
extern const uint8_t bh_worker_counter_gauge[BH_WORKER_COUNT];

static_assert(sizeof(struct bh_port_counters) % 64 == 0);
static_assert(sizeof(struct bh_segment_counters) == 64);

#endif
