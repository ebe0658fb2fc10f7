/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The detection library's modules, one for each worker. A module is made for an image's list of custom applications,
 * shared by all policies with the same list, and freed when no policy and no session under detection uses it any more. Main
 * thread only.
 */
#ifndef DATAPLANE_MODULES_H
#define DATAPLANE_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "bulkhead/evaluate.h"

struct classifier;
struct dpi_module;
struct module_set;
struct modules;

/* workers: how many modules a set has; `shared`: all are one (replay). NULL: no memory */
struct modules *modules_new(uint16_t workers, bool shared);
/* The workers have stopped. */
void modules_free(struct modules *m);
/* The workers' classifiers, once there are any; `list` is kept. */
void modules_watch(struct modules *m, struct classifier *const *list);

/* A set for the image's custom applications (`custom` false: for none). NULL: one line in why. */
struct module_set *modules_get(struct modules *m, const struct bh_policy *image, bool custom, char *why,
			       size_t why_size);
void modules_put(struct module_set *set);
struct dpi_module **modules_list(struct module_set *set);

/* Free what nobody uses any more. Now and then. */
void modules_reap(struct modules *m);

#endif
