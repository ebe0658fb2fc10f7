/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading replay's --assign PREFIX=SEGMENT. */
#ifndef DATAPLANE_ASSIGN_H
#define DATAPLANE_ASSIGN_H

#include <stddef.h>

#include "policy.h"
#include "segment.h"

/* Add one assignment by the policy's names. 0 or -errno with one line in why. */
int assign_add(struct assignment *a, const struct policy *policy, const char *text, char *why,
	       size_t why_size);

#endif
