/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/classify.c dataplane/knowledge.c dataplane/context.c dataplane/streamhead.c dataplane/handshake.c dataplane/sample.c dataplane/clienthello.c dataplane/namepool.c dataplane/apps.c dataplane/arena.c dataplane/dpi.c dataplane/names.c dataplane/log.c tests/unit/dataplane/payloads.c */
/* Sessions that become another application after nDPI was done with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "classify_world.h"
#include "sample.h"

static const char connect_request[] =
	"CONNECT db.example:22 HTTP/1.1\r\nHost: db.example:22\r\nUser-Agent: curl/7.88.1\r\n\r\n";
static const char connected[] = "HTTP/1.1 200 Connection established\r\n\r\n";
static const char banner[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";

static void say_text(struct flow *flow, bool reply, const char *text)
{
	flow->packets[reply]++;
	assert_true(say(flow, reply, payload_text(text)));
}

/* A session through a proxy, up to where the tunnel begins. */
static struct flow *tunnel(int i)
{
	struct flow *flow = session(i, IPPROTO_TCP, 3128);

	sent[0] = sent[1] = 0;
	say_text(flow, false, connect_request);
	say_text(flow, true, connected);
	assert_string_equal(named(flow), "HTTP_Connect");
	assert_true(flow->flags & FLOW_DPI_DONE);
	assert_true(flow->flags & FLOW_SAMPLE);
	assert_false(has_context(flow));
	judged(flow, BH_VERDICT_ALLOW, 0);
	return flow;
}

static void test_ssh_in_connect(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = tunnel(0);
	assert_string_equal(classifier_name(w, flow), "db.example");
	say_text(flow, true, banner);
	assert_string_equal(named(flow), "SSH");
	assert_true(flow->flags & FLOW_RENAMED);
	assert_true(flow->flags & FLOW_CHANGED);
	assert_int_equal(known(flow).app, dpi_protocol_id("ssh"));
	assert_int_equal(known(flow).master, 0);
	assert_null(known(flow).name); /* the tunnel's, not its own */
	assert_int_equal(cell(BH_WORKER_APP_CHANGES), 1);
	/* nDPI goes on with it, as with any session */
	assert_int_equal(cell(BH_WORKER_DETECTING), 1);
	assert_false(flow->flags & FLOW_DPI_DONE);
	for (int i = 0; i < 40 && !(flow->flags & FLOW_DPI_DONE); i++)
		say_text(flow, i & 1, banner);
	assert_true(flow->flags & FLOW_DPI_DONE);
	assert_false(flow->flags & FLOW_SAMPLE); /* encrypted: nothing more to see */
	assert_int_equal(cell(BH_WORKER_DETECTING), 0);
	/* counted as one session */
	forget(flow);
	uint64_t flows = 0;
	for (int i = 0; i < BH_APP_IDS; i++)
		flows += w->counters->apps[i].flows;
	assert_int_equal(flows, 1);
	memset(flow, 0, sizeof(*flow));
	memset(&table->cold[0], 0, sizeof(table->cold[0]));
	w->counters->apps[0].flows = 0;
	world_end();
}

/* The name of what is inside the tunnel is for rules; a hello that was cut is waited for. */
static void test_tls_in_connect(void **unused)
{
	struct payload hello = *payload_client_hello("inside.example"), rest = hello;

	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = tunnel(0);
	say(flow, false, &hello);
	assert_string_equal(named(flow), "TLS");
	assert_string_equal(known(flow).name, "inside.example");
	assert_false(known(flow).risks_known);
	flow = tunnel(1);
	hello.length -= 20;
	memcpy(rest.bytes, rest.bytes + hello.length, 20);
	rest.length = 20;
	say(flow, false, &hello);
	assert_true(has_context(flow));
	assert_string_equal(named(flow), "HTTP_Connect"); /* who knows */
	assert_true(flow->flags & FLOW_DPI_DONE);         /* and no rule waits for it */
	say(flow, false, &rest);
	assert_string_equal(named(flow), "TLS");
	assert_string_equal(known(flow).name, "inside.example");
	assert_true(flow->flags & FLOW_CHANGED);
	world_end();
}

/* Further requests are no change, cost a bounded number of looks, and leave what is known alone. */
static void test_keep_alive(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 8080);
	for (int i = 0; i < 100; i++) {
		flow->packets[0]++;
		flow->packets[1]++;
		say(flow, false, payload_http_request(i ? "other.example" : "shop.example"));
		say(flow, true, payload_http_response());
	}
	assert_string_equal(named(flow), "HTTP");
	assert_string_equal(known(flow).name, "shop.example");
	assert_false(flow->flags & (FLOW_SAMPLE | FLOW_CHANGED));
	assert_int_equal(flow->dpi, 0);
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), 2 + SAMPLE_LOOKS);
	assert_int_equal(cell(BH_WORKER_APP_CHANGES), 0);
	world_end();
}

/* A connection that was HTTP, and then is asked to be a tunnel, and then is one. */
static void test_twice(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 8080);
	say(flow, false, payload_http_request("shop.example"));
	say(flow, true, payload_http_response());
	assert_string_equal(named(flow), "HTTP");
	say_text(flow, false, connect_request);
	assert_string_equal(named(flow), "HTTP_Connect");
	say_text(flow, true, connected);
	assert_true(flow->flags & FLOW_SAMPLE);
	say_text(flow, false, banner);
	assert_string_equal(named(flow), "SSH");
	assert_int_equal(cell(BH_WORKER_APP_CHANGES), 2);
	world_end();
}

static void test_socks(void **unused)
{
	static const struct payload hello = { { 5, 1, 0 }, 3 }, chosen = { { 5, 0 }, 2 };

	(void)unused;
	world(4, 1 << 20, 16);
	for (int i = 0; i < 2; i++) { /* on the port that is known for SOCKS nDPI says that it carries HTTP */
		struct flow *flow = session(i, IPPROTO_TCP, i ? 9050 : 1080);
		sent[0] = sent[1] = 0;
		say(flow, false, &hello);
		say(flow, true, &chosen);
		assert_string_equal(named(flow), "SOCKS");
		assert_true(flow->flags & FLOW_SAMPLE);
		say(flow, false, payload_http_request("inside.example"));
		assert_string_equal(named(flow), i ? "HTTP" : "SOCKS.HTTP");
		assert_int_equal(known(flow).app, dpi_protocol_id("http"));
		assert_string_equal(known(flow).name, "inside.example");
	}
	world_end();
}

/* Mail goes on in TLS by its own rules: it stays what it was, and is TLS, too. */
static void test_starttls(void **unused)
{
	static const char *const says[] = { "220 mail.shop.example ESMTP Postfix\r\n", "EHLO web\r\n",
					    "250-mail.shop.example\r\n250 STARTTLS\r\n", "STARTTLS\r\n",
					    "220 2.0.0 Ready to start TLS\r\n" };

	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = session(0, IPPROTO_TCP, 2525);
	for (int i = 0; i < 5; i++)
		say_text(flow, !(i & 1), says[i]);
	assert_string_equal(named(flow), "SMTP");
	assert_true(flow->flags & FLOW_SAMPLE);
	say(flow, false, payload_client_hello("mail.shop.example"));
	assert_string_equal(named(flow), "SMTP.TLS");
	assert_int_equal(known(flow).master, dpi_protocol_id("smtp"));
	assert_int_equal(known(flow).app, dpi_protocol_id("tls"));
	assert_string_equal(known(flow).name, "mail.shop.example");
	world_end();
}

/* What nDPI gave up on may still show itself. */
static void test_unknown_first(void **unused)
{
	(void)unused;
	world(4, 1 << 20, 16);
	header.settings.dpi_max_packets = 2;
	struct flow *flow = session(0, IPPROTO_TCP, 9000);
	say_text(flow, false, "\x01\x02 no protocol");
	say_text(flow, true, "\x01\x02 no protocol");
	assert_true(flow->flags & FLOW_EXPIRED);
	assert_true(flow->flags & FLOW_SAMPLE);
	say_text(flow, false, banner);
	assert_string_equal(named(flow), "SSH");
	world_end();
}

/* Want of contexts puts a look off, and stops nobody. */
static void test_no_context(void **unused)
{
	(void)unused;
	world(1, 1 << 20, 16);
	struct flow *flow = tunnel(0), *other = session(1, IPPROTO_TCP, 443);
	sent[0] = sent[1] = 0;
	say_text(other, false, "\x01\x02 no protocol"); /* has the only one */
	say_text(flow, false, banner);
	assert_string_equal(named(flow), "HTTP_Connect");
	assert_true(flow->flags & FLOW_SAMPLE);
	assert_int_equal(cell(BH_WORKER_DPI_FULL), 0);
	forget(other);
	say_text(flow, true, banner);
	assert_string_equal(named(flow), "SSH");
	world_end();
}

/* A look that waits for the rest of a hello ends with its time, with its span, with its session, or when a segment says otherwise. */
static void test_look_ends(void **unused)
{
	struct payload hello = *payload_client_hello("inside.example"), junk = { { 0 }, 40 };

	(void)unused;
	world(8, 1 << 20, 16);
	hello.length -= 20;
	struct flow *late = tunnel(0);
	say(late, false, &hello);
	assert_true(has_context(late));
	w->now_ns += 11000000000;
	classifier_age(w, 10);
	assert_false(has_context(late));
	assert_true(late->flags & FLOW_SAMPLE);
	assert_false(late->flags & FLOW_EXPIRED);
	assert_int_equal(sample_left(late->dpi), SAMPLE_LOOKS - 2); /* the answer to CONNECT, and this */
	struct flow *gone = tunnel(1);
	say(gone, false, &hello);
	forget(gone);
	assert_string_equal(named(gone), "HTTP_Connect");
	struct flow *liar = tunnel(2);
	say(liar, false, &hello);
	sent[0] -= (uint32_t)junk.length;
	say(liar, false, &junk);
	assert_int_equal(cell(BH_WORKER_TCP_CONFLICTS), 1);
	assert_false(has_context(liar));
	struct flow *slow = tunnel(3);
	hello.bytes[3] = 0x3f; /* a record that will not be whole for long */
	say(slow, false, &hello);
	for (uint32_t i = 1; i < SAMPLE_SPAN; i++) {
		assert_true(has_context(slow));
		say(slow, false, &junk);
	}
	assert_false(has_context(slow));
	assert_string_equal(named(slow), "HTTP_Connect");
	world_end();
}

static void test_whom_not(void **unused)
{
	static const uint32_t flags[] = { FRAME_RETRANSMIT, FRAME_RELATED };

	(void)unused;
	world(4, 1 << 20, 16);
	struct flow *flow = tunnel(0);
	uint64_t shown = cell(BH_WORKER_DPI_PACKETS);
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *m = make_frame(flow, false, banner, strlen(banner), 1);
		frame_of(m)->flags |= flags[i];
		pass(m);
	}
	judged(flow, BH_VERDICT_DENY, 0);
	say_text(flow, true, banner); /* refused */
	judged(flow, BH_VERDICT_ALLOW, 0);
	flow->packets[0] = SAMPLE_PACKETS;
	say_text(flow, false, banner); /* too late */
	assert_int_equal(cell(BH_WORKER_DPI_PACKETS), shown);
	assert_false(flow->flags & FLOW_SAMPLE);
	assert_int_equal(flow->dpi, 0);
	/* UDP has no beginning that a datagram could be taken for */
	flow = session(1, IPPROTO_UDP, 9000);
	header.settings.dpi_max_packets = 1;
	say_text(flow, false, "\x01\x02 no protocol");
	assert_true(flow->flags & FLOW_DPI_DONE);
	assert_false(flow->flags & FLOW_SAMPLE);
	world_end();
}

/* The account alone: two payloads of each turn, a number of looks in all. */
static void test_account(void **unused)
{
	struct flow flow = {};
	int looks = 0;

	(void)unused;
	sample_arm(&flow, 0);
	assert_false(flow.flags & FLOW_SAMPLE);
	sample_arm(&flow, SAMPLE_LOOKS);
	for (int i = 0; i < 10; i++)
		looks += sample_due(&flow, true);
	assert_int_equal(looks, SAMPLE_TURN);
	assert_true(sample_due(&flow, false));
	assert_true(sample_due(&flow, true));
	assert_int_equal(sample_left(flow.dpi), SAMPLE_LOOKS);
	for (uint32_t i = 0; i < SAMPLE_LOOKS; i++) {
		assert_true(flow.flags & FLOW_SAMPLE);
		sample_spend(&flow);
	}
	assert_false(flow.flags & FLOW_SAMPLE);
	assert_int_equal(flow.dpi, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ssh_in_connect), TEST(test_tls_in_connect), TEST(test_keep_alive),
		TEST(test_twice),          TEST(test_socks),          TEST(test_starttls),
		TEST(test_unknown_first),  TEST(test_no_context),     TEST(test_whom_not),
		TEST(test_account),        TEST(test_look_ends),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
