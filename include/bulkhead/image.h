/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy image: one flat, relocatable, versioned block. bulkheadd's compiler writes it, the
 * dataplane (and explain, test, replay) reads it. This header is the only place of its layout.
 *
 * Layout: struct bh_image_header, then sections, each an array of one element type, 64-byte
 * aligned, in any order, not overlapping the header. All integers are little-endian host order
 * (x86-64 only). Strings are NUL-terminated UTF-8 in the STRINGS section and are referred to by
 * byte offset; offset 0 is the empty string. An index of BH_NONE means "none".
 *
 * Nothing in an image is trusted: bh_image_open() (dataplane/image.c) checks every size, offset and
 * index once, so that bh_evaluate() can follow them without looking.
 *
 * How rules are found. Each dimension of a rule's condition cuts its key space into classes that
 * no rule tells apart; a *matrix* holds for each class the bitmap of rules (bit r = rule r) whose
 * condition in that dimension holds there. The rules that match a session are the AND over the
 * dimensions. Rows are stored as the difference (XOR) from one base row, of which only the
 * non-zero words are kept, found by a summary bitmap: many classes, few bytes, and an AND that
 * touches only words that can be non-zero.
 *
 * An endpoint selector is a set of (segment, address) pairs, written by the compiler as
 *    A(address) OR S(segment) OR, for each layer i, (PS_i(segment) AND PA_i(address))
 * so that `except` and `not` over mixed groups need no table of pairs.
 *
 * Disabled rules have no bit anywhere. A rule without a key has its bit in every row of that
 * dimension (that is, in the base row).
 */
#ifndef BULKHEAD_IMAGE_H
#define BULKHEAD_IMAGE_H

#include <assert.h>
#include <stdint.h>

#define BH_IMAGE_MAGIC 0x494b4842u /* "BHKI" */
#define BH_IMAGE_VERSION 2u
#define BH_IMAGE_MAX_SIZE (256u << 20)
#define BH_NONE UINT32_MAX

#define BH_MAX_RULES 65536u
#define BH_MAX_SEGMENTS 4096u
#define BH_MAX_NETWORKS 1024u
#define BH_MAX_SCHEDULES 256u
#define BH_MAX_LAYERS 8u
#define BH_MAX_CUSTOM_APPS 200u
#define BH_MAX_CUSTOM_PATTERNS 4096u /* elements of CUSTOM_APPS: patterns of all custom applications */
#define BH_MAX_MIRRORS 256u
#define BH_MAX_ZONES 1024u
#define BH_NAME_MAX 63 /* bytes of the name of anything in a policy, without NUL */

#define BH_APP_IDS 512 /* nDPI protocol ids, custom ones included */
#define BH_APP_CATEGORIES 256
#define BH_VLAN_UNTAGGED 0xffffu

enum bh_action { BH_ACTION_ALLOW, BH_ACTION_DENY, BH_ACTION_REJECT, BH_ACTION_COUNT };

/* Which layer-2 protocols pass their guards (policy key layer2.allow). */
/* clang-format off */
#define BH_LAYER2_PROTOCOLS(X) \
	X(ARP, "arp") \
	X(RARP, "rarp") \
	X(ND, "nd") \
	X(DHCP, "dhcp") \
	X(IGMP, "igmp") \
	X(MLD, "mld") \
	X(LLDP, "lldp") \
	X(LACP, "lacp") \
	X(BPDU, "bpdu")
/* clang-format on */
enum bh_layer2 {
#define BH_LAYER2_ENUM(symbol, name) BH_LAYER2_##symbol,
	BH_LAYER2_PROTOCOLS(BH_LAYER2_ENUM)
#undef BH_LAYER2_ENUM
		BH_LAYER2_COUNT
};

/* X(SYMBOL, "policy key", default in seconds): flows.timeouts */
#define BH_TIMEOUTS(X)                                                                                       \
	X(TCP_SYN, "tcp-syn", 30)                                                                            \
	X(TCP_HANDSHAKE, "tcp-handshake", 30)                                                                \
	X(TCP_ESTABLISHED, "tcp-established", 3600)                                                          \
	X(TCP_FIN, "tcp-fin", 120)                                                                           \
	X(TCP_CLOSING, "tcp-closing", 30)                                                                    \
	X(TCP_TIME_WAIT, "tcp-time-wait", 120)                                                               \
	X(TCP_CLOSED, "tcp-closed", 10)                                                                      \
	X(UDP, "udp", 60)                                                                                    \
	X(UDP_STREAM, "udp-stream", 180)                                                                     \
	X(ICMP, "icmp", 10)                                                                                  \
	X(SCTP, "sctp", 300)                                                                                 \
	X(OTHER, "other", 60)                                                                                \
	X(DENIED, "denied", 10)                                                                              \
	X(FRAGMENT, "fragment", 30)
enum bh_timeout {
#define BH_TIMEOUT_ENUM(symbol, name, seconds) BH_TIMEOUT_##symbol,
	BH_TIMEOUTS(BH_TIMEOUT_ENUM)
#undef BH_TIMEOUT_ENUM
		BH_TIMEOUT_COUNT
};

enum bh_spoof_guard { BH_SPOOF_OFF, BH_SPOOF_LEARN, BH_SPOOF_STRICT };
enum bh_exception { BH_EXCEPTION_DROP, BH_EXCEPTION_STATELESS, BH_EXCEPTION_UNKNOWN };
enum bh_midstream_app { BH_MIDSTREAM_TRUST, BH_MIDSTREAM_UNKNOWN };

#define BH_PICK_UP_NEVER 0u
#define BH_PICK_UP_ALWAYS UINT32_MAX

/* classification.ech: what TLS Encrypted Client Hello means, whose server name is a cover. UNKNOWN: the name is treated like one
 * that was cut. */
enum bh_ech { BH_ECH_ALLOW, BH_ECH_UNKNOWN, BH_ECH_DENY };

/* What is not a rule. Booleans are 0 or 1; the reader refuses others. */
struct bh_settings {
	uint8_t monitor;             /* mode: monitor for all networks */
	uint8_t default_action;      /* enum bh_action */
	uint8_t default_log;         /* bool */
	uint8_t keep_established;    /* flows.established-on-reload: keep */
	uint8_t tcp_liberal;         /* bool */
	uint8_t checksums_ignore;    /* bool */
	uint8_t fragments_drop;      /* bool */
	uint8_t midstream_app;       /* enum bh_midstream_app */
	uint8_t classification_off;  /* bool: only sessions that a rule needs are classified */
	uint8_t guess;               /* bool */
	uint8_t unicast_known;       /* bool: layer2.unicast-known */
	uint8_t exception_flows;     /* enum bh_exception: DROP or STATELESS */
	uint8_t exception_fragments; /* enum bh_exception: DROP or STATELESS */
	uint8_t exception_dpi;       /* enum bh_exception: DROP or UNKNOWN */
	uint8_t quotas_written;     /* bool: the policy has a `limits` key (replay turns quotas off if not) */
	uint8_t duplicates_drop;    /* bool: layer2.duplicates: drop */
	uint8_t too_big_tell;       /* bool: layer2.too-big: tell */
	uint8_t double_tags_inside; /* bool: layer2.double-tags: inside */
	uint8_t ech;                /* enum bh_ech */
	uint8_t reserved;
	uint32_t midstream_pick_up; /* seconds, or BH_PICK_UP_* */
	uint32_t dpi_max_packets;   /* classification.max-packets, with payload, both directions */
	uint32_t dpi_max_bytes;     /* payload bytes of each direction */
	uint32_t dpi_max_ms;
	uint32_t timeouts[BH_TIMEOUT_COUNT]; /* seconds, 1..31 days */
	uint32_t layer2_allow;               /* bit enum bh_layer2 */
};

/* One layer-2 network as it was before it was split. */
struct bh_network {
	uint32_t name;          /* string */
	uint32_t first_segment; /* the network's segments are consecutive */
	uint32_t segment_count;
	uint32_t monitor; /* bool */
};

/* limits of one segment, defaults resolved. 0 = unlimited. Percentages are of the table's size, which the
 * dataplane alone knows: a value with BH_LIMIT_PERCENT set is percent × 100. */
#define BH_LIMIT_PERCENT 0x80000000u
struct bh_limits {
	uint32_t flows;
	uint32_t embryonic;
	uint32_t new_flows; /* a second */
	uint32_t macs;
	uint32_t fragments;
	uint32_t broadcast; /* frames a second */
};

struct bh_segment {
	uint32_t name;    /* string */
	uint32_t network; /* index */
	uint32_t port;    /* string: the port's name in bulkhead.yaml */
	uint16_t vlan;    /* 1..4094 or BH_VLAN_UNTAGGED */
	uint8_t uplink;   /* bool */
	uint8_t spoof_guard;
	uint8_t dhcp_server; /* bool: DHCP server and RA messages may enter here */
	uint8_t reserved[3];
	struct bh_limits limits;
};

/* networks.*.bindings, one element for each address; address all-zero: the MAC alone is bound. */
struct bh_binding {
	uint32_t segment;
	uint8_t mac[6];
	uint8_t reserved[2];
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
};

#define BH_RULE_ENABLED 1u
#define BH_RULE_LOG 2u
#define BH_RULE_MONITOR 4u

struct bh_rule {
	uint32_t name; /* string */
	uint8_t action;
	uint8_t flags; /* BH_RULE_* */
	uint8_t reserved[2];
	uint32_t app_set;     /* index in APP_SETS or BH_NONE */
	uint32_t name_set;    /* index in NAME_SETS or BH_NONE */
	uint64_t risks;       /* nDPI risk bits, any of them satisfies; 0: no `risk` key */
	uint64_t limit_rate;  /* bits a second, 0: none */
	uint64_t limit_burst; /* bytes */
	uint32_t schedule;    /* index or BH_NONE */
	uint32_t mirror;      /* index or BH_NONE */
	uint32_t file;        /* string: where the rule stands */
	uint32_t line;
};

/* Applications that a rule names. */
struct bh_app_set {
	uint64_t ids[BH_APP_IDS / 64];               /* bit 0 is `unknown` */
	uint64_t categories[BH_APP_CATEGORIES / 64]; /* category:NAME */
};

/* Server names of a rule: NAMES[first .. first+count), sorted by strcmp of the lower-case pattern. */
struct bh_name_set {
	uint32_t first;
	uint32_t count;
};

/* A weekly schedule in the policy's time zone. Minutes of day; from > to wraps midnight and the
 * part after midnight belongs to the day on which it began; from == to is the whole day. */
struct bh_schedule {
	uint32_t name; /* string, for messages */
	uint8_t days;  /* bit 0 = Monday .. bit 6 = Sunday */
	uint8_t reserved;
	uint16_t from, to;
	uint16_t reserved2;
};

/* The time zone as a list of changes, sorted: from `since` (Unix seconds) local = UTC + offset.
 * The first element has since = INT64_MIN. */
struct bh_zone {
	int64_t since;
	int32_t offset;
	uint32_t reserved;
};

/* rspan: copies leave by a port with a VLAN id; erspan: GRE to an address. */
struct bh_mirror {
	uint32_t name;
	uint32_t port; /* string; rspan */
	uint16_t vlan; /* rspan */
	uint8_t kind;  /* 0 rspan, 1 erspan */
	uint8_t reserved;
	uint32_t session; /* erspan */
	uint8_t to[16];   /* erspan */
};

/* applications (top level): one element for each pattern, in order; ids are given in order of
 * first appearance of the name, from the library's number of protocols upwards. */
struct bh_custom_app {
	uint32_t name; /* string */
	uint32_t rule; /* string in nDPI's own custom-rule syntax: tcp:9443, host:"x", ip:.. */
};

/* One class boundary: keys from `start` to the next element's start belong to `row`. Sorted, the
 * first start is 0. SERVICES: key = protocol << 16 | destination port (TCP, UDP, SCTP), or
 * type << 8 | code (ICMP, ICMPv6), or 0. SOURCE_PORTS: key = protocol << 16 | source port, or 0.
 * ADDRESSES4: key = IPv4 address as a host-order number. */
struct bh_class32 {
	uint32_t start;
	uint32_t row;
};

/* ADDRESSES6: the address as two host-order halves. IPv4-mapped addresses never get here. */
struct bh_class128 {
	uint64_t high, low;
	uint32_t row;
	uint32_t reserved;
};

/* Bitmap matrices. `words` = ceil(rules / 64), `summary_words` = ceil(words / 64).
 * Row r: summary = SUMMARIES[summaries + r * summary_words ...], and its packed non-zero words
 * begin at WORDS[ROWS[rows + r]]. Word w of the row = WORDS[base + w] ^ packed word (if its summary bit is set).
 * After the summaries of the rows stands that of the base row: SUMMARIES[summaries + row_count * summary_words ...]. */
enum bh_matrix_id {
	BH_MATRIX_FROM_ADDRESS, /* rows: address classes */
	BH_MATRIX_FROM_SEGMENT, /* rows: segments */
	BH_MATRIX_TO_ADDRESS,
	BH_MATRIX_TO_SEGMENT,
	BH_MATRIX_SERVICE,     /* rows: service classes */
	BH_MATRIX_SOURCE_PORT, /* rows: source-port classes */
	/* layer i: _SEGMENT and _ADDRESS are ANDed, then ORed to the above */
	BH_MATRIX_FROM_LAYERS, /* 2 × BH_MAX_LAYERS matrices: segment, address, .. */
	BH_MATRIX_TO_LAYERS = BH_MATRIX_FROM_LAYERS + 2 * BH_MAX_LAYERS,
	BH_MATRIX_COUNT = BH_MATRIX_TO_LAYERS + 2 * BH_MAX_LAYERS
};

struct bh_matrix {
	uint32_t row_count; /* 0: matrix absent, every row is zero */
	uint32_t rows;      /* index in ROWS */
	uint32_t base;      /* index in WORDS */
	uint32_t reserved;
	uint64_t summaries; /* index in SUMMARIES */
};

/* X(SYMBOL, element type) */
#define BH_SECTIONS(X)                                                                                       \
	X(STRINGS, char)                                                                                     \
	X(NETWORKS, struct bh_network)                                                                       \
	X(SEGMENTS, struct bh_segment)                                                                       \
	X(BINDINGS, struct bh_binding)                                                                       \
	X(RULES, struct bh_rule)                                                                             \
	X(APP_SETS, struct bh_app_set)                                                                       \
	X(NAME_SETS, struct bh_name_set)                                                                     \
	X(NAMES, uint32_t)                                                                                   \
	X(SCHEDULES, struct bh_schedule)                                                                     \
	X(ZONES, struct bh_zone)                                                                             \
	X(MIRRORS, struct bh_mirror)                                                                         \
	X(CUSTOM_APPS, struct bh_custom_app)                                                                 \
	X(ETHERTYPES, uint16_t)                                                                              \
	X(ADDRESSES4, struct bh_class32)                                                                     \
	X(ADDRESSES6, struct bh_class128)                                                                    \
	X(SERVICES, struct bh_class32)                                                                       \
	X(SOURCE_PORTS, struct bh_class32)                                                                   \
	X(MATRICES, struct bh_matrix)                                                                        \
	X(ROWS, uint32_t)                                                                                    \
	X(SUMMARIES, uint64_t)                                                                               \
	X(WORDS, uint64_t)
enum bh_section {
#define BH_SECTION_ENUM(symbol, type) BH_SECTION_##symbol,
	BH_SECTIONS(BH_SECTION_ENUM)
#undef BH_SECTION_ENUM
		BH_SECTION_COUNT
};

struct bh_section_entry {
	uint64_t offset; /* bytes from the start of the image, multiple of 64 */
	uint64_t count;  /* elements */
};

struct bh_image_header {
	uint32_t magic;
	uint16_t version;
	uint16_t section_count;     /* BH_SECTION_COUNT */
	uint64_t size;              /* of the whole image in bytes */
	uint64_t checksum;          /* bh_image_checksum() of the image with this field zero */
	uint64_t app_digest;        /* dpi_catalogue_digest(): which list of applications the ids mean */
	uint64_t created;           /* Unix seconds; 0 in replay, so that images are reproducible */
	uint64_t source_digest;     /* of the canonical policy: tells equal policies */
	char name[BH_NAME_MAX + 1]; /* the policy's name, NUL-terminated */
	struct bh_settings settings;
	struct bh_section_entry sections[BH_SECTION_COUNT];
};

static_assert(sizeof(struct bh_settings) == 96);
static_assert(sizeof(struct bh_network) == 16);
static_assert(sizeof(struct bh_segment) == 44);
static_assert(sizeof(struct bh_binding) == 28);
static_assert(sizeof(struct bh_rule) == 56);
static_assert(sizeof(struct bh_app_set) == 96);
static_assert(sizeof(struct bh_schedule) == 12);
static_assert(sizeof(struct bh_zone) == 16);
static_assert(sizeof(struct bh_mirror) == 32);
static_assert(sizeof(struct bh_class128) == 24);
static_assert(sizeof(struct bh_matrix) == 24);
static_assert(sizeof(struct bh_image_header) % 8 == 0);

#endif
