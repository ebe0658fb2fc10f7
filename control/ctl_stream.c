/* SPDX-License-Identifier: BSD-3-Clause */
/* flows, hosts, events: answers that come item by item. As JSON each is printed when it comes. */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl_show.h"
#include "dpi.h"

struct list {
	struct table *table; /* NULL: JSON */
	void (*row)(struct table *table, const json_t *item);
	json_int_t count;
};

static int list_item(void *opaque, json_t *item)
{
	struct list *list = opaque;

	if (list->table) {
		list->row(list->table, item);
	} else {
		fputs(list->count ? ",\n" : "\n", stdout);
		json_dumpf(item, stdout, JSON_COMPACT);
	}
	list->count++;
	return ferror(stdout) ? -EPIPE : 0;
}

/* {"name": [items], "count": n}: written by hand so that a million sessions need no memory here. */
static int list_answer(struct ctl_request *request, const char *name, const char *headings,
		       void (*row)(struct table *table, const json_t *item))
{
	struct list list = { .row = row };
	struct query_sink sink = { .item = list_item, .opaque = &list };
	json_int_t limit = show_number(request->question, "limit");
	int status = CTL_FAILED;

	if (dpi_catalogue_init() || (!request->json && !(list.table = show_begin(headings)))) {
		ctl_request_free(request);
		return CTL_FAILED;
	}
	if (request->json)
		printf("{\"%s\": [", name);
	json_t *result = ctl_ask(request, -1, &sink);
	if (request->json) {
		printf("\n], \"count\": %" JSON_INTEGER_FORMAT "%s}\n", list.count,
		       result ? "" : ", \"complete\": false");
		status = result && !fflush(stdout) ? CTL_OK : CTL_FAILED;
	} else if (list.count || result) {
		status = show_end(list.table);
		if (limit && list.count == limit)
			fprintf(stderr, "the first %" JSON_INTEGER_FORMAT " only; --limit 0 shows all\n",
				limit);
		if (!result)
			status = CTL_FAILED;
	} else {
		table_free(list.table);
	}
	json_decref(result);
	ctl_request_free(request);
	return status;
}

/* "10.0.0.1:80", "[2001:db8::1]:80" */
static void endpoint_cell(struct table *table, const json_t *record, const char *address_key,
			  const char *port_key)
{
	const char *address = show_text(record, address_key);
	bool wide = strchr(address, ':') != NULL;

	if (json_object_get(record, port_key))
		table_cell(table, "%s%s%s:%" JSON_INTEGER_FORMAT, wide ? "[" : "", address, wide ? "]" : "",
			   show_number(record, port_key));
	else
		table_cell(table, "%s", address);
}

static void both_cell(struct table *table, const json_t *object, const char *first, const char *second)
{
	table_cell(table, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, show_number(object, first),
		   show_number(object, second));
}

static void flow_row(struct table *table, const json_t *record)
{
	const json_t *flow = json_object_get(record, "flow"), *bulkhead = json_object_get(record, "bulkhead");
	const json_t *tcp = json_object_get(record, "tcp");
	char toward[24], back[24];

	table_cell(table, "%s", show_text(record, "proto"));
	endpoint_cell(table, record, "src_ip", "src_port");
	endpoint_cell(table, record, "dest_ip", "dest_port");
	table_cell(table, "%s > %s", show_text(bulkhead, "src_segment"),
		   *show_text(bulkhead, "dest_segment") ? show_text(bulkhead, "dest_segment") : "?");
	table_cell(table, "%s%s%s", show_text(record, "app_proto"),
		   *show_text(bulkhead, "server_name") ? " " : "", show_text(bulkhead, "server_name"));
	table_cell(table, "%s%s", show_text(bulkhead, "verdict"),
		   show_flag(bulkhead, "monitored") ? " (monitor)" : "");
	table_cell(table, "%s", show_text(bulkhead, "rule"));
	both_cell(table, flow, "pkts_toserver", "pkts_toclient");
	table_cell(table, "%s/%s", table_bytes((uint64_t)show_number(flow, "bytes_toserver"), toward),
		   table_bytes((uint64_t)show_number(flow, "bytes_toclient"), back));
	table_cell(table, "%s", tcp ? show_text(tcp, "state") : show_text(flow, "state"));
	table_cell(table, "%" JSON_INTEGER_FORMAT " s", show_number(bulkhead, "timeout_s"));
}

int ctl_flows(int argc, char **argv)
{
	struct ctl_request request;

	ctl_request_parse(&request, "flows", argc, argv);
	return list_answer(&request, "flows",
			   "PROTO|FROM|TO|SEGMENTS|APPLICATION|VERDICT|RULE|>PACKETS|>BYTES|STATE|>EXPIRES",
			   flow_row);
}

static void host_row(struct table *table, const json_t *host)
{
	table_cell(table, "%s", show_text(host, "mac"));
	table_cell(table, "%s", show_text(host, "network"));
	table_cell(table, "%s", show_text(host, "segment"));
	table_cell(table, "%s", show_text(host, "address4"));
	table_cell(table, "%s", show_text(host, "address6"));
	table_cell(table, "%s", show_flag(host, "bound") ? "yes" : "");
	show_cell_number(table, host, "moves");
	table_cell(table, "%.19s", show_text(host, "last"));
}

int ctl_hosts(int argc, char **argv)
{
	struct ctl_request request;

	ctl_request_parse(&request, "hosts", argc, argv);
	return list_answer(&request, "hosts", "MAC|NETWORK|SEGMENT|IPV4|IPV6|BOUND|>MOVES|LAST SEEN (UTC)",
			   host_row);
}

/* ---- events: one line each, as they come ---- */

static void endpoint_print(const json_t *record, const char *address_key, const char *port_key)
{
	const char *address = show_text(record, address_key);
	bool wide = strchr(address, ':') != NULL;

	if (json_object_get(record, port_key))
		printf("%s%s%s:%" JSON_INTEGER_FORMAT, wide ? "[" : "", address, wide ? "]" : "",
		       show_number(record, port_key));
	else
		printf("%s", address);
}

static void notice_line(const json_t *notice)
{
	printf("%s", show_text(notice, "kind"));
	if (*show_text(notice, "segment"))
		printf(" %s", show_text(notice, "segment"));
	if (*show_text(notice, "new_segment"))
		printf(" > %s", show_text(notice, "new_segment"));
	if (*show_text(notice, "mac"))
		printf(" %s", show_text(notice, "mac"));
	if (*show_text(notice, "address"))
		printf(" %s", show_text(notice, "address"));
	if (show_number(notice, "count") > 1)
		printf(" (%" JSON_INTEGER_FORMAT " times)", show_number(notice, "count"));
	if (*show_text(notice, "text"))
		printf(": %s", show_text(notice, "text"));
}

static void session_line(const json_t *record, bool ended)
{
	const json_t *bulkhead = json_object_get(record, "bulkhead"), *flow = json_object_get(record, "flow");

	printf("%s %s ", show_text(bulkhead, "verdict"), show_text(record, "proto"));
	endpoint_print(record, "src_ip", "src_port");
	printf(" > ");
	endpoint_print(record, "dest_ip", "dest_port");
	printf(" (%s > %s) %s by %s", show_text(bulkhead, "src_segment"),
	       *show_text(bulkhead, "dest_segment") ? show_text(bulkhead, "dest_segment") : "?",
	       show_text(record, "app_proto"), show_text(bulkhead, "rule"));
	if (ended)
		printf(", ended: %s, %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT " packets",
		       show_text(bulkhead, "end"), show_number(flow, "pkts_toserver"),
		       show_number(flow, "pkts_toclient"));
}

static void denials_line(const json_t *record)
{
	const json_t *bulkhead = json_object_get(record, "bulkhead");
	const json_t *denials = json_object_get(record, "denials");

	printf("%" JSON_INTEGER_FORMAT " more sessions, ", show_number(denials, "count"));
	if (show_flag(denials, "others"))
		printf("of other kinds than were counted apart");
	else
		printf("%s %s (%s > %s) by %s", show_text(bulkhead, "verdict"), show_text(record, "proto"),
		       show_text(bulkhead, "src_segment"),
		       *show_text(bulkhead, "dest_segment") ? show_text(bulkhead, "dest_segment") : "?",
		       show_text(bulkhead, "rule"));
	printf(": the first was ");
	endpoint_print(record, "src_ip", "src_port");
	printf(" > ");
	endpoint_print(record, "dest_ip", "dest_port");
}

static int event_item(void *opaque, json_t *item)
{
	const struct ctl_request *request = opaque;
	const char *type = show_text(item, "event_type");

	if (request->json) {
		json_dumpf(item, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		printf("%s %-7s ", show_text(item, "timestamp"), type);
		if (!strcmp(type, "notice"))
			notice_line(json_object_get(item, "notice"));
		else if (!strcmp(type, "denials"))
			denials_line(item);
		else if (!strcmp(type, "lost"))
			printf("%" JSON_INTEGER_FORMAT " events", show_number(item, "lost"));
		else
			session_line(item, !strcmp(type, "flow"));
		if (strcmp(type, "lost") && show_number(item, "lost"))
			printf(" (%" JSON_INTEGER_FORMAT " events before it were lost)",
			       show_number(item, "lost"));
		putchar('\n');
	}
	return fflush(stdout) ? -EPIPE : 0;
}

int ctl_events(int argc, char **argv)
{
	struct ctl_request request;
	struct query_sink sink = { .item = event_item, .opaque = &request };

	ctl_request_parse(&request, "events", argc, argv);
	json_t *result = dpi_catalogue_init() ? NULL : ctl_ask(&request, -1, &sink);
	int status = result ? CTL_OK : CTL_FAILED;
	json_decref(result);
	ctl_request_free(&request);
	return status;
}
