/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/upkeep.c */
/* Chores of a known length: how long a call lasts, and that each has its turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "classify.h"
#include "denials.h"
#include "eal.h"
#include "flow.h"
#include "fragment.h"
#include "listing.h"
#include "mactable.h"
#include "upkeep.h"

#define PIECE_US 1u

enum { LIST, TELL, FLOWS, DETECTION, FRAGMENTS, MACS, CHORES };

static uint32_t pieces[CHORES]; /* done */
static uint32_t work[CHORES];   /* pieces left */
static uint32_t pressed;        /* sessions aged out of turn */
static bool presses;

static bool piece(int chore)
{
	pieces[chore]++;
	if (!work[chore])
		return false;
	rte_delay_us_block(PIECE_US);
	return --work[chore];
}

bool listing_serve(struct worker *w, struct listing *l)
{
	(void)w, (void)l;
	return piece(LIST);
}

bool denials_tell(struct worker *w)
{
	(void)w;
	return piece(TELL);
}

bool flow_age(struct worker *w, uint32_t budget)
{
	(void)w;
	if (budget <= BURST / 2)
		return piece(FLOWS);
	pressed += budget;
	return true;
}

bool flow_age_presses(const struct worker *w)
{
	(void)w;
	return presses;
}

bool classifier_age(struct worker *w, uint32_t budget)
{
	(void)w, (void)budget;
	return piece(DETECTION);
}

bool fragments_age(struct worker *w, uint32_t budget)
{
	(void)w, (void)budget;
	return piece(FRAGMENTS);
}

bool mac_table_serve(struct worker *w, uint32_t budget)
{
	(void)w, (void)budget;
	return piece(MACS);
}

static const struct policy policy;
static struct worker w;
static struct upkeep u;

static int setup(void **state)
{
	(void)state;
	memset(pieces, 0, sizeof(pieces));
	memset(work, 0, sizeof(work));
	pressed = 0;
	presses = false;
	w = (struct worker){ .policy = &policy };
	upkeep_init(&u);
	return 0;
}

static void test_nothing_to_do(void **state)
{
	(void)state;
	assert_false(upkeep(&u, &w, NULL));
	for (int i = 0; i < CHORES; i++)
		assert_int_equal(pieces[i], 1);
}

static void test_small_work_in_one_call(void **state)
{
	(void)state;
	work[FLOWS] = 3;
	work[MACS] = 2;
	assert_false(upkeep(&u, &w, NULL));
	assert_int_equal(work[FLOWS] + work[MACS], 0);
}

/* However much there is to do, a call ends; and one chore's much is not for another to wait. */
static void test_bounded_and_fair(void **state)
{
	const uint32_t most = UPKEEP_NS / 1000 / PIECE_US + 1;
	uint32_t calls = 0;

	(void)state;
	work[FLOWS] = 100000;
	work[DETECTION] = 30;
	work[LIST] = 30;
	while (work[DETECTION] || work[LIST]) {
		uint32_t before = pieces[FLOWS] + pieces[DETECTION] + pieces[LIST];

		assert_true(upkeep(&u, &w, NULL));
		/* those that had nothing to do cost nothing */
		assert_in_range(pieces[FLOWS] + pieces[DETECTION] + pieces[LIST] - before, 1, most + CHORES);
		assert_true(++calls < 100);
	}
	assert_true(work[FLOWS]);
	assert_int_equal(pressed, 0);
}

/* What is far behind is not bounded by time, but only while something is left. */
static void test_pressing(void **state)
{
	(void)state;
	presses = true;
	assert_false(upkeep(&u, &w, NULL));
	assert_int_equal(pressed, 0);
	work[FLOWS] = 1000;
	assert_true(upkeep(&u, &w, NULL));
	assert_int_equal(pressed, 0);
	assert_true(upkeep(&u, &w, NULL));
	assert_true(pressed >= BURST);
}

static void test_without_policy_and_other_workers(void **state)
{
	(void)state;
	w.policy = NULL;
	w.id = 1;
	work[FRAGMENTS] = work[MACS] = 1;
	assert_false(upkeep(&u, &w, NULL));
	assert_int_equal(pieces[FRAGMENTS] + pieces[MACS], 0);
	assert_int_equal(pieces[LIST], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_to_do, setup),
		cmocka_unit_test_setup(test_small_work_in_one_call, setup),
		cmocka_unit_test_setup(test_bounded_and_fair, setup),
		cmocka_unit_test_setup(test_pressing, setup),
		cmocka_unit_test_setup(test_without_policy_and_other_workers, setup),
	};

	eal_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
