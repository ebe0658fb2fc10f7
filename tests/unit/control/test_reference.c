/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The evaluator against the naive reference, on random policies and sessions. BH_PAIRS: how many (policy, session)
 * pairs (default 200000); BH_SEED: another seed.
 *
 * needs: control/compile.c control/objects.c control/selector.c control/classes.c control/matrix.c control/sections.c
 * needs: control/intern.c control/zone.c control/problem.c dataplane/image.c dataplane/evaluate.c dataplane/schedule.c dataplane/dpi.c
 * needs: tests/unit/control/reference.c tests/unit/control/generate.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpi.h"
#include "generate.h"
#include "reference.h"

#define SESSIONS 100 /* a policy */

static struct bh_memo memo;

static uint64_t environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void answer_print(const char *who, const struct bh_answer *a)
{
	printf("%s: verdict %u open %u rule %d log %u monitored %u:", who, a->verdict, a->open, (int)a->rule,
	       a->log, a->monitored_count);
	for (int i = 0; i < a->monitored_count; i++)
		printf(" %u", a->monitored[i]);
	printf("\n");
}

static bool answers_equal(const struct bh_answer *a, const struct bh_answer *b)
{
	return a->verdict == b->verdict && a->open == b->open && a->rule == b->rule && a->log == b->log &&
	       a->monitored_count == b->monitored_count &&
	       memcmp(a->monitored, b->monitored, a->monitored_count * sizeof(a->monitored[0])) == 0;
}

struct tally {
	uint64_t pairs, policies, refused, verdicts[4], open, monitored, by_rule;
};

/* How many rules: mostly few, now and then more than a word or a summary word of a bitmap holds. */
static uint32_t rules_of(struct generator *g)
{
	if (generate_number(g, 400) == 0)
		return 4000 + generate_number(g, 9000);
	if (generate_number(g, 100) == 0)
		return 60 + generate_number(g, 140);
	return generate_number(g, 14);
}

/* What is remembered of an address or a service is of one policy, and never changes an answer: not the first time that it is asked
 * for, not the second, and not what is left of earlier policies, in which the same addresses were of other classes. */
static void compare_memo(const struct bh_policy *policy, const struct bh_context *context,
			 const struct bh_session *session, const struct bh_answer *expected)
{
	struct bh_answer answer;

	for (int i = 0; i < 2; i++) {
		bh_evaluate_memo(policy, context, session, &memo, &answer);
		assert_true(answers_equal(&answer, expected));
	}
}

static void compare_sessions(struct generator *g, const struct policy_model *model,
			     const struct bh_policy *policy, uint64_t seed, struct tally *tally)
{
	struct reference *reference = reference_new(model);

	for (int i = 0; i < SESSIONS; i++, tally->pairs++) {
		const int64_t when = generate_moment(g);
		struct bh_context context = { .apps_out_of_force = generate_number(g, 10) == 0 };
		struct bh_answer expected, answer;
		struct bh_session session;

		generate_session(g, model, &session);
		bh_context_at(policy, when, &context);
		bh_evaluate(policy, &context, &session, &answer);
		reference_judge(reference, when, context.apps_out_of_force, &session, &expected);
		if (!answers_equal(&answer, &expected)) {
			printf("policy of seed %llu (%u rules), session %d\n", (unsigned long long)seed,
			       model->rule_count, i);
			answer_print("evaluator", &answer);
			answer_print("reference", &expected);
			fail();
		}
		compare_memo(policy, &context, &session, &answer);
		tally->verdicts[answer.verdict]++;
		tally->open += answer.open != 0;
		tally->monitored += answer.monitored_count != 0;
		tally->by_rule += answer.rule != BH_NONE;
	}
	reference_free(reference);
}

static void compare_policy(uint64_t seed, struct tally *tally)
{
	struct generator g = { .state = seed };
	struct policy_model *model = generate_policy(&g, rules_of(&g));
	struct problems problems = { 0 };
	struct bh_policy policy;
	char why[256] = "";
	void *image = NULL;
	size_t size;
	int error = policy_compile(model, seed % 2 ? 0 : 1790000000, &image, &size, &problems);

	if (error == -E2BIG /* more layers or schedules than an image has */) {
		assert_int_equal(problems.errors, 1);
		tally->refused++;
	} else {
		assert_int_equal(error, 0);
		error = bh_image_open(&policy, image, size, why, sizeof(why));
		if (error != 0)
			printf("seed %llu: %s\n", (unsigned long long)seed, why);
		assert_int_equal(error, 0);
		memo.generation++;
		compare_sessions(&g, model, &policy, seed, tally);
		tally->policies++;
	}
	free(image);
	problems_free(&problems);
	generate_free(&g);
}

static void test_random_policies(void **state)
{
	const uint64_t pairs = environment("BH_PAIRS", 200000), first = environment("BH_SEED", 1);
	struct tally t = { 0 };

	(void)state;
	assert_int_equal(dpi_catalogue_init(), 0);
	for (uint64_t seed = first; t.pairs < pairs; seed++)
		compare_policy(seed, &t);
	printf("%llu pairs of %llu policies (%llu refused): allow %llu deny %llu reject %llu pending %llu; "
	       "by a rule %llu, open %llu, monitored %llu\n",
	       (unsigned long long)t.pairs, (unsigned long long)t.policies, (unsigned long long)t.refused,
	       (unsigned long long)t.verdicts[0], (unsigned long long)t.verdicts[1],
	       (unsigned long long)t.verdicts[2], (unsigned long long)t.verdicts[3],
	       (unsigned long long)t.by_rule, (unsigned long long)t.open, (unsigned long long)t.monitored);
	/* the comparison is worth something only if all of it was met */
	for (int verdict = 0; verdict < 4; verdict++)
		assert_true(t.verdicts[verdict] > t.pairs / 50);
	assert_true(t.by_rule > t.pairs / 4 && t.open > t.pairs / 20 && t.monitored > t.pairs / 50);
	assert_true(t.refused < t.policies / 500 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_policies) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
