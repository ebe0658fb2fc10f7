/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/evaluate.h"
#include "dpi.h"

int policy_load(struct policy_load *load, const char *path, int64_t created)
{
	memset(load, 0, sizeof(*load));
	int error = dpi_catalogue_init();
	if (!error)
		error = policy_read(path, &load->model, &load->problems);
	if (!error && !load->problems.errors)
		policy_check(load->model, &load->problems);
	if (!error && !load->problems.errors) {
		error = policy_compile(load->model, created, &load->image, &load->size, &load->problems);
		if (error == -E2BIG && load->problems.errors) /* told as a problem */
			error = 0;
	}
	problems_sort(&load->problems);
	if (error || load->problems.errors) {
		free(load->image);
		load->image = NULL;
	}
	return error;
}

/* A policy is checked, compiled, tested and put into force as one unit. */
int policy_load_tested(struct policy_load *load, const char *path, int64_t created)
{
	struct bh_policy image;
	char why[200];
	int error = policy_load(load, path, created);

	if (error || !load->image)
		return error;
	error = bh_image_open(&image, load->image, load->size, why, sizeof(why));
	if (!error && !policy_run_tests(load->model, &image, &load->problems))
		return 0;
	problems_sort(&load->problems);
	free(load->image);
	load->image = NULL;
	return error;
}

void policy_load_free(struct policy_load *load)
{
	policy_model_free(load->model);
	free(load->image);
	problems_free(&load->problems);
	memset(load, 0, sizeof(*load));
}
