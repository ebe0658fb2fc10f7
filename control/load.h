/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy from its file to its image: read, check, compile. check, apply, replay and bulkheadd's reload all go this way. */
#ifndef CONTROL_LOAD_H
#define CONTROL_LOAD_H

#include "model.h"

struct policy_load {
	struct problems problems;   /* sorted */
	struct policy_model *model; /* NULL only if there was no memory */
	void *image;                /* NULL if there were errors */
	size_t size;
};

/* created: Unix seconds, 0 for an image that is always the same. 0 (look at problems) or -ENOMEM. Free it in both cases. */
int policy_load(struct policy_load *load, const char *path, int64_t created);
/* The same for a policy that is to be put into force: where its own tests fail there are errors and no image. */
int policy_load_tested(struct policy_load *load, const char *path, int64_t created);
void policy_load_free(struct policy_load *load);

#endif
