/* SPDX-License-Identifier: BSD-3-Clause */
#include "context.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <stdatomic.h>
#include <string.h>

#include "arena.h"
#include "classify.h"
#include "fault.h"
#include "sample.h"

/* Modules that sessions may be under detection with at a time: the one in force and those of policies before it, until
 * their sessions are done. */
#define MODULES 16

struct module_slot {
	_Atomic(struct dpi_module *) module; /* worker: rw, main: ro */
	_Atomic uint32_t contexts;
	uint32_t generation;                     /* of the policy that filled it last */
	uint16_t stable[BH_MAX_CUSTOM_APPS + 1]; /* of its custom applications: the policy may be gone */
};

struct contexts {
	char *memory;
	size_t stride;
	uint32_t capacity, count;
	uint32_t fresh, free;
	uint32_t oldest, newest;
	uint32_t latest;                        /* slot that the last session was begun with */
	struct worker *workers[BH_MAX_WORKERS]; /* by id: replay's share a pool */
	struct module_slot slots[MODULES];
};
static_assert(MODULES <= UINT8_MAX && BH_MAX_WORKERS <= UINT8_MAX);

size_t context_size(void)
{
	return RTE_ALIGN_CEIL(sizeof(struct context) + dpi_flow_size(), 8);
}

struct contexts *contexts_new(uint32_t capacity, int socket)
{
	struct contexts *c = rte_zmalloc_socket("contexts", sizeof(*c), RTE_CACHE_LINE_SIZE, socket);

	if (!c)
		return NULL;
	c->capacity = capacity;
	c->stride = context_size();
	c->memory = rte_malloc_socket("contexts", capacity * c->stride, RTE_CACHE_LINE_SIZE, socket);
	if (!c->memory) {
		rte_free(c);
		return NULL;
	}
	return c;
}

void contexts_free(struct contexts *c)
{
	if (!c)
		return;
	rte_free(c->memory);
	rte_free(c);
}

/* ids are from 1 */
static struct context *context_at(const struct contexts *c, uint32_t id)
{
	return (struct context *)(c->memory + (id - 1) * c->stride);
}

static uint32_t id_of(const struct contexts *c, const struct context *context)
{
	return (uint32_t)((size_t)((const char *)context - c->memory) / c->stride) + 1;
}

static struct dpi_module *slot_module(const struct module_slot *slot)
{
	return atomic_load_explicit(&slot->module, memory_order_relaxed);
}

static uint32_t slot_contexts(const struct module_slot *slot)
{
	return atomic_load_explicit(&slot->contexts, memory_order_relaxed);
}

/* The main thread frees the module once it has seen 0: what we did with it comes before (release). */
static void slot_count(struct module_slot *slot, uint32_t contexts)
{
	atomic_store_explicit(&slot->contexts, contexts, memory_order_release);
}

/* Slot of the module in force; -1: none is free. The address of a freed module may come back with other
 * applications, so a slot without sessions is always filled anew. */
static int slot_find(struct contexts *c, const struct worker *w)
{
	struct dpi_module *module = w->policy->modules[w->id];
	const struct module_slot *latest = &c->slots[c->latest];
	int empty = -1;

	if (slot_module(latest) == module && latest->generation == w->policy->generation)
		return (int)c->latest;
	for (int i = 0; i < MODULES; i++) {
		if (!slot_contexts(&c->slots[i]))
			empty = i;
		else if (slot_module(&c->slots[i]) == module)
			return i;
	}
	if (empty < 0)
		return -1;
	struct module_slot *slot = &c->slots[empty];
	const uint16_t *stable = w->policy->app_stable;
	memset(slot->stable, 0, sizeof(slot->stable));
	if (stable)
		memcpy(slot->stable, stable + dpi_builtin_count(), BH_MAX_CUSTOM_APPS * sizeof(*stable));
	slot->generation = w->policy->generation;
	atomic_store_explicit(&slot->module, module, memory_order_relaxed);
	return empty;
}

static void age_append(struct contexts *c, struct context *context)
{
	context->older = c->newest;
	context->newer = 0;
	*(c->newest ? &context_at(c, c->newest)->newer : &c->oldest) = id_of(c, context);
	c->newest = id_of(c, context);
}

static void age_remove(struct contexts *c, const struct context *context)
{
	*(context->older ? &context_at(c, context->older)->newer : &c->oldest) = context->newer;
	*(context->newer ? &context_at(c, context->newer)->older : &c->newest) = context->older;
}

struct context *context_take(struct contexts *c, struct worker *w, struct flow *flow)
{
	int slot = slot_find(c, w);
	uint32_t id = c->free;

	if (slot < 0 || (!id && c->fresh == c->capacity) || fault(FAULT_CONTEXT))
		return NULL;
	if (id)
		c->free = context_at(c, id)->newer;
	else
		id = ++c->fresh;
	struct context *context = context_at(c, id);
	*context = (struct context){ .flow = flow,
				     .start_ns = w->now_ns,
				     .slot = (uint8_t)slot,
				     .owner = (uint8_t)w->id,
				     .looks = SAMPLE_LOOKS };
	c->workers[w->id] = w;
	dpi_flow_init(context_flow(context));
	age_append(c, context);
	c->latest = (uint32_t)slot;
	slot_count(&c->slots[slot], slot_contexts(&c->slots[slot]) + 1);
	c->count++;
	flow->dpi = id;
	return context;
}

void context_give_back(struct contexts *c, struct context *context)
{
	struct module_slot *slot = &c->slots[context->slot];

	dpi_flow_clear(context_flow(context));
	context->flow->dpi = 0;
	age_remove(c, context);
	context->newer = c->free;
	c->free = id_of(c, context);
	c->count--;
	slot_count(slot, slot_contexts(slot) - 1);
}

struct context_tcp *context_tcp(struct context *context, struct arena *arena)
{
	if (context->tcp)
		return context->tcp;
	struct context_tcp *tcp = arena_allocate(arena, sizeof(*tcp));
	if (!tcp)
		return NULL;
	*tcp = (struct context_tcp){ 0 };
	stream_heads_init(&tcp->heads);
	context->tcp = tcp;
	return tcp;
}

void context_tcp_release(struct context *context, struct arena *arena)
{
	if (!context->tcp)
		return;
	stream_heads_clear(&context->tcp->heads, arena);
	arena_release(arena, context->tcp);
	context->tcp = NULL;
}

struct worker *context_owner(const struct contexts *c, const struct context *context)
{
	return c->workers[context->owner];
}

struct context *context_of(const struct contexts *c, const struct flow *flow)
{
	return flow->dpi && !(flow->dpi & SAMPLE_ACCOUNT) ? context_at(c, flow->dpi) : NULL;
}

struct context *context_oldest(const struct contexts *c)
{
	return c->oldest ? context_at(c, c->oldest) : NULL;
}

struct dpi_flow *context_flow(struct context *context)
{
	return (struct dpi_flow *)(context + 1);
}

struct dpi_module *context_module(const struct contexts *c, const struct context *context)
{
	return slot_module(&c->slots[context->slot]);
}

uint16_t context_app(const struct contexts *c, const struct context *context, uint16_t app)
{
	if (app < dpi_builtin_count())
		return app;
	uint32_t index = app - dpi_builtin_count();
	return index < BH_MAX_CUSTOM_APPS ? c->slots[context->slot].stable[index] : 0;
}

bool contexts_module_idle(const struct contexts *c, const struct dpi_module *module)
{
	for (int i = 0; i < MODULES; i++)
		if (slot_module(&c->slots[i]) == module &&
		    atomic_load_explicit(&c->slots[i].contexts, memory_order_acquire))
			return false;
	return true;
}
