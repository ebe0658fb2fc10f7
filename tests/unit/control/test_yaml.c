/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/region.c control/index.c control/problem.c control/textfile.c control/yaml.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "region.h"
#include "document.h"

struct read {
	struct region *region;
	struct problems problems;
	struct document document;
	uint32_t left;
};

static void read_bytes(struct read *read, const void *text, size_t size, uint32_t nodes)
{
	int fd = memfd_create("yaml", MFD_CLOEXEC);
	char path[64];

	*read = (struct read){ .region = region_new(), .left = nodes };
	assert_true(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(document_read(read->region, path, (struct place){ 0 }, &read->left, &read->problems,
				       &read->document),
			 0);
	close(fd);
}

static void read_text(struct read *read, const char *text)
{
	read_bytes(read, text, strlen(text), DOCUMENT_MAX_NODES);
}

static void read_end(struct read *read)
{
	region_free(read->region);
	problems_free(&read->problems);
}

static bool said(const struct read *read, const char *words)
{
	for (size_t i = 0; i < read->problems.count; i++)
		if (strstr(read->problems.list[i].message, words))
			return true;
	return false;
}

static void places(void **state)
{
	struct read read;
	const struct node *list;

	(void)state;
	read_text(&read, "a: 1\nb:\n  - x\n  - \"y\"\n");
	assert_int_equal(read.problems.errors, 0);
	list = node_get(read.document.root, "b");
	assert_int_equal(list->kind, NODE_LIST);
	assert_int_equal(list->count, 2);
	assert_int_equal(node_key_place(list).line, 2);
	assert_int_equal(list->first->place.line, 3);
	assert_int_equal(list->first->place.column, 5);
	assert_false(list->first->quoted);
	assert_true(list->first->next->quoted);
	assert_string_equal(list->first->next->text, "y");
	assert_null(node_get(read.document.root, "c"));
	read_end(&read);
}

static void nulls(void **state)
{
	struct read read;

	(void)state;
	read_text(&read, "{a: , b: ~, c: null, d: \"\", e: \"null\"}");
	assert_true(node_is_null(node_get(read.document.root, "a")));
	assert_true(node_is_null(node_get(read.document.root, "b")));
	assert_true(node_is_null(node_get(read.document.root, "c")));
	assert_false(node_is_null(node_get(read.document.root, "d")));
	assert_false(node_is_null(node_get(read.document.root, "e")));
	read_end(&read);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = { { "", "empty" },
		      { "a: 1\na: 2\n", "here twice" },
		      { "a: !b\n", "in quotes" },
		      { "a: !!int 5\n", "not allowed" },
		      { "a: !<tag:x> 5\n", "not allowed" },
		      { "- !x!y z\n", "in quotes" },
		      { "a: 1\n---\nb: 2\n", "second YAML document" },
		      { "a: [1\n", "not YAML" },
		      { "a: *b\n", "no anchor" },
		      { "&a [*a]\n", "no anchor" },
		      { "{[a]: b}\n", "plain word" },
		      { "{? {a: b} : c}\n", "plain word" },
		      { "{\"\": c}\n", "key is missing" },
		      { "{\"a\\0\": c}\n", "NUL" },
		      { "a: \"\\0\"\n", "NUL" },
		      { "a: &x {b: 1}\nc: {<<: *x}\n", "merge keys" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct read read;

		read_text(&read, cases[i].text);
		if (!read.problems.errors || !said(&read, cases[i].words))
			fail_msg("%s: not said: %s", cases[i].text, cases[i].words);
		read_end(&read);
	}
}

static void many_keys(void **state)
{
	char *text = malloc(200000), *end = text;
	struct read read;

	(void)state;
	for (int i = 0; i < 5000; i++)
		end += sprintf(end, "key-%d: %d\n", i, i);
	sprintf(end, "key-17: 1\nkey-4999: 1\n");
	read_text(&read, text);
	assert_int_equal(read.problems.errors, 2);
	assert_int_equal(read.problems.list[0].place.line, 5001);
	assert_true(said(&read, "line 18"));
	assert_int_equal(read.document.root->count, 5000);
	read_end(&read);
	free(text);
}

/* An alias shares what it stands for; the walk is bounded all the same. */
static void aliases(void **state)
{
	char text[2000] = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
	struct read read;

	(void)state;
	read_text(&read, "a: &x [1, 2]\nb: *x\nc: [*x, *x]\n");
	assert_int_equal(read.problems.errors, 0);
	assert_ptr_equal(node_get(read.document.root, "a")->first, node_get(read.document.root, "b")->first);
	assert_int_equal(node_get(read.document.root, "c")->weight, 7);
	assert_int_equal(DOCUMENT_MAX_NODES - read.left, read.document.root->weight);
	read_end(&read);

	for (int i = 1; i < 12; i++) {
		sprintf(text + strlen(text), "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			sprintf(text + strlen(text), "*a%d,", i - 1);
		strcat(text, "]\n");
	}
	read_text(&read, text);
	assert_int_equal(read.problems.errors, 1);
	assert_true(said(&read, "too large"));
	read_end(&read);
}

static void bounds(void **state)
{
	char deep[DOCUMENT_MAX_DEPTH + 2];
	struct read read;

	(void)state;
	memset(deep, '[', sizeof(deep));
	read_bytes(&read, deep, sizeof(deep), 1000);
	assert_true(said(&read, "nested"));
	read_end(&read);
	read_bytes(&read, "[1,2,3,4,5]", 11, 6);
	assert_int_equal(read.problems.errors, 0);
	read_end(&read);
	read_bytes(&read, "[1,2,3,4,5]", 11, 5);
	assert_true(said(&read, "too large"));
	read_end(&read);
}

static void no_files(void **state)
{
	static const char *const paths[] = { "/nowhere/policy.yaml", "/tmp", "/dev/null" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct region *region = region_new();
		struct problems problems = { 0 };
		struct document document;
		uint32_t left = 10;

		assert_int_equal(
			document_read(region, paths[i], (struct place){ 0 }, &left, &problems, &document), 0);
		assert_null(document.root);
		assert_int_equal(problems.errors, 1);
		assert_string_equal(problems.list[0].place.file, paths[i]);
		problems_free(&problems);
		region_free(region);
	}
}

/* Messages are one line each and do not carry what a terminal would obey. */
static void messages(void **state)
{
	struct problems problems = { 0 };
	char text[2000];

	(void)state;
	problem_add(&problems, SEVERITY_ERROR, (struct place){ "b", 2, 1 },
		    "x\033[2Jy\nz\xc2\x9b"
		    "1");
	assert_string_equal(problems.list[0].message, "x?[2Jy?z??1");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	problem_add(&problems, SEVERITY_WARNING, (struct place){ "a", 1, 1 }, "%s", text);
	assert_true(strlen(problems.list[1].message) < 600);
	problem_add(&problems, SEVERITY_WARNING, (struct place){ "b", 1, 9 }, "early");
	problems_sort(&problems); /* files stay in the order in which they were read */
	assert_string_equal(problems.list[0].message, "early");
	assert_string_equal(problems.list[2].place.file, "a");
	assert_int_equal(problems.errors, 1);
	assert_int_equal(problems.warnings, 2);
	problems_free(&problems);
}

static void many_problems(void **state)
{
	struct problems problems = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	for (uint32_t i = 0; i < PROBLEMS_MAX + 5; i++)
		problem_add(&problems, SEVERITY_ERROR, (struct place){ "a", PROBLEMS_MAX - i % 100, 1 }, "m");
	assert_int_equal(problems.errors, PROBLEMS_MAX + 5);
	assert_int_equal(problems.count, PROBLEMS_MAX);
	problems_sort(&problems);
	problems_print(&problems, out);
	fclose(out);
	assert_non_null(strstr(text, "and 5 more\n"));
	free(text);
	problems_free(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),    cmocka_unit_test(nulls),    cmocka_unit_test(refused),
		cmocka_unit_test(many_keys), cmocka_unit_test(aliases),  cmocka_unit_test(bounds),
		cmocka_unit_test(no_files),  cmocka_unit_test(messages), cmocka_unit_test(many_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
