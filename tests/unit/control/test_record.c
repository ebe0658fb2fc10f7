/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/record.c dataplane/names.c dataplane/dpi.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bulkhead/evaluate.h"
#include "dpi.h"
#include "record.h"

static struct bh_flow_record a_flow(void)
{
	struct bh_flow_record flow = {
		.id = 42,
		.start_us = 1763805600000001,
		.last_us = 1763805603500000,
		.packets = { 6, 4 },
		.bytes = { 600, 400 },
		.pending_bytes = { 10, 20 },
		.dropped = 1,
		.source = { [10] = 0xff, 0xff, 10, 10, 0, 11 },
		.destination = { [10] = 0xff, 0xff, 10, 10, 0, 31 },
		.source_port = 40000,
		.destination_port = 5432,
		.protocol = IPPROTO_TCP,
		.verdict = 0,
		.settled = 1,
		.tcp_state = BH_TCP_TIME_WAIT,
		.end = BH_FLOW_END_CLOSED,
		.confidence = BH_CONFIDENCE_DPI,
		.packets_to_verdict = 4,
		.vlan = { 102, 103 },
		.generation = 7,
		.network = "shop",
		.segment = { "app", "db" },
		.rule = "app-to-db",
		.application = "PostgreSQL",
		.category = "Database",
	};

	return flow;
}

static char *line_of(json_t *record)
{
	char *line = json_dumps(record, JSON_COMPACT);

	assert_non_null(record);
	assert_non_null(line);
	json_decref(record);
	return line;
}

static void refusals_in_a_sum(void **state)
{
	struct bh_event event = {
		.type = BH_EVENT_DENIALS,
		.time_us = 1763805603500000,
		.denials = {
			.count = 4321,
			.first_us = 1763805602500000,
			.last_us = 1763805603400000,
			.source = { [10] = 0xff, 0xff, 10, 10, 0, 66 },
			.destination = { [10] = 0xff, 0xff, 10, 10, 0, 21 },
			.source_port = 1025,
			.destination_port = 23,
			.protocol = IPPROTO_TCP,
			.verdict = BH_VERDICT_DENY,
			.network = "shop",
			.segment = { "web", "app" },
			.rule = "default",
		},
	};

	(void)state;
	char *line = line_of(record_event(&event));
	assert_string_equal(
		line,
		"{\"timestamp\":\"2025-11-22T10:00:03.500000+0000\",\"event_type\":\"denials\","
		"\"src_ip\":\"10.10.0.66\",\"src_port\":1025,\"dest_ip\":\"10.10.0.21\",\"dest_port\":23,"
		"\"proto\":\"TCP\",\"denials\":{\"count\":4321,\"first\":\"2025-11-22T10:00:02.500000+0000\","
		"\"last\":\"2025-11-22T10:00:03.400000+0000\"},\"bulkhead\":{\"network\":\"shop\","
		"\"src_segment\":\"web\",\"dest_segment\":\"app\",\"verdict\":\"deny\",\"rule\":\"default\","
		"\"monitored\":false}}");
	free(line);
}

static void two_tags(void **state)
{
	struct bh_flow_record flow = a_flow();

	(void)state;
	flow.inner_vlan = 7;
	json_t *record = record_flow(&flow, "flow", 0);
	char *list = json_dumps(json_object_get(record, "vlan"), JSON_COMPACT);
	assert_string_equal(list, "[102,7]");
	free(list);
	json_decref(record);
}

static void a_session_is_eve(void **state)
{
	struct bh_flow_record flow = a_flow();

	(void)state;
	char *line = line_of(record_flow(&flow, "flow", 1763805604000000));
	assert_string_equal(
		line,
		"{\"timestamp\":\"2025-11-22T10:00:04.000000+0000\",\"flow_id\":42,\"event_type\":\"flow\","
		"\"vlan\":[102],"
		"\"src_ip\":\"10.10.0.11\",\"src_port\":40000,\"dest_ip\":\"10.10.0.31\",\"dest_port\":5432,"
		"\"proto\":\"TCP\","
		"\"app_proto\":\"PostgreSQL\",\"flow\":{\"pkts_toserver\":6,\"pkts_toclient\":4,\"bytes_"
		"toserver\":600,"
		"\"bytes_toclient\":400,\"start\":\"2025-11-22T10:00:00.000001+0000\","
		"\"end\":\"2025-11-22T10:00:03.500000+0000\",\"age\":3,\"state\":\"closed\",\"reason\":"
		"\"timeout\","
		"\"alerted\":false},\"tcp\":{\"state\":\"time_wait\"},\"bulkhead\":{\"network\":\"shop\","
		"\"src_segment\":\"app\",\"dest_segment\":\"db\",\"src_vlan\":102,\"dest_vlan\":103,"
		"\"verdict\":\"allow\","
		"\"rule\":\"app-to-db\",\"settled\":true,\"monitored\":false,\"category\":\"Database\","
		"\"confidence\":\"dpi\",\"server_name\":\"\",\"packets_to_verdict\":4,\"generation\":7,"
		"\"pending_bytes_toserver\":10,\"pending_bytes_toclient\":20,\"dropped\":1,\"midstream\":"
		"false,"
		"\"risks\":[],\"end\":\"closed\"}}");
	free(line);
}

static void icmp_has_types_and_no_ports(void **state)
{
	struct bh_flow_record flow = a_flow();
	json_t *record;

	(void)state;
	flow.protocol = IPPROTO_ICMPV6;
	flow.icmp = 128 << 8 | 3;
	flow.packets[1] = 0;
	flow.verdict = 1;
	flow.source[0] = 0x20;
	flow.source[1] = 0x01;
	record = record_flow(&flow, "flow", 0);
	assert_null(json_object_get(record, "src_port"));
	assert_null(json_object_get(record, "dest_port"));
	assert_null(json_object_get(record, "tcp"));
	assert_int_equal(json_integer_value(json_object_get(record, "icmp_type")), 128);
	assert_int_equal(json_integer_value(json_object_get(record, "icmp_code")), 3);
	assert_string_equal(json_string_value(json_object_get(record, "proto")), "IPv6-ICMP");
	assert_string_equal(json_string_value(json_object_get(record, "src_ip")), "2001::ffff:a0a:b");
	json_t *part = json_object_get(record, "flow");
	assert_string_equal(json_string_value(json_object_get(part, "state")), "new");
	part = json_object_get(record, "bulkhead");
	assert_string_equal(json_string_value(json_object_get(part, "verdict")), "deny");
	json_decref(record);
}

static void protocols(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(record_protocol(6, out), "TCP");
	assert_string_equal(record_protocol(17, out), "UDP");
	assert_string_equal(record_protocol(1, out), "ICMP");
	assert_string_equal(record_protocol(132, out), "SCTP");
	assert_string_equal(record_protocol(47, out), "GRE");
	assert_string_equal(record_protocol(253, out), "253");
	assert_string_equal(record_protocol(0, out), "000");
}

static void check_text(const char *bytes, size_t size, const char *expected)
{
	json_t *text = record_text(bytes, size);

	assert_non_null(text);
	assert_string_equal(json_string_value(text), expected);
	json_decref(text);
}

static void odd_bytes_are_written_out(void **state)
{
	(void)state;
	check_text("plain.example", 14, "plain.example");
	check_text("not terminated", 3, "not");
	check_text("", 1, "");
	check_text("x", 0, "");
	check_text("b\xc3\xbcro", 80, "b\xc3\xbcro");
	check_text("\xe2\x82\xac\xf0\x9f\x98\x80", 80, "\xe2\x82\xac\xf0\x9f\x98\x80");
	check_text("a\xff"
		   "b\x01\x1b[2J\x7f",
		   80, "a\\xffb\\x01\\x1b[2J\\x7f");
	check_text("\xc0\xaf", 80, "\\xc0\\xaf");                   /* overlong */
	check_text("\xe0\x80\xaf", 80, "\\xe0\\x80\\xaf");          /* overlong */
	check_text("\xed\xa0\x80", 80, "\\xed\\xa0\\x80");          /* surrogate */
	check_text("\xf4\x90\x80\x80", 80, "\\xf4\\x90\\x80\\x80"); /* past U+10FFFF */
	check_text("\xc2\x9b"
		   "31m",
		   80, "\\xc2\\x9b31m");             /* C1: CSI */
	check_text("\xe2\x82", 80, "\\xe2\\x82");    /* cut */
	check_text("\xe2\x82\xac", 2, "\\xe2\\x82"); /* cut by the field's end */
}

static void long_text_is_whole(void **state)
{
	char bytes[2000];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	json_t *text = record_text(bytes, sizeof(bytes));
	assert_int_equal(json_string_length(text), 8000);
	json_decref(text);
}

static void times(void **state)
{
	char out[40];

	(void)state;
	assert_string_equal(record_time(0, out), "1970-01-01T00:00:00.000000+0000");
	assert_string_equal(record_time(1763805600123456, out), "2025-11-22T10:00:00.123456+0000");
	assert_int_equal(strlen(record_time(UINT64_MAX, out)), 31);
}

/* Every byte of a record may be anything: nothing is read out of bounds, and it still is JSON. */
static void garbage_is_still_json(void **state)
{
	struct bh_event event;
	uint32_t seed = 1;
	json_error_t error;

	(void)state;
	for (int round = 0; round < 300; round++) {
		unsigned char *bytes = (unsigned char *)&event;
		for (size_t i = 0; i < sizeof(event); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = round == 0 ? 0xff : (unsigned char)(seed >> 24);
		}
		event.type = (uint32_t)(1 + round % 4);
		char *line = line_of(record_event(&event));
		json_t *parsed = json_loads(line, 0, &error);
		assert_non_null(parsed);
		json_decref(parsed);
		free(line);
	}
	event.type = 5;
	assert_null(record_event(&event));
}

static void notices(void **state)
{
	struct bh_event event = { .type = BH_EVENT_NOTICE, .lost = 3, .time_us = 1000000 };

	(void)state;
	event.notice.kind = BH_NOTICE_MAC_MOVED;
	event.notice.count = 2;
	memcpy(event.notice.mac, "\x00\x50\x56\xaa\x00\x31", 6);
	strcpy(event.notice.segment[0], "web");
	strcpy(event.notice.segment[1], "db");
	strcpy(event.notice.text, "announced by RARP");
	char *line = line_of(record_event(&event));
	assert_string_equal(
		line,
		"{\"timestamp\":\"1970-01-01T00:00:01.000000+0000\",\"event_type\":\"notice\","
		"\"notice\":{\"kind\":\"mac-moved\",\"count\":2,\"mac\":\"00:50:56:aa:00:31\","
		"\"segment\":\"web\",\"new_segment\":\"db\",\"text\":\"announced by RARP\"},\"lost\":3}");
	free(line);
}

static void risks_are_named(void **state)
{
	struct bh_flow_record flow = a_flow();

	(void)state;
	flow.risks = UINT64_C(1) << 63 | 1u << 3;
	json_t *record = record_flow(&flow, "flow", 0);
	json_t *risks = json_object_get(json_object_get(record, "bulkhead"), "risks");
	assert_int_equal(json_array_size(risks), 2);
	assert_string_equal(json_string_value(json_array_get(risks, 0)), dpi_risk_name(3));
	json_decref(record);
}

static void hosts(void **state)
{
	struct bh_host host = { .mac = { 2, 0, 0, 0, 0, 1 }, .bound = 1, .moves = 4 };

	(void)state;
	strcpy(host.segment, "web");
	json_t *record = record_host(&host);
	assert_string_equal(json_string_value(json_object_get(record, "mac")), "02:00:00:00:00:01");
	assert_string_equal(json_string_value(json_object_get(record, "segment")), "web");
	assert_true(json_is_true(json_object_get(record, "bound")));
	assert_null(json_object_get(record, "address4"));
	json_decref(record);
	memset(&host, 0xff, sizeof(host));
	record = record_host(&host);
	assert_non_null(record);
	json_decref(record);
}

static int names(void **state)
{
	(void)state;
	return dpi_catalogue_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_eve),
		cmocka_unit_test(refusals_in_a_sum),
		cmocka_unit_test(two_tags),
		cmocka_unit_test(icmp_has_types_and_no_ports),
		cmocka_unit_test(protocols),
		cmocka_unit_test(odd_bytes_are_written_out),
		cmocka_unit_test(long_text_is_whole),
		cmocka_unit_test(times),
		cmocka_unit_test(garbage_is_still_json),
		cmocka_unit_test(notices),
		cmocka_unit_test(risks_are_named),
		cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests(tests, names, NULL);
}
