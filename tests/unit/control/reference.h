/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The naive reference of the evaluator: policy-language.md word by word over the model, with every possible outcome of
 * the classification written out. Slow, and meant to be read next to the text.
 */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H

#include <stdint.h>

#include "bulkhead/evaluate.h"
#include "model.h"

struct reference;

/* The model must outlive it. Sets TZ to the policy's time zone: one reference at a time. */
struct reference *reference_new(const struct policy_model *model);
void reference_free(struct reference *reference);
void reference_judge(struct reference *reference, int64_t when, bool apps_out_of_force,
		     const struct bh_session *session, struct bh_answer *answer);

#endif
