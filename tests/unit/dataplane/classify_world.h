/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker and sessions made by hand, for tests that show the real library payloads through the classify stage. The includer
 * needs what test_classify.c needs. */
#ifndef TESTS_CLASSIFY_WORLD_H
#define TESTS_CLASSIFY_WORLD_H

#include "classifier.h"
#include "dpi.h"
#include "eal.h"
#include "fault.h"
#include "payloads.h"
#include "pipeline.h"

#define SESSIONS 1200

/* ---- what the stage needs of others ---- */

struct flow_table {
	struct flow flows[SESSIONS];
	struct flow_cold cold[SESSIONS];
};

static struct flow_table *table;
static enum bh_drop last_drop;

struct flow_cold *flow_cold(const struct flow_table *t, const struct flow *flow)
{
	return (struct flow_cold *)&t->cold[flow - t->flows];
}

void drop_frame(struct worker *w, struct rte_mbuf *m, enum bh_drop reason)
{
	(void)w;
	last_drop = reason;
	rte_pktmbuf_free(m);
}

/* What the policy stage says before payload is shown; -1: nothing yet. */
static int first_verdict = -1;
static unsigned int asked_first;

void policy_judge_now(struct worker *w, struct flow *flow)
{
	asked_first++;
	if (first_verdict < 0)
		return;
	flow->flags |= FLOW_JUDGED | FLOW_SETTLED;
	flow->generation = w->policy->generation;
	flow->verdict = (uint8_t)first_verdict;
}

/* ---- a world ---- */

static struct rte_mempool *pool;
static struct worker *w;
static struct bh_image_header header;
static struct policy policy;
static struct dpi_module *plain; /* no custom applications; shared by the tests */
static struct dpi_module *modules[1];

static void world(uint32_t contexts, size_t arena, uint32_t names)
{
	w = eal_worker();
	w->classifier = classifier_new(contexts, arena, names, SOCKET_ID_ANY);
	assert_non_null(w->classifier);
	w->now_ns = 1000000000;
	w->unix_offset_us = 1700000000000000;
	memset(table, 0, sizeof(*table));
	w->flows = table;
	memset(&header, 0, sizeof(header));
	header.settings = (struct bh_settings){ .dpi_max_packets = 32,
						.dpi_max_bytes = 65536,
						.dpi_max_ms = 10000,
						.exception_dpi = BH_EXCEPTION_UNKNOWN };
	modules[0] = plain;
	policy = (struct policy){ .image.header = &header, .generation = 1, .modules = modules };
	w->policy = &policy;
}

static uint64_t cell(enum bh_worker_counter which)
{
	return w->counters->cells[which];
}

/* Whether nDPI is looking at the session. */
static bool has_context(const struct flow *flow)
{
	return context_of(w->classifier->contexts, flow);
}

static void forget(struct flow *flow)
{
	classifier_release(w, flow);
	classifier_account(w, flow);
	classifier_forget_name(w, flow);
	assert_false(has_context(flow));
}

static void world_end(void)
{
	for (int i = 0; i < SESSIONS; i++)
		forget(&table->flows[i]);
	assert_int_equal(cell(BH_WORKER_DETECTING), 0);
	classifier_free(w->classifier);
	eal_worker_free(w);
}

static struct flow *session(int i, uint8_t protocol, uint16_t port)
{
	struct flow *flow = &table->flows[i];
	uint8_t ends[2][16] = { { [10] = 0xff, 0xff, 10, 0, 0, 1 }, { [10] = 0xff, 0xff, 10, 0, 0, 2 } };

	memset(flow, 0, sizeof(*flow));
	memset(&table->cold[i], 0, sizeof(table->cold[i]));
	memcpy(flow->key.address, ends, sizeof(ends));
	flow->key.port[0] = (uint16_t)(20000 + i);
	flow->key.port[1] = port;
	flow->key.protocol = protocol;
	flow->packets[0] = 1;
	return flow;
}

static struct rte_mbuf *make_frame(struct flow *flow, bool reply, const void *payload, size_t length,
				   uint32_t seq)
{
	bool tcp = flow->key.protocol == IPPROTO_TCP;
	size_t l4 = tcp ? 20 : flow->key.protocol == IPPROTO_UDP ? 8 : 0, total = 20 + l4 + length;
	uint8_t bytes[2000] = {
		[14] = 0x45, [16] = (uint8_t)(total >> 8), (uint8_t)total, [22] = 64, flow->key.protocol
	};

	memcpy(bytes + 26, flow->key.address[reply] + 12, 4);
	memcpy(bytes + 30, flow->key.address[!reply] + 12, 4);
	for (int i = 0; l4 && i < 2; i++) {
		bytes[34 + 2 * i] = (uint8_t)(flow->key.port[reply ^ i] >> 8);
		bytes[35 + 2 * i] = (uint8_t)flow->key.port[reply ^ i];
	}
	if (tcp) {
		uint32_t be = rte_cpu_to_be_32(seq);
		memcpy(bytes + 38, &be, 4);
		bytes[46] = 0x50;
		bytes[47] = 0x18;
	} else if (l4) {
		bytes[38] = (uint8_t)((8 + length) >> 8);
		bytes[39] = (uint8_t)(8 + length);
	}
	memcpy(bytes + 34 + l4, payload, length);
	struct rte_mbuf *m = eal_frame(pool, bytes, 14 + total);
	*frame_of(m) = (struct frame){ .key = flow->key,
				       .flags = reply ? FRAME_REVERSE : 0,
				       .kind = FRAME_IPV4,
				       .protocol = flow->key.protocol,
				       .l3 = 14,
				       .l4 = 34,
				       .payload = (uint16_t)(34 + l4),
				       .payload_length = (uint16_t)length,
				       .l3_length = (uint32_t)total,
				       .tcp_flags = 0x18,
				       .tcp_seq = seq,
				       .tcp_ack = 1,
				       .flow = flow };
	return m;
}

/* Through the stage; false: dropped. */
static bool pass(struct rte_mbuf *m)
{
	uint16_t kept = classify_stage(w, &m, 1);

	if (kept)
		rte_pktmbuf_free(m);
	return kept;
}

static uint32_t sent[2];

static bool say(struct flow *flow, bool reply, const struct payload *payload)
{
	struct rte_mbuf *m = make_frame(flow, reply, payload->bytes, payload->length, 1 + sent[reply]);

	sent[reply] += (uint32_t)payload->length;
	return pass(m);
}

static struct bh_knowledge known(const struct flow *flow)
{
	struct bh_knowledge knowledge;

	classifier_knowledge(w, flow, &policy, &knowledge);
	return knowledge;
}

static const char *named(const struct flow *flow)
{
	static char text[BH_NAME_MAX + 1];
	const struct flow_cold *cold = flow_cold(table, flow);

	classifier_application(w, cold->master, cold->app, text, sizeof(text));
	return text;
}

static void judged(struct flow *flow, uint8_t verdict, uint8_t open)
{
	flow->flags &= ~(FLOW_RENAMED | FLOW_SETTLED);
	flow->flags |= FLOW_JUDGED | (open ? 0 : FLOW_SETTLED);
	flow->generation = policy.generation;
	flow->verdict = verdict;
	flow->open = open;
}

static int set_up(void **unused)
{
	(void)unused;
	pool = eal_pool("frames", 63, 2048);
	table = calloc(1, sizeof(*table));
	plain = dpi_module_new(NULL, 0);
	return !table || !plain || dpi_catalogue_init();
}

static int tear_down(void **unused)
{
	(void)unused;
	dpi_module_free(plain);
	free(table);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	return 0;
}

static int reset(void **unused)
{
	(void)unused;
	sent[0] = sent[1] = 0;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

#endif
