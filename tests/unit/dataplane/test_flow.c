/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/flow.c dataplane/flowbegin.c dataplane/flowroom.c dataplane/flowage.c dataplane/flowrecord.c dataplane/flowtable.c dataplane/pages.c dataplane/icmp.c dataplane/tcp.c dataplane/drop.c */
/*
 * The flow stage, with a judge that says what the test wants.
 *
 *      web (1)   app (2)   db (3)      one network; a.b is host b in segment a
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "classify.h"
#include "eal.h"
#include "event.h"
#include "flowtable.h"
#include "fragment.h"
#include "mactable.h"
#include "pipeline.h"

enum {
	WEB = 1,
	APP = 2,
	DB = 3,
	NETWORK = 1,
	SYN = RTE_TCP_SYN_FLAG,
	ACK = RTE_TCP_ACK_FLAG,
	FIN = RTE_TCP_FIN_FLAG,
	RST = RTE_TCP_RST_FLAG,
};
#define SECOND UINT64_C(1000000000)

static struct rte_mempool *pool;
static struct worker *w;
static struct policy policy;
static struct bh_image_header header;
static struct policy_segment segments[BH_SEGMENT_IDS];
static uint32_t network_index[BH_NETWORK_IDS];
static const struct bh_network network = { .first_segment = 0, .segment_count = 3 };
static struct bh_counters *names;

/* ---- the neighbours, as small as can be ---- */

static uint8_t verdicts[4][4]; /* [from segment][to segment] of the evaluator */
static unsigned int released, forgotten, accounted, concluded, sent_on;
static struct bh_event event;
static unsigned int records;
static struct mac_entry machine; /* the only one that the MAC table knows */

void bh_evaluate_memo(const struct bh_policy *p, const struct bh_context *context,
		      const struct bh_session *session, struct bh_memo *memo, struct bh_answer *answer)
{
	(void)memo;
	(void)p;
	(void)context;
	*answer = (struct bh_answer){ .verdict = verdicts[session->from_segment + 1][session->to_segment + 1],
				      .rule = BH_NONE };
}

void classifier_release(struct worker *worker, struct flow *flow)
{
	(void)worker;
	(void)flow;
	released++;
}

void classifier_forget_name(struct worker *worker, struct flow *flow)
{
	(void)worker;
	(void)flow;
	forgotten++;
}

void classifier_account(struct worker *worker, const struct flow *flow)
{
	(void)worker;
	(void)flow;
	accounted++;
}

const char *classifier_name(const struct worker *worker, const struct flow *flow)
{
	(void)worker;
	return flow_cold(w->flows, flow)->name ? "www.example.com" : NULL;
}

void classifier_knowledge(const struct worker *worker, const struct flow *flow, const struct policy *p,
			  struct bh_knowledge *knowledge)
{
	(void)worker;
	(void)p;
	*knowledge = (struct bh_knowledge){ .trust = !!(flow->flags & FLOW_TRUST) };
}

void classifier_application(const struct worker *worker, uint16_t master, uint16_t app, char *text,
			    size_t size)
{
	(void)worker;
	snprintf(text, size, "%u.%u", master, app);
}

void classifier_category(uint8_t category, char *text, size_t size)
{
	snprintf(text, size, "%u", category);
}

void policy_conclude(struct worker *worker, struct flow *flow)
{
	(void)worker;
	(void)flow;
	concluded++;
}

static void judge(struct flow *flow, uint8_t verdict);
static uint8_t second_thought; /* the verdict of a session that is judged again */

void policy_judge_now(struct worker *worker, struct flow *flow)
{
	(void)worker;
	judge(flow, second_thought);
}

struct bh_event *event_begin(struct worker *worker, enum bh_event_type type)
{
	(void)worker;
	assert_int_equal(type, BH_EVENT_FLOW);
	memset(&event, 0, sizeof(event));
	return &event;
}

void event_commit(struct worker *worker)
{
	(void)worker;
	records++;
}

const struct mac_entry *mac_find(const struct mac_table *table, uint16_t net,
				 const struct rte_ether_addr *mac)
{
	(void)table;
	(void)net;
	return rte_is_same_ether_addr(mac, &machine.mac) ? &machine : NULL;
}

void fragment_set_free(struct worker *worker, struct fragment_set *set)
{
	(void)worker;
	(void)set;
}

/* Frames that a batch had to send on before its end are freed here. */
uint16_t classify_stage(struct worker *worker, struct rte_mbuf **frames, uint16_t count)
{
	(void)worker;
	(void)frames;
	return count;
}

uint16_t policy_stage(struct worker *worker, struct rte_mbuf **frames, uint16_t count)
{
	(void)worker;
	(void)frames;
	return count;
}

uint16_t tx_stage(struct worker *worker, struct rte_mbuf **frames, uint16_t count)
{
	(void)worker;
	sent_on += count;
	rte_pktmbuf_free_bulk(frames, count);
	return 0;
}

/* ---- frames ---- */

struct end {
	uint16_t segment;
	uint8_t host;
};

static const struct end web1 = { WEB, 1 }, web2 = { WEB, 2 }, app1 = { APP, 1 }, db1 = { DB, 1 };
static const struct end everyone = { SEGMENT_FLOOD, 255 };

static void address_of(uint8_t address[16], struct end end, uint16_t home)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t v4[4] = { 10, 10, (uint8_t)home, end.host };

	memcpy(address, mapped, sizeof(mapped));
	memcpy(address + 12, v4, sizeof(v4));
	if (end.segment == SEGMENT_FLOOD)
		memset(address + 12, 255, 4);
}

/* The addresses belong to `from` and `to`; where the frame is seen may be changed afterwards. */
static struct rte_mbuf *frame(struct end from, struct end to, uint8_t protocol, uint16_t source_port,
			      uint16_t destination_port)
{
	uint8_t bytes[128] = { 2, 0, 0, 0, (uint8_t)to.segment,   to.host,
			       2, 0, 0, 0, (uint8_t)from.segment, from.host };
	struct rte_mbuf *m = eal_frame(pool, bytes, sizeof(bytes));
	struct frame *f = frame_of(m);
	uint8_t address[2][16];
	uint16_t port[2] = { source_port, destination_port };
	int order;

	address_of(address[0], from, from.segment);
	address_of(address[1], to, to.segment);
	order = memcmp(address[0], address[1], 16);
	f->reversed = order > 0;
	f->key = (struct flow_key){ .network = NETWORK, .protocol = protocol };
	for (int i = 0; i < 2; i++) {
		memcpy(f->key.address[i], address[f->reversed ? !i : i], 16);
		f->key.port[i] = port[f->reversed ? !i : i];
	}
	f->hash = flow_hash(&f->key, w->seed);
	f->kind = FRAME_IPV4;
	f->protocol = protocol;
	f->l3 = 14;
	f->l4 = 34;
	f->payload = 42;
	f->source_port = source_port;
	f->destination_port = destination_port;
	f->segment = from.segment;
	f->dest = to.segment;
	f->network = NETWORK;
	f->wire_length = 100;
	return m;
}

static struct rte_mbuf *tcp(struct end from, struct end to, uint16_t source_port, uint16_t destination_port,
			    uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct rte_mbuf *m = frame(from, to, IPPROTO_TCP, source_port, destination_port);
	struct frame *f = frame_of(m);

	f->payload = 54;
	f->tcp_flags = flags;
	f->tcp_seq = seq;
	f->tcp_ack = ack;
	f->tcp_window = 10000;
	return m;
}

static struct rte_mbuf *udp(struct end from, struct end to, uint16_t source_port, uint16_t destination_port)
{
	return frame(from, to, IPPROTO_UDP, source_port, destination_port);
}

static struct rte_mbuf *ping(struct end from, struct end to, uint16_t identifier, bool reply)
{
	struct rte_mbuf *m = frame(from, to, IPPROTO_ICMP, identifier, identifier);
	struct frame *f = frame_of(m);

	f->source_port = f->destination_port = 0;
	f->key.icmp_type = 8;
	f->icmp = reply ? 0 : 8 << 8;
	f->flags |= reply ? FRAME_ICMP_REPLY : FRAME_ICMP_REQUEST;
	return m;
}

/* An error about `quoted`, a frame as it was sent; takes it. */
static struct rte_mbuf *error_about(struct rte_mbuf *quoted, uint16_t from, uint16_t to)
{
	struct frame *f = frame_of(quoted);

	f->flags = FRAME_ICMP_ERROR;
	f->protocol = IPPROTO_ICMP;
	f->icmp = 3 << 8 | 3;
	f->payload = 42;
	f->tcp_flags = 0;
	f->segment = from;
	f->dest = to;
	return quoted;
}

/* ---- one frame through the stage and the judge ---- */

enum { PASSED = BH_DROP_COUNT };

static struct frame last; /* what the stage made of the frame */

/* What the policy stage does, as far as the flow stage sees it. */
static void judge(struct flow *flow, uint8_t verdict)
{
	flow_unjudge(w, flow);
	flow->flags |= FLOW_JUDGED | (verdict == BH_VERDICT_PENDING ? 0u : FLOW_SETTLED);
	flow->flags &= ~FLOW_DEST_NEW;
	flow->flags |= verdict == BH_VERDICT_DENY ? 0u : FLOW_LET_IN;
	flow->verdict = verdict;
	flow->generation = policy.generation;
	if (!flow_cold(w->flows, flow)->packets_to_verdict)
		flow_cold(w->flows, flow)->packets_to_verdict = 1;
	if (verdict == BH_VERDICT_PENDING)
		w->counters->cells[BH_WORKER_PENDING]++;
	if (verdict == BH_VERDICT_DENY)
		flow_refused(w, flow);
	else
		flow_judged(w, flow);
}

/* The reason of its drop, or PASSED; frees it. */
static unsigned int pass(struct rte_mbuf *m)
{
	uint64_t before[BH_DROP_COUNT];

	memcpy(before, w->counters->ports[0].drops, sizeof(before));
	last = (struct frame){ 0 };
	if (flow_stage(w, &m, 1)) {
		last = *frame_of(m);
		if (last.flow && !(last.flow->flags & FLOW_JUDGED))
			judge(last.flow, verdicts[last.flow->segment[0] & 3][last.flow->segment[1] & 3]);
		rte_pktmbuf_free(m);
		return PASSED;
	}
	for (unsigned int i = 0; i < BH_DROP_COUNT; i++)
		if (w->counters->ports[0].drops[i] != before[i])
			return i;
	fail_msg("the frame vanished");
	return 0;
}

static void advance(uint64_t ns)
{
	w->now_ns += ns;
	flow_age(w, UINT32_MAX);
}

/* ---- a world anew for each test ---- */

static int start(void **state)
{
	(void)state;
	pool = eal_pool("frames", 63, 256);
	names = calloc(1, sizeof(*names));
	return names ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	free(names);
	rte_mempool_free(pool);
	return 0;
}

#define TIMEOUT(symbol, name, seconds) seconds,

static void world(uint32_t capacity)
{
	static const uint32_t timeouts[] = { BH_TIMEOUTS(TIMEOUT) };

	memset(&policy, 0, sizeof(policy));
	memset(&header, 0, sizeof(header));
	memset(segments, 0, sizeof(segments));
	memset(&machine, 0, sizeof(machine));
	memset(verdicts, BH_VERDICT_ALLOW, sizeof(verdicts));
	for (unsigned int i = 0; i < BH_SEGMENT_IDS; i++)
		segments[i].index = i >= WEB && i <= DB ? i - 1 : BH_NONE;
	for (unsigned int i = 0; i < BH_NETWORK_IDS; i++)
		network_index[i] = i == NETWORK ? 0 : BH_NONE;
	memcpy(header.settings.timeouts, timeouts, sizeof(timeouts));
	policy.image.header = &header;
	policy.image.NETWORKS_ = &network;
	policy.segments = segments;
	policy.network_index = network_index;
	policy.generation = 1;
	w->policy = &policy;
	w->now_ns = 1000 * SECOND;
	w->start_ns = SECOND;
	w->directory = names;
	w->flows = flow_table_new(capacity, SOCKET_ID_ANY, false);
	assert_non_null(w->flows);
	released = forgotten = accounted = concluded = sent_on = records = 0;
}

static int raise(void **state)
{
	(void)state;
	w = eal_worker();
	world(64);
	return 0;
}

static int lower(void **state)
{
	(void)state;
	flow_end_all(w, BH_FLOW_END_END_OF_RUN);
	/* whatever happened: nothing is counted that is not there */
	assert_int_equal(flow_table_count(w->flows), 0);
	assert_int_equal(w->counters->cells[BH_WORKER_FLOWS], 0);
	assert_int_equal(w->counters->cells[BH_WORKER_EMBRYONIC], 0);
	assert_int_equal(w->counters->cells[BH_WORKER_PENDING], 0);
	assert_int_equal(w->counters->cells[BH_WORKER_FLOWS_CREATED],
			 w->counters->cells[BH_WORKER_FLOWS_ENDED]);
	for (unsigned int i = WEB; i <= DB; i++) {
		assert_int_equal(w->counters->segments[i].flows, 0);
		assert_int_equal(w->counters->segments[i].embryonic, 0);
		assert_int_equal(w->flows->quotas[i].flows, 0);
		assert_int_equal(w->flows->quotas[i].embryonic, 0);
		assert_int_equal(w->flows->quotas[i].yielding, 0);
	}
	assert_int_equal(forgotten, w->counters->cells[BH_WORKER_FLOWS_ENDED]);
	assert_int_equal(accounted, forgotten);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	flow_table_free(w->flows);
	eal_worker_free(w);
	return 0;
}

/* A TCP session in ESTABLISHED: web1:40000 (next 1001) to app1:80 (next 5001). */
static struct flow *establish(void)
{
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED);
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, SYN | ACK, 5000, 1001)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 5001)), PASSED);
	assert_int_equal(last.flow->tcp_state, BH_TCP_ESTABLISHED);
	return last.flow;
}

/* ---- sessions ---- */

static void a_session_has_two_directions(void **state)
{
	(void)state;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED);
	struct flow *flow = last.flow;
	assert_true(last.flags & FRAME_NEW_FLOW);
	assert_false(last.flags & FRAME_REVERSE);
	assert_int_equal(flow->segment[0], WEB);
	assert_int_equal(flow->segment[1], APP);
	assert_int_equal(w->counters->cells[BH_WORKER_EMBRYONIC], 1);
	assert_int_equal(w->counters->segments[WEB].embryonic, 1);
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, SYN | ACK, 5000, 1001)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_true(last.flags & FRAME_REVERSE);
	assert_false(last.flags & FRAME_NEW_FLOW);
	assert_true(flow->flags & FLOW_REPLIED);
	/* a SYN+ACK alone could be an open port's answer to a spoofed SYN */
	assert_int_equal(w->counters->cells[BH_WORKER_EMBRYONIC], 1);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 5001)), PASSED);
	assert_int_equal(w->counters->cells[BH_WORKER_EMBRYONIC], 0);
	assert_int_equal(w->counters->segments[WEB].flows, 1);
	assert_int_equal(flow->packets[0], 2);
	assert_int_equal(flow->packets[1], 1);
	assert_int_equal(flow->bytes[0], 200);
	/* the same addresses and ports in another network are another session */
	struct rte_mbuf *m = tcp(web1, app1, 40000, 80, SYN, 1, 0);
	frame_of(m)->key.network = NETWORK + 1;
	frame_of(m)->hash = flow_hash(&frame_of(m)->key, w->seed);
	assert_int_equal(pass(m), PASSED);
	assert_ptr_not_equal(last.flow, flow);
}

static void what_begins_no_session(void **state)
{
	(void)state;
	header.settings.midstream_pick_up = BH_PICK_UP_ALWAYS;
	assert_int_equal(pass(tcp(web1, app1, 1, 2, SYN | ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(tcp(web1, app1, 1, 2, FIN | ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(tcp(web1, app1, 1, 2, RST, 1, 0)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(tcp(web1, app1, 1, 2, RST | ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(tcp(web1, app1, 1, 2, 0, 1, 1)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(ping(web1, app1, 7, true)), BH_DROP_ICMP_NO_SESSION);
	assert_int_equal(flow_table_count(w->flows), 0);
}

static void other_frames_pass_by(void **state)
{
	(void)state;
	struct rte_mbuf *m = udp(web1, app1, 67, 68);
	frame_of(m)->flags |= FRAME_PROTECTED;
	assert_int_equal(pass(m), PASSED);
	assert_null(last.flow);
	m = udp(web1, app1, 1, 2);
	frame_of(m)->kind = FRAME_ARP;
	assert_int_equal(pass(m), PASSED);
	assert_null(last.flow);
	assert_int_equal(flow_table_count(w->flows), 0);
}

static void tcp_drops_have_their_reasons(void **state)
{
	(void)state;
	struct flow *flow = establish();
	uint64_t refreshed = flow->last_ns;
	advance(SECOND);
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, SYN, 1, 0)), BH_DROP_TCP_STATE);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 900000, 5001)), BH_DROP_TCP_WINDOW);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, RST, 1100, 0)), BH_DROP_TCP_RST);
	assert_int_equal(flow_cold(w->flows, flow)->dropped, 3);
	assert_int_equal(flow->last_ns, refreshed);
	assert_int_equal(flow->packets[0], 4); /* what was dropped counts too */
	header.settings.tcp_liberal = 1;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 900000, 5001)), PASSED);
}

static void options_of_a_syn_are_read(void **state)
{
	static const uint8_t options[] = { 1, 3, 3, 5 };
	struct rte_mbuf *m = tcp(web1, app1, 40000, 80, SYN, 1000, 0);

	(void)state;
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, 54), options, sizeof(options));
	frame_of(m)->payload = 58;
	assert_int_equal(pass(m), PASSED);
	assert_int_equal(last.flow->peer[0].scale, 5);
}

static void retransmissions_are_marked(void **state)
{
	(void)state;
	establish();
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *m = tcp(web1, app1, 40000, 80, ACK, 1001, 5001);

		frame_of(m)->payload_length = 50;
		assert_int_equal(pass(m), PASSED);
		assert_int_equal(!!(last.flags & FRAME_RETRANSMIT), i);
	}
}

static void a_port_is_reused(void **state)
{
	(void)state;
	struct flow *flow = establish();
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, RST, 1001, 0)), PASSED);
	assert_int_equal(flow->tcp_state, BH_TCP_CLOSED);
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, ACK, 5001, 1001)), BH_DROP_TCP_STATE);
	w->replay = true;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 70000, 0)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
	assert_int_equal(records, 1);
	assert_int_equal(event.flow.end, BH_FLOW_END_REUSED);
	assert_int_equal(event.flow.tcp_state, BH_TCP_CLOSED);
	assert_int_equal(last.flow->packets[0], 1);
	assert_int_equal(flow_table_count(w->flows), 1);
}

/* What came earlier in the batch is judged by the session that it belongs to. */
static void a_batch_that_ends_a_session_is_cut(void **state)
{
	struct rte_mbuf *frames[3];

	(void)state;
	establish();
	frames[0] = udp(web2, app1, 1, 2);
	frames[1] = tcp(web1, app1, 40000, 80, RST, 1001, 0);
	frames[2] = tcp(web1, app1, 40000, 80, SYN, 70000, 0);
	assert_int_equal(flow_stage(w, frames, 3), 1);
	assert_int_equal(sent_on, 2);
	assert_int_equal(frame_of(frames[0])->tcp_flags, SYN);
	assert_true(frame_of(frames[0])->flags & FRAME_NEW_FLOW);
	rte_pktmbuf_free(frames[0]);
}

/* ---- segments ---- */

static void a_session_keeps_its_segments(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	establish();
	m = tcp(web1, app1, 40000, 80, ACK, 1001, 5001);
	frame_of(m)->segment = DB;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
	m = tcp(web1, app1, 40000, 80, ACK, 1001, 5001);
	frame_of(m)->dest = DB;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
	m = tcp(app1, web1, 80, 40000, ACK, 5001, 1001);
	frame_of(m)->segment = DB;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
	m = tcp(app1, web1, 80, 40000, ACK, 5001, 1001);
	frame_of(m)->dest = DB;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
	/* the MAC table has forgotten one of the two: the frame goes to its segment only */
	m = tcp(web1, app1, 40000, 80, ACK, 1001, 5001);
	frame_of(m)->dest = SEGMENT_FLOOD;
	assert_int_equal(pass(m), PASSED);
	assert_int_equal(last.dest, APP);
	m = tcp(app1, web1, 80, 40000, ACK, 5001, 1001);
	frame_of(m)->dest = SEGMENT_FLOOD;
	assert_int_equal(pass(m), PASSED);
	assert_int_equal(last.dest, WEB);
}

static void the_first_reply_fixes_the_segment(void **state)
{
	struct rte_mbuf *m = udp(web1, app1, 40000, 53);

	(void)state;
	frame_of(m)->dest = SEGMENT_FLOOD;
	assert_int_equal(pass(m), PASSED);
	struct flow *flow = last.flow;
	assert_int_equal(flow->segment[1], SEGMENT_NONE);
	assert_int_equal(last.dest, SEGMENT_FLOOD);
	/* from where the session may not go, a reply was made up */
	verdicts[WEB][DB] = BH_VERDICT_DENY;
	m = udp(app1, web1, 53, 40000);
	frame_of(m)->segment = DB;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
	assert_int_equal(flow->segment[1], SEGMENT_NONE);
	m = udp(app1, web1, 53, 40000);
	assert_int_equal(pass(m), PASSED);
	assert_int_equal(flow->segment[1], APP);
	assert_true(flow->flags & FLOW_DEST_NEW);
	m = udp(app1, web1, 53, 40000);
	frame_of(m)->segment = DB;
	verdicts[WEB][DB] = BH_VERDICT_ALLOW;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
}

static void a_destination_becomes_known(void **state)
{
	struct rte_mbuf *m = udp(web1, app1, 40000, 53);

	(void)state;
	frame_of(m)->dest = SEGMENT_FLOOD;
	assert_int_equal(pass(m), PASSED);
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_int_equal(last.flow->segment[1], APP);
	assert_true(last.flow->flags & FLOW_DEST_NEW);
}

static void groups_never_get_one_destination(void **state)
{
	struct rte_mbuf *m = udp(web1, everyone, 5000, 5000);

	(void)state;
	assert_int_equal(pass(m), PASSED);
	assert_true(last.flow->flags & FLOW_MANY);
	assert_int_equal(last.dest, SEGMENT_FLOOD);
	m = udp(everyone, web1, 5000, 5000);
	frame_of(m)->segment = APP;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
	assert_int_equal(pass(udp(web1, everyone, 5000, 5000)), PASSED);
	assert_int_equal(last.flow->segment[1], SEGMENT_NONE);
}

static struct rte_mbuf *from_db(struct rte_mbuf *m)
{
	frame_of(m)->segment = DB;
	return m;
}

static void a_moved_machine_is_judged_again(void **state)
{
	(void)state;
	struct flow *flow = establish();
	w->macs = (struct mac_table *)1; /* never followed: mac_find() is ours */
	machine.mac = (struct rte_ether_addr){ { 2, 0, 0, 0, WEB, 1 } };
	machine.segment = DB;
	advance(SECOND);
	/* it was always there, or is bound, or moves by this very frame: nothing moves */
	assert_int_equal(pass(from_db(tcp(web1, app1, 40000, 80, ACK, 1001, 5001))), BH_DROP_SESSION_SEGMENT);
	machine.moved_ns = w->now_ns;
	assert_int_equal(pass(from_db(tcp(web1, app1, 40000, 80, ACK, 1001, 5001))), BH_DROP_SESSION_SEGMENT);
	advance(SECOND);
	machine.bound = 1;
	assert_int_equal(pass(from_db(tcp(web1, app1, 40000, 80, ACK, 1001, 5001))), BH_DROP_SESSION_SEGMENT);
	machine.bound = 0;
	/* replies go to the new place, and the session is judged from there */
	verdicts[DB][APP] = BH_VERDICT_PENDING;
	struct rte_mbuf *m = tcp(app1, web1, 80, 40000, ACK, 5001, 1001);
	frame_of(m)->dest = DB;
	assert_int_equal(pass(m), PASSED);
	assert_int_equal(flow->segment[0], DB);
	assert_int_equal(flow->verdict, BH_VERDICT_PENDING);
	assert_int_equal(w->counters->segments[WEB].flows, 0);
	assert_int_equal(w->counters->segments[DB].flows, 1);
	assert_int_equal(pass(from_db(tcp(web1, app1, 40000, 80, ACK, 1001, 5001))), PASSED);
	/* the old place is no longer its own */
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 5001)), BH_DROP_SESSION_SEGMENT);
	/* to where the other end is: no frame goes back to where it came from */
	machine.segment = APP;
	machine.moved_ns = w->now_ns;
	advance(SECOND);
	m = tcp(web1, app1, 40000, 80, ACK, 1001, 5001);
	frame_of(m)->segment = APP;
	frame_of(m)->dest = SEGMENT_FLOOD;
	assert_int_equal(pass(m), BH_DROP_SESSION_SEGMENT);
	assert_int_equal(flow->segment[0], DB);
}

/* An announcement can be forged: what the rules would not let in at the new place neither goes there nor ends. */
static void a_move_that_is_refused_is_not_followed(void **state)
{
	(void)state;
	struct flow *flow = establish();
	w->macs = (struct mac_table *)1;
	machine.mac = (struct rte_ether_addr){ { 2, 0, 0, 0, WEB, 1 } };
	machine.segment = DB;
	machine.moved_ns = w->now_ns + 1;
	verdicts[DB][APP] = BH_VERDICT_DENY;
	advance(SECOND);
	assert_int_equal(pass(from_db(tcp(web1, app1, 40000, 80, ACK, 1001, 5001))), BH_DROP_SESSION_SEGMENT);
	/* a reply goes to where the session knows the machine */
	struct rte_mbuf *m = tcp(app1, web1, 80, 40000, ACK, 5001, 1001);
	frame_of(m)->dest = DB;
	assert_int_equal(pass(m), PASSED);
	assert_int_equal(last.dest, WEB);
	assert_int_equal(flow->segment[0], WEB);
	assert_int_equal(flow->verdict, BH_VERDICT_ALLOW);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 5001)), PASSED);
	assert_ptr_equal(last.flow, flow);
}

/* ---- time ---- */

static void expiry_is_exact(void **state)
{
	(void)state;
	w->replay = true;
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	w->now_ns += 60 * SECOND - 1;
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_false(last.flags & FRAME_NEW_FLOW);
	w->now_ns += 60 * SECOND;
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
	assert_int_equal(records, 1);
	assert_int_equal(event.flow.end, BH_FLOW_END_TIMEOUT);
	assert_int_equal(event.flow.packets[0], 2);
	/* by the wheel: not before, and within a slot */
	advance(60 * SECOND - 1);
	assert_int_equal(flow_table_count(w->flows), 1);
	advance(1 + (1u << WHEEL_SHIFT));
	assert_int_equal(flow_table_count(w->flows), 0);
	assert_int_equal(records, 2);
}

/* A VM that was stunned: in the pause nobody was heard, and that is nobody's silence. */
static void a_pause_ends_nothing(void **state)
{
	(void)state;
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	worker_clock(w, w->now_ns + SECOND / 4); /* a slow round */
	assert_int_equal(w->paused_ns, 0);
	worker_clock(w, w->now_ns + 3600 * SECOND);
	flow_age(w, UINT32_MAX);
	assert_int_equal(flow_table_count(w->flows), 1);
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_false(last.flags & FRAME_NEW_FLOW);
	/* from here on time counts */
	worker_clock(w, w->now_ns - SECOND); /* it never goes back */
	for (unsigned int i = 0; i < 200; i++)
		worker_clock(w, w->now_ns + SECOND * 3 / 10);
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
}

static void udp_becomes_a_stream(void **state)
{
	(void)state;
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_int_equal(pass(udp(app1, web1, 53, 40000)), PASSED);
	assert_int_equal(last.flow->timeout, BH_TIMEOUT_UDP);
	assert_int_equal(w->counters->cells[BH_WORKER_EMBRYONIC], 0);
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_int_equal(pass(udp(app1, web1, 53, 40000)), PASSED);
	assert_int_equal(last.flow->timeout, BH_TIMEOUT_UDP_STREAM);
	advance(179 * SECOND);
	assert_int_equal(flow_table_count(w->flows), 1);
	advance(2 * SECOND);
	assert_int_equal(flow_table_count(w->flows), 0);
}

static void a_shorter_timeout_takes_hold_at_once(void **state)
{
	(void)state;
	w->replay = true;
	establish();
	advance(10 * SECOND);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, RST, 1001, 0)), PASSED);
	advance(11 * SECOND);
	assert_int_equal(flow_table_count(w->flows), 0);
	assert_int_equal(event.flow.end, BH_FLOW_END_CLOSED);
}

static void long_timeouts_and_long_pauses(void **state)
{
	(void)state;
	header.settings.timeouts[BH_TIMEOUT_UDP] = 31 * 24 * 3600;
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	establish();
	for (unsigned int hour = 0; hour < 24; hour++)
		advance(3600 * SECOND);
	assert_int_equal(flow_table_count(w->flows), 1);
	advance(29 * 24 * 3600 * SECOND); /* a stunned machine */
	assert_int_equal(flow_table_count(w->flows), 1);
	advance(25 * 3600 * SECOND);
	assert_int_equal(flow_table_count(w->flows), 0);
}

static void ageing_keeps_its_budget(void **state)
{
	unsigned int calls = 0;

	(void)state;
	for (uint16_t i = 1; i <= 40; i++)
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
	assert_false(flow_age(w, UINT32_MAX)); /* the wheel stands at now */
	w->now_ns += SECOND / 2;
	assert_false(flow_age_presses(w));
	w->now_ns += 61 * SECOND;
	assert_true(flow_age_presses(w));
	for (uint32_t before = 40; flow_table_count(w->flows); calls++) {
		assert_true(flow_age(w, 8) || !flow_table_count(w->flows));
		assert_in_range(before - flow_table_count(w->flows), 0, 8);
		before = flow_table_count(w->flows);
	}
	assert_true(calls >= 5);
	assert_false(flow_age(w, UINT32_MAX));
	assert_false(flow_age_presses(w));
}

/* Where there is hardly room ageing presses as soon as anything is due. */
static void ageing_presses_in_a_full_table(void **state)
{
	(void)state;
	flow_table_free(w->flows);
	world(16);
	for (uint16_t i = 1; i <= 15; i++)
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
	flow_age(w, UINT32_MAX);
	assert_false(flow_age_presses(w));
	w->now_ns += SECOND / 2;
	assert_true(flow_age_presses(w));
	flow_age(w, UINT32_MAX);
	assert_false(flow_age_presses(w));
}

/* A thousand random sessions end when a naive model says so. */
static void the_wheel_agrees_with_a_naive_model(void **state)
{
	enum { SESSIONS = 1000, ROUNDS = 20000 };
	static uint64_t due[SESSIONS];
	uint32_t seed = 1;

	(void)state;
	flow_table_free(w->flows);
	world(SESSIONS);
	header.settings.timeouts[BH_TIMEOUT_UDP] = 5;
	memset(due, 0, sizeof(due));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		seed = seed * 1664525 + 1013904223;
		unsigned int i = seed >> 22;
		uint32_t step = (seed >> 4) % 20000000;

		advance(round % 1000 ? step : 7 * SECOND);
		if (i >= SESSIONS)
			continue;
		bool alive = due[i] > w->now_ns;
		assert_int_equal(pass(udp(web1, app1, (uint16_t)(i + 1), 53)), PASSED);
		assert_int_equal(!(last.flags & FRAME_NEW_FLOW), alive);
		due[i] = w->now_ns + 5 * SECOND;
		uint32_t count = 0, late = 0;
		for (unsigned int k = 0; round % 100 == 0 && k < SESSIONS; k++) {
			count += due[k] > w->now_ns;
			late += due[k] + (1u << (WHEEL_SHIFT + 1)) > w->now_ns;
		}
		if (round % 100 == 0)
			assert_in_range(flow_table_count(w->flows), count, late);
	}
}

/* ---- verdicts and generations ---- */

static void a_refusal_is_remembered(void **state)
{
	(void)state;
	verdicts[WEB][APP] = BH_VERDICT_DENY;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED); /* to its judge */
	struct flow *flow = last.flow;
	assert_int_equal(flow->timeout, BH_TIMEOUT_DENIED);
	assert_int_equal(flow->tcp_state, BH_TCP_NONE);
	assert_int_equal(w->counters->cells[BH_WORKER_EMBRYONIC], 0);
	assert_int_equal(w->counters->segments[WEB].flows, 1);
	/* the SYN again: the same answer, kept for longer */
	w->now_ns += 9 * SECOND;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_false(last.flags & FRAME_NEW_FLOW);
	w->now_ns += 9 * SECOND;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 1)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_int_equal(flow->tcp_state, BH_TCP_NONE);
	/* an answer, to what the responder did not get, meets the same refusal */
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, SYN | ACK, 1, 1001)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_true(flow_is_refused(flow));
	w->now_ns += 10 * SECOND;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
}

static void a_refusal_protects_nobody(void **state)
{
	(void)state;
	/* db1 sends in app1's name; app1's own session is judged for itself */
	verdicts[DB][WEB] = BH_VERDICT_DENY;
	assert_int_equal(pass(from_db(udp(app1, web1, 53, 40000))), PASSED);
	assert_true(flow_is_refused(last.flow));
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
	assert_int_equal(last.flow->segment[0], WEB);
	assert_false(flow_is_refused(last.flow));
	/* and now what db1 makes up fits no session */
	assert_int_equal(pass(from_db(udp(app1, web1, 53, 40000))), BH_DROP_SESSION_SEGMENT);
}

static void a_new_generation_judges_the_refused_anew(void **state)
{
	(void)state;
	w->replay = true;
	verdicts[WEB][APP] = BH_VERDICT_DENY;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED);
	policy.generation++;
	verdicts[WEB][APP] = BH_VERDICT_ALLOW;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 1)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
	assert_int_equal(event.flow.end, BH_FLOW_END_POLICY);
	assert_int_equal(last.flow->tcp_state, BH_TCP_SYN_SENT);
}

static void a_connection_refused_for_its_application_may_be_tried_again(void **state)
{
	(void)state;
	struct flow *flow = establish();
	flow_cold(w->flows, flow)->packets_to_verdict = 4;
	judge(flow, BH_VERDICT_DENY);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 5001)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 90000, 0)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
}

/* SSH on the web port, say: no frame of it, of either end, makes it a connection under way that would be trusted. */
static void an_interrupted_connection_is_not_picked_up(void **state)
{
	(void)state;
	struct flow *flow = establish();
	header.settings.midstream_pick_up = BH_PICK_UP_ALWAYS;
	flow_cold(w->flows, flow)->packets_to_verdict = 4;
	judge(flow, BH_VERDICT_DENY);
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, ACK, 5001, 1001)),
			 PASSED); /* to its judge, who refuses */
	assert_ptr_equal(last.flow, flow);
	assert_true(flow_is_refused(flow));
	assert_int_equal(pass(from_db(tcp(app1, web1, 80, 40000, ACK, 5001, 1001))), BH_DROP_SESSION_SEGMENT);
	/* its ends try again for a minute */
	w->now_ns += 70 * SECOND;
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, ACK, 5001, 1001)), PASSED);
	assert_ptr_equal(last.flow, flow);
}

/* A reload by mistake, and one that takes it back: connections that were interrupted go on where they stood. */
static void a_later_policy_lets_an_interrupted_connection_go_on(void **state)
{
	(void)state;
	struct flow *flow = establish();
	judge(flow, BH_VERDICT_DENY);
	assert_int_equal(flow->tcp_state, BH_TCP_ESTABLISHED);
	policy.generation++;
	second_thought = BH_VERDICT_DENY;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 5001)), PASSED);
	assert_true(flow_is_refused(flow));
	policy.generation++;
	second_thought = BH_VERDICT_ALLOW;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1001, 5001)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_false(flow_is_refused(flow));
	assert_int_equal(flow->timeout, BH_TIMEOUT_TCP_ESTABLISHED);
}

static void monitored_sessions_go_on(void **state)
{
	(void)state;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, SYN, 1000, 0)), PASSED);
	last.flow->flags |= FLOW_MONITORED;
	last.flow->verdict = BH_VERDICT_DENY;
	flow_refused(w, last.flow);
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, SYN | ACK, 5000, 1001)), PASSED);
	assert_int_equal(last.flow->tcp_state, BH_TCP_SYN_RECV);
}

static void pending_sessions_are_concluded(void **state)
{
	(void)state;
	verdicts[WEB][APP] = BH_VERDICT_PENDING;
	assert_int_equal(pass(udp(web1, app1, 40000, 53)), PASSED);
	assert_int_equal(w->counters->cells[BH_WORKER_PENDING], 1);
	flow_end(w, last.flow, BH_FLOW_END_TIMEOUT);
	assert_int_equal(concluded, 1);
	assert_int_equal(w->counters->cells[BH_WORKER_PENDING], 0);
	assert_int_equal(records, 0); /* live, and no rule logs it */
}

/* ---- connections under way ---- */

static void the_grace_of_a_start(void **state)
{
	(void)state;
	header.settings.midstream_pick_up = 60;
	w->start_ns = w->now_ns - 60 * SECOND;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	w->start_ns++;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1, 1)), PASSED);
	assert_true(last.flow->flags & FLOW_MIDSTREAM);
	assert_true(last.flow->flags & FLOW_TRUST);
	assert_int_equal(last.flow->tcp_state, BH_TCP_ESTABLISHED);
	assert_int_equal(w->counters->cells[BH_WORKER_EMBRYONIC], 0);
	header.settings.midstream_app = BH_MIDSTREAM_UNKNOWN;
	assert_int_equal(pass(tcp(web1, app1, 40001, 80, ACK, 1, 1)), PASSED);
	assert_false(last.flow->flags & FLOW_TRUST);
	struct bh_session session;
	assert_true(flow_session(w, last.flow, &policy, APP, &session));
	assert_true(session.knowledge.app_known);
	header.settings.midstream_pick_up = BH_PICK_UP_NEVER;
	assert_int_equal(pass(tcp(web1, app1, 40002, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	header.settings.midstream_pick_up = 60;
	w->start_ns = 0; /* no image was ever in force */
	assert_int_equal(pass(tcp(web1, app1, 40002, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
}

/* A machine that moved, or is new: for its own frames only where it may begin, for those to it where either end may. */
static void the_grace_of_a_move(void **state)
{
	(void)state;
	header.settings.midstream_pick_up = 60;
	w->start_ns = SECOND;
	machine.mac = (struct rte_ether_addr){ { 2, 0, 0, 0, WEB, 1 } };
	machine.segment = WEB;
	machine.placed_ns = w->now_ns - 60 * SECOND;
	w->macs = (struct mac_table *)&machine;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	machine.placed_ns++;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1, 1)), PASSED);
	assert_int_equal(last.flow->segment[0], WEB);
	assert_true(last.flow->flags & FLOW_MIDSTREAM);
	assert_false(last.flow->flags & FLOW_TRUST);
	/* it is the initiator of what it sends though both may begin and its port is the lower one */
	assert_int_equal(pass(tcp(web1, app1, 80, 40000, ACK, 1, 1)), PASSED);
	assert_int_equal(last.flow->segment[0], WEB);
	/* a reply of it: only who stayed is believed */
	verdicts[WEB][APP] = BH_VERDICT_DENY;
	assert_int_equal(pass(tcp(web1, app1, 80, 40001, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(tcp(app1, web1, 40001, 80, ACK, 1, 1)), PASSED);
	assert_int_equal(last.flow->segment[0], APP);
	assert_int_equal(pass(tcp(web1, app1, 80, 40001, ACK, 1, 1)), PASSED);
	/* no flags but those of a connection under way, no other machine, no other place */
	assert_int_equal(pass(tcp(app1, web1, 40002, 80, RST | ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	assert_int_equal(pass(tcp(app1, web2, 40002, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	machine.segment = DB;
	assert_int_equal(pass(tcp(app1, web1, 40002, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	machine.segment = WEB;
	machine.placed_ns = 0; /* back where a forged announcement took it from */
	assert_int_equal(pass(tcp(app1, web1, 40002, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	machine.placed_ns = w->now_ns;
	header.settings.midstream_pick_up = BH_PICK_UP_NEVER;
	assert_int_equal(pass(tcp(app1, web1, 40002, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	w->macs = NULL;
}

static void stateless_sessions_are_answered(void **state)
{
	(void)state;
	header.settings.exception_flows = BH_EXCEPTION_STATELESS;
	segments[WEB].limits.flows = 1;
	verdicts[APP][WEB] = BH_VERDICT_DENY;
	assert_int_equal(pass(udp(web1, app1, 1, 53)), PASSED);
	assert_non_null(last.flow);
	assert_int_equal(pass(udp(web1, app1, 2, 53)), PASSED);
	assert_null(last.flow);
	assert_int_equal(pass(udp(app1, web1, 53, 2)), PASSED);
	assert_null(last.flow);
	assert_true(last.flags & FRAME_STATELESS);
	/* what may begin itself does, and what nobody may is refused by a session of its own */
	verdicts[APP][WEB] = BH_VERDICT_ALLOW;
	assert_int_equal(pass(udp(app1, web1, 53, 3)), PASSED);
	assert_non_null(last.flow);
	verdicts[APP][WEB] = verdicts[WEB][APP] = BH_VERDICT_DENY;
	assert_int_equal(pass(udp(app1, web1, 53, 4)), PASSED);
	assert_true(flow_is_refused(last.flow));
}

static void the_allowed_direction_begins(void **state)
{
	(void)state;
	header.settings.midstream_pick_up = BH_PICK_UP_ALWAYS;
	/* both: the lower port serves */
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, ACK, 1, 1)), PASSED);
	assert_int_equal(last.flow->segment[0], WEB);
	assert_int_equal(last.flow->segment[1], APP);
	assert_true(last.flags & FRAME_REVERSE);
	assert_int_equal(last.flow->packets[1], 1);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1, 1)), PASSED);
	assert_false(last.flags & FRAME_REVERSE);
	assert_int_equal(pass(tcp(web1, app1, 40001, 80, ACK, 1, 1)), PASSED);
	assert_int_equal(last.flow->segment[0], WEB);
	/* one alone */
	verdicts[WEB][APP] = BH_VERDICT_DENY;
	assert_int_equal(pass(tcp(app1, web1, 80, 40002, ACK, 1, 1)), PASSED);
	assert_int_equal(last.flow->segment[0], APP);
	assert_int_equal(pass(tcp(web1, app1, 40003, 80, ACK, 1, 1)), PASSED);
	assert_int_equal(last.flow->segment[0], APP);
	assert_true(last.flags & FRAME_REVERSE);
	/* none: the sender, refused in both directions */
	verdicts[APP][WEB] = BH_VERDICT_DENY;
	assert_int_equal(pass(tcp(app1, web1, 80, 40004, ACK, 1, 1)), PASSED);
	struct flow *flow = last.flow;
	assert_int_equal(flow->segment[0], APP);
	assert_true(flow_is_refused(flow));
	assert_int_equal(pass(tcp(web1, app1, 40004, 80, ACK, 1, 1)), PASSED);
	assert_ptr_equal(last.flow, flow);
}

/* ---- ICMP ---- */

static void both_ends_may_ask_under_one_identifier(void **state)
{
	(void)state;
	verdicts[APP][WEB] = BH_VERDICT_DENY;
	assert_int_equal(pass(ping(web1, app1, 1, false)), PASSED);
	struct flow *flow = last.flow;
	assert_int_equal(pass(ping(app1, web1, 1, true)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_true(last.flags & FRAME_REVERSE);
	/* a request is not a reply: it has a session, and a verdict, of its own */
	assert_int_equal(pass(ping(app1, web1, 1, false)), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
	assert_true(flow_is_refused(last.flow));
	assert_int_equal(pass(ping(web1, app1, 1, true)), BH_DROP_ICMP_NO_SESSION);
	assert_int_equal(pass(ping(app1, web1, 1, true)), PASSED);
	struct bh_flow_record record;
	flow_record(w, flow, BH_FLOW_END_LIVE, &record);
	assert_int_equal(record.source_port, 1);
	assert_int_equal(record.destination_port, 0);
	assert_int_equal(record.icmp, 8 << 8);
}

static void another_type_or_code_is_another_session(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	assert_int_equal(pass(ping(web1, app1, 1, false)), PASSED);
	m = ping(web1, app1, 1, false);
	frame_of(m)->icmp = 8 << 8 | 9;
	assert_int_equal(pass(m), PASSED);
	assert_true(last.flags & FRAME_NEW_FLOW);
	/* types that nobody answers: one way */
	for (int i = 0; i < 3; i++) {
		m = ping(i == 2 ? app1 : web1, i == 2 ? web1 : app1, 0, false);
		frame_of(m)->flags = 0;
		frame_of(m)->key.icmp_type = 0;
		frame_of(m)->icmp = (uint16_t)((i == 1 ? 41 : 40) << 8);
		assert_int_equal(pass(m), PASSED);
		assert_true(last.flags & FRAME_NEW_FLOW);
	}
}

static void errors_are_related(void **state)
{
	(void)state;
	struct flow *flow = establish();
	uint64_t refreshed = flow->last_ns, packets = flow->packets[1];
	advance(SECOND);
	assert_int_equal(pass(error_about(tcp(web1, app1, 40000, 80, ACK, 1001, 5001), APP, WEB)), PASSED);
	assert_ptr_equal(last.flow, flow);
	assert_int_equal(last.flags & (FRAME_RELATED | FRAME_REVERSE), FRAME_RELATED | FRAME_REVERSE);
	assert_int_equal(flow->last_ns, refreshed);
	assert_int_equal(flow->packets[1], packets);
	assert_int_equal(pass(error_about(tcp(app1, web1, 80, 40000, ACK, 5001, 1001), WEB, APP)), PASSED);
	assert_int_equal(last.flags & (FRAME_RELATED | FRAME_REVERSE), FRAME_RELATED);
	/* to the sender of what it quotes, wherever its MAC is */
	assert_int_equal(pass(error_about(tcp(web1, app1, 40000, 80, ACK, 1001, 5001), APP, SEGMENT_FLOOD)),
			 PASSED);
	assert_int_equal(last.dest, WEB);
}

static void errors_that_are_not(void **state)
{
	(void)state;
	struct flow *flow = establish();
	/* no such session; from a third segment; to another than the sender; quoted the wrong way around */
	assert_int_equal(pass(error_about(udp(web1, app1, 1, 2), APP, WEB)), BH_DROP_ICMP_NO_SESSION);
	assert_int_equal(pass(error_about(tcp(web1, app1, 40000, 80, ACK, 1001, 5001), DB, WEB)),
			 BH_DROP_ICMP_NO_SESSION);
	assert_int_equal(pass(error_about(tcp(web1, app1, 40000, 80, ACK, 1001, 5001), APP, DB)),
			 BH_DROP_ICMP_NO_SESSION);
	assert_int_equal(pass(error_about(tcp(web1, app1, 40000, 80, ACK, 1001, 5001), WEB, APP)),
			 BH_DROP_ICMP_NO_SESSION);
	/* a sequence number that was never sent */
	assert_int_equal(pass(error_about(tcp(web1, app1, 40000, 80, ACK, 999999, 5001), APP, WEB)),
			 BH_DROP_ICMP_NO_SESSION);
	judge(flow, BH_VERDICT_DENY);
	assert_int_equal(pass(error_about(tcp(web1, app1, 40000, 80, ACK, 1001, 5001), APP, WEB)),
			 BH_DROP_ICMP_NO_SESSION);
}

static void errors_about_queries_and_unknown_places(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	assert_int_equal(pass(ping(web1, app1, 1, false)), PASSED);
	assert_int_equal(pass(error_about(ping(web1, app1, 1, false), APP, WEB)), PASSED);
	assert_true(last.flags & FRAME_RELATED);
	m = udp(web1, app1, 40000, 161);
	frame_of(m)->dest = SEGMENT_FLOOD;
	assert_int_equal(pass(m), PASSED);
	verdicts[WEB][DB] = BH_VERDICT_DENY;
	assert_int_equal(pass(error_about(udp(web1, app1, 40000, 161), DB, WEB)), BH_DROP_ICMP_NO_SESSION);
	assert_int_equal(pass(error_about(udp(web1, app1, 40000, 161), APP, WEB)), PASSED);
	assert_int_equal(last.flow->segment[1], SEGMENT_NONE); /* no reply */
}

/* ---- quotas ---- */

static void quotas_of_a_segment(void **state)
{
	(void)state;
	segments[WEB].limits.embryonic = 3;
	for (uint16_t i = 1; i <= 3; i++)
		assert_int_equal(pass(tcp(web1, app1, i, 80, SYN, 1000, 0)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 4, 80, SYN, 1000, 0)), BH_DROP_FLOW_QUOTA);
	assert_int_equal(pass(tcp(app1, web1, 4, 80, SYN, 1000, 0)), PASSED); /* another segment's */
	assert_int_equal(pass(tcp(app1, web1, 80, 1, SYN | ACK, 5000, 1001)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 1, 80, ACK, 1001, 5001)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 4, 80, SYN, 1000, 0)), PASSED);
	segments[WEB].limits = (struct bh_limits){ .flows = 4 };
	assert_int_equal(pass(tcp(web1, app1, 5, 80, SYN, 1000, 0)), BH_DROP_FLOW_QUOTA);
	policy.replay_quotas_off = true;
	assert_int_equal(pass(tcp(web1, app1, 5, 80, SYN, 1000, 0)), PASSED);
	/* two workers have half of it each, but one at least */
	policy.replay_quotas_off = false;
	w->worker_count = 2;
	segments[DB].limits.flows = 1;
	assert_int_equal(pass(udp(db1, app1, 1, 2)), PASSED);
	assert_int_equal(pass(udp(db1, app1, 2, 2)), BH_DROP_FLOW_QUOTA);
	segments[DB].limits.flows = 4;
	assert_int_equal(pass(udp(db1, app1, 2, 2)), PASSED);
	assert_int_equal(pass(udp(db1, app1, 3, 2)), BH_DROP_FLOW_QUOTA);
}

static void new_flows_a_second(void **state)
{
	uint16_t port = 1;

	(void)state;
	segments[WEB].limits.new_flows = 10;
	for (int i = 0; i < 10; i++)
		assert_int_equal(pass(udp(web1, app1, port++, 53)), PASSED);
	assert_int_equal(pass(udp(web1, app1, port, 53)), BH_DROP_FLOW_QUOTA);
	w->now_ns += SECOND / 10;
	assert_int_equal(pass(udp(web1, app1, port++, 53)), PASSED);
	assert_int_equal(pass(udp(web1, app1, port, 53)), BH_DROP_FLOW_QUOTA);
	assert_int_equal(pass(udp(web1, app1, 1, 53)), PASSED); /* an old one */
	segments[WEB].limits.new_flows = 1;
	w->worker_count = 2; /* each may begin one in two seconds */
	w->now_ns += 10 * SECOND;
	assert_int_equal(pass(udp(web1, app1, port++, 53)), PASSED);
	w->now_ns += SECOND;
	assert_int_equal(pass(udp(web1, app1, port, 53)), BH_DROP_FLOW_QUOTA);
	w->now_ns += SECOND;
	assert_int_equal(pass(udp(web1, app1, port, 53)), PASSED);
}

static void a_full_table(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 64; i++)
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
	assert_int_equal(pass(udp(web1, app1, 65, 53)), BH_DROP_FLOW_FULL);
	assert_int_equal(pass(tcp(web1, app1, 65, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
	header.settings.exception_flows = BH_EXCEPTION_STATELESS;
	assert_int_equal(pass(udp(web1, app1, 65, 53)), PASSED);
	assert_null(last.flow);
	assert_true(last.flags & FRAME_STATELESS);
	/* so that connections begun without state can go on */
	assert_int_equal(pass(tcp(web1, app1, 65, 80, ACK, 1, 1)), PASSED);
	assert_true(last.flags & FRAME_STATELESS);
	assert_int_equal(pass(udp(web1, app1, 64, 53)), PASSED);
	assert_non_null(last.flow);
	advance(61 * SECOND);
	assert_int_equal(pass(tcp(web1, app1, 65, 80, ACK, 1, 1)), BH_DROP_TCP_NO_SESSION);
}

/* ---- who gives a place ---- */

static uint64_t evicted(void)
{
	return w->counters->cells[BH_WORKER_FLOWS_EVICTED];
}

static struct flow *session_of(struct rte_mbuf *m)
{
	struct flow *flow = flow_find(w->flows, &frame_of(m)->key, frame_of(m)->hash);

	rte_pktmbuf_free(m);
	return flow;
}

/* web floods the table; db's new sessions take its unanswered ones, the oldest first, and no established one. */
static void a_flood_pays_with_its_own(void **state)
{
	(void)state;
	advance(0); /* the wheel is of now */
	struct flow *established = establish();
	for (uint16_t i = 1; i < 64; i++) {
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
		w->now_ns +=
			i == 3 ? SECOND / 2 : 0; /* two slots of the wheel; within one the order is any */
	}
	assert_int_equal(pass(udp(web1, app1, 64, 53)), BH_DROP_FLOW_FULL);
	for (uint16_t i = 1; i <= 31; i++) {
		assert_int_equal(pass(udp(db1, app1, i, 53)), PASSED);
		for (uint16_t old = 1; i == 3 && old <= 5; old++)
			assert_int_equal(!session_of(udp(web1, app1, old, 53)), old <= 3);
	}
	assert_int_equal(evicted(), 31);
	assert_ptr_equal(session_of(tcp(web1, app1, 40000, 80, ACK, 0, 0)), established);
	/* as many as web has (32): db would pay itself from here on, with what had its time */
	assert_int_equal(pass(udp(db1, app1, 32, 53)), PASSED);
	assert_int_equal(pass(udp(db1, app1, 33, 53)), BH_DROP_FLOW_FULL);
	/* web is no better off than the others */
	assert_int_equal(pass(udp(web1, app1, 100, 53)), PASSED);
	assert_int_equal(pass(udp(web1, app1, 101, 53)), BH_DROP_FLOW_FULL);
}

/* All that is left is established: nobody gives a place, whoever comes. */
static void established_sessions_stay(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 64; i++) {
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
		assert_int_equal(pass(udp(app1, web1, 53, i)), PASSED);
	}
	w->now_ns += 10 * SECOND;
	assert_int_equal(pass(udp(db1, app1, 1, 53)), BH_DROP_FLOW_FULL);
	assert_int_equal(pass(udp(web1, app1, 65, 53)), BH_DROP_FLOW_FULL);
	assert_int_equal(evicted(), 0);
}

static void a_segment_at_its_quota_waits_for_an_answer(void **state)
{
	(void)state;
	segments[WEB].limits.embryonic = 2;
	assert_int_equal(pass(tcp(web1, app1, 1, 80, SYN, 1000, 0)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 2, 80, SYN, 1000, 0)), PASSED);
	w->now_ns += SECOND - 1;
	assert_int_equal(pass(tcp(web1, app1, 3, 80, SYN, 1000, 0)), BH_DROP_FLOW_QUOTA);
	/* one is answered; the other has had its second */
	assert_int_equal(pass(tcp(app1, web1, 80, 2, SYN | ACK, 5000, 1001)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 2, 80, ACK, 1001, 5001)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 3, 80, SYN, 1000, 0)), PASSED);
	assert_int_equal(evicted(), 0);
	w->now_ns++;
	assert_int_equal(pass(tcp(web1, app1, 4, 80, SYN, 1000, 0)), PASSED);
	assert_int_equal(evicted(), 1);
	assert_null(session_of(tcp(web1, app1, 1, 80, SYN, 0, 0)));
	assert_non_null(session_of(tcp(web1, app1, 2, 80, SYN, 0, 0)));
	/* over the rate, nobody has to go for who may not come */
	w->now_ns += 2 * SECOND;
	segments[WEB].limits.new_flows = 1;
	assert_int_equal(pass(tcp(web1, app1, 5, 80, SYN, 1000, 0)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 6, 80, SYN, 1000, 0)), BH_DROP_FLOW_QUOTA);
	assert_int_equal(evicted(), 2);
}

/* What is refused, or over, holds no place against its segment; what was let in and then refused does. */
static void the_refused_and_the_closed_yield_at_once(void **state)
{
	(void)state;
	segments[WEB].limits.flows = 2;
	struct flow *flow = establish();
	verdicts[WEB][DB] = BH_VERDICT_DENY;
	assert_int_equal(pass(udp(web1, db1, 1, 53)), PASSED);
	assert_true(flow_is_refused(last.flow));
	assert_int_equal(pass(udp(web1, app1, 2, 53)), PASSED);
	assert_int_equal(evicted(), 1);
	assert_int_equal(pass(udp(web1, app1, 3, 53)), BH_DROP_FLOW_QUOTA);
	judge(flow, BH_VERDICT_DENY);
	assert_int_equal(pass(udp(web1, app1, 3, 53)), BH_DROP_FLOW_QUOTA);
	judge(flow, BH_VERDICT_ALLOW);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, RST, 1001, 0)), PASSED);
	assert_int_equal(flow->tcp_state, BH_TCP_CLOSED);
	assert_int_equal(pass(udp(web1, app1, 3, 53)), PASSED);
	assert_int_equal(evicted(), 2);
}

static void who_was_picked_up_yields_until_both_ends_spoke(void **state)
{
	(void)state;
	header.settings.midstream_pick_up = BH_PICK_UP_ALWAYS;
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1, 1)), PASSED);
	assert_true(last.flow->flags & FLOW_YIELDS);
	assert_int_equal(pass(tcp(web1, app1, 40000, 80, ACK, 1, 1)), PASSED);
	assert_true(last.flow->flags & FLOW_YIELDS);
	assert_int_equal(pass(tcp(app1, web1, 80, 40000, ACK, 1, 1)), PASSED);
	assert_false(last.flow->flags & FLOW_YIELDS);
}

/* The session that gives its place has a frame in the same batch: that one leaves by it, and not by what comes after it. */
static void a_place_is_taken_in_the_midst_of_a_batch(void **state)
{
	struct rte_mbuf *frames[2];

	(void)state;
	for (uint16_t i = 1; i <= 64; i++)
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
	frames[0] = udp(web1, app1, 64, 53); /* the last of its slot is found first */
	frames[1] = udp(db1, app1, 1, 53);
	assert_int_equal(flow_stage(w, frames, 2), 1);
	assert_int_equal(evicted(), 1);
	assert_int_equal(sent_on, 1);
	assert_int_equal(frame_of(frames[0])->segment, DB);
	rte_pktmbuf_free(frames[0]);
}

/* Moves between the columns: what a move, an answer and an end leave is counted right (lower() asks for nothing left). */
static void segments_with_one_column_are_told_apart(void **state)
{
	(void)state;
	segments[WEB + YIELD_COLUMNS] = segments[WEB];
	for (uint16_t i = 1; i <= 40; i++)
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
	for (uint16_t i = 1; i <= 24; i++) {
		struct rte_mbuf *m = udp(web2, app1, i, 53);

		frame_of(m)->segment = WEB + YIELD_COLUMNS;
		assert_int_equal(pass(m), PASSED);
	}
	assert_int_equal(w->flows->quotas[WEB + YIELD_COLUMNS].yielding, 24);
	assert_int_equal(pass(udp(db1, app1, 1, 53)), PASSED);
	assert_int_equal(w->flows->quotas[WEB].yielding, 39);
	assert_int_equal(w->flows->quotas[WEB + YIELD_COLUMNS].yielding, 24);
	w->counters->segments[WEB + YIELD_COLUMNS] = (struct bh_segment_counters){ 0 };
}

static void larger(uint32_t capacity)
{
	flow_table_free(w->flows);
	w->flows = flow_table_new(capacity, SOCKET_ID_ANY, false);
	assert_non_null(w->flows);
	advance(0);
}

/* db's newcomers, one after the other: how many of them are refused? */
static unsigned int refused_of(uint16_t first, uint16_t count)
{
	unsigned int refused = 0;

	for (uint16_t i = 0; i < count; i++) {
		unsigned int result = pass(udp(db1, app1, (uint16_t)(first + i), 53));

		assert_true(result == PASSED || result == BH_DROP_FLOW_FULL);
		refused += result != PASSED;
	}
	return refused;
}

/* A flood behind what another segment of its column holds, which ends sooner: the search gets there, whoever comes. */
static void a_flood_can_not_hide_behind_others(void **state)
{
	(void)state;
	larger(1000);
	segments[WEB + YIELD_COLUMNS] = segments[WEB];
	for (uint16_t i = 1; i <= 300; i++) {
		struct rte_mbuf *m = udp(web2, app1, i, 53);

		frame_of(m)->segment = WEB + YIELD_COLUMNS;
		assert_int_equal(pass(m), PASSED);
	}
	advance(SECOND);
	for (uint16_t i = 1; i <= 700; i++)
		assert_int_equal(pass(udp(web1, app1, i, 53)), PASSED);
	assert_in_range(refused_of(1, 300), 1, 300 / 64);
	/* the flooder pays, and is found at once from here on; one who tries again is let in */
	assert_int_equal(refused_of(1, 300), 0);
	assert_int_equal(w->flows->quotas[DB].flows, 300);
	assert_int_equal(w->flows->quotas[WEB].flows, 400);
	assert_int_equal(w->flows->quotas[WEB + YIELD_COLUMNS].flows, 300);
	flow_end_all(w, BH_FLOW_END_END_OF_RUN);
	w->counters->segments[WEB + YIELD_COLUMNS] = (struct bh_segment_counters){ 0 };
}

/* A connection that is over is kept for longer than one that has yet to be answered, but goes before it: found behind them by a search that
 * goes on where the last one ended. */
static void the_closed_go_before_the_unanswered(void **state)
{
	unsigned int closed = 0;

	(void)state;
	larger(1000);
	for (uint16_t i = 1; i <= 200; i++) {
		assert_int_equal(pass(tcp(web1, app1, i, 80, SYN, 1000, 0)), PASSED);
		assert_int_equal(pass(tcp(app1, web1, 80, i, SYN | ACK, 5000, 1001)), PASSED);
		assert_int_equal(pass(tcp(web1, app1, i, 80, FIN | ACK, 1001, 5001)), PASSED);
		assert_int_equal(pass(tcp(app1, web1, 80, i, FIN | ACK, 5001, 1002)), PASSED);
		assert_int_equal(pass(tcp(web1, app1, i, 80, ACK, 1002, 5002)), PASSED);
		assert_int_equal(last.flow->tcp_state, BH_TCP_TIME_WAIT);
	}
	for (uint16_t i = 1; i <= 800; i++)
		assert_int_equal(pass(tcp(web1, app1, 1000 + i, 80, SYN, 1000, 0)), PASSED);
	assert_true(header.settings.timeouts[BH_TIMEOUT_TCP_SYN] <
		    header.settings.timeouts[BH_TIMEOUT_TCP_TIME_WAIT]);
	assert_int_equal(refused_of(1, 200), 0);
	assert_int_equal(evicted(), 200);
	for (uint16_t i = 1; i <= 200; i++)
		closed += !session_of(tcp(web1, app1, i, 80, ACK, 0, 0));
	assert_in_range(closed, 200 - 800 / 64, 200);
	flow_end_all(w, BH_FLOW_END_END_OF_RUN);
}

/* Half-open sessions at their quota, behind closed ones that end sooner: the newcomer takes one that had its time. */
static void the_half_open_can_not_hide_behind_the_closed(void **state)
{
	unsigned int refused = 0;

	(void)state;
	larger(1000);
	for (uint16_t i = 1; i <= 300; i++) {
		assert_int_equal(pass(tcp(web1, app1, i, 80, SYN, 1000, 0)), PASSED);
		assert_int_equal(pass(tcp(app1, web1, 80, i, RST | ACK, 0, 1001)), PASSED);
	}
	segments[WEB].limits.embryonic = 100;
	for (uint16_t i = 1; i <= 100; i++)
		assert_int_equal(pass(tcp(web1, app1, 1000 + i, 80, SYN, 1000, 0)), PASSED);
	assert_int_equal(pass(tcp(web1, app1, 2000, 80, SYN, 1000, 0)), BH_DROP_FLOW_QUOTA);
	w->now_ns += 2 * SECOND;
	for (uint16_t i = 1; i <= 50; i++)
		refused += pass(tcp(web2, app1, 3000 + i, 80, SYN, 1000, 0)) != PASSED;
	assert_in_range(refused, 1, 300 / 64);
	assert_int_equal(evicted(), 50 - refused);
	assert_int_equal(w->flows->quotas[WEB].embryonic, 100);
	/* round again: what came since is at the front, or behind the hand */
	w->now_ns += 2 * SECOND;
	refused = 0;
	for (uint16_t i = 1; i <= 100; i++)
		refused += pass(tcp(web2, app1, 4000 + i, 80, SYN, 1000, 0)) != PASSED;
	assert_in_range(refused, 0, 2 * (400 / 64));
}

/* ---- records ---- */

static void a_record_tells_it_all(void **state)
{
	struct bh_flow_record r, again;

	(void)state;
	strcpy(names->networks[NETWORK], "shop");
	strcpy(names->segments[WEB], "web");
	strcpy(names->segments[APP], "app");
	strcpy(names->rules[7], "web-to-app");
	segments[WEB].vlan = 101;
	segments[APP].vlan = 102;
	w->unix_offset_us = 1000;
	struct flow *flow = establish();
	struct flow_cold *cold = flow_cold(w->flows, flow);
	flow->rule_id = 7;
	flow->flags |= FLOW_LOG;
	cold->master = 91;
	cold->app = 126;
	cold->name = 1;
	cold->pending_bytes[1] = 5;
	advance(3 * SECOND + 1);
	flow_record(w, flow, BH_FLOW_END_LIVE, &r);
	assert_string_equal(r.network, "shop");
	assert_string_equal(r.segment[0], "web");
	assert_string_equal(r.segment[1], "app");
	assert_string_equal(r.rule, "web-to-app");
	assert_string_equal(r.application, "91.126");
	assert_string_equal(r.server_name, "www.example.com");
	assert_int_equal(r.vlan[0], 101);
	assert_int_equal(r.vlan[1], 102);
	assert_int_equal(r.source_port, 40000);
	assert_int_equal(r.destination_port, 80);
	assert_int_equal(r.source[15], 1);
	assert_int_equal(r.source[14], WEB);
	assert_int_equal(r.destination[14], APP);
	assert_int_equal(r.packets[0], 2);
	assert_int_equal(r.bytes[1], 100);
	assert_int_equal(r.pending_bytes[1], 5);
	assert_int_equal(r.start_us, 1000 * SECOND / 1000 + 1000);
	assert_int_equal(r.timeout_s, 3597);
	assert_int_equal(r.tcp_state, BH_TCP_ESTABLISHED);
	assert_int_equal(r.end, BH_FLOW_END_LIVE);
	assert_true(r.settled);
	assert_true(r.id && r.id < UINT64_C(1) << 53);
	flow_record(w, flow, BH_FLOW_END_LIVE, &again);
	assert_memory_equal(&r, &again, sizeof(r));
	w->unix_offset_us += 7; /* the wall clock was disciplined: it is still the same session */
	flow_end(w, flow, BH_FLOW_END_TIMEOUT);
	assert_int_equal(records, 1); /* its rule logs */
	assert_int_equal(event.flow.id, r.id);
	assert_int_equal(event.flow.timeout_s, 0);
}

static void a_session_for_the_evaluator(void **state)
{
	struct bh_session s;

	(void)state;
	/* initiated by the end that is second in the key */
	assert_int_equal(pass(udp(app1, web1, 40000, 53)), PASSED);
	assert_true(last.flow->flags & FLOW_REVERSED);
	assert_true(flow_session(w, last.flow, &policy, WEB, &s));
	assert_int_equal(s.from_segment, APP - 1);
	assert_int_equal(s.to_segment, WEB - 1);
	assert_int_equal(s.from[14], APP);
	assert_int_equal(s.to[14], WEB);
	assert_int_equal(s.source_port, 40000);
	assert_int_equal(s.service, 53);
	assert_false(flow_session(w, last.flow, &policy, SEGMENT_NONE, &s));
	assert_false(flow_session(w, last.flow, &policy, 77, &s));
	assert_int_equal(pass(ping(web1, app1, 5, false)), PASSED);
	assert_true(flow_session(w, last.flow, &policy, APP, &s));
	assert_int_equal(s.service, 8 << 8);
	assert_int_equal(s.source_port, 0);
	segments[WEB].index = BH_NONE; /* gone with a reload */
	assert_false(flow_session(w, last.flow, &policy, APP, &s));
	segments[WEB].index = WEB - 1;
}

#define test(function) cmocka_unit_test_setup_teardown(function, raise, lower)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_session_has_two_directions),
		test(what_begins_no_session),
		test(other_frames_pass_by),
		test(tcp_drops_have_their_reasons),
		test(options_of_a_syn_are_read),
		test(retransmissions_are_marked),
		test(a_port_is_reused),
		test(a_batch_that_ends_a_session_is_cut),
		test(a_session_keeps_its_segments),
		test(the_first_reply_fixes_the_segment),
		test(a_destination_becomes_known),
		test(groups_never_get_one_destination),
		test(a_moved_machine_is_judged_again),
		test(a_move_that_is_refused_is_not_followed),
		test(expiry_is_exact),
		test(a_pause_ends_nothing),
		test(udp_becomes_a_stream),
		test(a_shorter_timeout_takes_hold_at_once),
		test(long_timeouts_and_long_pauses),
		test(ageing_keeps_its_budget),
		test(ageing_presses_in_a_full_table),
		test(the_wheel_agrees_with_a_naive_model),
		test(a_refusal_is_remembered),
		test(a_refusal_protects_nobody),
		test(a_new_generation_judges_the_refused_anew),
		test(a_connection_refused_for_its_application_may_be_tried_again),
		test(an_interrupted_connection_is_not_picked_up),
		test(a_later_policy_lets_an_interrupted_connection_go_on),
		test(monitored_sessions_go_on),
		test(pending_sessions_are_concluded),
		test(the_grace_of_a_start),
		test(the_grace_of_a_move),
		test(stateless_sessions_are_answered),
		test(the_allowed_direction_begins),
		test(both_ends_may_ask_under_one_identifier),
		test(another_type_or_code_is_another_session),
		test(errors_are_related),
		test(errors_that_are_not),
		test(errors_about_queries_and_unknown_places),
		test(quotas_of_a_segment),
		test(new_flows_a_second),
		test(a_full_table),
		test(a_flood_pays_with_its_own),
		test(established_sessions_stay),
		test(a_segment_at_its_quota_waits_for_an_answer),
		test(the_closed_go_before_the_unanswered),
		test(the_refused_and_the_closed_yield_at_once),
		test(who_was_picked_up_yields_until_both_ends_spoke),
		test(a_place_is_taken_in_the_midst_of_a_batch),
		test(segments_with_one_column_are_told_apart),
		test(a_flood_can_not_hide_behind_others),
		test(the_half_open_can_not_hide_behind_the_closed),
		test(a_record_tells_it_all),
		test(a_session_for_the_evaluator),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
