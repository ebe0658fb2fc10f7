/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of online commands whose answer is one object: rules, segments, applications, drops. */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bulkhead/drops.h"
#include "ctl_show.h"
#include "dpi.h"

const char *show_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_int_t show_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool show_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

void show_cell_number(struct table *table, const json_t *object, const char *key)
{
	table_cell(table, "%" JSON_INTEGER_FORMAT, show_number(object, key));
}

void show_cell_bytes(struct table *table, const json_t *object, const char *key)
{
	char text[24];

	table_cell(table, "%s", table_bytes((uint64_t)show_number(object, key), text));
}

int show_end(struct table *table)
{
	int error = table_print(table, stdout);

	table_free(table);
	if (!error && fflush(stdout))
		error = -1;
	if (error)
		fprintf(stderr, "bulkheadctl: the answer could not be written\n");
	return error ? CTL_FAILED : CTL_OK;
}

struct table *show_begin(const char *headings)
{
	struct table *table = table_new(headings);

	if (!table)
		fprintf(stderr, "bulkheadctl: out of memory\n");
	return table;
}

/* Ask, print as JSON or by `show`. */
static int answer(struct ctl_request *request, int (*show)(const json_t *result))
{
	int status = CTL_FAILED;

	json_t *result = ctl_ask(request, -1, NULL);
	if (result)
		status = request->json ? ctl_print_json(result) : show(result);
	json_decref(result);
	ctl_request_free(request);
	return status;
}

static int rules_show(const json_t *result)
{
	struct table *table = show_begin(">#|RULE|ACTION|>SESSIONS|>PACKETS|>BYTES|>LIMITED|WHERE");
	size_t i;
	json_t *rule;

	if (!table)
		return CTL_FAILED;
	printf("policy %s, generation %" JSON_INTEGER_FORMAT "\n\n", show_text(result, "policy"),
	       show_number(result, "generation"));
	json_array_foreach(json_object_get(result, "rules"), i, rule)
	{
		show_cell_number(table, rule, "number");
		table_cell(table, "%s", show_text(rule, "name"));
		table_cell(table, "%s%s%s", show_text(rule, "action"),
			   show_flag(rule, "monitor") ? ", monitor" : "",
			   show_flag(rule, "enabled") ? "" : ", disabled");
		show_cell_number(table, rule, "sessions");
		show_cell_number(table, rule, "packets");
		show_cell_bytes(table, rule, "bytes");
		show_cell_number(table, rule, "limited");
		if (json_object_get(rule, "file"))
			table_cell(table, "%s:%" JSON_INTEGER_FORMAT, show_text(rule, "file"),
				   show_number(rule, "line"));
		else
			table_cell(table, "%s", "");
	}
	return show_end(table);
}

int ctl_rules(int argc, char **argv)
{
	struct ctl_request request;

	ctl_request_parse(&request, "rules", argc, argv);
	return answer(&request, rules_show);
}

static int segments_show(const json_t *result)
{
	struct table *table =
		show_begin("SEGMENT|NETWORK|PORT|>VLAN|>IN|>IN BYTES|>OUT|>OUT BYTES|>DROPS|>FLOWS|"
			   ">HALF-OPEN|>MACS");
	size_t i;
	json_t *segment;

	if (!table)
		return CTL_FAILED;
	json_array_foreach(json_object_get(result, "segments"), i, segment)
	{
		const json_t *vlan = json_object_get(segment, "vlan");
		table_cell(table, "%s%s", show_text(segment, "name"),
			   show_flag(segment, "uplink") ? " (uplink)" : "");
		table_cell(table, "%s", show_text(segment, "network"));
		table_cell(table, "%s", show_text(segment, "port"));
		if (json_is_integer(vlan))
			show_cell_number(table, segment, "vlan");
		else
			table_cell(table, "%s", show_text(segment, "vlan"));
		show_cell_number(table, segment, "in");
		show_cell_bytes(table, segment, "in_bytes");
		show_cell_number(table, segment, "out");
		show_cell_bytes(table, segment, "out_bytes");
		show_cell_number(table, segment, "drops");
		show_cell_number(table, segment, "flows");
		show_cell_number(table, segment, "embryonic");
		show_cell_number(table, segment, "macs");
	}
	return show_end(table);
}

int ctl_segments(int argc, char **argv)
{
	struct ctl_request request;

	ctl_request_parse(&request, "segments", argc, argv);
	return answer(&request, segments_show);
}

static int applications_show(const json_t *result)
{
	struct table *table = show_begin("APPLICATION|CATEGORY|>FLOWS|>PACKETS|>BYTES");
	size_t i;
	json_t *app;

	if (!table)
		return CTL_FAILED;
	json_array_foreach(json_object_get(result, "applications"), i, app)
	{
		table_cell(table, "%s", show_text(app, "name"));
		table_cell(table, "%s", show_text(app, "category"));
		show_cell_number(table, app, "flows");
		show_cell_number(table, app, "packets");
		show_cell_bytes(table, app, "bytes");
	}
	return show_end(table);
}

int ctl_applications(int argc, char **argv)
{
	struct ctl_request request;

	ctl_request_parse(&request, "applications", argc, argv);
	if (!request.catalogue) {
		if (dpi_catalogue_init()) {
			fprintf(stderr, "bulkheadctl: out of memory\n");
			return CTL_FAILED;
		}
		return answer(&request, applications_show);
	}
	ctl_request_free(&request);
	return show_catalogue(request.json);
}

static const char *drop_help(const char *reason)
{
	for (size_t i = 0; i < BH_DROP_COUNT; i++) {
		if (!strcmp(bh_drop_names[i], reason))
			return bh_drop_help[i];
	}
	return "";
}

static void drops_rows(struct table *table, const char *port, json_t *drops)
{
	const char *reason;
	json_t *frames;

	json_object_foreach(drops, reason, frames)
	{
		if (port)
			table_cell(table, "%s", port);
		table_cell(table, "%s", reason);
		table_cell(table, "%" JSON_INTEGER_FORMAT, json_integer_value(frames));
		table_cell(table, "%s", drop_help(reason));
	}
}

static int unknown_vlans_show(json_t *vlans)
{
	struct table *table;
	json_t *one;
	size_t i;

	if (!json_array_size(vlans))
		return CTL_OK;
	table = show_begin("PORT|>VLAN|>FRAMES");
	if (!table)
		return CTL_FAILED;
	printf("\nVLANs of unknown-vlan:\n");
	json_array_foreach(vlans, i, one)
	{
		table_cell(table, "%s", show_text(one, "port"));
		show_cell_number(table, one, "vlan");
		show_cell_number(table, one, "frames");
	}
	return show_end(table);
}

static int drops_show(const json_t *result)
{
	json_t *ports = json_object_get(result, "ports"), *drops;
	struct table *table = show_begin(ports ? "PORT|REASON|>FRAMES|MEANING" : "REASON|>FRAMES|MEANING");
	const char *port;

	if (!table)
		return CTL_FAILED;
	if (ports) {
		json_object_foreach(ports, port, drops)
		{
			drops_rows(table, port, drops);
		}
	} else {
		drops_rows(table, NULL, json_object_get(result, "drops"));
	}
	int status = show_end(table);
	return status == CTL_OK ? unknown_vlans_show(json_object_get(result, "unknown_vlans")) : status;
}

int ctl_drops(int argc, char **argv)
{
	struct ctl_request request;

	ctl_request_parse(&request, "drops", argc, argv);
	return answer(&request, drops_show);
}

static int stages_show(const json_t *result)
{
	struct table *table = show_begin("STAGE|>BURSTS|>FRAMES|>CYCLES/FRAME|>SHARE|WHAT");
	json_t *stages = json_object_get(result, "stages"), *stage;
	size_t i;

	if (!table)
		return CTL_FAILED;
	printf("measuring is %s; %" JSON_INTEGER_FORMAT
	       " frames received while it was on, %.0f cycles each\n\n",
	       show_flag(result, "measuring") ? "on" : "off", show_number(result, "frames"),
	       json_number_value(json_object_get(result, "cycles_per_frame")));
	json_array_foreach(stages, i, stage)
	{
		table_cell(table, "%s", show_text(stage, "name"));
		show_cell_number(table, stage, "bursts");
		show_cell_number(table, stage, "frames");
		table_cell(table, "%.1f", json_number_value(json_object_get(stage, "cycles_per_frame")));
		table_cell(table, "%.1f %%", json_number_value(json_object_get(stage, "share")) * 100);
		table_cell(table, "%s", show_text(stage, "help"));
	}
	return show_end(table);
}

/* --seconds: the question has begun the measuring; wait, and ask it to end. false: it could not be begun */
static bool stages_wait(struct ctl_request *request)
{
	json_t *begun = ctl_ask(request, -1, NULL);

	if (!begun)
		return false;
	json_decref(begun);
	for (unsigned int left = request->seconds; left; left = sleep(left))
		;
	json_object_set_new(request->question, "measure", json_false());
	return true;
}

int ctl_stages(int argc, char **argv)
{
	struct ctl_request request;

	ctl_request_parse(&request, "stages", argc, argv);
	if (!request.seconds || stages_wait(&request))
		return answer(&request, stages_show);
	ctl_request_free(&request);
	return CTL_FAILED;
}
