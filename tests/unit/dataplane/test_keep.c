/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/keep.c dataplane/imagecopy.c */
/* What outlives the process: the kept image comes back byte for byte or not at all, and crashes are counted. */
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
#include <sys/stat.h>
#include <unistd.h>

#include "keep.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static char directory[32], file[64];

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/bulkhead-keep-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(file, sizeof(file), "%s/image.kept", directory);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "image.kept", "starts", "elsewhere" };
	char path[64];

	(void)state;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	/* nothing else may have been left */
	return rmdir(directory);
}

static void test_image(void **state)
{
	struct keep keep;
	char bytes[64];
	struct stat status;
	int fd;
	(void)state;

	assert_int_equal(keep_open(&keep, directory, 1000), 0);
	assert_int_equal(keep_load(&keep), -ENOENT);
	assert_int_equal(keep_save(&keep, "first", 5), 0);
	assert_int_equal(keep_save(&keep, "second image", 12), 0);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	fd = keep_load(&keep);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 12);
	assert_memory_equal(bytes, "second image", 12);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & SEALS, SEALS);
	close(fd);
	keep_close(&keep);
}

/* Whoever may write to the directory could put a policy there. */
static void test_strange_files(void **state)
{
	struct keep keep;
	char elsewhere[64];
	(void)state;

	assert_int_equal(keep_open(&keep, directory, 1000), 0);
	assert_int_equal(keep_save(&keep, "image", 5), 0);
	assert_int_equal(chmod(file, 0622), 0);
	assert_int_equal(keep_load(&keep), -EPERM);
	assert_int_equal(chmod(file, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(file, 12345, (gid_t)-1), 0);
		assert_int_equal(keep_load(&keep), -EPERM);
	}
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", directory);
	assert_int_equal(rename(file, elsewhere), 0);
	assert_int_equal(symlink("elsewhere", file), 0);
	assert_int_equal(keep_load(&keep), -ELOOP);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(close(open(file, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(keep_load(&keep), -EINVAL);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(keep_load(&keep), -EPERM);
	keep_close(&keep);
}

/* A start; false: it would stay closed. */
static bool start(uint64_t now_s, bool clean)
{
	struct keep keep;
	bool often;

	assert_int_equal(keep_open(&keep, directory, now_s), 0);
	often = keep_crashes_often(&keep);
	if (clean)
		keep_clean(&keep);
	keep_close(&keep);
	return !often;
}

static void test_crashes(void **state)
{
	(void)state;
	assert_true(start(1000, false));
	assert_true(start(1010, false));
	assert_true(start(1020, false));
	/* three before it did not end in order */
	assert_false(start(1030, false));
	assert_false(start(1040, false));
	/* a quiet minute later they are history */
	assert_true(start(1200, false));
}

static void test_slow_crashes(void **state)
{
	(void)state;
	for (uint64_t now = 1000; now < 1400; now += 25)
		assert_true(start(now, false));
}

static void test_clean_ends(void **state)
{
	(void)state;
	for (uint64_t now = 1000; now < 1020; now++)
		assert_true(start(now, true));
	assert_true(start(1020, false));
	assert_true(start(1021, false));
	assert_true(start(1022, true));
	assert_true(start(1023, false));
}

/* A crash loop of a thousand starts a second stays a small file; nonsense in it is not read. */
static void test_many(void **state)
{
	char path[64];
	struct stat status;
	int fd;
	(void)state;

	for (int i = 0; i < 100; i++)
		start(1000, false);
	snprintf(path, sizeof(path), "%s/starts", directory);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size < 1000);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "1001\nnonsense\n1001\n1001\n", 24), 24);
	close(fd);
	assert_true(start(1002, false));
}

static void test_no_directory(void **state)
{
	struct keep keep;
	char path[64];
	(void)state;

	assert_int_equal(keep_open(&keep, "/nonexistent/state", 1), -ENOENT);
	snprintf(path, sizeof(path), "%s/new", directory);
	assert_int_equal(keep_open(&keep, path, 1), 0);
	keep_clean(&keep);
	keep_close(&keep);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_image),        TEST(test_strange_files), TEST(test_crashes),
		TEST(test_slow_crashes), TEST(test_clean_ends),    TEST(test_many),
		TEST(test_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
