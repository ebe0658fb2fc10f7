/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policy images from hands that may do anything: what bh_image_open() lets through must be safe to ask. The first 24 bytes of
 * the input choose the questions, the rest is the image; its checksum is put right, or nothing but checksums would be tested.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/evaluate.h"

#define QUESTION 24u
#define NAMES 4u

static struct bh_memo memo;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static void put_right(uint8_t *image, size_t size)
{
	uint64_t checksum;

	if (size < sizeof(struct bh_image_header))
		return;
	checksum = bh_image_checksum(image, size);
	memcpy(image + offsetof(struct bh_image_header, checksum), &checksum, sizeof(checksum));
}

static void broken(const char *what)
{
	fprintf(stderr, "BROKEN: %s\n", what);
	abort();
}

/* A session made of the question's bytes; number 0..15 varies what is known. */
static struct bh_session session_of(const uint8_t *q, uint32_t number, const struct bh_policy *policy)
{
	static const char *const names[NAMES] = { NULL, "www.example.com", "a.erp.example", "x" };
	static const uint8_t protocols[] = { 6, 17, 1, 58, 132, 47 };
	struct bh_session s = { 0 };

	for (uint32_t end = 0; end < 2; end++) {
		uint8_t *address = end ? s.to : s.from;

		if (q[0] & (1 << end)) {
			memcpy(address, (const uint8_t[]){ 0x20, 1, 0x0d, 0xb8 }, 4);
		} else {
			address[10] = address[11] = 0xff;
		}
		memcpy(address + 12, q + 1 + 4 * end, 4);
	}
	s.from_segment = q[9] % (uint32_t)policy->SEGMENTS_count;
	s.to_segment = q[10] % (uint32_t)policy->SEGMENTS_count;
	s.protocol = protocols[q[11] % sizeof(protocols)];
	s.source_port = (uint16_t)(q[12] | q[13] << 8);
	s.service = (uint16_t)(q[14] | q[15] << 8);
	s.knowledge = (struct bh_knowledge){
		.app_known = number & 1,
		.name_known = number & 2,
		.risks_known = number & 4,
		.trust = number & 8,
		.name_cut = q[0] & 4,
		.category = q[16] % BH_APP_CATEGORIES,
		.master = (uint16_t)((q[17] | q[18] << 8) % BH_APP_IDS),
		.app = (uint16_t)((q[19] | q[20] << 8) % BH_APP_IDS),
		.name = names[q[21] % NAMES],
		.risks = q[22],
	};
	return s;
}

/* By what is remembered of earlier questions and images the answer is the same. */
static void ask_again(const struct bh_policy *policy, const struct bh_context *context,
		      const struct bh_session *session, const struct bh_answer *first)
{
	struct bh_answer answer;

	bh_evaluate_memo(policy, context, session, &memo, &answer);
	if (answer.verdict != first->verdict || answer.rule != first->rule || answer.open != first->open ||
	    answer.log != first->log || answer.monitored_count != first->monitored_count)
		broken("another answer for what was remembered");
}

static void ask(const struct bh_policy *policy, const uint8_t *question)
{
	struct bh_context context = { 0 };
	int64_t when = (int64_t)question[23] << 23, next = when;

	for (int i = 0; i < 8; i++) {
		when = next;
		next = bh_context_at(policy, when, &context);
		if (next <= when)
			broken("a schedule that does not go on");
		if (next == INT64_MAX)
			break;
	}
	for (uint32_t i = 0; i < 16; i++) {
		struct bh_session session = session_of(question, i, policy);
		struct bh_answer answer;

		context.apps_out_of_force = question[0] & 8;
		bh_evaluate(policy, &context, &session, &answer);
		if (answer.verdict > BH_VERDICT_PENDING || answer.monitored_count > BH_MONITORED_MAX ||
		    (answer.rule != BH_NONE && answer.rule >= policy->RULES_count))
			broken("an answer that is none");
		if (answer.verdict == BH_VERDICT_PENDING && !answer.open)
			broken("pending on nothing");
		ask_again(policy, &context, &session, &answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bh_policy policy;
	char why[120] = "";

	if (size < QUESTION)
		return 0;
	/* a copy of exactly this size, aligned as a mapping is: the sanitizer sees its end */
	uint8_t *image = malloc(size - QUESTION + 1);
	if (!image)
		return 0;
	memcpy(image, bytes + QUESTION, size - QUESTION);
	put_right(image, size - QUESTION);
	int error = bh_image_open(&policy, image, size - QUESTION, why, sizeof(why));
	if (!error != !why[0])
		broken("a refusal without a reason, or the other way");
	memo.generation++;
	if (!error)
		ask(&policy, bytes);
	free(image);
	return 0;
}

/* ---- the mutator: it knows where sections are ---- */

static uint32_t pick(unsigned int *seed, uint32_t below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % below;
}

/* Change bytes inside one section, or its entry in the header. */
static void mutate_section(uint8_t *image, size_t size, unsigned int *seed)
{
	struct bh_image_header header;
	uint32_t section = pick(seed, BH_SECTION_COUNT);

	memcpy(&header, image, sizeof(header));
	uint64_t at = header.sections[section].offset, width = 4u << pick(seed, 2);
	if (pick(seed, 4) == 0)
		at = offsetof(struct bh_image_header, sections) + section * sizeof(header.sections[0]);
	else
		at += width * pick(seed, header.sections[section].count < 4096
						 ? (uint32_t)header.sections[section].count * 4 + 1
						 : 16384);
	if (at >= size || size - at < width)
		return;
	if (pick(seed, 2)) {
		static const uint64_t values[] = { 0, 1, UINT32_MAX, UINT64_MAX, 1ull << 63, 64, 0x80000000 };
		uint64_t value = values[pick(seed, 7)];

		memcpy(image + at, &value, width);
	} else {
		LLVMFuzzerMutate(image + at, width, width);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed)
{
	if (size < QUESTION + sizeof(struct bh_image_header) || pick(&seed, 4) == 0)
		size = LLVMFuzzerMutate(bytes, size, room);
	else if (pick(&seed, 4) == 0)
		LLVMFuzzerMutate(bytes, QUESTION, QUESTION);
	else
		for (uint32_t i = 0; i <= pick(&seed, 4); i++)
			mutate_section(bytes + QUESTION, size - QUESTION, &seed);
	/* most of the time an honest size, so that growth and cuts get past the first check */
	if (size >= QUESTION + sizeof(struct bh_image_header) && pick(&seed, 8)) {
		uint64_t honest = size - QUESTION;

		memcpy(bytes + QUESTION + offsetof(struct bh_image_header, size), &honest, sizeof(honest));
	}
	return size;
}
