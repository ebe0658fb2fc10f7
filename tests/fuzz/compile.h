/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies compiled by the control side, for targets of the dataplane: no header of one side meets one of the other. */
#ifndef TESTS_COMPILE_H
#define TESTS_COMPILE_H

#include <stddef.h>

/* The image of the policy in a file (malloc'ed); NULL: it has errors, which were printed. */
void *compile_policy(const char *path, size_t *size);

#endif
