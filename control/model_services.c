/* SPDX-License-Identifier: BSD-3-Clause */
/* services: protocols and destination ports, by themselves and by name. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

#define SERVICE_DEPTH_MAX 16u

static const char *const service_expected =
	"a service, as tcp/443, tcp/8000-8100, udp/53, sctp/3868, icmp/echo-request, "
	"icmpv6/128, proto/47 or a service's name";

/* TYPE[/CODE] of ICMP, by name or number; all codes if none is given. */
static int parse_icmp(const char *text, bool v6, struct service_item *item)
{
	const char *slash = strchr(text, '/');
	uint64_t type, code;
	char name[64];
	int known;

	if ((slash ? (size_t)(slash - text) : strlen(text)) >= sizeof(name))
		return -EINVAL;
	snprintf(name, sizeof(name), "%.*s", slash ? (int)(slash - text) : (int)strlen(text), text);
	known = value_icmp_type(name, v6);
	if (known >= 0)
		type = (uint64_t)known;
	else if (value_unsigned(name, &type) || type > 255)
		return -EINVAL;
	if (slash && (value_unsigned(slash + 1, &code) || code > 255))
		return -EINVAL;
	item->first = (uint16_t)(type << 8 | (slash ? code : 0));
	item->last = (uint16_t)(type << 8 | (slash ? code : 255));
	return 0;
}

/* 0, -ENOENT (looks like a name), or -EINVAL with a reason. */
static int parse_service(const char *text, struct service_item *item, const char **why)
{
	static const struct {
		const char *prefix;
		uint8_t protocol;
	} kinds[] = { { "tcp/", IPPROTO_TCP },   { "udp/", IPPROTO_UDP },       { "sctp/", IPPROTO_SCTP },
		      { "icmp/", IPPROTO_ICMP }, { "icmpv6/", IPPROTO_ICMPV6 }, { "proto/", 0 } };
	uint64_t number;
	size_t kind;

	for (kind = 0; kind < DECODE_COUNT(kinds); kind++)
		if (!strncmp(text, kinds[kind].prefix, strlen(kinds[kind].prefix)))
			break;
	if (kind == DECODE_COUNT(kinds)) {
		*why = service_expected;
		return strchr(text, '/') ? -EINVAL : -ENOENT;
	}
	text += strlen(kinds[kind].prefix);
	item->protocol = kinds[kind].protocol;
	switch (item->protocol) {
	case 0:
		*why = "the number of an IP protocol, as proto/47";
		if (value_unsigned(text, &number) || number > 255)
			return -EINVAL;
		*item = (struct service_item){ (uint8_t)number, 0, UINT16_MAX };
		return 0;
	case IPPROTO_ICMP:
		*why = "an ICMP type, as icmp/echo-request, icmp/8 or icmp/3/4";
		return parse_icmp(text, false, item);
	case IPPROTO_ICMPV6:
		*why = "an ICMPv6 type, as icmpv6/echo-request, icmpv6/128 or icmpv6/1/4";
		return parse_icmp(text, true, item);
	default:
		*why = "a port or a range of ports from 0 to 65535, as tcp/443 or tcp/8000-8100";
		return value_ports(text, &item->first, &item->last) ? -EINVAL : 0;
	}
}

static int item_compare(const void *one, const void *other)
{
	const struct service_item *a = one, *b = other;

	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return 0;
}

/* Sorted, without overlaps: a list never has more than so many ranges, however it was put together. */
static void list_merge(struct service_list *list)
{
	uint32_t kept = 0;

	if (!list->count)
		return;
	qsort(list->items, list->count, sizeof(*list->items), item_compare);
	for (uint32_t i = 1; i < list->count; i++) {
		struct service_item *last = &list->items[kept], *item = &list->items[i];

		if (item->protocol == last->protocol && item->first <= (uint32_t)last->last + 1) {
			if (item->last > last->last)
				last->last = item->last;
		} else {
			list->items[++kept] = *item;
		}
	}
	list->count = kept + 1;
}

static void list_append(struct reader *reader, struct service_list *list, struct service_item item)
{
	if (!reader->service_items_left)
		return;
	reader->service_items_left--;
	list->items = region_grow(reader->decoder.region, list->items, list->count, sizeof(item));
	list->items[list->count++] = item;
}

enum service_state { SERVICE_UNREAD, SERVICE_READING, SERVICE_READ };

static void resolve_service(struct reader *reader, uint32_t number, struct place place);

static void unknown_service(struct reader *reader, struct place place, const char *text)
{
	struct decoder *decoder = &reader->decoder;
	static const char *const bare[] = { "tcp", "udp", "sctp", "icmp", "icmpv6" };
	static const char *const numbers[] = { "6", "17", "132", "1", "58" };

	for (size_t i = 0; i < DECODE_COUNT(bare); i++)
		if (!strcmp(text, bare[i])) {
			decode_error(decoder, place, "%s: write %s/%s, or proto/%s for all of it", text, text,
				     i < 3 ? "PORT" : "TYPE", numbers[i]);
			return;
		}
	reader_unknown(reader, place, "service", text, &reader->services);
}

static void read_service_item(struct reader *reader, const struct node *node, struct service_list *list)
{
	const char *text = decode_text(&reader->decoder, node, service_expected), *why;
	struct service_item item = { 0 };
	uint32_t number;

	if (!text)
		return;
	switch (parse_service(text, &item, &why)) {
	case 0:
		list_append(reader, list, item);
		break;
	case -ENOENT:
		if (!index_find(&reader->services, text, &number)) {
			unknown_service(reader, node->place, text);
			break;
		}
		resolve_service(reader, number, node->place);
		reader->model->services[number].used = true;
		for (uint32_t i = 0; i < reader->model->services[number].list.count; i++)
			list_append(reader, list, reader->model->services[number].list.items[i]);
		break;
	default:
		decode_error(&reader->decoder, node->place, "\"%.60s\": expected %s", text, why);
	}
}

/* A rule that asks for one service by name shares its list. */
static bool share_service(struct reader *reader, const struct node *node, struct service_list *list)
{
	uint32_t number;

	if (node->kind == NODE_LIST && node->count == 1)
		node = node->first;
	if (node->kind != NODE_SCALAR || !index_find(&reader->services, node->text, &number))
		return false;
	resolve_service(reader, number, node->place);
	reader->model->services[number].used = true;
	*list = reader->model->services[number].list;
	return true;
}

void reader_service_list(struct reader *reader, const struct node *node, struct service_list *list)
{
	if (node->kind == NODE_LIST && !node->count)
		decode_expected(&reader->decoder, node, "at least one service (leave the key out for any)");
	if (share_service(reader, node, list))
		return;
	for (const struct node *item = node_first(node); item && reader->service_items_left;
	     item = node_next(node, item))
		read_service_item(reader, item, list);
	if (!reader->service_items_left)
		decode_error(&reader->decoder, node->place,
			     "the policy's services come to more than %u ports", READER_MAX_SERVICE_ITEMS);
	list_merge(list);
}

/* Services may name services; each is read when it is first asked for. */
static void resolve_service(struct reader *reader, uint32_t number, struct place place)
{
	struct model_service *service = &reader->model->services[number];

	if (reader->service_states[number] == SERVICE_READING)
		decode_error(&reader->decoder, place, "service %s is made of itself", service->name);
	if (reader->service_states[number] != SERVICE_UNREAD)
		return;
	if (reader->service_depth >= SERVICE_DEPTH_MAX) {
		decode_error(&reader->decoder, place, "services may be nested %u deep", SERVICE_DEPTH_MAX);
		return;
	}
	reader->service_states[number] = SERVICE_READING;
	reader->service_depth++;
	reader_service_list(reader, reader->service_nodes[number], &service->list);
	reader->service_depth--;
	reader->service_states[number] = SERVICE_READ;
}

static void define_service(struct reader *reader, const struct node *node)
{
	struct policy_model *model = reader->model;
	struct decoder *decoder = &reader->decoder;
	uint32_t number = model->service_count, first = 0;

	if (!decode_key_is_name(decoder, node))
		return;
	index_find(&reader->services, node->key, &first);
	if (!reader_define(reader, &reader->services, "service", node, number,
			   number ? model->services[first].place : node->place))
		return;
	model->services = region_grow(decoder->region, model->services, number, sizeof(*model->services));
	reader->service_nodes =
		region_grow(decoder->region, reader->service_nodes, number, sizeof(*reader->service_nodes));
	model->services[number] =
		(struct model_service){ .name = region_text(decoder->region, node->key, strlen(node->key)),
					.place = node_key_place(node) };
	reader->service_nodes[number] = node;
	model->service_count++;
}

void read_services(struct reader *reader, const struct part *part)
{
	struct policy_model *model = reader->model;

	for (uint32_t i = 0; i < part->count; i++) {
		if (part->nodes[i]->kind != NODE_MAP) {
			decode_expected(&reader->decoder, part->nodes[i],
					"a map of services ({ postgres: [tcp/5432] })");
			continue;
		}
		for (const struct node *node = part->nodes[i]->first; node; node = node->next)
			define_service(reader, node);
	}
	reader->service_states = region_alloc(reader->decoder.region, model->service_count + 1);
	for (uint32_t i = 0; i < model->service_count; i++)
		resolve_service(reader, i, model->services[i].place);
}

int policy_parse_service(const struct policy_model *model, const char *text, uint8_t *protocol,
			 uint16_t *service, char *why, size_t why_size)
{
	struct service_item item = { 0 };
	const char *reason = "";
	int status = parse_service(text, &item, &reason);
	bool icmp;

	if (status == -ENOENT)
		for (uint32_t i = 0; i < model->service_count; i++)
			if (!strcmp(model->services[i].name, text) && model->services[i].list.count == 1) {
				item = model->services[i].list.items[0];
				status = 0;
			}
	icmp = item.protocol == IPPROTO_ICMP || item.protocol == IPPROTO_ICMPV6;
	if (!status && icmp && item.first >> 8 == item.last >> 8)
		item.last = item.first; /* a type without a code: its first code */
	if (!status && item.first != item.last &&
	    (icmp || item.protocol == IPPROTO_TCP || item.protocol == IPPROTO_UDP ||
	     item.protocol == IPPROTO_SCTP)) {
		reason = "one port or type, as tcp/443 or icmp/echo-request";
		status = -EINVAL;
	}
	if (status) {
		snprintf(why, why_size, "\"%.60s\": expected %s", text,
			 *reason ? reason : "one service, as tcp/443");
		return -EINVAL;
	}
	*protocol = item.protocol;
	*service = item.first;
	return 0;
}
