/* SPDX-License-Identifier: BSD-3-Clause */
/* What classify.c and knowledge.c share; nobody else. */
#ifndef DATAPLANE_CLASSIFIER_H
#define DATAPLANE_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "classify.h"
#include "context.h"
#include "namepool.h"

struct arena;

struct classifier {
	struct contexts *contexts;
	struct name_pool *names;
	struct arena *arena;
	size_t room_for_new; /* arena bytes in use above which no session is begun */
	size_t room_for_any; /* .. above which none is looked at: the library is rarely to meet NULL */
	uint8_t scratch[UINT16_MAX]; /* of a packet that is spread over mbuf segments */
};

/* Keep what the library says with the session; sets FLOW_RENAMED if rules can see a difference. The context stays. */
void knowledge_learn(struct worker *w, const struct context *context, const struct dpi_result *result);
/* The session has become something else than nDPI said at its end: `result` is of a context that was begun for that. What was known
 * is forgotten, and this is learned. */
void knowledge_change(struct worker *w, const struct context *context, const struct dpi_result *result);
/* The session's (master, app) that were recognised by inspection, both 0: none. */
void knowledge_inspected(const struct worker *w, const struct flow *flow, uint16_t *master, uint16_t *app);
/* Keep the application for the session's record, if none was recognised. */
void knowledge_guess(struct worker *w, const struct context *context, const struct dpi_result *result);
/* Nothing more will be learned. */
void knowledge_close(struct worker *w, struct flow *flow);

#endif
