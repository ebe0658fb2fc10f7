/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/compile.h"

#include "load.h"

void *compile_policy(const char *path, size_t *size)
{
	struct policy_load load;
	int error = policy_load(&load, path, 0);
	void *image = load.image;

	if (error || load.problems.errors)
		problems_print(&load.problems, stderr);
	*size = load.size;
	load.image = NULL;
	policy_load_free(&load);
	return image;
}
