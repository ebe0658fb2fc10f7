/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The seam behind which application recognition stands: synchronous, on the worker that owns the flow,
 * so that the packet that settles a verdict is subject to it. classify.c keeps budgets, pools and names;
 * dpi.h is the library.
 */
#ifndef DATAPLANE_CLASSIFY_H
#define DATAPLANE_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "flow.h"

struct app_ids;
struct classifier;
struct dpi_module;

/* Room for `contexts` sessions under detection, `arena_bytes` for nDPI's own allocations and `names` server
 * names. In replay all workers share one, so that results do not depend on their number. NULL: no memory, or an
 * arena below 1 MiB. Sets nDPI's allocator. */
struct classifier *classifier_new(uint32_t contexts, size_t arena_bytes, uint32_t names, int socket);
/* After the sessions, and after the modules that were used with it (their caches lie in its arena). */
void classifier_free(struct classifier *c);

/* A session ends, or is refused: what nDPI would guess by now is kept for its record, and its detection context given back.
 * Idempotent. */
void classifier_release(struct worker *w, struct flow *flow);
/* Drop the session's reference to its server name. */
void classifier_forget_name(struct worker *w, struct flow *flow);

/* Interned server name of a session, lower case; NULL: none. Valid until forgotten. */
const char *classifier_name(const struct worker *w, const struct flow *flow);

/* Answer at once what is open (budget, end): application unknown, name and risks known not to match. */
void classifier_give_up(struct worker *w, struct flow *flow);

/* What rules may know of the session's application, name and risks, in the ids of `policy`'s image. */
void classifier_knowledge(const struct worker *w, const struct flow *flow, const struct policy *policy,
			  struct bh_knowledge *knowledge);

/* "master.app" or "app" of stable ids, "Unknown" of 0; cut to size. */
void classifier_application(const struct worker *w, uint16_t master, uint16_t app, char *text, size_t size);
void classifier_category(uint8_t category, char *text, size_t size);

/* The session ends: count its packets and bytes under its application. */
void classifier_account(struct worker *w, const struct flow *flow);

/* Give up sessions whose time (classification.max-time) is over though no packet of theirs comes; at most `budget`.
 * The stage does this too. Returns whether the budget was spent: there may be more. */
bool classifier_age(struct worker *w, uint32_t budget);

/* Whether no session is under detection with this module any more. Main thread, once no policy with the module is in
 * force (after the grace period): from then on true stays true, and the module may be freed. */
bool classifier_module_idle(const struct classifier *c, const struct dpi_module *module);

/* ---- ids of applications that outlive an image (apps.c) ---- */

/* Stable ids: nDPI's own protocols keep their numbers; custom applications get one for each name seen in the life
 * of the process. */
#define APP_CUSTOM_FIRST BH_APP_IDS
#define APP_CUSTOM_MAX 4096u
#define APP_STABLE_IDS (APP_CUSTOM_FIRST + APP_CUSTOM_MAX)

struct app_ids *app_ids_new(void);
void app_ids_free(struct app_ids *ids);
/* Fill policy->apps, app_stable and app_image. Main thread, before the policy is published; ids must outlive it.
 * 0, -ENOMEM, -ENOSPC (all APP_CUSTOM_MAX names used up) or -E2BIG (the image has more than nDPI can hold). */
int app_ids_bind(struct app_ids *ids, struct policy *policy);
void app_ids_unbind(struct policy *policy);
/* Name of a stable id; NULL: none. Any thread that has seen a policy with it. */
const char *app_ids_name(const struct app_ids *ids, uint16_t stable);

#endif
