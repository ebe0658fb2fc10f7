/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/counterfile.c */
/* The file of counters: its layout as a reader finds it, its mode, and that an old one is replaced and not written over. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counterfile.h"

static char directory[] = "/tmp/bulkhead-counters-XXXXXX", path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/counters", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void test_layout(void **state)
{
	struct counterfile file;
	struct stat status;
	(void)state;

	assert_int_equal(counterfile_open(&file, path, 3, (gid_t)-1), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	assert_true((uint64_t)status.st_size == file.size);
	/* sparse: nothing is there until something is counted */
	assert_true((uint64_t)status.st_blocks * 512 < 64 * 1024);

	int fd = open(path, O_RDONLY);
	const struct bh_counters *c = mmap(NULL, file.size, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(c != MAP_FAILED);
	assert_int_equal(c->magic, BH_COUNTERS_MAGIC);
	assert_int_equal(c->version, BH_COUNTERS_VERSION);
	assert_int_equal(c->worker_count, 3);
	assert_int_equal(c->drop_count, BH_DROP_COUNT);
	assert_true(c->size == file.size);
	assert_true(c->worker_offset >= sizeof(*c));
	assert_true(c->worker_stride >= sizeof(struct bh_worker_counters));
	assert_true(c->worker_offset + 3 * c->worker_stride <= file.size);
	for (uint16_t i = 0; i < 3; i++) {
		struct bh_worker_counters *w = counterfile_worker(&file, i);

		assert_int_equal((uintptr_t)w % 64, 0);
		w->rules[BH_RULE_IDS - 1].bytes = 100 + i;
	}
	for (uint16_t i = 0; i < 3; i++) {
		const struct bh_worker_counters *w =
			(const void *)((const char *)c + c->worker_offset + i * c->worker_stride);

		assert_int_equal(w->rules[BH_RULE_IDS - 1].bytes, 100 + i);
	}
	munmap((void *)(uintptr_t)c, file.size);
	close(fd);
	counterfile_close(&file);
	counterfile_close(&file);
}

/* A reader that has the old one mapped must see it stand still, not change its shape. */
static void test_replaced(void **state)
{
	struct counterfile old, new;
	struct stat a, b;
	(void)state;

	assert_int_equal(counterfile_open(&old, path, 1, (gid_t)-1), 0);
	old.counters->generation = 7;
	assert_int_equal(stat(path, &a), 0);
	assert_int_equal(counterfile_open(&new, path, 2, (gid_t)-1), 0);
	assert_int_equal(stat(path, &b), 0);
	assert_int_not_equal(a.st_ino, b.st_ino);
	assert_int_equal(old.counters->generation, 7);
	assert_int_equal(new.counters->generation, 0);
	counterfile_close(&old);
	counterfile_close(&new);
}

static void test_nowhere(void **state)
{
	struct counterfile file;
	(void)state;

	assert_int_equal(counterfile_open(&file, "/nonexistent/counters", 1, (gid_t)-1), -ENOENT);
	assert_int_equal(counterfile_open(&file, NULL, 1, (gid_t)-1), 0);
	assert_int_equal(counterfile_worker(&file, 0)->cells[0], 0);
	counterfile_close(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_nowhere),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
