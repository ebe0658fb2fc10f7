/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"

#include <stdio.h>

#include "ctl_show.h"
#include "dpi.h"

static void daemon_line(const json_t *result)
{
	const json_t *daemon = json_object_get(result, "daemon"), *accepted;
	char text[24];

	if (!show_flag(daemon, "up")) {
		printf("bulkheadd   is down; forwarding does not need it\n");
		return;
	}
	printf("bulkheadd   up, pid %" JSON_INTEGER_FORMAT ", for %s\n", show_number(daemon, "pid"),
	       table_duration((double)show_number(daemon, "uptime_s"), text));
	accepted = json_object_get(daemon, "accepted");
	if (json_is_object(accepted))
		printf("            last applied %s at %s%s%s\n", show_text(accepted, "policy"),
		       show_text(accepted, "time"), *show_text(accepted, "path") ? " from " : "",
		       show_text(accepted, "path"));
}

static void dataplane_lines(const json_t *result)
{
	const json_t *dataplane = json_object_get(result, "dataplane");
	const json_t *policy = json_object_get(result, "policy");
	char text[24];

	/* its main thread hangs; what the workers do nobody can tell from here */
	if (!show_flag(dataplane, "up") && show_flag(dataplane, "answers")) {
		printf("dataplane   DOES NOT ANSWER: its heartbeat stopped %.1f s ago; systemctl restart "
		       "bulkhead-dataplane\n            starts it anew with the policy accepted last\n",
		       (double)show_number(dataplane, "heartbeat_age_ms") / 1000);
		return;
	}
	if (!show_flag(dataplane, "up")) {
		printf("dataplane   DOWN: nothing is forwarded (%s)\n",
		       *show_text(dataplane, "why") ? show_text(dataplane, "why")
						    : "it does not answer, or its heartbeat is late");
		return;
	}
	printf("dataplane   up, pid %" JSON_INTEGER_FORMAT ", for %s, heartbeat %" JSON_INTEGER_FORMAT
	       " ms ago\n",
	       show_number(dataplane, "pid"),
	       table_duration((double)show_number(dataplane, "uptime_s"), text),
	       show_number(dataplane, "heartbeat_age_ms"));
	if (!json_is_object(policy)) {
		printf("policy      NONE in force: nothing is forwarded\n");
		return;
	}
	printf("policy      %s", show_text(policy, "name"));
	if (json_object_get(policy, "rules"))
		printf(" (%" JSON_INTEGER_FORMAT " rules)", show_number(policy, "rules"));
	printf(" in force as generation %" JSON_INTEGER_FORMAT ", accepted %s\n",
	       show_number(policy, "generation"), show_text(policy, "accepted"));
	if (!show_flag(policy, "applications_in_force"))
		printf("            APPLICATION RULES ARE OUT OF FORCE: the image was made with another "
		       "nDPI; "
		       "apply the policy again\n");
}

static void alarm_lines(const json_t *result)
{
	size_t i;
	json_t *alarm;

	json_array_foreach(json_object_get(result, "alarms"), i, alarm)
	{
		const char *segment = show_text(alarm, "segment");

		printf("alarm       %s%s%s over %" JSON_INTEGER_FORMAT " %%: %" JSON_INTEGER_FORMAT
		       " of %" JSON_INTEGER_FORMAT "\n",
		       show_text(alarm, "resource"), *segment ? " of segment " : "", segment,
		       show_number(alarm, "percent"), show_number(alarm, "used"), show_number(alarm, "size"));
	}
}

static void loop_lines(const json_t *result)
{
	size_t i;
	json_t *pair;

	if (show_number(result, "listening"))
		printf("listening   %" JSON_INTEGER_FORMAT
		       " segments are probed for loops before anything is forwarded there\n",
		       show_number(result, "listening"));
	json_array_foreach(json_object_get(result, "loops"), i, pair)
	{
		const char *a = json_string_value(json_array_get(pair, 0));
		const char *b = json_string_value(json_array_get(pair, 1));

		if (a && b)
			printf("LOOP        %s and %s are joined outside: nothing goes between them\n", a, b);
		else
			printf("LOOP        more segments are joined outside than can be told apart: nothing "
			       "is "
			       "forwarded\n");
	}
}

static int ports_table(const json_t *result)
{
	struct table *table =
		show_begin("PORT|DEVICE|LINK|>MTU|>QUEUES|>RX|>RX BYTES|>TX|>TX BYTES|>MISSED|>DROPS");
	size_t i;
	json_t *port;

	if (!table)
		return CTL_FAILED;
	json_array_foreach(json_object_get(result, "ports"), i, port)
	{
		table_cell(table, "%s", show_text(port, "name"));
		table_cell(table, "%s", show_text(port, "device"));
		table_cell(table, "%s", show_flag(port, "link") ? "up" : "DOWN");
		show_cell_number(table, port, "mtu");
		table_cell(table, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
			   show_number(port, "rx_queues"), show_number(port, "tx_queues"));
		show_cell_number(table, port, "in");
		show_cell_bytes(table, port, "in_bytes");
		show_cell_number(table, port, "tx");
		show_cell_bytes(table, port, "tx_bytes");
		show_cell_number(table, port, "missed");
		show_cell_number(table, port, "drops");
	}
	return show_end(table);
}

static int workers_table(const json_t *result)
{
	struct table *table = show_begin(">WORKER|>BUSY|>FLOWS|>HALF-OPEN|>PENDING|>DETECTING|>DPI MEMORY|"
					 ">LONGEST DPI|>EVALUATIONS|>HANDED OVER|>LONGEST GAP");
	size_t i;
	json_t *worker;

	if (!table)
		return CTL_FAILED;
	json_array_foreach(json_object_get(result, "workers"), i, worker)
	{
		show_cell_number(table, worker, "id");
		table_cell(table, "%.1f %%", json_number_value(json_object_get(worker, "busy")) * 100);
		show_cell_number(table, worker, "flows");
		show_cell_number(table, worker, "embryonic");
		show_cell_number(table, worker, "pending");
		show_cell_number(table, worker, "detecting");
		show_cell_bytes(table, worker, "dpi_memory");
		table_cell(table, "%.1f us", (double)show_number(worker, "dpi_longest_ns") / 1000);
		show_cell_number(table, worker, "evaluations");
		show_cell_number(table, worker, "handed_over");
		table_cell(table, "%.1f us", (double)show_number(worker, "longest_gap_ns") / 1000);
	}
	return show_end(table);
}

static int tables_table(const json_t *result)
{
	struct table *table = show_begin("TABLE|>USED|>SIZE|>FULL");
	const char *name;
	json_t *one;

	if (!table)
		return CTL_FAILED;
	json_object_foreach(json_object_get(result, "tables"), name, one)
	{
		double size = (double)show_number(one, "size");
		table_cell(table, "%s", name);
		show_cell_number(table, one, "used");
		show_cell_number(table, one, "size");
		table_cell(table, "%.1f %%", size > 0 ? 100 * (double)show_number(one, "used") / size : 0);
	}
	return show_end(table);
}

static int status_show(const json_t *result)
{
	const json_t *identity = json_object_get(result, "identity");

	daemon_line(result);
	dataplane_lines(result);
	if (!json_object_get(result, "ports"))
		return CTL_OK;
	if (show_flag(identity, "holds"))
		printf("identity    holds: every frame is accounted for\n");
	else
		printf("identity    %" JSON_INTEGER_FORMAT " frames not accounted for, or under way\n",
		       show_number(identity, "under_way"));
	if (show_number(result, "events_lost"))
		printf("events      %" JSON_INTEGER_FORMAT " lost\n", show_number(result, "events_lost"));
	loop_lines(result);
	alarm_lines(result);
	putchar('\n');
	if (ports_table(result))
		return CTL_FAILED;
	putchar('\n');
	if (workers_table(result))
		return CTL_FAILED;
	putchar('\n');
	return tables_table(result);
}

int ctl_status(int argc, char **argv)
{
	struct ctl_request request;
	int status = CTL_FAILED;

	ctl_request_parse(&request, "status", argc, argv);
	json_t *result = ctl_ask(&request, -1, NULL);
	if (result)
		status = request.json ? ctl_print_json(result) : status_show(result);
	if (!show_flag(json_object_get(result, "dataplane"), "up"))
		status = CTL_FAILED;
	json_decref(result);
	ctl_request_free(&request);
	return status;
}
