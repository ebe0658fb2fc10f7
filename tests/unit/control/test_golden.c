/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/region.c control/index.c control/problem.c control/textfile.c control/yaml.c control/value.c control/decode.c control/model.c control/model_apps.c control/model_endpoints.c control/model_networks.c control/model_rules.c control/model_services.c control/model_settings.c control/model_tests.c control/check.c control/cover.c control/area.c dataplane/dpi.c */
/*
 * Golden policies: tests/golden/NAME.yaml with NAME.ok (the warnings) or fail_NAME.yaml with .err (all problems), and policies/NAME.yaml
 * with tests/golden/policies/NAME.ok. tests/run-golden asks the same of bulkheadctl.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dpi.h"
#include "model.h"

static char root[4096];

static char *check(const char *file)
{
	struct problems problems = { 0 };
	struct policy_model *model;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(policy_read(file, &model, &problems), 0);
	if (!problems.errors)
		policy_check(model, &problems);
	problems_sort(&problems);
	problems_print(&problems, out);
	fclose(out);
	policy_model_free(model);
	problems_free(&problems);
	return text;
}

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);

	if (!file)
		fail_msg("%s is missing", path);
	assert_true(fread(text, 1, 65535, file) < 65535);
	fclose(file);
	return text;
}

static int yaml_only(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && !strcmp(entry->d_name + length - 5, ".yaml");
}

/* All policies of a folder, checked inside it. Returns how many; *differ counts those that said something else. */
static int check_folder(const char *folder, const char *expected, int *differ)
{
	struct dirent **entries;
	char path[8192];
	int count;

	snprintf(path, sizeof(path), "%s/%s", root, folder);
	assert_int_equal(chdir(path), 0);
	count = scandir(".", &entries, yaml_only, alphasort);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char *found = check(name), *wanted;

		snprintf(path, sizeof(path), "%s/%s/%.*s.%s", root, expected, (int)strlen(name) - 5, name,
			 strncmp(name, "fail_", 5) ? "ok" : "err");
		wanted = read_text(path);
		if (strcmp(found, wanted)) {
			print_error("%s/%s: expected\n%sfound\n%s", folder, name, wanted, found);
			++*differ;
		}
		/* a file that must fail has errors; another has none */
		assert_int_equal(strncmp(name, "fail_", 5) == 0, strstr(wanted, ": error: ") != NULL);
		free(found);
		free(wanted);
		free(entries[i]);
	}
	free(entries);
	return count;
}

static void golden_policies(void **state)
{
	int differ = 0;

	(void)state;
	assert_true(check_folder("tests/golden", "tests/golden", &differ) >= 47);
	assert_int_equal(differ, 0);
}

static void golden_examples(void **state)
{
	int differ = 0;

	(void)state;
	check_folder("policies", "tests/golden/policies", &differ);
	assert_int_equal(differ, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_policies),
		cmocka_unit_test(golden_examples),
	};

	if (!getcwd(root, sizeof(root)) || dpi_catalogue_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
