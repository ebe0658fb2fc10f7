/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/dpi.c dataplane/handshake.c dataplane/names.c */
/* The library itself is asked: its names, custom rules, and what it makes of real captures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "captures.h"

#include <cmocka.h>

#include "dpi.h"
#include "handshake.h"

static size_t held; /* bytes that the library has; each block begins with its size */

static void *count_allocate(size_t size)
{
	size_t *block = malloc(size + 16);

	if (!block)
		return NULL;
	*block = size;
	held += size;
	return block + 2;
}

static void count_release(void *pointer)
{
	size_t *block = pointer;

	if (!pointer)
		return;
	held -= block[-2];
	free(block - 2);
}

/* ---- the catalogue ---- */

static void test_protocols(void **unused)
{
	(void)unused;
	assert_string_equal(dpi_protocol_name(0), "Unknown");
	assert_int_equal(dpi_protocol_id("http"), 7);
	assert_string_equal(dpi_protocol_name((uint32_t)dpi_protocol_id("POSTGRESQL")), "PostgreSQL");
	assert_int_equal(dpi_protocol_id("Postgres"), -ENOENT);
	assert_int_equal(dpi_protocol_id(""), -ENOENT);
	assert_null(dpi_protocol_name(dpi_builtin_count()));
	for (uint32_t id = 0; id < dpi_builtin_count(); id++) {
		assert_non_null(dpi_protocol_name(id));
		assert_true(dpi_protocol_name(id)[0]);
		assert_non_null(dpi_category_name(dpi_protocol_category(id)));
	}
}

static void test_categories(void **unused)
{
	(void)unused;
	assert_int_equal(dpi_category_id("database"),
			 dpi_protocol_category((uint32_t)dpi_protocol_id("MySQL")));
	assert_int_equal(dpi_category_id(""), -ENOENT);
	assert_null(dpi_category_name(60)); /* a gap in the library's list */
	assert_null(dpi_category_name(dpi_category_count()));
}

static void test_risks(void **unused)
{
	uint32_t names = 0;

	(void)unused;
	assert_int_equal(dpi_risk_bit("tls-weak-cipher"), 8);
	assert_string_equal(dpi_risk_text(8), "Weak TLS Cipher");
	assert_int_equal(dpi_risk_bit("no-risk"), -ENOENT);
	assert_null(dpi_risk_name(0));
	assert_null(dpi_risk_name(dpi_risk_count()));
	for (uint32_t bit = 0; bit < dpi_risk_count(); bit++) {
		if (!dpi_risk_name(bit))
			continue;
		assert_int_equal(dpi_risk_bit(dpi_risk_name(bit)), bit);
		names++;
	}
	assert_int_equal(names, dpi_risk_count() - 1);
}

static void test_digest(void **unused)
{
	(void)unused;
	assert_int_not_equal(dpi_catalogue_digest(), 0);
	assert_int_equal(dpi_catalogue_digest(), dpi_catalogue_digest());
	assert_non_null(dpi_version());
}

/* ---- custom rules ---- */

static void test_custom_syntax(void **unused)
{
	static const char *const good[] = {
		"tcp:9443",
		"udp:1-65534",
		"ip:10.1.2.3",
		"ip:10.1.2.0/24",
		"ip:10.1.2.3:443",
		"host:erp.example",
		"host:\"*.erp.example\"",
		"tcp:9443,udp:9443",
	};
	static const char *const bad[] = {
		"",
		"tcp:",
		"tcp:0",
		"tcp:65535",
		"tcp:1-65535",
		"tcp:9-8",
		"tcp:80x",
		"tcp:99999999999",
		"icmp:8",
		"host:",
		"host:\"",
		"host:\"\"",
		"host:a b",
		"host:a@b",
		"host:a*.b",
		"ip:",
		"ip:1.2.3",
		"ip:1.2.3.4/33",
		"ip:::1",
		"tcp:80,",
		",tcp:80",
		"9443",
		"erp.example",
		"tcp",
		"tcp:80@HTTP",
		"trusted_issuer_dn:x",
		"ip:1.2.3.4:65536",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (dpi_custom_check(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!dpi_custom_check(bad[i]))
			fail_msg("accepted: %s", bad[i]);
}

/* The library says nothing when a host is one of its own: we do. */
static void test_custom_host_taken(void **unused)
{
	static const struct dpi_custom taken = { "mine", "host:facebook.com" };

	(void)unused;
	assert_int_equal(dpi_custom_check(taken.rule), -EEXIST);
	assert_null(dpi_module_new(&taken, 1));
}

static uint16_t tcp_packet(uint8_t *p, uint16_t from, uint16_t to, uint8_t flags, const char *payload)
{
	size_t length = strlen(payload), total = 40 + length;
	static const uint8_t ip[20] = { 0x45, [8] = 64, [9] = 6, [12] = 10, 0, 0, 1, 10, 0, 0, 2 };

	memset(p, 0, 40);
	memcpy(p, ip, sizeof(ip));
	p[2] = (uint8_t)(total >> 8);
	p[3] = (uint8_t)total;
	p[20] = (uint8_t)(from >> 8);
	p[21] = (uint8_t)from;
	p[22] = (uint8_t)(to >> 8);
	p[23] = (uint8_t)to;
	p[32] = 0x50;
	p[33] = flags;
	memcpy(p + 40, payload, length);
	return (uint16_t)total;
}

/* SYN and one segment of payload from a client; what is known then. */
static struct dpi_result show_client(struct dpi_module *module, uint16_t port, const char *payload)
{
	uint8_t packet[2048];
	struct dpi_flow *flow = malloc(dpi_flow_size());
	struct dpi_result result;

	dpi_flow_init(flow);
	dpi_inspect(module, flow, packet, tcp_packet(packet, 40000, port, 2, ""), 1000, true, &result);
	if (!result.done)
		dpi_inspect(module, flow, packet, tcp_packet(packet, 40000, port, 0x18, payload), 1001, true,
			    &result);
	if (!result.app)
		dpi_finish(module, flow, &result);
	dpi_flow_clear(flow);
	free(flow);
	return result;
}

#define REQUEST(host) "GET / HTTP/1.1\r\nHost: " host "\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"

static void test_custom_ids(void **unused)
{
	static const struct dpi_custom custom[] = {
		{ "erp", "host:\"*.erp.example\"" },
		{ "HTTP", "tcp:9443" },
		{ "erp", "tcp:9444" },
		{ "wiki", "host:wiki.example" },
		{ "by-address", "ip:10.0.0.2:7777" },
	};
	struct dpi_module *module = dpi_module_new(custom, 5);
	uint32_t first = dpi_builtin_count();

	(void)unused;
	assert_non_null(module);
	struct dpi_result r = show_client(module, 80, REQUEST("a.erp.example"));
	assert_int_equal(r.app, first);
	assert_int_equal(r.master, 7);
	assert_int_equal(r.confidence, BH_CONFIDENCE_DPI);
	assert_true(r.name_carrier);
	assert_string_equal(r.name, "a.erp.example");
	r = show_client(module, 80, REQUEST("erp.example")); /* *. is one or more labels */
	assert_int_equal(r.app, 7);
	r = show_client(module, 80, REQUEST("wiki.example"));
	assert_int_equal(r.app, first + 2);
	r = show_client(module, 9443, ""); /* an own application may have a name of nDPI's */
	assert_int_equal(r.app, first + 1);
	assert_int_equal(r.confidence, BH_CONFIDENCE_CUSTOM);
	assert_true(r.done);
	r = show_client(module, 9444, "");
	assert_int_equal(r.app, first);
	r = show_client(module, 7777, "");
	assert_int_equal(r.app, first + 3);
	assert_int_equal(r.master, 0);
	assert_int_equal(r.confidence, BH_CONFIDENCE_CUSTOM);
	dpi_module_free(module);
}

static void test_custom_many(void **unused)
{
	enum { MANY = 201 };
	static char names[MANY][16], rules[MANY][16];
	struct dpi_custom custom[MANY];

	(void)unused;
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "app-%d", i);
		snprintf(rules[i], sizeof(rules[i]), "tcp:%d", 20000 + i);
		custom[i] = (struct dpi_custom){ names[i], rules[i] };
	}
	assert_null(dpi_module_new(custom, MANY));
	struct dpi_module *module = dpi_module_new(custom, MANY - 1);
	assert_non_null(module);
	struct dpi_result r = show_client(module, 20199, "");
	assert_int_equal(r.app, dpi_builtin_count() + 199);
	dpi_module_free(module);
}

/* ---- detection ---- */

static void test_names(void **unused)
{
	struct dpi_module *module = dpi_module_new(NULL, 0);
	char long_name[101], request[512];

	(void)unused;
	assert_string_equal(show_client(module, 80, REQUEST("WWW.Shop.Example:8080")).name,
			    "www.shop.example");
	assert_string_equal(show_client(module, 80, REQUEST("shop.example.")).name, "shop.example");
	assert_string_equal(show_client(module, 80, REQUEST("a\x01\xff.example")).name, "a??.example");
	memset(long_name, 'a', 100);
	memcpy(long_name + 90, ".example.x", 10);
	long_name[100] = 0;
	snprintf(request, sizeof(request), REQUEST("%s"), long_name);
	struct dpi_result r = show_client(module, 80, request);
	assert_true(r.name_cut);
	assert_int_equal(strlen(r.name), BH_SERVER_NAME_MAX);
	/* a long port pushes the name itself out of what the library keeps */
	snprintf(request, sizeof(request), REQUEST("evil.example:%0100d"), 80);
	r = show_client(module, 80, request);
	assert_true(r.name_cut);
	r = show_client(module, 80, REQUEST("shop.example"));
	assert_false(r.name_cut);
	dpi_module_free(module);
}

/* What is guessed of a session by a packet without payload. */
static struct dpi_result guess(struct dpi_module *module, uint8_t protocol, uint16_t port)
{
	struct flow session = { .key = { .protocol = protocol, .port = { 40000, port } } };
	struct dpi_flow *flow = malloc(dpi_flow_size());
	uint8_t packet[HANDSHAKE_SIZE];
	struct dpi_result result;

	dpi_flow_init(flow);
	dpi_inspect(module, flow, packet, handshake_packet(&session, true, 2, 0, 0, packet), 0, true,
		    &result);
	dpi_finish(module, flow, &result);
	dpi_flow_clear(flow);
	free(flow);
	return result;
}

static void test_guess_is_no_inspection(void **unused)
{
	struct dpi_module *module = dpi_module_new(NULL, 0);
	struct dpi_result r = guess(module, IPPROTO_UDP, 3478);

	(void)unused;
	assert_string_equal(dpi_protocol_name(r.app), "STUN");
	assert_int_equal(r.confidence, BH_CONFIDENCE_PARTIAL); /* the library calls it DPI */
	r = guess(module, IPPROTO_TCP, 21);
	assert_string_equal(dpi_protocol_name(r.app), "FTP_CONTROL");
	assert_int_equal(r.confidence, BH_CONFIDENCE_PORT);
	r = guess(module, IPPROTO_TCP, 40001);
	assert_int_equal(r.app, 0);
	assert_int_equal(r.confidence, BH_CONFIDENCE_UNKNOWN);
	dpi_module_free(module);
}

/* Whatever the bytes are: no crash, nothing kept. */
static void test_garbage(void **unused)
{
	struct dpi_module *module = dpi_module_new(NULL, 0);
	struct dpi_flow *flow = malloc(dpi_flow_size());
	uint8_t packet[300];
	struct dpi_result result;
	size_t before = held;
	uint32_t state = 1;

	(void)unused;
	for (int round = 0; round < 3000; round++) {
		dpi_flow_init(flow);
		for (size_t i = 0; i < sizeof(packet); i++)
			packet[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
		packet[0] = round % 3 ? 0x45 : 0x60;
		packet[9] = packet[6] = round % 2 ? 6 : 17;
		packet[6 + 1] = 0;
		for (int i = 0; i < 3; i++)
			dpi_inspect(module, flow, packet, (uint16_t)(state % sizeof(packet)), 0, i % 2,
				    &result);
		dpi_finish(module, flow, &result);
		dpi_flow_clear(flow);
	}
	assert_true(held <= before + 400000); /* the module's caches of limited size */
	free(flow);
	dpi_module_free(module);
}

static void test_all_given_back(void **unused)
{
	size_t before = held;
	struct dpi_module *module = dpi_module_new(NULL, 0);

	(void)unused;
	assert_true(held > before);
	show_client(module, 80, REQUEST("shop.example"));
	dpi_module_free(module);
	assert_int_equal(held, before);
}

/* ---- captures ---- */

struct seen {
	struct capture_packet first;
	struct dpi_flow *flow;
	struct dpi_result result;
	uint32_t end[2];
	bool started[2], done, matched;
	int packets;
};

#define SEEN_MAX 4096

static bool same_flow(const struct capture_packet *a, const struct capture_packet *b, bool reverse)
{
	return a->protocol == b->protocol && a->vlan == b->vlan && a->port[0] == b->port[reverse] &&
	       a->port[1] == b->port[!reverse] && !memcmp(a->address[0], b->address[reverse], 16) &&
	       !memcmp(a->address[1], b->address[!reverse], 16);
}

static struct seen *seen_find(struct seen *seen, int *count, const struct capture_packet *p, bool *reverse)
{
	for (int i = *count - 1; i >= 0; i--)
		for (int way = 0; way < 2; way++)
			if (same_flow(&seen[i].first, p, way)) {
				*reverse = way;
				return &seen[i];
			}
	if (*count == SEEN_MAX)
		return NULL;
	*reverse = false;
	seen[*count].first = *p;
	return &seen[(*count)++];
}

/* Payload that was not seen before; other protocols than TCP and UDP always. */
static bool is_news(struct seen *s, const struct capture_packet *p, bool reverse)
{
	uint32_t end = p->seq + p->payload_length;

	if (p->protocol != IPPROTO_TCP)
		return p->payload_length || p->protocol != IPPROTO_UDP;
	if (!p->payload_length || (s->started[reverse] && (int32_t)(end - s->end[reverse]) <= 0))
		return false;
	s->end[reverse] = end;
	s->started[reverse] = true;
	return true;
}

static void seen_end(struct dpi_module *module, struct seen *s)
{
	if (!s->flow)
		return;
	if (!s->result.app)
		dpi_finish(module, s->flow, &s->result);
	dpi_flow_clear(s->flow);
	free(s->flow);
	s->flow = NULL;
}

/* What came before the first payload: SYN, SYN+ACK, ACK, as the classify stage makes them up. */
static void show_handshake(struct dpi_module *module, struct seen *s, const struct capture_packet *p,
			   bool reverse)
{
	static const uint8_t flags[3] = { 0x02, 0x12, 0x10 };
	uint32_t seq = reverse ? p->ack : p->seq, ack = reverse ? p->seq : p->ack;
	struct flow flow = { .key.protocol = p->protocol };
	uint8_t packet[HANDSHAKE_SIZE];

	memcpy(flow.key.address, s->first.address, sizeof(flow.key.address));
	memcpy(flow.key.port, s->first.port, sizeof(flow.key.port));
	for (int i = 0; i < 3 && !s->result.done; i++) {
		uint32_t sent = i == 0 ? seq - 1 : i == 1 ? ack - 1 : seq;
		uint16_t length = handshake_packet(&flow, i != 1, flags[i], sent, i == 1 ? seq : ack, packet);
		dpi_inspect(module, s->flow, packet, length, p->ms, i != 1, &s->result);
	}
}

static void show_packet(struct dpi_module *module, struct seen *s, const struct capture_packet *p,
			bool reverse)
{
	if (!s->flow) {
		s->flow = malloc(dpi_flow_size());
		dpi_flow_init(s->flow);
		if (p->protocol == IPPROTO_TCP)
			show_handshake(module, s, p, reverse);
	}
	if (!s->result.done)
		dpi_inspect(module, s->flow, p->l3, p->l3_length, p->ms, !reverse, &s->result);
	s->done = s->result.done || ++s->packets == 32;
	if (s->done)
		seen_end(module, s);
}

static bool is_expected(struct seen *seen, int count, char *line)
{
	char *field[16];
	struct capture_packet key = {};
	char text[128];

	for (int i = 0; i < 16; i++)
		if (!(field[i] = strsep(&line, "\t\n")))
			return true;
	key.protocol = (uint8_t)atoi(field[0]);
	key.vlan = (uint16_t)atoi(field[5]);
	for (int i = 0; i < 2; i++) {
		key.port[i] = (uint16_t)atoi(field[2 + 2 * i]);
		key.address[i][10] = key.address[i][11] = 0xff;
		if (inet_pton(AF_INET, field[1 + 2 * i], key.address[i] + 12) != 1)
			inet_pton(AF_INET6, field[1 + 2 * i], key.address[i]);
	}
	for (int i = 0; i < count; i++) {
		struct seen *s = &seen[i];
		if (s->matched || !s->packets ||
		    !(same_flow(&s->first, &key, 0) || same_flow(&s->first, &key, 1)))
			continue;
		s->matched = true;
		if (s->result.master)
			snprintf(text, sizeof(text), "%s.%s", dpi_protocol_name(s->result.master),
				 dpi_protocol_name(s->result.app));
		else
			snprintf(text, sizeof(text), "%s", dpi_protocol_name(s->result.app));
		return !strcmp(text, field[6]);
	}
	return true; /* without payload, or in a tunnel: not looked at here */
}

static void capture_classify(struct dpi_module *module, const char *path, int *flows, int *differ)
{
	static struct seen seen[SEEN_MAX];
	char error[PCAP_ERRBUF_SIZE], line[PATH_MAX * 3];
	pcap_t *pcap = pcap_open_offline(path, error);
	struct capture_packet packet = {};
	int count = 0;
	bool reverse;

	if (!pcap)
		fail_msg("%s: %s", path, error);
	memset(seen, 0, sizeof(seen));
	while (capture_next(pcap, &packet)) {
		struct seen *s = seen_find(seen, &count, &packet, &reverse);
		if (s && !s->done && is_news(s, &packet, reverse))
			show_packet(module, s, &packet, reverse);
	}
	pcap_close(pcap);
	for (int i = 0; i < count; i++)
		seen_end(module, &seen[i]);
	snprintf(line, sizeof(line), "%s.tsv", path);
	FILE *expected = fopen(line, "r");
	if (!expected)
		return;
	while (fgets(line, sizeof(line), expected))
		*differ += !is_expected(seen, count, line);
	fclose(expected);
	for (int i = 0; i < count; i++)
		*flows += seen[i].matched;
}

static int is_capture(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return end && (!strcmp(end, ".pcap") || !strcmp(end, ".pcapng"));
}

static void test_captures(void **unused)
{
	const char *folder = captures_folder();
	struct dirent **list;
	int flows = 0, differ = 0;

	(void)unused;
	if (!folder) {
		print_message("no captures: set BH_SHARED\n");
		skip();
	}
	int count = scandir(folder, &list, is_capture, alphasort);
	assert_true(count > 0);
	struct dpi_module *module = dpi_module_new(NULL, 0);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX * 2];
		snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
		capture_classify(module, path, &flows, &differ);
		free(list[i]);
	}
	free(list);
	dpi_module_free(module);
	print_message("%d captures, %d flows with payload, %d differ\n", count, flows, differ);
	assert_true(flows > 100);
	assert_true(differ * 100 <= flows);
}

static int set_up(void **unused)
{
	(void)unused;
	dpi_set_allocator(count_allocate, count_release);
	return dpi_catalogue_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocols),     cmocka_unit_test(test_categories),
		cmocka_unit_test(test_risks),         cmocka_unit_test(test_digest),
		cmocka_unit_test(test_custom_syntax), cmocka_unit_test(test_custom_host_taken),
		cmocka_unit_test(test_custom_ids),    cmocka_unit_test(test_custom_many),
		cmocka_unit_test(test_names),         cmocka_unit_test(test_guess_is_no_inspection),
		cmocka_unit_test(test_garbage),       cmocka_unit_test(test_all_given_back),
		cmocka_unit_test(test_captures),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
