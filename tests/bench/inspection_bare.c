/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libndpi alone. While our stage runs, the linker leads its calls of the library through here (--wrap): they are written down
 * once with their results, and compared with that in every later run. The bare side makes exactly these calls again: same
 * packets in the same order, same questions, a flow's struct from glibc's malloc at its first packet and given back at its last.
 */
#include "inspection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ndpi_api.h>
#include <x86intrin.h>

#include "arena.h"
#include "dpi.h"

#define HANDSHAKE_MAX 60
/* Of nDPI's reader (ndpiReader.c, process_ndpi_flow_info): packets of a flow after which it stops. */
#define READER_UDP 24
#define READER_TCP 80

enum call_kind { CALL_FRAME, CALL_HANDSHAKE, CALL_EXTRA, CALL_GIVEUP, CALL_FREE };

struct call {
	uint32_t step, flow; /* flow: index, first of a new flow by `begins` */
	uint64_t ms, result;
	uint16_t length;
	uint8_t kind, direction;
	bool begins;
	uint8_t packet[HANDSHAKE_MAX];
};

struct reader_flow {
	struct ndpi_flow_struct *ndpi;
	uint32_t packets;
};

static enum inspection_mode mode;
static struct call *calls;
static uint32_t call_count, call_room, cursor;
static uint32_t current_step;
static const uint8_t *current_l3;
static struct calls counts;
static size_t asked;

static struct ndpi_detection_module_struct *module;
static struct ndpi_flow_struct **flows; /* RECORD: address of flow i; BARE: flow i, while it lives */
static uint32_t flow_count, flow_room;
static struct reader_flow *readers;
static uint32_t reader_count, reader_room;

static void need(const void *memory)
{
	if (memory)
		return;
	fprintf(stderr, "inspection: no memory\n");
	exit(1);
}

size_t bare_flow_size(void)
{
	return sizeof(struct ndpi_flow_struct);
}

/* ---- what the library asks for: sizes by address, open addressing; only while recording ---- */

#define ASKED_SLOTS (1u << 20)
static struct {
	const void *pointer; /* NULL: free, or `gone` */
	size_t size;
	bool gone;
} * slots;

static uint32_t slot_of(const void *pointer)
{
	uint32_t at = (uint32_t)(((uintptr_t)pointer >> 4) * 0x9e3779b1u) % ASKED_SLOTS;

	while ((slots[at].pointer || slots[at].gone) && slots[at].pointer != pointer)
		at = (at + 1) % ASKED_SLOTS;
	return at;
}

static void *count_allocate(size_t size)
{
	void *pointer = arena_hook_allocate(size);

	if (!pointer)
		return NULL;
	uint32_t at = slot_of(pointer);
	slots[at].pointer = pointer;
	slots[at].size = size;
	asked += size;
	return pointer;
}

static void count_release(void *pointer)
{
	uint32_t at = slot_of(pointer);

	if (pointer && slots[at].pointer == pointer) {
		asked -= slots[at].size;
		slots[at].pointer = NULL;
		slots[at].gone = true;
	}
	arena_hook_release(pointer);
}

/* ---- what our stage calls ---- */

extern ndpi_protocol __real_ndpi_detection_process_packet(struct ndpi_detection_module_struct *m,
							  struct ndpi_flow_struct *flow,
							  const unsigned char *packet,
							  const unsigned short length, const u_int64_t ms);
extern ndpi_protocol __wrap_ndpi_detection_process_packet(struct ndpi_detection_module_struct *m,
							  struct ndpi_flow_struct *flow,
							  const unsigned char *packet,
							  const unsigned short length, const u_int64_t ms);
extern u_int8_t __real_ndpi_extra_dissection_possible(struct ndpi_detection_module_struct *m,
						      struct ndpi_flow_struct *flow);
extern u_int8_t __wrap_ndpi_extra_dissection_possible(struct ndpi_detection_module_struct *m,
						      struct ndpi_flow_struct *flow);
extern ndpi_protocol __real_ndpi_detection_giveup(struct ndpi_detection_module_struct *m,
						  struct ndpi_flow_struct *flow, u_int8_t guess,
						  u_int8_t *guessed);
extern ndpi_protocol __wrap_ndpi_detection_giveup(struct ndpi_detection_module_struct *m,
						  struct ndpi_flow_struct *flow, u_int8_t guess,
						  u_int8_t *guessed);
extern void __real_ndpi_free_flow_data(struct ndpi_flow_struct *flow);
extern void __wrap_ndpi_free_flow_data(struct ndpi_flow_struct *flow);

static uint64_t pack(ndpi_protocol p)
{
	return (uint64_t)p.master_protocol << 48 | (uint64_t)p.app_protocol << 32 | (uint32_t)p.category;
}

/* Index of a flow that lives; a new one for one that does not. */
static uint32_t flow_of(const struct ndpi_flow_struct *flow, bool *begins)
{
	for (uint32_t i = flow_count; i-- > 0;)
		if (flows[i] == flow)
			return i;
	if (flow_count == flow_room) {
		flow_room = flow_room ? 2 * flow_room : 4096;
		flows = realloc(flows, flow_room * sizeof(*flows));
		need(flows);
	}
	*begins = true;
	flows[flow_count] = (struct ndpi_flow_struct *)(uintptr_t)flow;
	return flow_count++;
}

static struct call *write_down(enum call_kind kind, const struct ndpi_flow_struct *flow, uint64_t result)
{
	if (call_count == call_room) {
		call_room = call_room ? 2 * call_room : 4096;
		calls = realloc(calls, call_room * sizeof(*calls));
		need(calls);
	}
	struct call *call = &calls[call_count++];
	*call = (struct call){ .step = current_step, .kind = (uint8_t)kind, .result = result };
	call->flow = flow_of(flow, &call->begins);
	counts.flows += call->begins;
	return call;
}

static void seen(enum call_kind kind, const struct ndpi_flow_struct *flow, uint64_t result)
{
	if (mode == INSPECTION_RECORD)
		write_down(kind, flow, result);
	else if (cursor >= call_count || calls[cursor++].result != result)
		counts.differences++;
}

static void seen_packet(const struct ndpi_flow_struct *flow, const uint8_t *packet, uint16_t length,
			uint64_t ms, uint8_t direction, uint64_t result)
{
	struct call *call = write_down(CALL_FRAME, flow, result);

	call->ms = ms;
	call->length = length;
	call->direction = direction;
	counts.packets++;
	if (packet == current_l3)
		return;
	if (length > HANDSHAKE_MAX) {
		fprintf(stderr, "inspection: a packet that is not the frame's\n");
		exit(1);
	}
	call->kind = CALL_HANDSHAKE;
	counts.handshake++;
	memcpy(call->packet, packet, length);
}

ndpi_protocol __wrap_ndpi_detection_process_packet(struct ndpi_detection_module_struct *m,
						   struct ndpi_flow_struct *flow, const unsigned char *packet,
						   const unsigned short length, const u_int64_t ms)
{
	uint8_t direction = flow->packet_direction;
	ndpi_protocol p = __real_ndpi_detection_process_packet(m, flow, packet, length, ms);

	if (mode == INSPECTION_RECORD)
		seen_packet(flow, packet, length, ms, direction, pack(p));
	else
		seen(CALL_FRAME, flow, pack(p));
	return p;
}

u_int8_t __wrap_ndpi_extra_dissection_possible(struct ndpi_detection_module_struct *m,
					       struct ndpi_flow_struct *flow)
{
	u_int8_t possible = __real_ndpi_extra_dissection_possible(m, flow);

	seen(CALL_EXTRA, flow, possible);
	return possible;
}

ndpi_protocol __wrap_ndpi_detection_giveup(struct ndpi_detection_module_struct *m,
					   struct ndpi_flow_struct *flow, u_int8_t guess, u_int8_t *guessed)
{
	ndpi_protocol p = __real_ndpi_detection_giveup(m, flow, guess, guessed);

	seen(CALL_GIVEUP, flow, pack(p));
	return p;
}

void __wrap_ndpi_free_flow_data(struct ndpi_flow_struct *flow)
{
	seen(CALL_FREE, flow, 0);
	if (mode == INSPECTION_RECORD)
		flows[calls[call_count - 1].flow] = NULL;
	__real_ndpi_free_flow_data(flow);
}

/* ---- the same without our stage ---- */

static struct ndpi_flow_struct *new_flow(void)
{
	struct ndpi_flow_struct *flow = ndpi_flow_malloc(sizeof(*flow));

	need(flow);
	memset(flow, 0, sizeof(*flow));
	return flow;
}

static uint64_t call_again(const struct call *call, const uint8_t *l3)
{
	struct ndpi_flow_struct *flow = call->begins ? flows[call->flow] = new_flow() : flows[call->flow];
	u_int8_t guessed;

	switch ((enum call_kind)call->kind) {
	case CALL_FRAME:
	case CALL_HANDSHAKE:
		flow->packet_direction = call->direction;
		return pack(__real_ndpi_detection_process_packet(
			module, flow, call->kind == CALL_FRAME ? l3 : call->packet, call->length, call->ms));
	case CALL_EXTRA:
		return __real_ndpi_extra_dissection_possible(module, flow);
	case CALL_GIVEUP:
		return pack(__real_ndpi_detection_giveup(module, flow, 1, &guessed));
	case CALL_FREE:
		ndpi_free_flow(flow);
	}
	return 0;
}

void bare_step(uint32_t step, const uint8_t *l3)
{
	current_step = step;
	current_l3 = l3;
}

void bare_replay(uint32_t step, const uint8_t *l3)
{
	for (; cursor < call_count && calls[cursor].step == step; cursor++)
		if (call_again(&calls[cursor], l3) != calls[cursor].result)
			counts.differences++;
}

/* ---- as the reader does ---- */

bool bare_read(uint32_t *id, const uint8_t *l3, uint16_t length, uint64_t ms, bool reply, uint8_t protocol)
{
	if (!*id) {
		if (reader_count == reader_room) {
			reader_room = reader_room ? 2 * reader_room : 65536;
			readers = realloc(readers, reader_room * sizeof(*readers));
			need(readers);
		}
		readers[reader_count++] = (struct reader_flow){ .ndpi = new_flow() };
		*id = reader_count;
		counts.flows++;
	}
	struct reader_flow *reader = &readers[*id - 1];
	reader->ndpi->packet_direction = reply;
	ndpi_protocol p = __real_ndpi_detection_process_packet(module, reader->ndpi, l3, length, ms);
	counts.packets++;
	reader->packets++;
	bool enough = (protocol == IPPROTO_UDP && reader->packets > READER_UDP) ||
		      (protocol == IPPROTO_TCP && reader->packets > READER_TCP);
	bool known = p.app_protocol || p.master_protocol;
	if (!enough && (!known || __real_ndpi_extra_dissection_possible(module, reader->ndpi)))
		return false;
	bare_read_end(id);
	return true;
}

void bare_read_end(uint32_t *id)
{
	u_int8_t guessed;

	if (!*id)
		return;
	struct ndpi_flow_struct *flow = readers[*id - 1].ndpi;
	if (!flow->detected_protocol_stack[0])
		__real_ndpi_detection_giveup(module, flow, 1, &guessed);
	ndpi_free_flow(flow);
	*id = 0;
}

/* ---- a run ---- */

static void make_module(void)
{
	NDPI_PROTOCOL_BITMASK all;

	module = ndpi_init_detection_module(ndpi_no_prefs);
	need(module);
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(module, &all);
	ndpi_set_detection_preferences(module, ndpi_pref_direction_detect_disable, 1);
	ndpi_finalize_initialization(module);
}

void bare_begin(enum inspection_mode next)
{
	mode = next;
	counts = (struct calls){ .differences = 0 };
	cursor = 0;
	reader_count = 0;
	switch (mode) {
	case INSPECTION_RECORD:
		slots = calloc(ASKED_SLOTS, sizeof(*slots));
		need(slots);
		dpi_set_allocator(count_allocate, count_release);
		break;
	case INSPECTION_OURS:
		dpi_set_allocator(arena_hook_allocate, arena_hook_release);
		break;
	case INSPECTION_BARE:
	case INSPECTION_READER:
	case INSPECTION_MODES:
		dpi_set_allocator(malloc, free);
		make_module();
	}
}

void bare_end(void)
{
	if (mode == INSPECTION_RECORD) {
		free(slots);
		slots = NULL;
		dpi_set_allocator(arena_hook_allocate, arena_hook_release);
	} else if (module) {
		ndpi_exit_detection_module(module);
		module = NULL;
	}
	if ((mode == INSPECTION_OURS || mode == INSPECTION_BARE) && cursor != call_count)
		counts.differences++;
}

const struct calls *bare_calls(void)
{
	return &counts;
}

size_t bare_asked(void)
{
	return asked;
}

double bare_context(void)
{
	enum { LIVE = 1024, TURNS = 200 };
	static struct ndpi_flow_struct *live[LIVE];
	uint64_t best = UINT64_MAX;

	dpi_set_allocator(malloc, free);
	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t begin = __rdtsc();

		for (int i = 0; i < LIVE; i++)
			live[i] = new_flow();
		for (int i = 0; i < LIVE; i++)
			ndpi_free_flow(live[i]);
		uint64_t spent = __rdtsc() - begin;
		best = spent < best ? spent : best;
	}
	dpi_set_allocator(arena_hook_allocate, arena_hook_release);
	return (double)best / LIVE;
}
