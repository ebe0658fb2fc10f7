/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/wait.c */
/* Waiting: what wakes, what does not, and two threads that must not miss one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wait.h"

#define SOON_MS 20
#define NEVER_MS 5000
#define ROUNDS 50000u
#define WAKERS 2u

static struct waiter waiter;

static int setup(void **state)
{
	(void)state;
	return wait_open(&waiter);
}

static int teardown(void **state)
{
	(void)state;
	wait_close(&waiter);
	return 0;
}

/* Times that somebody wrote to the waiter's event since last asked. */
static uint64_t written(void)
{
	uint64_t count = 0;

	return read(waiter.event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void nobody_wakes(void **state)
{
	(void)state;
	wait_begin(&waiter);
	assert_false(wait_sleep(&waiter, SOON_MS));
	wait_end(&waiter);
}

static void who_is_awake_costs_nothing(void **state)
{
	(void)state;
	wait_wake(&waiter);
	assert_int_equal(written(), 0);
	wait_begin(&waiter);
	wait_end(&waiter);
	wait_wake(&waiter);
	assert_int_equal(written(), 0);
}

static void woken_before_it_sleeps(void **state)
{
	(void)state;
	wait_begin(&waiter);
	wait_wake(&waiter);
	assert_true(wait_sleep(&waiter, NEVER_MS));
	wait_end(&waiter);
	/* that was one: the next sleep is another */
	wait_begin(&waiter);
	assert_false(wait_sleep(&waiter, SOON_MS));
	wait_wake(&waiter);
	assert_true(wait_sleep(&waiter, NEVER_MS));
	wait_end(&waiter);
}

static void many_wake_once(void **state)
{
	(void)state;
	wait_begin(&waiter);
	for (int i = 0; i < 5; i++)
		wait_wake(&waiter);
	wait_end(&waiter);
	assert_int_equal(written(), 1);
}

static void events_and_data(void **state)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ends[2];
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(wait_add(&waiter, event, WAIT_EVENT), 0);
	/* an event that nobody reads wakes once, and again when it comes again */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(eventfd_write(event, 1), 0);
		assert_true(wait_sleep(&waiter, NEVER_MS));
		assert_false(wait_sleep(&waiter, SOON_MS));
	}
	/* data wakes for as long as it is there */
	assert_int_equal(wait_add(&waiter, ends[0], WAIT_DATA), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_true(wait_sleep(&waiter, NEVER_MS));
	assert_true(wait_sleep(&waiter, NEVER_MS));
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_false(wait_sleep(&waiter, SOON_MS));
	assert_true(wait_add(&waiter, -1, WAIT_DATA) < 0);
	close(event);
	close(ends[0]);
	close(ends[1]);
}

/* ---- two and three threads: plain stores and loads, so that only wait.h orders them ---- */

static _Atomic uint32_t left[WAKERS];  /* by a waker each */
static _Atomic uint32_t taken[WAKERS]; /* by the sleeper */

/* Leaves one more thing when the one before was taken: from one moment to the next the other falls asleep. */
static void *leave_things(void *argument)
{
	uint32_t mine = *(uint32_t *)argument, dice = mine + 1;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		atomic_store_explicit(&left[mine], i, memory_order_release);
		wait_wake(&waiter);
		while (atomic_load_explicit(&taken[mine], memory_order_acquire) != i)
			;
		dice = dice * 1664525 + 1013904223;
		for (volatile uint32_t pause = dice >> 24; pause; pause--)
			;
	}
	return NULL;
}

static uint32_t take(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < WAKERS; i++) {
		uint32_t head = atomic_load_explicit(&left[i], memory_order_acquire);

		count += head - atomic_load_explicit(&taken[i], memory_order_relaxed);
		atomic_store_explicit(&taken[i], head, memory_order_release);
	}
	return count;
}

static void no_wake_up_is_lost(void **state)
{
	static uint32_t numbers[WAKERS] = { 0, 1 };
	uint32_t wakers = *(uint32_t *)*state, count = 0, lost = 0;
	pthread_t threads[WAKERS];

	for (uint32_t i = 0; i < wakers; i++) {
		atomic_store(&left[i], 0);
		atomic_store(&taken[i], 0);
	}
	for (uint32_t i = 0; i < wakers; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, leave_things, &numbers[i]), 0);
	while (count < wakers * ROUNDS) {
		uint32_t now = take();

		if (!now && !lost) {
			wait_begin(&waiter);
			now = take();
			if (!now && !wait_sleep(&waiter, NEVER_MS))
				lost++; /* and goes on awake, so that the others come to their end */
			wait_end(&waiter);
		}
		count += now;
	}
	for (uint32_t i = 0; i < wakers; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(lost, 0);
}

int main(void)
{
	static uint32_t one = 1, two = WAKERS;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_awake_costs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(woken_before_it_sleeps, setup, teardown),
		cmocka_unit_test_setup_teardown(many_wake_once, setup, teardown),
		cmocka_unit_test_setup_teardown(events_and_data, setup, teardown),
		{ "no_wake_up_is_lost, one waker", no_wake_up_is_lost, setup, teardown, &one },
		{ "no_wake_up_is_lost, two wakers", no_wake_up_is_lost, setup, teardown, &two },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
