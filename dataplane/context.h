/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pool of detection contexts: what a session has while nDPI looks at it. Bounded; the sessions that were begun first
 * are found first, since all have the same time. Belongs to one worker (in replay: to all, which are one thread).
 */
#ifndef DATAPLANE_CONTEXT_H
#define DATAPLANE_CONTEXT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clienthello.h"
#include "dpi.h"
#include "flow.h"
#include "streamhead.h"

struct arena;
struct contexts;

/* What a TCP session needs besides: in the arena from its first payload on. */
struct context_tcp {
	struct stream_heads heads;
	struct client_hello hello; /* of the initiator */
};
/* with the arena's header of 8 bytes a block of 48 */
static_assert(sizeof(struct context_tcp) == 40);

/* Small beside nDPI's struct, which follows it. */
struct context {
	struct flow *flow;
	uint64_t start_ns;       /* of the first payload */
	struct context_tcp *tcp; /* NULL: no payload of TCP yet */
	uint32_t bytes[2];       /* payload shown, by direction */
	uint32_t older, newer;   /* in the list by age; 0: none */
	uint16_t packets;        /* with payload, shown */
	uint8_t slot;            /* of the module */
	uint8_t owner;           /* worker's id */
	uint16_t
		carrier; /* nDPI id: what was recognised before, and carries this by its own rules; 0: none */
	uint16_t looks;  /* that the session has when nDPI is done with it (sample.h) */
	uint32_t account; /* a look at a session that nDPI was done with: its flow->dpi; 0: no look */
};
static_assert(sizeof(struct context) == 56);

size_t context_size(void); /* bytes that one takes in the pool */

struct contexts *contexts_new(uint32_t capacity, int socket);
void contexts_free(struct contexts *c);

/* A context for detection with the module of w->policy; NULL: none is left, or there are sessions under detection
 * with too many other modules. Sets flow->dpi. */
struct context *context_take(struct contexts *c, struct worker *w, struct flow *flow);
/* Clears what nDPI keeps in it, and flow->dpi; it has no `tcp' any more. The arena must be entered. */
void context_give_back(struct contexts *c, struct context *context);

/* Its `tcp', which is taken from the arena if it has none; NULL: the arena is full. */
struct context_tcp *context_tcp(struct context *context, struct arena *arena);
/* Gives that back with all that the heads keep, if it has any. */
void context_tcp_release(struct context *context, struct arena *arena);

struct worker *context_owner(const struct contexts *c, const struct context *context);
struct context *context_of(const struct contexts *c, const struct flow *flow); /* NULL: none */
struct context *context_oldest(const struct contexts *c);                      /* NULL: none */

struct dpi_flow *context_flow(struct context *context);
struct dpi_module *context_module(const struct contexts *c, const struct context *context);
/* Stable id of an application id of the context's module. */
uint16_t context_app(const struct contexts *c, const struct context *context, uint16_t app);

bool contexts_module_idle(const struct contexts *c, const struct dpi_module *module);

#endif
