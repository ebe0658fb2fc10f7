/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/policy.c dataplane/tx.c dataplane/checksum.c dataplane/drop.c dataplane/reject.c dataplane/bucket.c */
/* The policy stage with an evaluator that says what the test wants: when it is asked, what becomes of frames, what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "classify.h"
#include "denials.h"
#include "eal.h"
#include "event.h"
#include "flow.h"
#include "fragment.h"
#include "layer2.h"
#include "pipeline.h"
#include "tx.h"

enum { WEB = 1, APP = 2, DB = 3, NETWORK = 1 };

/* ---- the neighbours, as small as can be ---- */

static struct flow_cold cold;
static unsigned int refused, judged, verdict_events, asked;
static struct bh_answer answers[BH_SEGMENT_IDS]; /* by the index of the destination segment */
static bool dhcp_only_to_db;

struct flow_cold *flow_cold(const struct flow_table *table, const struct flow *flow)
{
	(void)table;
	(void)flow;
	return &cold;
}

bool flow_session(const struct worker *w, const struct flow *flow, const struct policy *policy, uint16_t to,
		  struct bh_session *session)
{
	(void)w;
	(void)flow;
	memset(session, 0, sizeof(*session));
	if (to >= BH_SEGMENT_IDS || policy->segments[to].index == BH_NONE)
		return false;
	session->to_segment = policy->segments[to].index;
	return true;
}

void flow_record(const struct worker *w, const struct flow *flow, enum bh_flow_end why,
		 struct bh_flow_record *record)
{
	(void)w;
	(void)flow;
	(void)why;
	(void)record;
}

void flow_refused(struct worker *w, struct flow *flow)
{
	(void)w;
	(void)flow;
	refused++;
}

void flow_judged(struct worker *w, struct flow *flow)
{
	(void)w;
	(void)flow;
	judged++;
}

void classifier_give_up(struct worker *w, struct flow *flow)
{
	(void)w;
	flow->flags |= FLOW_DPI_DONE;
}

struct bh_event *event_begin(struct worker *w, enum bh_event_type type)
{
	static struct bh_event event;

	(void)w;
	assert_int_equal(type, BH_EVENT_VERDICT);
	return &event;
}

void event_commit(struct worker *w)
{
	(void)w;
	verdict_events++;
}

/* Over the rate at which refusals are told one by one? */
static bool summing;

bool denials_alone(struct worker *worker, const struct flow *one)
{
	(void)worker;
	assert_true(one->verdict == BH_VERDICT_DENY || one->verdict == BH_VERDICT_REJECT);
	return !summing;
}

bool layer2_candidate(const struct policy *policy, const struct frame *f, uint16_t segment)
{
	(void)policy;
	(void)f;
	return !dhcp_only_to_db || segment == DB;
}

void fragment_set_free(struct worker *w, struct fragment_set *set)
{
	(void)w;
	(void)set;
}

void bh_evaluate_memo(const struct bh_policy *policy, const struct bh_context *context,
		      const struct bh_session *session, struct bh_memo *memo, struct bh_answer *answer)
{
	(void)memo;
	(void)policy;
	(void)context;
	asked++;
	*answer = answers[session->to_segment];
}

/* ---- a policy of three segments and three rules ---- */

static struct rte_mempool *pool;
static struct worker *w;
static struct policy policy;
static struct bh_image_header header;
static struct policy_segment segments[BH_SEGMENT_IDS];
static uint32_t network_index[BH_NETWORK_IDS];
static uint16_t segment_ids[] = { WEB, APP, DB };
static uint32_t rule_ids[] = { 10, 11, 12 };
static const struct bh_network network = { .first_segment = 0, .segment_count = 3 };
static struct bh_rule rules[3];
static struct bucket limits[3];
static struct flow flow;
static unsigned int out_count;
static uint16_t out_vlans[64];

static uint16_t list_burst(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames,
			   uint16_t count)
{
	(void)opaque;
	(void)port;
	(void)queue;
	for (uint16_t i = 0; i < count; i++) {
		const uint8_t *bytes = rte_pktmbuf_mtod(frames[i], const uint8_t *);

		out_vlans[out_count++] = (uint16_t)(bytes[14] << 8 | bytes[15]);
		rte_pktmbuf_free(frames[i]);
	}
	return count;
}

static int setup(void **state)
{
	struct tx_port port = { .burst = list_burst, .max_frame = 1522 };

	(void)state;
	if (!pool)
		pool = eal_pool("frames", 255, 512);
	w = eal_worker();
	memset(&policy, 0, sizeof(policy));
	memset(&header, 0, sizeof(header));
	memset(answers, 0, sizeof(answers));
	memset(rules, 0, sizeof(rules));
	for (unsigned int i = 0; i < 3; i++)
		rules[i].mirror = BH_NONE;
	memset(limits, 0, sizeof(limits));
	memset(&flow, 0, sizeof(flow));
	memset(&cold, 0, sizeof(cold));
	summing = false;
	refused = judged = verdict_events = asked = out_count = 0;
	dhcp_only_to_db = false;
	for (unsigned int i = 0; i < BH_SEGMENT_IDS; i++)
		segments[i].index = BH_NONE;
	for (unsigned int i = 0; i < BH_NETWORK_IDS; i++)
		network_index[i] = BH_NONE;
	for (uint16_t i = 0; i < 3; i++)
		segments[segment_ids[i]] =
			(struct policy_segment){ .index = i, .vlan = 101 + i, .network = NETWORK };
	network_index[NETWORK] = 0;
	header.settings.default_action = BH_ACTION_DENY;
	policy.image.header = &header;
	policy.image.NETWORKS_ = &network;
	policy.image.RULES_ = rules;
	policy.segments = segments;
	policy.segment_ids = segment_ids;
	policy.network_index = network_index;
	policy.rule_ids = rule_ids;
	policy.limits = limits;
	policy.generation = 1;
	memset(policy.mirror_port, 0xff, sizeof(policy.mirror_port));
	w->policy = &policy;
	w->tx = tx_new(&port, 1, pool, 0);
	flow.key.network = NETWORK;
	flow.segment[0] = WEB;
	flow.segment[1] = APP;
	return 0;
}

static void assert_identity(void)
{
	const struct bh_port_counters *p = &w->counters->ports[0];
	uint64_t drops = 0;

	for (unsigned int r = 0; r < BH_DROP_COUNT; r++)
		drops += p->drops[r];
	assert_int_equal(p->in + p->copies, p->out + drops + p->consumed + p->held);
}

static int teardown(void **state)
{
	(void)state;
	tx_flush(w);
	assert_identity();
	tx_free(w->tx);
	eal_worker_free(w);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	return 0;
}

/* A frame of the session; it counts as the session's next. */
static struct rte_mbuf *make_frame(uint16_t dest, uint32_t flags)
{
	uint8_t bytes[64] = { 2, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 1, 0x81, 0, 0, 101, 8, 0, 0x45 };
	struct rte_mbuf *m = eal_frame(pool, bytes, sizeof(bytes));
	struct frame *f = frame_of(m);

	f->flags = FRAME_TAGGED | flags;
	f->tci = 101;
	f->segment = WEB;
	f->dest = dest;
	f->network = NETWORK;
	f->flow = flags & (FRAME_PROTECTED | FRAME_STATELESS) ? NULL : &flow;
	f->wire_length = 64;
	f->payload_length = 10;
	w->counters->ports[0].in++;
	flow.packets[0]++;
	return m;
}

static void send_frame(uint16_t dest, uint32_t flags)
{
	struct rte_mbuf *m = make_frame(dest, flags);

	tx_stage(w, &m, policy_stage(w, &m, 1));
	tx_flush(w);
}

static uint64_t drops(enum bh_drop reason)
{
	return eal_drops(w, 0, reason);
}

static void test_allow_is_asked_once(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(APP, 0);
	send_frame(APP, 0);
	assert_int_equal(out_count, 2);
	assert_int_equal(out_vlans[1], 102);
	assert_int_equal(asked, 1);
	assert_int_equal(w->counters->rules[11].sessions, 1);
	assert_int_equal(w->counters->rules[11].packets, 2);
	assert_int_equal(cold.packets_to_verdict, 1);
}

static void test_refusals_in_a_sum_have_no_records(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = 2 };
	rules[2].flags = BH_RULE_LOG;
	summing = true;
	send_frame(APP, 0);
	assert_int_equal(verdict_events, 0);
	assert_false(flow.flags & FLOW_LOG);
	/* nor when it is judged again by the same rule */
	summing = false;
	policy.generation++;
	send_frame(APP, 0);
	assert_int_equal(verdict_events, 0);
	assert_false(flow.flags & FLOW_LOG);
	/* another rule's answer is news */
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	rules[1].flags = BH_RULE_LOG;
	summing = true;
	policy.generation++;
	send_frame(APP, 0);
	assert_int_equal(verdict_events, 1);
	assert_true(flow.flags & FLOW_LOG);
}

static void test_deny_drops_and_tells_the_flow(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = BH_NONE };
	header.settings.default_log = 1;
	send_frame(APP, 0);
	send_frame(APP, 0);
	assert_int_equal(out_count, 0);
	assert_int_equal(drops(BH_DROP_DENY), 2);
	assert_int_equal(refused, 1);
	assert_int_equal(verdict_events, 1);
	assert_int_equal(w->counters->rules[0].sessions, 1);
}

static void test_reload_judges_again(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(APP, 0);
	policy.generation = 2;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = 2 };
	send_frame(APP, 0);
	assert_int_equal(out_count, 1);
	assert_int_equal(flow.rule_id, 12);
	policy.generation = 3;
	header.settings.keep_established = 1; /* keeps allows, not refusals */
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(APP, 0);
	policy.generation = 4;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = 2 };
	send_frame(APP, 0);
	assert_int_equal(out_count, 3);
}

static void test_judged_first_is_judged_once(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(APP, 0);
	assert_int_equal(asked, 1);
	flow.segment[1] = APP;
	policy_judge_now(w, &flow);
	assert_int_equal(asked, 1); /* its verdict stands */
	policy.generation = 2;
	policy_judge_now(w, &flow);
	send_frame(APP, 0);
	assert_int_equal(asked, 2);
	assert_int_equal(flow.generation, 2);
	/* established-on-reload: keep */
	policy.generation = 3;
	header.settings.keep_established = 1;
	policy_judge_now(w, &flow);
	assert_int_equal(asked, 2);
	assert_int_equal(flow.generation, 3);
}

static void test_pending_passes_until_it_settles(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_PENDING, .open = BH_OPEN_APP, .rule = 1 };
	send_frame(APP, 0);
	send_frame(APP, 0);
	assert_int_equal(out_count, 2);
	assert_int_equal(asked, 1);
	assert_int_equal(w->counters->cells[BH_WORKER_PENDING], 1);
	assert_int_equal(cold.pending_bytes[0], 20);
	/* the packet that settles the question is already subject to the answer */
	flow.flags |= FLOW_RENAMED;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = 2 };
	send_frame(APP, 0);
	assert_int_equal(out_count, 2);
	assert_int_equal(cold.packets_to_verdict, 3);
	assert_int_equal(cold.pending_bytes[0], 20);
	assert_int_equal(w->counters->cells[BH_WORKER_PENDING], 0);
	assert_int_equal(w->counters->rules[12].sessions, 1);
}

static void test_allow_with_open_rule_counts_when_settled(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .open = BH_OPEN_APP, .rule = 0 };
	send_frame(APP, 0);
	assert_int_equal(w->counters->rules[10].sessions, 0);
	flow.flags |= FLOW_RENAMED;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(APP, 0);
	assert_int_equal(w->counters->rules[11].sessions, 1);
	assert_int_equal(out_count, 2);
}

static void test_monitor_mode_passes_and_records(void **state)
{
	(void)state;
	header.settings.monitor = 1;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = 2 };
	send_frame(APP, 0);
	assert_int_equal(out_count, 1);
	assert_int_equal(flow.verdict, BH_VERDICT_DENY);
	assert_true(flow.flags & FLOW_MONITORED);
	assert_int_equal(refused, 0);
}

static void test_flood_goes_only_where_allowed(void **state)
{
	(void)state;
	flow.segment[1] = SEGMENT_NONE;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = BH_NONE };
	answers[2] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(SEGMENT_FLOOD, 0);
	assert_int_equal(out_count, 1);
	assert_int_equal(out_vlans[0], 103);
	assert_int_equal(w->counters->ports[0].copies, 1);
	assert_int_equal(drops(BH_DROP_DENY), 1);
	assert_int_equal(flow.verdict, BH_VERDICT_ALLOW);
	answers[2].verdict = BH_VERDICT_DENY;
	send_frame(SEGMENT_FLOOD, 0);
	assert_int_equal(out_count, 1);
	assert_int_equal(drops(BH_DROP_DENY), 3);
}

/* The responder was heard between two frames of one batch: the first was to be flooded, the second is for its segment. What
 * another segment's copy may do is no verdict for that one. */
static void test_flood_does_not_answer_for_the_segment_that_became_known(void **state)
{
	struct rte_mbuf *batch[2];

	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = BH_NONE };
	answers[2] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	flow.segment[1] = APP;
	flow.flags |= FLOW_DEST_NEW;
	batch[0] = make_frame(SEGMENT_FLOOD, 0);
	batch[1] = make_frame(APP, 0);
	tx_stage(w, batch, policy_stage(w, batch, 2));
	tx_flush(w);
	assert_int_equal(out_count, 0);
	assert_int_equal(drops(BH_DROP_DENY), 2);
	assert_int_equal(flow.verdict, BH_VERDICT_DENY);
}

/* An ICMP error from where the session may go, before a reply has shown where it went; and a reload in between. */
static void test_error_does_not_judge_a_session_without_its_segment(void **state)
{
	(void)state;
	flow.segment[1] = SEGMENT_NONE;
	answers[1] = answers[2] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(SEGMENT_FLOOD, 0);
	assert_int_equal(out_count, 2);
	policy.generation = 2;
	send_frame(APP, FRAME_RELATED | FRAME_REVERSE);
	assert_int_equal(out_count, 3);
	assert_int_equal(flow.verdict, BH_VERDICT_ALLOW);
	assert_int_equal(refused, 0);
}

static void test_mirror_of_a_flood(void **state)
{
	static const struct bh_mirror mirrors[1] = { { .vlan = 999 } };

	(void)state;
	policy.image.MIRRORS_ = mirrors;
	policy.mirror_port[0] = 0;
	rules[1].mirror = 0;
	flow.segment[1] = SEGMENT_NONE;
	answers[1] = answers[2] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	send_frame(SEGMENT_FLOOD, 0);
	assert_int_equal(out_count, 3); /* one copy to the mirror, however many to segments */
	assert_int_equal(out_vlans[0], 999);
	assert_int_equal(w->counters->ports[0].made, 1);
	assert_int_equal(w->counters->ports[0].made_out, 1);
}

static void test_protected_floods_ask_no_rule(void **state)
{
	(void)state;
	send_frame(SEGMENT_FLOOD, FRAME_PROTECTED);
	assert_int_equal(out_count, 2);
	assert_int_equal(asked, 0);
	dhcp_only_to_db = true;
	send_frame(SEGMENT_FLOOD, FRAME_PROTECTED);
	assert_int_equal(out_count, 3);
	assert_int_equal(out_vlans[2], 103);
}

static void test_flood_in_a_network_that_went(void **state)
{
	(void)state;
	network_index[NETWORK] = BH_NONE;
	send_frame(SEGMENT_FLOOD, FRAME_PROTECTED);
	assert_int_equal(drops(BH_DROP_NO_DESTINATION), 1);
}

static void test_limit_of_a_rule(void **state)
{
	(void)state;
	rules[1].limit_rate = 8 * 64;
	bucket_init(&limits[1], 64, 128); /* two frames, then one a second */
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 1 };
	for (int i = 0; i < 5; i++)
		send_frame(APP, 0);
	assert_int_equal(out_count, 2);
	assert_int_equal(drops(BH_DROP_LIMIT), 3);
	assert_int_equal(w->counters->rules[11].limited, 3);
}

/* The limit of a rule of the policy before, by its number there, is nobody's in a policy that has not settled yet. */
static void test_limit_ends_with_its_policy(void **state)
{
	(void)state;
	rules[2].limit_rate = 8 * 64;
	bucket_init(&limits[2], 64, 64);
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_ALLOW, .rule = 2 };
	send_frame(APP, 0);
	policy.generation = 2;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_PENDING, .open = BH_OPEN_APP, .rule = 0 };
	send_frame(APP, 0);
	assert_int_equal(out_count, 2);
	assert_int_equal(drops(BH_DROP_LIMIT), 0);
}

static void test_stateless_needs_an_allow(void **state)
{
	(void)state;
	answers[1] = answers[0] =
		(struct bh_answer){ .verdict = BH_VERDICT_PENDING, .open = BH_OPEN_APP, .rule = 1 };
	send_frame(APP, FRAME_STATELESS);
	assert_int_equal(out_count, 0);
	answers[0].verdict = BH_VERDICT_ALLOW; /* as a reply of a session that would be allowed */
	send_frame(APP, FRAME_STATELESS);
	assert_int_equal(out_count, 1);
	assert_int_equal(drops(BH_DROP_DENY), 1);
}

static void test_conclusion_for_the_record(void **state)
{
	(void)state;
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_PENDING, .open = BH_OPEN_APP, .rule = 1 };
	send_frame(APP, 0);
	answers[1] = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = BH_NONE };
	policy_conclude(w, &flow);
	assert_int_equal(flow.verdict, BH_VERDICT_DENY);
	assert_true(flow.flags & FLOW_SETTLED);
	assert_int_equal(w->counters->cells[BH_WORKER_PENDING], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_allow_is_asked_once),
		TEST(test_refusals_in_a_sum_have_no_records),
		TEST(test_deny_drops_and_tells_the_flow),
		TEST(test_reload_judges_again),
		TEST(test_judged_first_is_judged_once),
		TEST(test_pending_passes_until_it_settles),
		TEST(test_allow_with_open_rule_counts_when_settled),
		TEST(test_monitor_mode_passes_and_records),
		TEST(test_flood_goes_only_where_allowed),
		TEST(test_flood_does_not_answer_for_the_segment_that_became_known),
		TEST(test_error_does_not_judge_a_session_without_its_segment),
		TEST(test_mirror_of_a_flood),
		TEST(test_protected_floods_ask_no_rule),
		TEST(test_flood_in_a_network_that_went),
		TEST(test_limit_of_a_rule),
		TEST(test_limit_ends_with_its_policy),
		TEST(test_stateless_needs_an_allow),
		TEST(test_conclusion_for_the_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
