/* SPDX-License-Identifier: BSD-3-Clause */
#include "record.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bulkhead/evaluate.h"
#include "dpi.h"

#define NAME_OF(names, count, index) ((index) < (count) ? (names)[index] : "unknown")

/* Length of the UTF-8 sequence at `text` (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF), 0: none */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	unsigned char first = text[0], low = 0x80, high = 0xbf;
	size_t length;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f;
	if (first >= 0xc2 && first <= 0xdf)
		length = 2;
	else if (first >= 0xe0 && first <= 0xef)
		length = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	else if (first == 0xc2) /* C1 controls: a terminal may obey them */
		low = 0xa0;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

json_t *record_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size), used = 0;
	char small[1024], *out = small;

	if (!length)
		return json_string("");
	if (length * 4 > sizeof(small)) {
		out = malloc(length * 4);
		if (!out)
			return NULL;
	}
	for (size_t i = 0; i < length;) {
		size_t n = utf8_length((const unsigned char *)text + i, length - i);
		if (n) {
			memcpy(out + used, text + i, n);
			used += n;
			i += n;
		} else {
			static const char hex[] = "0123456789abcdef";
			unsigned char byte = (unsigned char)text[i++];
			memcpy(out + used, "\\x", 2);
			out[used + 2] = hex[byte >> 4];
			out[used + 3] = hex[byte & 15];
			used += 4;
		}
	}
	json_t *json = json_stringn(out, used);
	if (out != small)
		free(out);
	return json;
}

const char *record_time(uint64_t unix_us, char out[40])
{
	time_t seconds = (time_t)(unix_us / 1000000);
	struct tm tm;
	char date[24];

	/* years past 9999 only come from garbage; keep the field's width */
	if (seconds > 253402300799 || !gmtime_r(&seconds, &tm)) {
		seconds = 253402300799;
		gmtime_r(&seconds, &tm);
	}
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 40, "%s.%06u+0000", date, (unsigned int)(unix_us % 1000000));
	return out;
}

const char *record_address(const uint8_t address[16], char out[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (!memcmp(address, mapped, sizeof(mapped)))
		inet_ntop(AF_INET, address + 12, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
	return out;
}

const char *record_mac(const uint8_t mac[6], char out[18])
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return out;
}

const char *record_verdict(uint8_t verdict)
{
	static const char *const names[] = {
		[BH_VERDICT_ALLOW] = "allow",
		[BH_VERDICT_DENY] = "deny",
		[BH_VERDICT_REJECT] = "reject",
		[BH_VERDICT_PENDING] = "pending",
	};

	return NAME_OF(names, sizeof(names) / sizeof(names[0]), verdict);
}

const char *record_protocol(uint8_t protocol, char out[8])
{
	static const char *const names[256] = {
		[IPPROTO_ICMP] = "ICMP",
		[IPPROTO_IGMP] = "IGMP",
		[IPPROTO_IPIP] = "IP",
		[IPPROTO_TCP] = "TCP",
		[IPPROTO_UDP] = "UDP",
		[IPPROTO_IPV6] = "IPv6",
		[IPPROTO_GRE] = "GRE",
		[IPPROTO_ESP] = "ESP",
		[IPPROTO_AH] = "AH",
		[IPPROTO_ICMPV6] = "IPv6-ICMP",
		[89] = "OSPFIGP",
		[IPPROTO_PIM] = "PIM",
		[112] = "VRRP",
		[IPPROTO_SCTP] = "SCTP",
		[IPPROTO_UDPLITE] = "UDPLite",
	};

	if (names[protocol])
		return names[protocol];
	snprintf(out, 8, "%03u", protocol);
	return out;
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
	/* JSON integers are signed here; a counter never gets there honestly */
	set(object, key, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

static void set_time(json_t *object, const char *key, uint64_t unix_us)
{
	char text[40];

	set(object, key, json_string(record_time(unix_us, text)));
}

static void set_address(json_t *object, const char *key, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	set(object, key, json_string(record_address(address, text)));
}

#define SET_TEXT(object, key, field) set(object, key, record_text(field, sizeof(field)))

/* EVE knows new, established, closed */
static const char *flow_state(const struct bh_flow_record *flow)
{
	if (flow->protocol != IPPROTO_TCP)
		return flow->packets[1] ? "established" : "new";
	if (flow->tcp_state < BH_TCP_ESTABLISHED)
		return "new";
	return flow->tcp_state == BH_TCP_ESTABLISHED ? "established" : "closed";
}

/* EVE's words for our ends; ours stand in bulkhead.end */
static const char *flow_reason(uint8_t end)
{
	static const char *const reasons[BH_FLOW_END_COUNT] = {
		[BH_FLOW_END_LIVE] = "live",           [BH_FLOW_END_CLOSED] = "timeout",
		[BH_FLOW_END_TIMEOUT] = "timeout",     [BH_FLOW_END_REUSED] = "tcp_reuse",
		[BH_FLOW_END_EVICTED] = "forced",      [BH_FLOW_END_POLICY] = "forced",
		[BH_FLOW_END_END_OF_RUN] = "shutdown",
	};

	return NAME_OF(reasons, BH_FLOW_END_COUNT, end);
}

static json_t *flow_part(const struct bh_flow_record *flow)
{
	json_t *part = json_object();

	set_number(part, "pkts_toserver", flow->packets[0]);
	set_number(part, "pkts_toclient", flow->packets[1]);
	set_number(part, "bytes_toserver", flow->bytes[0]);
	set_number(part, "bytes_toclient", flow->bytes[1]);
	set_time(part, "start", flow->start_us);
	set_time(part, "end", flow->last_us);
	set_number(part, "age",
		   flow->last_us > flow->start_us ? (flow->last_us - flow->start_us) / 1000000 : 0);
	set(part, "state", json_string(flow_state(flow)));
	set(part, "reason", json_string(flow_reason(flow->end)));
	set(part, "alerted", json_false());
	return part;
}

static json_t *risks_part(uint64_t risks)
{
	json_t *list = json_array();

	for (uint32_t bit = 0; bit < 64; bit++) {
		if (!(risks >> bit & 1))
			continue;
		const char *name = bit < dpi_risk_count() ? dpi_risk_name(bit) : NULL;
		json_array_append_new(list, name ? json_string(name) : json_sprintf("risk-%u", bit));
	}
	return list;
}

static json_t *vlan_value(uint16_t vlan)
{
	return vlan == BH_VLAN_UNTAGGED ? json_string("untagged") : json_integer(vlan);
}

static json_t *bulkhead_part(const struct bh_flow_record *flow)
{
	json_t *part = json_object();

	SET_TEXT(part, "network", flow->network);
	SET_TEXT(part, "src_segment", flow->segment[0]);
	SET_TEXT(part, "dest_segment", flow->segment[1]);
	set(part, "src_vlan", vlan_value(flow->vlan[0]));
	if (flow->segment[1][0])
		set(part, "dest_vlan", vlan_value(flow->vlan[1]));
	set(part, "verdict", json_string(record_verdict(flow->verdict)));
	SET_TEXT(part, "rule", flow->rule);
	set(part, "settled", json_boolean(flow->settled));
	set(part, "monitored", json_boolean(flow->monitored));
	SET_TEXT(part, "category", flow->category);
	set(part, "confidence",
	    json_string(NAME_OF(bh_confidence_names, BH_CONFIDENCE_COUNT, flow->confidence)));
	SET_TEXT(part, "server_name", flow->server_name);
	if (flow->name_cut)
		set(part, "server_name_cut", json_true());
	if (flow->ech)
		set(part, "ech", json_true());
	if (flow->changed)
		set(part, "application_changed", json_true());
	set_number(part, "packets_to_verdict", flow->packets_to_verdict);
	set_number(part, "generation", flow->generation);
	set_number(part, "pending_bytes_toserver", flow->pending_bytes[0]);
	set_number(part, "pending_bytes_toclient", flow->pending_bytes[1]);
	set_number(part, "dropped", flow->dropped);
	set(part, "midstream", json_boolean(flow->midstream));
	set(part, "risks", risks_part(flow->risks));
	set(part, "end", json_string(NAME_OF(bh_flow_end_names, BH_FLOW_END_COUNT, flow->end)));
	if (flow->end == BH_FLOW_END_LIVE)
		set_number(part, "timeout_s", flow->timeout_s);
	return part;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE;
}

struct ends {
	const uint8_t *source, *destination;
	uint16_t source_port, destination_port;
	uint8_t protocol;
};

static void set_ends(json_t *record, const struct ends *ends)
{
	bool ports = has_ports(ends->protocol);
	char number[8];

	set_address(record, "src_ip", ends->source);
	if (ports)
		set_number(record, "src_port", ends->source_port);
	set_address(record, "dest_ip", ends->destination);
	if (ports)
		set_number(record, "dest_port", ends->destination_port);
	set(record, "proto", json_string(record_protocol(ends->protocol, number)));
}

static void set_endpoints(json_t *record, const struct bh_flow_record *flow)
{
	const struct ends ends = { flow->source, flow->destination, flow->source_port, flow->destination_port,
				   flow->protocol };
	bool icmp = flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6;

	set_ends(record, &ends);
	if (icmp) {
		set_number(record, "icmp_type", flow->icmp >> 8);
		set_number(record, "icmp_code", flow->icmp & 0xff);
		set_number(record, "icmp_id", flow->source_port);
	}
}

/* EVE's, from outside to inside. */
static json_t *vlan_list(const struct bh_flow_record *flow)
{
	json_t *list = json_pack("[i]", (int)flow->vlan[0]);

	if (flow->inner_vlan)
		json_array_append_new(list, json_integer(flow->inner_vlan));
	return list;
}

json_t *record_flow(const struct bh_flow_record *flow, const char *event_type, uint64_t time_us)
{
	json_t *record = json_object();

	set_time(record, "timestamp", time_us);
	set_number(record, "flow_id", flow->id);
	set(record, "event_type", json_string(event_type));
	if (flow->vlan[0] && flow->vlan[0] != BH_VLAN_UNTAGGED)
		set(record, "vlan", vlan_list(flow));
	set_endpoints(record, flow);
	set(record, "app_proto", record_text(flow->application, sizeof(flow->application)));
	set(record, "flow", flow_part(flow));
	if (flow->protocol == IPPROTO_TCP)
		set(record, "tcp",
		    json_pack("{s:s}", "state",
			      NAME_OF(bh_tcp_state_names, BH_TCP_STATE_COUNT, flow->tcp_state)));
	set(record, "bulkhead", bulkhead_part(flow));
	return record;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

json_t *record_notice(const struct bh_notice *notice, uint64_t time_us)
{
	json_t *record = json_object(), *part = json_object();
	char mac[18];

	set_time(record, "timestamp", time_us);
	set(record, "event_type", json_string("notice"));
	set(part, "kind", json_string(NAME_OF(bh_notice_names, BH_NOTICE_COUNT, notice->kind)));
	set_number(part, "count", notice->count);
	if (!is_zero(notice->mac, sizeof(notice->mac)))
		set(part, "mac", json_string(record_mac(notice->mac, mac)));
	if (!is_zero(notice->address, sizeof(notice->address)))
		set_address(part, "address", notice->address);
	if (notice->segment[0][0])
		SET_TEXT(part, "segment", notice->segment[0]);
	if (notice->segment[1][0])
		SET_TEXT(part, "new_segment", notice->segment[1]);
	SET_TEXT(part, "text", notice->text);
	set(record, "notice", part);
	return record;
}

json_t *record_denials(const struct bh_denials *denials, uint64_t time_us)
{
	const struct ends ends = { denials->source, denials->destination, denials->source_port,
				   denials->destination_port, denials->protocol };
	json_t *record = json_object(), *part = json_object();

	set_time(record, "timestamp", time_us);
	set(record, "event_type", json_string("denials"));
	set_ends(record, &ends);
	set_number(part, "count", denials->count);
	set_time(part, "first", denials->first_us);
	set_time(part, "last", denials->last_us);
	if (denials->others)
		set(part, "others", json_true());
	set(record, "denials", part);
	part = json_object();
	SET_TEXT(part, "network", denials->network);
	SET_TEXT(part, "src_segment", denials->segment[0]);
	SET_TEXT(part, "dest_segment", denials->segment[1]);
	set(part, "verdict", json_string(record_verdict(denials->verdict)));
	SET_TEXT(part, "rule", denials->rule);
	set(part, "monitored", json_boolean(denials->monitored));
	set(record, "bulkhead", part);
	return record;
}

json_t *record_event(const struct bh_event *event)
{
	json_t *record = NULL;

	if (event->type == BH_EVENT_FLOW)
		record = record_flow(&event->flow, "flow", event->time_us);
	else if (event->type == BH_EVENT_VERDICT)
		record = record_flow(&event->flow, "verdict", event->time_us);
	else if (event->type == BH_EVENT_DENIALS)
		record = record_denials(&event->denials, event->time_us);
	else if (event->type == BH_EVENT_NOTICE)
		record = record_notice(&event->notice, event->time_us);
	if (record && event->lost)
		set_number(record, "lost", event->lost);
	return record;
}

json_t *record_host(const struct bh_host *host)
{
	json_t *record = json_object();
	char mac[18];

	set(record, "mac", json_string(record_mac(host->mac, mac)));
	SET_TEXT(record, "network", host->network);
	SET_TEXT(record, "segment", host->segment);
	if (!is_zero(host->address4, sizeof(host->address4)))
		set_address(record, "address4", host->address4);
	if (!is_zero(host->address6, sizeof(host->address6)))
		set_address(record, "address6", host->address6);
	set(record, "bound", json_boolean(host->bound));
	set(record, "announced", json_boolean(host->announced));
	set_number(record, "moves", host->moves);
	set_time(record, "first", host->first_us);
	set_time(record, "last", host->last_us);
	return record;
}
