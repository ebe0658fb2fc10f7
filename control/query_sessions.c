/* SPDX-License-Identifier: BSD-3-Clause */
/* flows, hosts and events: answers that are streams of the dataplane's, one item at a time. */
#include "query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bulkhead/evaluate.h"
#include "record.h"

struct stream {
	struct query_sink *sink;
	struct in6_addr address; /* hosts: filter */
	bool by_address;
	const char *segment;
	json_int_t count;
};

static int stream_give(struct stream *stream, json_t *item)
{
	if (!item)
		return -ENOMEM;
	int error = stream->sink->item(stream->sink->opaque, item);
	json_decref(item);
	if (!error)
		stream->count++;
	return error;
}

/* "10.0.0.1" or "2001:db8::1" as 16 bytes. 0 or -EINVAL */
static int address_parse(const char *text, struct in6_addr *address)
{
	struct in_addr address4;

	if (inet_pton(AF_INET6, text, address) == 1)
		return 0;
	if (inet_pton(AF_INET, text, &address4) != 1)
		return -EINVAL;
	memset(address, 0, sizeof(*address));
	memset(address->s6_addr + 10, 0xff, 2);
	memcpy(address->s6_addr + 12, &address4, sizeof(address4));
	return 0;
}

/* An empty answer to a name that is misspelt would be taken for good news. Names of earlier policies count: sessions and
 * machines may still have them. */
static int segment_check(struct source *source, const char *name)
{
	if (!name || source_counters(source))
		return 0; /* nobody can tell */
	for (uint32_t id = 0; id < source->counters.segments; id++) {
		if (!strcmp(counters_segment_name(&source->counters, id), name))
			return 0;
	}
	snprintf(source->why, sizeof(source->why),
		 "no segment is named \"%.80s\"; bulkheadctl segments lists them", name);
	return -ENOENT;
}

static json_t *stream_result(struct source *source, struct stream *stream, int error,
			     const struct bh_end *end)
{
	if (error && !stream->count)
		snprintf(source->why, sizeof(source->why), "the dataplane does not answer: %s",
			 strerror(-error));
	else if (error)
		snprintf(source->why, sizeof(source->why), "the answer was cut short after %lld: %s",
			 (long long)stream->count, strerror(-error));
	else if (end->status)
		snprintf(source->why, sizeof(source->why), "the dataplane says: %s",
			 end->text[0] ? end->text : strerror(-end->status));
	else
		return json_pack("{s:I}", "count", stream->count);
	return NULL;
}

/* ---- flows ---- */

static uint64_t unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int flows_item(void *opaque, const struct client_message *item)
{
	const struct bh_flow_record *flows = item->body;
	uint64_t now = unix_us();

	if (item->type != BH_ITEM_FLOWS)
		return 0;
	for (size_t i = 0; i < item->length / sizeof(*flows); i++) {
		int error = stream_give(opaque, record_flow(&flows[i], "flow", now));
		if (error)
			return error;
	}
	return 0;
}

static int filter_read(struct source *source, const json_t *question, struct bh_flow_filter *filter)
{
	const char *address = query_text(question, "address"), *segment = query_text(question, "segment");
	const char *verdict = query_text(question, "verdict");
	struct in6_addr parsed;

	memset(filter, 0, sizeof(*filter));
	if (address && address_parse(address, &parsed)) {
		snprintf(source->why, sizeof(source->why), "\"%.60s\" is no IPv4 or IPv6 address", address);
		return -EINVAL;
	}
	if (address)
		memcpy(filter->address, &parsed, sizeof(filter->address));
	if (segment && strlen(segment) > BH_NAME_MAX) {
		snprintf(source->why, sizeof(source->why), "no segment has a name that long");
		return -EINVAL;
	}
	if (segment)
		strcpy(filter->segment, segment);
	for (uint8_t i = 0; verdict && i <= BH_VERDICT_PENDING; i++) {
		if (!strcmp(verdict, record_verdict(i)))
			filter->verdict = (uint8_t)(i + 1);
	}
	json_int_t port = query_number(question, "port", 0);
	json_int_t protocol = query_number(question, "protocol", 0);
	json_int_t limit = query_number(question, "limit", 0);
	if ((verdict && !filter->verdict) || port < 0 || port > 65535 || protocol < 0 || protocol > 255 ||
	    limit < 0 || limit > UINT32_MAX) {
		snprintf(source->why, sizeof(source->why),
			 "port, protocol, verdict or limit is out of range");
		return -EINVAL;
	}
	filter->port = (uint16_t)port;
	filter->protocol = (uint8_t)protocol;
	filter->limit = (uint32_t)limit;
	return 0;
}

json_t *query_flows(struct source *source, const json_t *question, struct query_sink *sink)
{
	struct stream stream = { .sink = sink };
	struct bh_flow_filter filter;
	struct bh_end end;

	if (filter_read(source, question, &filter) ||
	    segment_check(source, query_text(question, "segment")) || source_client(source))
		return NULL;
	int error = client_ask(&source->client, BH_REQUEST_FLOWS, &filter, sizeof(filter), -1,
			       CLIENT_TIMEOUT_MS, flows_item, &stream, &end, NULL);
	return stream_result(source, &stream, error, &end);
}

/* ---- hosts ---- */

static int hosts_item(void *opaque, const struct client_message *item)
{
	const struct bh_host *hosts = item->body;
	struct stream *stream = opaque;

	if (item->type != BH_ITEM_HOSTS)
		return 0;
	for (size_t i = 0; i < item->length / sizeof(*hosts); i++) {
		const struct bh_host *host = &hosts[i];
		if (stream->segment && strncmp(host->segment, stream->segment, sizeof(host->segment)))
			continue;
		if (stream->by_address && memcmp(host->address4, &stream->address, 16) &&
		    memcmp(host->address6, &stream->address, 16))
			continue;
		int error = stream_give(stream, record_host(host));
		if (error)
			return error;
	}
	return 0;
}

json_t *query_hosts(struct source *source, const json_t *question, struct query_sink *sink)
{
	struct stream stream = { .sink = sink, .segment = query_text(question, "segment") };
	const char *address = query_text(question, "address");
	struct bh_end end;

	if (address && address_parse(address, &stream.address)) {
		snprintf(source->why, sizeof(source->why), "\"%.60s\" is no IPv4 or IPv6 address", address);
		return NULL;
	}
	stream.by_address = address != NULL;
	if (segment_check(source, stream.segment) || source_client(source))
		return NULL;
	int error = client_ask(&source->client, BH_REQUEST_HOSTS, NULL, 0, -1, CLIENT_TIMEOUT_MS, hosts_item,
			       &stream, &end, NULL);
	return stream_result(source, &stream, error, &end);
}

/* ---- events ---- */

bool query_event_matches(const struct bh_event *event, const char *type)
{
	if (!type)
		return true;
	switch (event->type) {
	case BH_EVENT_FLOW:
		return !strcmp(type, "flow");
	case BH_EVENT_VERDICT:
		return !strcmp(type, "verdict");
	case BH_EVENT_NOTICE:
		return !strcmp(type, "notice");
	case BH_EVENT_DENIALS:
		return !strcmp(type, "denials");
	default:
		return false;
	}
}

/* Without bulkheadd there is no history: only what comes from now on. */
json_t *query_events(struct source *source, const json_t *question, struct query_sink *sink)
{
	struct stream stream = { .sink = sink };
	const char *type = query_text(question, "type");
	struct client_message message;
	struct bh_end end;
	int error;

	if (!json_is_true(json_object_get(question, "follow"))) {
		snprintf(source->why, sizeof(source->why),
			 "past events are kept by nobody else; events --follow shows new ones");
		return NULL;
	}
	if (source_client(source))
		return NULL;
	error = client_ask(&source->client, BH_REQUEST_EVENTS, NULL, 0, -1, CLIENT_TIMEOUT_MS, NULL, NULL,
			   &end, NULL);
	while (!error && !end.status) {
		error = client_receive(&source->client, &message, CLIENT_TIMEOUT_MS);
		if (error == -EAGAIN) {
			error = 0;
			continue;
		}
		if (error)
			break;
		const struct bh_event *events = message.body;
		size_t count = message.type == BH_ITEM_EVENTS ? message.length / sizeof(*events) : 0;
		for (size_t i = 0; i < count && !error; i++) {
			if (query_event_matches(&events[i], type))
				error = stream_give(&stream, record_event(&events[i]));
		}
		if (message.fd >= 0)
			close(message.fd);
	}
	return stream_result(source, &stream, error, &end);
}
