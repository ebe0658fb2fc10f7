/* SPDX-License-Identifier: BSD-3-Clause */
/* Applications: names of the library's and of the policy's own, and what patterns those have; risks. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dpi.h"
#include "reader.h"

static const char *const pattern_expected = "a pattern, as host:\"*.erp.example\", tcp/9443, udp/4000-4100 "
					    "(ports 1 to 65534), ip:10.1.2.3 or ip:10.1.2.0/24";

#define PATTERNS_MAX 2000u
#define HOSTS_TRIED 40u /* one by one, when all together were refused: each costs the library 25 ms */

int reader_app_id(struct reader *reader, const char *name)
{
	uint32_t custom;

	if (!strcasecmp(name, "unknown"))
		return 0;
	if (index_find(&reader->apps, name, &custom))
		return (int)(dpi_builtin_count() + custom);
	return dpi_protocol_id(name);
}

void reader_unknown_app(struct reader *reader, struct place place, const char *name)
{
	struct decoder *decoder = &reader->decoder;
	uint32_t count = 0, custom = reader->apps.count;
	const char *nearest = "";
	const char **names;

	if (decoder->suggestions) {
		names = region_alloc(decoder->region, (dpi_builtin_count() + custom + 1) * sizeof(*names));
		for (uint32_t id = 0; id < dpi_builtin_count(); id++)
			if (dpi_protocol_name(id))
				names[count++] = dpi_protocol_name(id);
		memcpy(names + count, index_names(&reader->apps, decoder->region), custom * sizeof(*names));
		nearest = decode_nearest(decoder, name, names, count + custom);
	}
	decode_error(decoder, place,
		     "%.60s: no application has this name%s (bulkheadctl applications --all lists them)",
		     name, nearest);
}

static void unknown_risk(struct decoder *decoder, struct place place, const char *name)
{
	const char *names[64];
	uint32_t count = 0;

	for (uint32_t bit = 0; bit < dpi_risk_count() && bit < 64; bit++)
		if (dpi_risk_name(bit))
			names[count++] = dpi_risk_name(bit);
	decode_error(decoder, place, "%.60s: no risk has this name%s", name,
		     decode_nearest(decoder, name, names, count));
}

void reader_risks(struct reader *reader, const struct node *node, uint64_t *risks)
{
	if (node->kind == NODE_LIST && !node->count)
		decode_expected(&reader->decoder, node, "at least one risk (leave the key out for any)");
	for (const struct node *item = node_first(node); item; item = node_next(node, item)) {
		const char *name =
			decode_text(&reader->decoder, item, "the name of a risk, as tls-weak-cipher");
		int bit = name ? dpi_risk_bit(name) : 0;

		if (name && (bit < 0 || bit > 63))
			unknown_risk(&reader->decoder, item->place, name);
		else if (name)
			*risks |= 1ull << bit;
	}
}

/* ---- the policy's own ---- */

static bool is_host(const char *host)
{
	size_t length = strlen(host);

	if (!strncmp(host, "*.", 2))
		host += 2, length -= 2;
	if (length < 3 || length > 79)
		return false;
	for (; *host; host++)
		if (!isalnum((unsigned char)*host) && !strchr("-._", *host))
			return false;
	return true;
}

/* host:NAME or host:"NAME" */
static char *host_rule(struct decoder *decoder, const char *text)
{
	size_t length = strlen(text);
	char *host, *rule;

	if (length >= 2 && text[0] == '"' && text[length - 1] == '"')
		host = region_text(decoder->region, text + 1, length - 2);
	else
		host = region_text(decoder->region, text, length);
	if (!is_host(host))
		return NULL;
	rule = region_format(decoder->region, "host:\"%s\"", host);
	for (char *at = rule; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return rule;
}

/* ip:ADDRESS[/LENGTH][:PORT]: the library knows IPv4 only here */
static char *ip_rule(struct decoder *decoder, const char *text)
{
	const char *colon = strchr(text, ':');
	struct address_range ranges[2];
	uint16_t first = 0, last = 0;
	uint32_t count;
	const char *why;
	char address[32];
	size_t length = colon ? (size_t)(colon - text) : strlen(text);

	if (length >= sizeof(address) || (colon && (value_ports(colon + 1, &first, &last) || first != last)))
		return NULL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (strchr(address, '-') || value_addresses(address, ranges, &count, &why))
		return NULL;
	return colon ? region_format(decoder->region, "ip:%s:%u", address, first)
		     : region_format(decoder->region, "ip:%s", address);
}

/* The policy's spelling of a pattern in the library's, or NULL. */
static char *pattern_rule(struct decoder *decoder, const char *text)
{
	uint16_t first, last;

	if (!strncmp(text, "host:", 5))
		return host_rule(decoder, text + 5);
	if (!strncmp(text, "ip:", 3))
		return ip_rule(decoder, text + 3);
	if ((strncmp(text, "tcp/", 4) && strncmp(text, "udp/", 4)) || value_ports(text + 4, &first, &last) ||
	    !first)
		return NULL;
	if (first == last)
		return region_format(decoder->region, "%.3s:%u", text, first);
	return region_format(decoder->region, "%.3s:%u-%u", text, first, last);
}

static void read_pattern(struct reader *reader, const struct node *item, const char *name)
{
	struct policy_model *model = reader->model;
	struct decoder *decoder = &reader->decoder;
	const char *text = decode_text(decoder, item, pattern_expected);
	char *rule = text ? pattern_rule(decoder, text) : NULL;

	if (!text)
		return;
	/* hosts are tried all together, later */
	if (!rule || (strncmp(rule, "host:", 5) && dpi_custom_check(rule))) {
		decode_error(decoder, item->place, "\"%.60s\": expected %s", text, pattern_expected);
		return;
	}
	model->custom_apps = region_grow(decoder->region, model->custom_apps, model->custom_app_count,
					 sizeof(*model->custom_apps));
	model->custom_apps[model->custom_app_count++] = (struct model_custom_app){
		.name = region_text(decoder->region, name, strlen(name)), .rule = rule, .place = item->place
	};
}

static void read_application(struct reader *reader, const struct node *node)
{
	struct decoder *decoder = &reader->decoder;

	if (!decode_key_is_name(decoder, node))
		return;
	if (!strcasecmp(node->key, "unknown") || dpi_protocol_id(node->key) >= 0) {
		decode_error(decoder, node_key_place(node),
			     "%s: the library has an application of this name already", node->key);
		return;
	}
	if (!index_add(&reader->apps, decoder->region, node->key, reader->apps.count, NULL)) {
		decode_error(decoder, node_key_place(node),
			     "application %s is defined twice (names differ in more than case)", node->key);
		return;
	}
	if (node_is_null(node) || node->kind == NODE_MAP || (node->kind == NODE_LIST && !node->count)) {
		decode_expected(decoder, node, "a list of patterns (host:.., tcp/.., udp/.., ip:..)");
		return;
	}
	for (const struct node *item = node_first(node); item; item = node_next(node, item))
		read_pattern(reader, item, node->key);
}

static bool is_host_rule(const struct model_custom_app *custom)
{
	return !strncmp(custom->rule, "host:", 5);
}

/* The library takes no host that is one of its own already. */
static void check_hosts(struct reader *reader)
{
	const struct policy_model *model = reader->model;
	struct index hosts = { 0 };
	size_t length = 1;
	char *all, *end;

	for (uint32_t i = 0; i < model->custom_app_count; i++) {
		const struct model_custom_app *custom = &model->custom_apps[i];
		uint32_t first;

		length += strlen(custom->rule) + 1;
		if (!index_add(&hosts, reader->decoder.region, custom->rule, i, &first))
			decode_error(&reader->decoder, custom->place,
				     "%s is a pattern of %s already (line %u)", custom->rule,
				     model->custom_apps[first].name, model->custom_apps[first].place.line);
	}
	end = all = region_alloc(reader->decoder.region, length);
	for (uint32_t i = 0; i < model->custom_app_count; i++)
		if (is_host_rule(&model->custom_apps[i]))
			end += sprintf(end, "%s%s", end == all ? "" : ",", model->custom_apps[i].rule);
	if (end == all || !dpi_custom_check(all))
		return;
	for (uint32_t i = 0, tried = 0; i < model->custom_app_count && tried < HOSTS_TRIED; i++) {
		if (!is_host_rule(&model->custom_apps[i]) || !++tried ||
		    !dpi_custom_check(model->custom_apps[i].rule))
			continue;
		decode_error(
			&reader->decoder, model->custom_apps[i].place,
			"%s: the library refuses this host, as one of its own applications has it already",
			model->custom_apps[i].rule);
		return;
	}
	decode_error(&reader->decoder, model->custom_apps[0].place,
		     "the library refuses the hosts of these applications together: two of them are of one "
		     "application");
}

void read_applications(struct reader *reader, const struct part *part)
{
	reader->apps.fold = true;
	if (!part->count)
		return;
	for (uint32_t i = 0; i < part->count; i++) {
		if (part->nodes[i]->kind != NODE_MAP) {
			decode_expected(
				&reader->decoder, part->nodes[i],
				"a map of applications ({ our-erp: [\"host:*.erp.example\", tcp/9443] })");
			continue;
		}
		for (const struct node *node = part->nodes[i]->first; node; node = node->next)
			read_application(reader, node);
	}
	if (reader->apps.count > BH_MAX_CUSTOM_APPS || reader->model->custom_app_count > PATTERNS_MAX)
		decode_error(&reader->decoder, node_key_place(part->nodes[0]),
			     "there may be %u applications of the policy's own and %u patterns, and here are "
			     "%u and %u",
			     BH_MAX_CUSTOM_APPS, PATTERNS_MAX, reader->apps.count,
			     reader->model->custom_app_count);
	else
		check_hosts(reader);
}
