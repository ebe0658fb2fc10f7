/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading an image and judging a session by it: dataplane/image.c, evaluate.c and schedule.c, free of
 * DPDK and linked by the dataplane and by bulkheadctl, so that explain, test and enforcement can not
 * disagree. No function here allocates, blocks or keeps state but in what it is given; all are safe from any
 * thread.
 */
#ifndef BULKHEAD_EVALUATE_H
#define BULKHEAD_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bulkhead/image.h"

/* Where the parts of a matrix are. */
struct bh_rows {
	uint32_t count, stride; /* rows; summary words of each */
	const uint64_t *summaries, *base_summary, *base, *words;
	const uint32_t *rows; /* index in words, by row */
};

/* An image whose every size, offset and index was checked: typed arrays into it. The image must
 * outlive it and must not change (a sealed memfd, or a private copy). */
struct bh_policy {
	const struct bh_image_header *header;
#define BH_POLICY_FIELD(symbol, type)                                                                        \
	const type *symbol##_;                                                                               \
	uint64_t symbol##_count;
	BH_SECTIONS(BH_POLICY_FIELD) /* policy->RULES_[i], policy->RULES_count */
#undef BH_POLICY_FIELD
	uint32_t words;         /* of a rule bitmap: ceil(rules / 64) */
	uint32_t summary_words; /* ceil(words / 64) */
	uint32_t layers[2]; /* of the initiator's side and of the responder's, up to the last that has rows */
	struct bh_rows rows[BH_MATRIX_COUNT];
};

/* 64-bit FNV-1a folded over 8-byte words (size is padded with zero bytes); header.checksum counts as 0. */
uint64_t bh_image_checksum(const void *image, size_t size);

/* Check an untrusted image and fill *policy. Returns 0, or -EINVAL / -E2BIG / -EPROTONOSUPPORT with one line in
 * why[why_size] that says what is wrong. Time is linear in the image's size. */
int bh_image_open(struct bh_policy *policy, const void *image, size_t size, char *why, size_t why_size);

/* The string at an offset that bh_image_open() has checked. */
static inline const char *bh_string(const struct bh_policy *policy, uint32_t offset)
{
	return policy->STRINGS_ + offset;
}

/* What changes without a new image: which schedules are active, and whether the ids of the image's
 * applications mean what the library here means by them. */
struct bh_context {
	uint64_t schedules[BH_MAX_SCHEDULES / 64];
	bool apps_out_of_force; /* a rule with `application` or `risk`: allow does not match, deny and reject do */
};

/* Fill context->schedules for a moment (Unix seconds). Returns the next moment at which it will
 * be another, or INT64_MAX. */
int64_t bh_context_at(const struct bh_policy *policy, int64_t when, struct bh_context *context);

/* What is known of a session's application. Zero-initialised: nothing is known yet. */
struct bh_knowledge {
	bool app_known;   /* master, app and category are valid (all 0: `unknown`) */
	bool name_known;  /* no other server name will come; name NULL: there is none */
	bool name_cut;    /* name was cut: matches no allow and every deny or reject that asks for a name */
	bool risks_known; /* no further risk will come */
	bool trust;       /* mid-stream `application: trust`: application and server-name count as met */
	bool ech;         /* TLS Encrypted Client Hello: `name` is a cover; see bh_settings.ech */
	uint8_t category;
	uint16_t master, app; /* nDPI ids of the image; master is 0 where only one is known */
	const char *name;     /* lower case, NUL-terminated; may be set before name_known */
	uint64_t risks;       /* bits seen so far */
};

/* One session, initiator first. Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d; ports in host order. */
struct bh_session {
	uint8_t from[16], to[16];
	uint32_t from_segment, to_segment; /* index in SEGMENTS */
	uint8_t protocol;                  /* IP protocol number after extension headers */
	uint16_t source_port;
	uint16_t service; /* destination port; ICMP: type << 8 | code; else 0 */
	struct bh_knowledge knowledge;
};

enum bh_verdict { BH_VERDICT_ALLOW, BH_VERDICT_DENY, BH_VERDICT_REJECT, BH_VERDICT_PENDING };

#define BH_OPEN_APP 1u
#define BH_OPEN_NAME 2u
#define BH_OPEN_RISK 4u
#define BH_MONITORED_MAX 8

struct bh_answer {
	uint8_t verdict; /* enum bh_verdict */
	uint8_t open;    /* BH_OPEN_*: what, once known, could change verdict or rule; 0: settled */
	uint8_t log;     /* bool: of the rule or default; only meaningful when settled */
	uint8_t monitored_count;
	/* Index in RULES, BH_NONE: the default. Settled: the rule that matched. Else, of a refusal: the rule that ended the
	 * walk if its action is the verdict, or the first with that action; of an allow or pending: the first rule
	 * with an allow that could still match. */
	uint32_t rule;
	uint32_t monitored
		[BH_MONITORED_MAX]; /* monitor rules that match for certain, in order, the first few */
};

/* Judge a session as policy-language.md says ("What a rule decides", "While the application is
 * unknown"). */
void bh_evaluate(const struct bh_policy *policy, const struct bh_context *context,
		 const struct bh_session *session, struct bh_answer *answer);

/*
 * What a caller remembers of the addresses and services that it asked for: machines are few, sessions are many, and the searches
 * for their classes are the greater part of a judgement. It changes no answer. One thread's; zero-initialised, it is empty.
 * `generation` is the caller's to set, another number for each other policy that it asks: what was remembered under another
 * one does not count. 0 is none.
 */
#define BH_MEMO_ADDRESSES 4096u
#define BH_MEMO_SERVICES 512u

struct bh_memo_address {
	uint64_t high, low;
	uint32_t row, generation;
};

struct bh_memo_service {
	uint32_t key, row, generation;
};

struct bh_memo {
	uint32_t generation;
	struct bh_memo_service services[BH_MEMO_SERVICES];
	struct bh_memo_address addresses[BH_MEMO_ADDRESSES];
};

/* bh_evaluate(), by what is remembered where memo is not NULL. */
void bh_evaluate_memo(const struct bh_policy *policy, const struct bh_context *context,
		      const struct bh_session *session, struct bh_memo *memo, struct bh_answer *answer);

#endif
