/* SPDX-License-Identifier: BSD-3-Clause */
/* Random policies as models, and random sessions that have a chance to match their rules. */
#ifndef TESTS_GENERATE_H
#define TESTS_GENERATE_H

#include <stdint.h>

#include "bulkhead/evaluate.h"
#include "model.h"

struct generator {
	uint64_t state;
	void *memory; /* of the model */
	bool narrow;  /* rules that match little, so that sessions meet late ones too */
};

uint64_t generate_bits(struct generator *generator);
/* 0 .. below - 1 */
uint32_t generate_number(struct generator *generator, uint32_t below);
/* Zeroed memory that lives until generate_free(). */
void *generate_alloc(struct generator *generator, size_t size);
char *generate_text(struct generator *generator, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A whole model without rules: one network of `segments` segments, UTC, deny by default. */
struct policy_model *generate_base(struct generator *generator, uint32_t segments);
/* A random policy of about `rules` rules; everything of the language that the evaluator looks at. */
struct policy_model *generate_policy(struct generator *generator, uint32_t rules);
void generate_session(struct generator *generator, const struct policy_model *model,
		      struct bh_session *session);
int64_t generate_moment(struct generator *generator);
void generate_free(struct generator *generator);

/* "10.0.0.1", "2001:db8::1" to 16 bytes; aborts on nonsense. */
void address_parse(const char *text, uint8_t address[16]);

#endif
