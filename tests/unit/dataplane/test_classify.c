/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/classify.c dataplane/knowledge.c dataplane/context.c dataplane/streamhead.c dataplane/handshake.c dataplane/sample.c dataplane/clienthello.c dataplane/namepool.c dataplane/apps.c dataplane/arena.c dataplane/dpi.c dataplane/names.c dataplane/log.c tests/unit/dataplane/payloads.c */
/* Sessions made by hand are shown to the real library through the stage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arena.h"
#include "classify_world.h"

/* ---- recognition ---- */

static void test_http(void **unused)
{
	struct flow *flow;

	(void)unused;
	world(4, 1 << 20, 16);
	flow = session(0, IPPROTO_TCP, 8080);
	assert_true(say(flow, false, payload_http_request("Shop.Example:8080")));
	struct bh_knowledge k = known(flow);
	assert_true(k.app_known && k.name_known && !k.risks_known && !k.name_cut);
	assert_int_equal(k.app, dpi_protocol_id("http"));
	assert_string_equal(k.name, "shop.example");
	assert_int_equal(flow_cold(table, flow)->confidence, BH_CONFIDENCE_DPI);
	assert_true(flow->flags & FLOW_RENAMED);
	assert_int_equal(cell(BH_WORKER_DETECTING), 1);
	flow->flags &= ~FLOW_RENAMED;
	assert_true(say(flow, true, payload_http_response()));
	assert_true(flow->flags & FLOW_DPI_DONE);
	assert_true(flow->flags & FLOW_RENAMED); /* no further risk will come */
	assert_false(has_context(flow));
	assert_int_equal(cell(BH_WORKER_DETECTING), 0);
	assert_int_equal(cell(BH_WORKER_DPI_MEMORY), 0);
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 2);
	/* a decided session is looked at a few times more (test_late.c), and pays nothing after */
	flow->flags &= ~FLOW_SAMPLE;
	flow->dpi = 0;
	say(flow, false, payload_http_request("other.example"));
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 2);
	assert_string_equal(known(flow).name, "shop.example");
	world_end();
}

/* UDP has payload in its first packet: a session that will not be let in gets no context for it. */
static void test_refused_at_once(void **unused)
{
	(void)unused;
	world(4, 8 << 20, 16);
	first_verdict = BH_VERDICT_DENY;
	asked_first = 0;
	assert_true(say(session(0, IPPROTO_UDP, 53), false, payload_dns("a.example", false)));
	assert_int_equal(asked_first, 1);
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 0);
	first_verdict = BH_VERDICT_ALLOW;
	assert_true(say(session(1, IPPROTO_UDP, 53), false, payload_dns("a.example", false)));
	assert_int_equal(asked_first, 2);
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 1);
	/* once judged, it is not asked again here */
	assert_true(say(&table->flows[1], false, payload_dns("a.example", false)));
	assert_int_equal(asked_first, 2);
	first_verdict = -1;
	world_end();
}

static void test_tls(void **unused)
{
	struct flow *flow;

	(void)unused;
	world(4, 1 << 20, 16);
	flow = session(0, IPPROTO_TCP, 2222);
	say(flow, false, payload_client_hello("repo.shop.example"));
	struct bh_knowledge k = known(flow);
	assert_int_equal(k.app, dpi_protocol_id("tls"));
	assert_string_equal(k.name, "repo.shop.example");
	flow = session(1, IPPROTO_TCP, 443);
	say(flow, false, payload_client_hello("www.facebook.com"));
	assert_string_equal(named(flow), "TLS.Facebook");
	k = known(flow);
	assert_int_equal(k.master, dpi_protocol_id("tls"));
	assert_true(k.category == dpi_category_id("SocialNetwork"));
	/* in two segments */
	flow = session(2, IPPROTO_TCP, 443);
	struct payload hello = *payload_client_hello("split.example"), rest = hello;
	hello.length = 60;
	rest.length -= 60;
	memmove(rest.bytes, rest.bytes + 60, rest.length);
	sent[0] = 0;
	say(flow, false, &hello);
	assert_false(known(flow).name_known);
	say(flow, false, &rest);
	assert_string_equal(known(flow).name, "split.example");
	world_end();
}

static void test_long_name_is_cut(void **unused)
{
	char name[101];

	(void)unused;
	world(4, 1 << 20, 16);
	memset(name, 'x', 100);
	memcpy(name + 90, ".example.y", 10);
	name[100] = 0;
	struct flow *flow = session(0, IPPROTO_TCP, 443);
	say(flow, false, payload_client_hello(name));
	assert_true(known(flow).name_known && known(flow).name_cut);
	world_end();
}

static void test_ssh_and_postgres(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 5432); /* ssh on the port of PostgreSQL */
	say(flow, false, payload_text("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
	say(flow, true, payload_text("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
	assert_string_equal(named(flow), "SSH");
	assert_true(known(flow).app_known && known(flow).name_known && !known(flow).name);
	flow = session(1, IPPROTO_TCP, 5432);
	sent[0] = sent[1] = 0;
	say(flow, false, payload_postgres_startup());
	say(flow, true, payload_postgres_welcome());
	assert_string_equal(named(flow), "PostgreSQL");
	assert_int_equal(known(flow).app, dpi_protocol_id("postgresql"));
	world_end();
}

static void test_dns_and_ping(void **unused)
{
	static const uint8_t echo[40] = { 8, 0, 0, 0, 0, 1, 0, 1 };

	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_UDP, 53);
	say(flow, false, payload_dns("shop.example", false));
	assert_string_equal(named(flow), "DNS");
	assert_string_equal(classifier_name(w, flow), "shop.example"); /* shown .. */
	assert_null(known(flow).name);                                 /* .. but no server name */
	assert_true(known(flow).name_known);
	say(flow, true, payload_dns("shop.example", true));
	assert_true(flow->flags & FLOW_DPI_DONE);
	flow = session(1, IPPROTO_ICMP, 0);
	struct rte_mbuf *m = make_frame(flow, false, echo, sizeof(echo), 0);
	frame_of(m)->payload_length = 0; /* it is looked at without payload too */
	pass(m);
	assert_string_equal(named(flow), "ICMP");
	assert_true(flow->flags & FLOW_DPI_DONE);
	world_end();
}

static void test_not_shown(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 80);
	pass(make_frame(flow, false, "", 0, 1));
	for (int i = 0; i < 3; i++) {
		static const uint32_t flags[] = { FRAME_RETRANSMIT, FRAME_RELATED, FRAME_PROTECTED };
		struct rte_mbuf *m = make_frame(flow, false, "GET", 3, 1);
		frame_of(m)->flags |= flags[i];
		pass(m);
	}
	struct rte_mbuf *m = make_frame(flow, false, "GET", 3, 1);
	frame_of(m)->flow = NULL;
	pass(m);
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 0);
	assert_false(has_context(flow));
	world_end();
}

/* A packet spread over two mbuf segments is seen whole. */
static void test_spread_packet(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 80);
	const struct payload *p = payload_http_request("shop.example");
	struct rte_mbuf *m = make_frame(flow, false, p->bytes, p->length, 1), *tail = eal_frame(pool, "", 0);
	memcpy(rte_pktmbuf_append(tail, 50), rte_pktmbuf_mtod_offset(m, char *, m->data_len - 50), 50);
	rte_pktmbuf_trim(m, 50);
	assert_int_equal(rte_pktmbuf_chain(m, tail), 0);
	pass(m);
	assert_string_equal(known(flow).name, "shop.example");
	world_end();
}

/* A ClientHello without a name, an answer to a request without Host: no name will come. */
static void test_no_name(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 443);
	say(flow, false, payload_client_hello(NULL));
	assert_int_equal(known(flow).app, dpi_protocol_id("tls"));
	assert_true(known(flow).name_known && !known(flow).name && !known(flow).name_cut);
	flow = session(1, IPPROTO_TCP, 80);
	sent[0] = 0;
	say(flow, false, payload_text("GET / HTTP/1.0\r\nAccept: */*\r\nUser-Agent: curl/7.88.1\r\n\r\n"));
	assert_int_equal(known(flow).app, dpi_protocol_id("http"));
	assert_false(known(flow).name_known);
	say(flow, true, payload_http_response());
	assert_true(known(flow).name_known && !known(flow).name);
	world_end();
}

/* What a cache or a port adds is for the record: rules keep what was recognised. */
static void test_guess_refines(void **unused)
{
	struct dpi_result cached = {
		.master = 91, .app = 119, .confidence = BH_CONFIDENCE_CACHE, .name = ""
	};
	struct dpi_result by_port = { .app = 5, .confidence = BH_CONFIDENCE_PORT, .name = "" };

	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 443);
	say(flow, false, payload_client_hello("shop.example"));
	struct context *context = context_of(w->classifier->contexts, flow);
	assert_non_null(context);
	flow->flags &= ~FLOW_RENAMED;
	knowledge_learn(w, context, &cached);
	knowledge_learn(w, context, &cached);
	assert_string_equal(named(flow), "TLS.Facebook");
	struct bh_knowledge k = known(flow);
	assert_true(k.app_known && k.app == 91 && k.master == 0 && k.category == dpi_protocol_category(91));
	assert_false(flow->flags & FLOW_RENAMED); /* rules see no difference */
	header.settings.guess = 1;
	assert_int_equal(known(flow).app, 119);
	cached.confidence = BH_CONFIDENCE_DPI;
	knowledge_learn(w, context, &cached);
	knowledge_learn(w, context, &by_port);
	header.settings.guess = 0;
	assert_int_equal(known(flow).app, 119);
	assert_int_equal(known(flow).master, 91);
	world_end();
}

/* ---- budgets ---- */

static void test_packet_budget(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	header.settings.dpi_max_packets = 3;
	struct flow *flow = session(0, IPPROTO_TCP, 21);
	judged(flow, BH_VERDICT_PENDING, BH_OPEN_APP);
	for (int i = 0; i < 2; i++)
		say(flow, false, payload_text("\x01\x02nothing that anybody knows"));
	assert_false(flow->flags & FLOW_DPI_DONE);
	say(flow, false, payload_text("\x01\x02nothing that anybody knows"));
	assert_true(flow->flags & FLOW_DPI_DONE);
	assert_true(flow->flags & FLOW_EXPIRED);
	assert_true(flow->flags & FLOW_RENAMED);
	assert_int_equal(cell(BH_WORKER_PENDING_EXPIRED), 1);
	/* the record has the guess; rules have `unknown`, unless they want guesses */
	assert_string_equal(named(flow), "FTP_CONTROL");
	assert_int_equal(flow_cold(table, flow)->confidence, BH_CONFIDENCE_PORT);
	struct bh_knowledge k = known(flow);
	assert_true(k.app_known && k.name_known && k.risks_known);
	assert_int_equal(k.app, 0);
	assert_int_equal(k.category, 0);
	header.settings.guess = 1;
	assert_int_equal(known(flow).app, dpi_protocol_id("ftp_control"));
	world_end();
}

static void test_byte_budget(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	header.settings.dpi_max_bytes = 50;
	struct flow *flow = session(0, IPPROTO_TCP, 9999);
	/* of each direction for itself */
	say(flow, false, payload_text("\x01\x02 thirty bytes of no protocol."));
	say(flow, true, payload_text("\x01\x02 thirty bytes of no protocol."));
	assert_false(flow->flags & FLOW_DPI_DONE);
	say(flow, true, payload_text("\x01\x02 thirty bytes of no protocol."));
	assert_true(flow->flags & FLOW_EXPIRED);
	assert_int_equal(cell(BH_WORKER_PENDING_EXPIRED), 0); /* no verdict waited for it */
	world_end();
}

static void test_time_budget(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *late = session(0, IPPROTO_TCP, 9999), *idle = session(1, IPPROTO_TCP, 9998);
	say(late, false, payload_text("\x01\x02 no protocol"));
	w->now_ns += 5000000000;
	say(idle, false, payload_text("\x01\x02 no protocol"));
	w->now_ns += 4999999999;
	classifier_age(w, 100);
	assert_false(late->flags & FLOW_DPI_DONE);
	w->now_ns += 1;
	classifier_age(w, 100);
	assert_true(late->flags & FLOW_EXPIRED);
	assert_false(idle->flags & FLOW_EXPIRED);
	w->now_ns += 5000000000;
	say(late, false, payload_text("x")); /* any batch ages */
	assert_true(idle->flags & FLOW_EXPIRED);
	assert_int_equal(cell(BH_WORKER_DETECTING), 0);
	world_end();
}

/* ---- whom nDPI need not look at ---- */

static void test_refused_is_not_looked_at(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 80);
	say(flow, false, payload_text("\x01\x02 no protocol"));
	judged(flow, BH_VERDICT_DENY, 0);
	say(flow, false, payload_text("\x01\x02 no protocol"));
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 1);
	assert_false(has_context(flow));
	assert_string_equal(named(flow), "HTTP"); /* by its port, for the record */
	assert_false(flow->flags & (FLOW_RENAMED | FLOW_APP_KNOWN));
	policy.generation++; /* a new policy may let it pass: look again */
	sent[0] = 0;
	say(flow, false, payload_http_request("shop.example"));
	assert_string_equal(known(flow).name, "shop.example");
	flow = session(1, IPPROTO_TCP, 80);
	judged(flow, BH_VERDICT_DENY, 0);
	flow->flags |= FLOW_MONITORED; /* its frames pass */
	say(flow, false, payload_http_request("shop.example"));
	assert_true(known(flow).app_known);
	world_end();
}

static void test_classification_off(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	header.settings.classification_off = 1;
	struct flow *flow = session(0, IPPROTO_TCP, 80);
	judged(flow, BH_VERDICT_ALLOW, 0);
	say(flow, false, payload_http_request("shop.example"));
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 0);
	judged(flow, BH_VERDICT_PENDING, BH_OPEN_APP);
	say(flow, false, payload_http_request("shop.example"));
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 1);
	world_end();
}

/* Whether nDPI is wanted is said by the policy in force, not by the one before. */
static void test_reload_does_not_ask_again(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	header.settings.classification_off = 1;
	struct flow *flow = session(0, IPPROTO_UDP, 5000);
	judged(flow, BH_VERDICT_ALLOW, 0);
	say(flow, false, payload_text("\x01\x02 no protocol"));
	policy.generation++;
	asked_first = 0;
	first_verdict = BH_VERDICT_ALLOW;
	say(flow, false, payload_text("\x01\x02 no protocol"));
	assert_int_equal(asked_first, 1);
	say(flow, false, payload_text("\x01\x02 no protocol"));
	assert_int_equal(asked_first, 1);
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 0);
	/* one that is recognised waits for the policy stage */
	flow->flags |= FLOW_DPI_DONE;
	policy.generation++;
	say(flow, false, payload_text("\x01\x02 no protocol"));
	assert_int_equal(asked_first, 1);
	first_verdict = -1;
	world_end();
}

static void test_no_module(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	policy.modules = NULL;
	struct flow *flow = session(0, IPPROTO_TCP, 80);
	say(flow, false, payload_http_request("shop.example"));
	assert_true(known(flow).app_known && known(flow).name_known && known(flow).risks_known);
	assert_true(flow->flags & FLOW_RENAMED);
	world_end();
}

/* ---- exhaustion ---- */

static void test_contexts_spent(void **unused)
{
	(void)unused;
	world(1, 1 << 20, 16);
	struct flow *first = session(0, IPPROTO_TCP, 9999), *second = session(1, IPPROTO_TCP, 80),
		    *third = session(2, IPPROTO_TCP, 80);
	say(first, false, payload_text("\x01\x02 no protocol"));
	assert_true(say(second, false, payload_http_request("shop.example")));
	assert_int_equal(cell(BH_WORKER_DPI_FULL), 1);
	assert_true(known(second).app_known && known(second).name_known);
	assert_int_equal(known(second).app, 0);
	header.settings.exception_dpi = BH_EXCEPTION_DROP;
	assert_false(say(third, false, payload_http_request("shop.example")));
	assert_int_equal(last_drop, BH_DROP_DPI_FULL);
	classifier_release(w, first);
	sent[0] = 0;
	assert_true(say(third, false, payload_http_request("shop.example")));
	assert_string_equal(named(third), "HTTP");
	world_end();
}

/* Half a ClientHello each: the library keeps what it has of it. */
static void test_arena_spent(void **unused)
{
	struct payload hello = *payload_client_hello("shop.example");
	int looked_at = 0;

	(void)unused;
	world(SESSIONS, 1 << 20, 16);
	hello.length -= 20;
	for (int i = 0; i < SESSIONS; i++) {
		struct flow *flow = session(i, IPPROTO_TCP, 443);
		say(flow, false, &hello);
		looked_at += has_context(flow);
	}
	assert_in_range(looked_at, 100, SESSIONS - 100);
	assert_int_equal(cell(BH_WORKER_DPI_FULL), SESSIONS - looked_at);
	assert_true(cell(BH_WORKER_DPI_MEMORY) < (1 << 20) * 80 / 100);
	world_end();
}

/* A session of UDP has its context and what the library asks for; one of TCP a block more, which it gives back. */
static void test_tcp_block(void **unused)
{
	struct flow *flow;

	(void)unused;
	world(4, 1 << 20, 16);
	assert_true(context_size() <= sizeof(struct context) + dpi_flow_size());
	flow = session(0, IPPROTO_UDP, 9999);
	assert_true(say(flow, false, payload_text("\x01\x02 no protocol")));
	assert_non_null(context_of(w->classifier->contexts, flow));
	assert_null(context_of(w->classifier->contexts, flow)->tcp);
	uint64_t used = cell(BH_WORKER_DPI_MEMORY);
	assert_int_equal(used, 0);
	flow = session(1, IPPROTO_TCP, 9999);
	assert_true(pass(make_frame(flow, false, "", 0, 1)));
	assert_false(has_context(flow));
	assert_true(say(flow, false, payload_text("\x01\x02 no protocol")));
	assert_non_null(context_of(w->classifier->contexts, flow)->tcp);
	assert_true(cell(BH_WORKER_DPI_MEMORY) > used);
	classifier_release(w, flow);
	assert_int_equal(cell(BH_WORKER_DPI_MEMORY), used);
	world_end();
}

/* Not even the block of TCP: exceptions.dpi answers, and what comes when there is room is looked at. */
static void test_no_tcp_block(void **unused)
{
	char *blocks = NULL, *block;

	(void)unused;
	world(4, 1 << 20, 16);
	struct classifier *c = w->classifier;
	c->room_for_new = c->room_for_any = SIZE_MAX;
	for (size_t size = 1 << 16; size >= 8; size /= 2)
		for (; (block = arena_allocate(c->arena, size)); blocks = block)
			memcpy(block, &blocks, sizeof(blocks));
	struct flow *first = session(0, IPPROTO_TCP, 80), *second = session(1, IPPROTO_TCP, 80);
	assert_true(say(first, false, payload_http_request("shop.example")));
	assert_int_equal(cell(BH_WORKER_DPI_FULL), 1);
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 0);
	assert_false(has_context(first));
	assert_true(known(first).app_known && !known(first).app);
	header.settings.exception_dpi = BH_EXCEPTION_DROP;
	sent[0] = 0;
	assert_false(say(second, false, payload_http_request("shop.example")));
	assert_int_equal(last_drop, BH_DROP_DPI_FULL);
	assert_int_equal(cell(BH_WORKER_DPI_FULL), 2);
	assert_true(pass(make_frame(second, true, "", 0, 1))); /* without payload it needs none */
	for (; blocks; blocks = block) {
		memcpy(&block, blocks, sizeof(block));
		arena_release(c->arena, blocks);
	}
	sent[0] = 0;
	assert_true(say(second, false, payload_http_request("shop.example")));
	assert_string_equal(named(second), "HTTP");
	assert_int_equal(cell(BH_WORKER_DPI_FULL), 2);
	world_end();
}

/* What was shown is remembered until the far end has it: then it needs no memory, and can not be contradicted any more. */
static void test_heads_until_acknowledged(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 9999);
	struct rte_mbuf *m;

	sent[0] = sent[1] = 0;
	assert_true(say(flow, false, payload_text("\x01\x02 no protocol")));
	uint64_t used = cell(BH_WORKER_DPI_MEMORY); /* the library's own is part of it */
	/* an acknowledgement of what was never sent takes nothing */
	m = make_frame(flow, true, "", 0, 1);
	frame_of(m)->tcp_ack = 1 + sent[0];
	assert_true(pass(m));
	assert_int_equal(cell(BH_WORKER_DPI_MEMORY), used);
	header.settings.exception_dpi = BH_EXCEPTION_DROP;
	assert_false(pass(make_frame(flow, false, "XX", 2, 1)));
	assert_int_equal(last_drop, BH_DROP_TCP_CONFLICT);
	assert_int_equal(cell(BH_WORKER_TCP_CONFLICTS), 1);
	flow->peer[0].end = 1 + sent[0];
	m = make_frame(flow, true, "", 0, 1);
	frame_of(m)->tcp_ack = 1 + sent[0];
	assert_true(pass(m));
	uint64_t taken = cell(BH_WORKER_DPI_MEMORY);
	assert_in_range(used - taken, 32, 96);
	assert_true(pass(make_frame(flow, false, "XX", 2, 1)));
	assert_int_equal(cell(BH_WORKER_DPI_MEMORY), taken);
	assert_int_equal(cell(BH_WORKER_TCP_CONFLICTS), 1);
	/* what follows is remembered again, and given back with the context */
	assert_true(say(flow, false, payload_text("more")));
	assert_false(pass(make_frame(flow, false, "XX", 2, sent[0])));
	assert_int_equal(cell(BH_WORKER_TCP_CONFLICTS), 2);
	assert_true(flow->dpi != 0);
	classifier_release(w, flow);
	assert_true(pass(make_frame(flow, false, "", 0, 1)));
	assert_true(cell(BH_WORKER_DPI_MEMORY) <= taken);
	world_end();
}

static void test_names_spent(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 1);
	struct flow *first = session(0, IPPROTO_TCP, 443), *second = session(1, IPPROTO_TCP, 443);
	say(first, false, payload_client_hello("one.example"));
	say(second, false, payload_client_hello("two.example"));
	assert_false(known(first).name_cut);
	assert_true(known(second).name_known && known(second).name_cut);
	assert_null(classifier_name(w, second));
	forget(first);
	struct flow *third = session(2, IPPROTO_TCP, 443);
	say(third, false, payload_client_hello("three.example"));
	assert_string_equal(known(third).name, "three.example");
	world_end();
}

/* Many short sessions, half of them more than there are contexts, leave nothing behind. */
static void test_no_leak(void **unused)
{
	(void)unused;
	world(32, 1 << 20, 64);
	for (int round = 0; round < 10000; round++) {
		struct flow *flow = session(round % 64, round % 3 ? IPPROTO_TCP : IPPROTO_UDP, 53);
		char name[32];
		snprintf(name, sizeof(name), "host-%d.example", round);
		sent[0] = 0;
		say(flow, false,
		    round % 3 == 0   ? payload_dns(name, false)
		    : round % 3 == 1 ? payload_client_hello(name)
				     : payload_http_request(name));
		if (round % 64 == 63)
			for (int i = 0; i < 64; i++)
				forget(&table->flows[i]);
	}
	for (int i = 0; i < 64; i++)
		forget(&table->flows[i]);
	say(session(0, IPPROTO_UDP, 53), false, payload_dns("a.example", false));
	forget(&table->flows[0]);
	assert_int_equal(cell(BH_WORKER_DETECTING), 0);
	assert_int_equal(cell(BH_WORKER_DPI_FULL), 10000 / 64 * 32);
	assert_true(cell(BH_WORKER_DPI_MEMORY) < 4096);
	assert_true(w->counters->apps[dpi_protocol_id("dns")].flows > 1500);
	assert_true(w->counters->apps[dpi_protocol_id("dns")].packets > 1500);
	world_end();
}

/* ---- own applications, and a reload ---- */

static const char strings[] = "\0erp\0host:erp.example\0wiki\0tcp:9443";
enum { S_ERP = 1, S_ERP_RULE = 5, S_WIKI = 22, S_WIKI_RULE = 27 };

static void use_custom(struct policy *p, const struct bh_custom_app *custom, uint64_t count,
		       struct app_ids *ids)
{
	p->image.STRINGS_ = strings;
	p->image.CUSTOM_APPS_ = custom;
	p->image.CUSTOM_APPS_count = count;
	assert_int_equal(app_ids_bind(ids, p), 0);
}

static void test_custom_and_reload(void **unused)
{
	static const struct bh_custom_app before[] = { { S_ERP, S_ERP_RULE } };
	static const struct bh_custom_app after[] = { { S_WIKI, S_WIKI_RULE }, { S_ERP, S_ERP_RULE } };
	static const struct dpi_custom rules_before[] = { { "erp", "host:erp.example" } };
	static const struct dpi_custom rules_after[] = { { "wiki", "tcp:9443" },
							 { "erp", "host:erp.example" } };
	struct dpi_module *old = dpi_module_new(rules_before, 1), *new = dpi_module_new(rules_after, 2);
	struct app_ids *ids = app_ids_new();
	uint16_t custom = (uint16_t)dpi_builtin_count();

	(void)unused;
	world(4, 1 << 20, 16);
	use_custom(&policy, before, 1, ids);
	modules[0] = old;
	struct flow *erp = session(0, IPPROTO_TCP, 80), *open = session(1, IPPROTO_TCP, 80);
	say(erp, false, payload_http_request("erp.example"));
	assert_int_equal(known(erp).app, custom);
	assert_string_equal(named(erp), "HTTP.erp");
	sent[0] = 0;
	say(open, false, payload_text("\x01\x02 no protocol"));
	assert_false(classifier_module_idle(w->classifier, old));

	struct policy kept = policy;
	policy.generation++;
	use_custom(&policy, after, 2, ids);
	modules[0] = new;
	app_ids_unbind(&kept);
	assert_int_equal(known(erp).app, custom + 1); /* the same application by its new id */
	assert_int_equal(known(erp).master, dpi_protocol_id("http"));
	struct flow *wiki = session(2, IPPROTO_TCP, 9443);
	say(wiki, false, payload_text("anything"));
	assert_string_equal(named(wiki), "wiki");
	assert_int_equal(known(wiki).app, custom);
	assert_int_equal(flow_cold(table, wiki)->confidence, BH_CONFIDENCE_CUSTOM);
	/* sessions under detection end with the module they began with */
	sent[0] = 20;
	say(open, false, payload_text("\x01\x02 no protocol"));
	assert_false(classifier_module_idle(w->classifier, old));
	forget(erp);
	forget(open);
	assert_true(classifier_module_idle(w->classifier, old));
	dpi_module_free(old);

	/* without own applications: what was recognised stays known by its carrier */
	struct flow *again = session(3, IPPROTO_TCP, 80);
	sent[0] = 0;
	say(again, false, payload_http_request("erp.example"));
	app_ids_unbind(&policy);
	use_custom(&policy, NULL, 0, ids);
	assert_int_equal(known(again).app, dpi_protocol_id("http"));
	assert_int_equal(known(again).master, 0);
	for (int i = 0; i < SESSIONS; i++)
		forget(&table->flows[i]);
	dpi_module_free(new);
	modules[0] = plain;
	world_end();
	app_ids_unbind(&policy);
	app_ids_free(ids);
}

/* nDPI does not tell ECH; the payload that it is shown does, also when the hello comes in two. */
static void test_ech(void **unused)
{
	struct payload hello = *payload_client_hello("cover.example"), rest = hello;
	static const uint8_t ech[] = { 0xfe, 0x0d, 0, 2, 0, 0 };
	size_t at = 5 + 4 + 34 + 1 + hello.bytes[43], lengths[] = { 3, 7, 0 };

	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 443);
	say(flow, false, &hello);
	assert_false(known(flow).ech);
	/* append the extension: record, message and list of extensions become longer */
	at += 2 + (size_t)(hello.bytes[at] << 8 | hello.bytes[at + 1]);
	at += 1 + hello.bytes[at];
	lengths[2] = at;
	for (int i = 0; i < 3; i++) {
		uint8_t *length = hello.bytes + lengths[i];
		size_t value = (size_t)(length[0] << 8 | length[1]) + sizeof(ech);
		length[0] = (uint8_t)(value >> 8);
		length[1] = (uint8_t)value;
	}
	memcpy(hello.bytes + hello.length, ech, sizeof(ech));
	hello.length += sizeof(ech);
	flow = session(1, IPPROTO_TCP, 443);
	sent[0] = 0;
	say(flow, false, &hello);
	assert_true(known(flow).ech);
	assert_true(flow->flags & FLOW_RENAMED);
	assert_string_equal(known(flow).name, "cover.example");
	flow = session(2, IPPROTO_TCP, 443);
	sent[0] = 0;
	rest.length = 10;
	memcpy(rest.bytes, hello.bytes + hello.length - 10, 10);
	hello.length -= 10;
	say(flow, false, &hello);
	assert_false(known(flow).ech);
	say(flow, false, &rest);
	assert_true(known(flow).ech);
	world_end();
}

/* A call that takes long is counted, and the longest is kept; in replay time is not the library's. */
static void test_slow_call(void **unused)
{
	(void)unused;
	for (int replay = 0; replay < 2; replay++) {
		world(4, 1 << 20, 16);
		w->replay = replay;
		struct flow *flow = session(0, IPPROTO_TCP, 8080);
		faults[FAULT_SLOW].every = 2;
		sent[0] = 0;
		say(flow, false, payload_http_request("shop.example")); /* and a handshake of three */
		faults[FAULT_SLOW].every = 0;
		if (replay) {
			assert_int_equal(cell(BH_WORKER_DPI_SLOW), 0);
			assert_int_equal(cell(BH_WORKER_DPI_LONGEST), 0);
		} else {
			assert_in_range(cell(BH_WORKER_DPI_SLOW), 2, 4);
			assert_true(cell(BH_WORKER_DPI_LONGEST) >= 2000000);
		}
		world_end();
	}
}

static void test_stable_ids(void **unused)
{
	struct app_ids *ids = app_ids_new();
	struct policy p = {};
	int error = 0, bound = 0;

	(void)unused;
	for (; !error && bound <= (int)APP_CUSTOM_MAX; bound += !error) {
		char text[32] = "";
		struct bh_custom_app custom = { 1, 0 };
		snprintf(text + 1, sizeof(text) - 1, "app-%d", bound);
		p.image = (struct bh_policy){ .STRINGS_ = text,
					      .CUSTOM_APPS_ = &custom,
					      .CUSTOM_APPS_count = 1 };
		error = app_ids_bind(ids, &p);
		if (!error)
			assert_string_equal(app_ids_name(ids, p.app_stable[dpi_builtin_count()]), text + 1);
		app_ids_unbind(&p);
	}
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(bound, APP_CUSTOM_MAX);
	assert_null(app_ids_name(ids, 7));
	assert_null(app_ids_name(ids, UINT16_MAX));
	app_ids_free(ids);
}

/* ---- records ---- */

static void test_session_without_payload(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 445);
	classifier_release(w, flow); /* nobody will read of it: nothing is spent on it */
	assert_int_equal(flow_cold(table, flow)->app, 0);
	w->replay = true;
	classifier_release(w, flow);
	assert_string_equal(named(flow), "SMBv23");
	assert_int_equal(flow_cold(table, flow)->confidence, BH_CONFIDENCE_PORT);
	assert_false(known(flow).app_known);
	world_end();
}

static void test_texts(void **unused)
{
	char text[8];

	(void)unused;
	world(4, 1 << 20, 16);
	classifier_application(w, 0, 0, text, sizeof(text));
	assert_string_equal(text, "Unknown");
	classifier_application(w, 91, 119, text, sizeof(text));
	assert_string_equal(text, "TLS.Fac"); /* cut to size */
	classifier_category(200, text, sizeof(text));
	assert_string_equal(text, "Unspeci");
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_http),
		TEST(test_refused_at_once),
		TEST(test_tls),
		TEST(test_long_name_is_cut),
		TEST(test_ssh_and_postgres),
		TEST(test_dns_and_ping),
		TEST(test_not_shown),
		TEST(test_spread_packet),
		TEST(test_no_name),
		TEST(test_guess_refines),
		TEST(test_packet_budget),
		TEST(test_byte_budget),
		TEST(test_time_budget),
		TEST(test_refused_is_not_looked_at),
		TEST(test_classification_off),
		TEST(test_reload_does_not_ask_again),
		TEST(test_no_module),
		TEST(test_contexts_spent),
		TEST(test_arena_spent),
		TEST(test_tcp_block),
		TEST(test_no_tcp_block),
		TEST(test_heads_until_acknowledged),
		TEST(test_names_spent),
		TEST(test_no_leak),
		TEST(test_custom_and_reload),
		TEST(test_ech),
		TEST(test_slow_call),
		TEST(test_stable_ids),
		TEST(test_session_without_payload),
		TEST(test_texts),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
