/* SPDX-License-Identifier: BSD-3-Clause */
/* nDPI 4.2: the catalogue of its names, modules and detection. The only file that knows its headers. */
#include "dpi.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ndpi_api.h>

#include "bulkhead/image.h"

/* Exported by the library, missing from its headers. It writes into `rule`. */
extern int ndpi_handle_rule(struct ndpi_detection_module_struct *module, char *rule, u_int8_t add);

/* nDPI keeps the last 79 bytes of a longer name. */
#define NAME_SIZE 80
#define NAME_FULL (NAME_SIZE - 1)
/* The library returns at once from its 33rd call for a flow (NDPI_MAX_NUM_PKTS_PER_FLOW_TO_DISSECT). */
#define PACKETS_DISSECTED 32
#define RULE_MAX 255

static_assert(NDPI_MAX_SUPPORTED_PROTOCOLS + BH_MAX_CUSTOM_APPS < NDPI_NUM_BITS);
static_assert(NDPI_NUM_BITS == BH_APP_IDS);
static_assert(NDPI_PROTOCOL_NUM_CATEGORIES <= BH_APP_CATEGORIES);
static_assert(sizeof(((struct ndpi_flow_struct *)0)->host_server_name) == NAME_SIZE);

struct dpi_module {
	struct ndpi_detection_module_struct *ndpi;
	uint64_t last_ms;
	ndpi_protocol protocol; /* what it said last */
	bool done;              /* .. and whether it was all */
	char name[NAME_SIZE];
};

struct dpi_flow {
	struct ndpi_flow_struct ndpi;
	uint16_t custom; /* a custom rule for a port or address matched: the library says so only once */
};

/* ---- the catalogue ---- */

/* Short names: the identifiers of ndpi_risk_enum. */
static const char *const risk_names[NDPI_MAX_RISK] = {
	[NDPI_URL_POSSIBLE_XSS] = "url-possible-xss",
	[NDPI_URL_POSSIBLE_SQL_INJECTION] = "url-possible-sql-injection",
	[NDPI_URL_POSSIBLE_RCE_INJECTION] = "url-possible-rce-injection",
	[NDPI_BINARY_APPLICATION_TRANSFER] = "binary-application-transfer",
	[NDPI_KNOWN_PROTOCOL_ON_NON_STANDARD_PORT] = "known-protocol-on-non-standard-port",
	[NDPI_TLS_SELFSIGNED_CERTIFICATE] = "tls-selfsigned-certificate",
	[NDPI_TLS_OBSOLETE_VERSION] = "tls-obsolete-version",
	[NDPI_TLS_WEAK_CIPHER] = "tls-weak-cipher",
	[NDPI_TLS_CERTIFICATE_EXPIRED] = "tls-certificate-expired",
	[NDPI_TLS_CERTIFICATE_MISMATCH] = "tls-certificate-mismatch",
	[NDPI_HTTP_SUSPICIOUS_USER_AGENT] = "http-suspicious-user-agent",
	[NDPI_HTTP_NUMERIC_IP_HOST] = "http-numeric-ip-host",
	[NDPI_HTTP_SUSPICIOUS_URL] = "http-suspicious-url",
	[NDPI_HTTP_SUSPICIOUS_HEADER] = "http-suspicious-header",
	[NDPI_TLS_NOT_CARRYING_HTTPS] = "tls-not-carrying-https",
	[NDPI_SUSPICIOUS_DGA_DOMAIN] = "suspicious-dga-domain",
	[NDPI_MALFORMED_PACKET] = "malformed-packet",
	[NDPI_SSH_OBSOLETE_CLIENT_VERSION_OR_CIPHER] = "ssh-obsolete-client-version-or-cipher",
	[NDPI_SSH_OBSOLETE_SERVER_VERSION_OR_CIPHER] = "ssh-obsolete-server-version-or-cipher",
	[NDPI_SMB_INSECURE_VERSION] = "smb-insecure-version",
	[NDPI_TLS_SUSPICIOUS_ESNI_USAGE] = "tls-suspicious-esni-usage",
	[NDPI_UNSAFE_PROTOCOL] = "unsafe-protocol",
	[NDPI_DNS_SUSPICIOUS_TRAFFIC] = "dns-suspicious-traffic",
	[NDPI_TLS_MISSING_SNI] = "tls-missing-sni",
	[NDPI_HTTP_SUSPICIOUS_CONTENT] = "http-suspicious-content",
	[NDPI_RISKY_ASN] = "risky-asn",
	[NDPI_RISKY_DOMAIN] = "risky-domain",
	[NDPI_MALICIOUS_JA3] = "malicious-ja3",
	[NDPI_MALICIOUS_SHA1_CERTIFICATE] = "malicious-sha1-certificate",
	[NDPI_DESKTOP_OR_FILE_SHARING_SESSION] = "desktop-or-file-sharing-session",
	[NDPI_TLS_UNCOMMON_ALPN] = "tls-uncommon-alpn",
	[NDPI_TLS_CERT_VALIDITY_TOO_LONG] = "tls-cert-validity-too-long",
	[NDPI_TLS_SUSPICIOUS_EXTENSION] = "tls-suspicious-extension",
	[NDPI_TLS_FATAL_ALERT] = "tls-fatal-alert",
	[NDPI_SUSPICIOUS_ENTROPY] = "suspicious-entropy",
	[NDPI_CLEAR_TEXT_CREDENTIALS] = "clear-text-credentials",
	[NDPI_DNS_LARGE_PACKET] = "dns-large-packet",
	[NDPI_DNS_FRAGMENTED] = "dns-fragmented",
	[NDPI_INVALID_CHARACTERS] = "invalid-characters",
	[NDPI_POSSIBLE_EXPLOIT] = "possible-exploit",
	[NDPI_TLS_CERTIFICATE_ABOUT_TO_EXPIRE] = "tls-certificate-about-to-expire",
};
/* another version of the library has other risks: name them above */
static_assert(NDPI_MAX_RISK == 42);

static struct catalogue {
	bool ready;
	uint32_t protocols;
	uint64_t digest;
	uint8_t category[NDPI_NUM_BITS];
	char protocol[NDPI_NUM_BITS][BH_NAME_MAX + 1];
	char categories[NDPI_PROTOCOL_NUM_CATEGORIES][BH_NAME_MAX + 1];
} catalogue;

static uint64_t digest_text(uint64_t digest, const char *text)
{
	do {
		digest = (digest ^ (uint8_t)*text) * 0x100000001b3u;
	} while (*text++);
	return digest;
}

/* FNV-1a over every name with its NUL, lists apart by an empty name: position tells the id. */
static uint64_t catalogue_digest(void)
{
	uint64_t digest = 0xcbf29ce484222325u;

	for (uint32_t id = 0; id < catalogue.protocols; id++)
		digest = digest_text(digest, catalogue.protocol[id]);
	digest = digest_text(digest, "");
	for (uint32_t id = 0; id < NDPI_PROTOCOL_NUM_CATEGORIES; id++)
		digest = digest_text(digest, catalogue.categories[id]);
	digest = digest_text(digest, "");
	for (uint32_t bit = 0; bit < NDPI_MAX_RISK; bit++)
		digest = digest_text(digest, risk_names[bit] ? risk_names[bit] : "");
	return digest;
}

/* A module for looking up names and trying rules: the long list of Tor's addresses is left out. */
static struct ndpi_detection_module_struct *module_for_names(void)
{
	return ndpi_init_detection_module(ndpi_dont_load_tor_hosts);
}

int dpi_catalogue_init(void)
{
	if (catalogue.ready)
		return 0;
	struct ndpi_detection_module_struct *module = module_for_names();
	if (!module)
		return -ENOMEM;
	catalogue.protocols = ndpi_get_num_supported_protocols(module);
	for (uint32_t id = 0; id < catalogue.protocols; id++) {
		ndpi_protocol protocol = { .app_protocol = (uint16_t)id };

		snprintf(catalogue.protocol[id], sizeof(catalogue.protocol[id]), "%s",
			 ndpi_get_proto_name(module, (uint16_t)id));
		catalogue.category[id] = (uint8_t)ndpi_get_proto_category(module, protocol);
	}
	for (uint32_t id = 0; id < NDPI_PROTOCOL_NUM_CATEGORIES; id++)
		snprintf(catalogue.categories[id], sizeof(catalogue.categories[id]), "%s",
			 ndpi_category_get_name(module, (ndpi_protocol_category_t)id));
	ndpi_finalize_initialization(module);
	ndpi_exit_detection_module(module);
	catalogue.digest = catalogue_digest();
	catalogue.ready = true;
	return 0;
}

uint32_t dpi_builtin_count(void)
{
	return NDPI_MAX_SUPPORTED_PROTOCOLS;
}

const char *dpi_protocol_name(uint32_t id)
{
	if (dpi_catalogue_init() || id >= catalogue.protocols)
		return NULL;
	return catalogue.protocol[id];
}

int dpi_protocol_id(const char *name)
{
	if (dpi_catalogue_init())
		return -ENOENT;
	for (uint32_t id = 0; id < catalogue.protocols; id++)
		if (!strcasecmp(catalogue.protocol[id], name))
			return (int)id;
	return -ENOENT;
}

uint32_t dpi_protocol_category(uint32_t id)
{
	if (dpi_catalogue_init() || id >= catalogue.protocols)
		return NDPI_PROTOCOL_CATEGORY_UNSPECIFIED;
	return catalogue.category[id];
}

uint32_t dpi_category_count(void)
{
	return NDPI_PROTOCOL_NUM_CATEGORIES;
}

const char *dpi_category_name(uint32_t id)
{
	if (dpi_catalogue_init() || id >= NDPI_PROTOCOL_NUM_CATEGORIES || !catalogue.categories[id][0])
		return NULL;
	return catalogue.categories[id];
}

int dpi_category_id(const char *name)
{
	if (dpi_catalogue_init())
		return -ENOENT;
	for (uint32_t id = 0; id < NDPI_PROTOCOL_NUM_CATEGORIES; id++)
		if (catalogue.categories[id][0] && !strcasecmp(catalogue.categories[id], name))
			return (int)id;
	return -ENOENT;
}

uint32_t dpi_risk_count(void)
{
	return NDPI_MAX_RISK;
}

const char *dpi_risk_name(uint32_t bit)
{
	return bit < NDPI_MAX_RISK ? risk_names[bit] : NULL;
}

const char *dpi_risk_text(uint32_t bit)
{
	return dpi_risk_name(bit) ? ndpi_risk2str((ndpi_risk_enum)bit) : NULL;
}

int dpi_risk_bit(const char *name)
{
	for (uint32_t bit = 0; bit < NDPI_MAX_RISK; bit++)
		if (risk_names[bit] && !strcasecmp(risk_names[bit], name))
			return (int)bit;
	return -ENOENT;
}

uint64_t dpi_catalogue_digest(void)
{
	return dpi_catalogue_init() ? 0 : catalogue.digest;
}

const char *dpi_version(void)
{
	return ndpi_revision();
}

/* ---- custom rules ---- */

static bool number_read(const char **text, const char *end, uint32_t max, uint32_t *value)
{
	const char *p = *text;
	uint32_t v = 0;

	while (p < end && isdigit((unsigned char)*p) && v <= max)
		v = v * 10 + (uint32_t)(*p++ - '0');
	if (p == *text || v > max)
		return false;
	*text = p;
	*value = v;
	return true;
}

/* Port 65535 is refused: the library's loop over a range would never end. */
static bool ports_valid(const char *text, const char *end)
{
	uint32_t low, high;

	if (!number_read(&text, end, 65534, &low) || low == 0)
		return false;
	if (text == end)
		return true;
	return *text++ == '-' && number_read(&text, end, 65534, &high) && text == end && high >= low;
}

/* a.b.c.d[/length][:port]; the library knows no IPv6 here. */
static bool address_valid(const char *text, const char *end)
{
	size_t digits = 0;
	char address[INET_ADDRSTRLEN];
	struct in_addr parsed;
	uint32_t value;

	while (text + digits < end && text[digits] != '/' && text[digits] != ':')
		digits++;
	if (digits >= sizeof(address))
		return false;
	memcpy(address, text, digits);
	address[digits] = 0;
	text += digits;
	if (inet_pton(AF_INET, address, &parsed) != 1)
		return false;
	if (text < end && *text == '/' && (text++, !number_read(&text, end, 32, &value)))
		return false;
	if (text < end && *text == ':' && (text++, !number_read(&text, end, 65535, &value)))
		return false;
	return text == end;
}

static bool host_valid(const char *text, const char *end)
{
	if (end - text < 1 || end - text > 253)
		return false;
	for (; text < end; text++)
		if (!isalnum((unsigned char)*text) && *text != '.' && *text != '-' && *text != '_')
			return false;
	return true;
}

/* Check one element and write it as the library wants it, `*.x` as `.x`; returns its length or -EINVAL. */
static int element_write(const char *text, size_t length, char out[static RULE_MAX + 1])
{
	const char *end = text + length, *value = memchr(text, ':', length);

	if (!value || length > RULE_MAX)
		return -EINVAL;
	value++;
	size_t kind = (size_t)(value - text);
	if ((kind == 4 && (!memcmp(text, "tcp:", 4) || !memcmp(text, "udp:", 4)) &&
	     ports_valid(value, end)) ||
	    (kind == 3 && !memcmp(text, "ip:", 3) && address_valid(value, end)))
		return snprintf(out, RULE_MAX + 1, "%.*s", (int)length, text);
	if (kind != 5 || memcmp(text, "host:", 5))
		return -EINVAL;
	if (end - value >= 2 && *value == '"' && end[-1] == '"')
		value++, end--;
	if (end - value > 2 && value[0] == '*' && value[1] == '.')
		value++;
	if (!host_valid(value, end))
		return -EINVAL;
	return snprintf(out, RULE_MAX + 1, "host:%.*s", (int)(end - value), value);
}

/* The library keeps silent when a host is one of its own already: ask what it makes of such a name. */
static bool host_taken(struct ndpi_detection_module_struct *ndpi, const char *host, uint32_t id)
{
	char probe[RULE_MAX + 32];
	ndpi_protocol_match_result match = {};

	int length = snprintf(probe, sizeof(probe), "%s%s", host[0] == '.' ? "bulkhead-probe" : "", host);
	return ndpi_match_string_subprotocol(ndpi, probe, (u_int)length, &match) == (int)id;
}

typedef int (*element_function)(struct ndpi_detection_module_struct *ndpi, const char *element, uint32_t id);

static int element_add(struct ndpi_detection_module_struct *ndpi, const char *element, uint32_t id)
{
	char rule[RULE_MAX + 32]; /* the library writes into it */

	/* a name of our own making: what users write may clash with the library's names or its syntax */
	snprintf(rule, sizeof(rule), "%s@bulkhead-custom-%u", element, id);
	/* the library gives ids in order: one that is new must be the last now */
	return ndpi_handle_rule(ndpi, rule, 1) || id >= ndpi_get_num_supported_protocols(ndpi) ? -EINVAL : 0;
}

static int element_verify(struct ndpi_detection_module_struct *ndpi, const char *element, uint32_t id)
{
	return strncmp(element, "host:", 5) || host_taken(ndpi, element + 5, id) ? 0 : -EEXIST;
}

/* Apply a function to each comma-separated element of a rule. */
static int rule_walk(struct ndpi_detection_module_struct *ndpi, const char *rule, uint32_t id,
		     element_function visit)
{
	char element[RULE_MAX + 1];

	for (;;) {
		size_t length = strcspn(rule, ",");
		int written = element_write(rule, length, element);
		if (written < 0)
			return written;
		int error = visit ? visit(ndpi, element, id) : 0;
		if (error)
			return error;
		if (!rule[length])
			return 0;
		rule += length + 1;
	}
}

/* Ids by first appearance of a name; quadratic, but there are few. Returns how many names there are. */
static uint32_t custom_ids(const struct dpi_custom *custom, uint32_t count, uint32_t *ids)
{
	uint32_t names = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = 0;
		while (strcmp(custom[first].name, custom[i].name))
			first++;
		ids[i] = first < i ? ids[first] : NDPI_MAX_SUPPORTED_PROTOCOLS + names++;
	}
	return names;
}

static int custom_walk(struct ndpi_detection_module_struct *ndpi, const struct dpi_custom *custom,
		       uint32_t count, const uint32_t *ids, element_function visit)
{
	for (uint32_t i = 0; i < count; i++) {
		int error = rule_walk(ndpi, custom[i].rule, ids[i], visit);
		if (error)
			return error;
	}
	return 0;
}

/* Hosts are only taken before the module is finalized, and can only be looked up after. */
static int custom_load(struct ndpi_detection_module_struct *ndpi, const struct dpi_custom *custom,
		       uint32_t count)
{
	uint32_t *ids = calloc(count + 1, sizeof(*ids));
	int error = ids ? 0 : -ENOMEM;

	if (!error && custom_ids(custom, count, ids) > BH_MAX_CUSTOM_APPS)
		error = -E2BIG;
	if (!error)
		error = custom_walk(ndpi, custom, count, ids, element_add);
	ndpi_finalize_initialization(ndpi);
	if (!error)
		error = custom_walk(ndpi, custom, count, ids, element_verify);
	free(ids);
	return error;
}

int dpi_custom_check(const char *rule)
{
	struct dpi_custom custom = { "probe", rule };
	int error = rule_walk(NULL, rule, 0, NULL);

	if (error || !strstr(rule, "host:"))
		return error;
	struct ndpi_detection_module_struct *ndpi = module_for_names();
	if (!ndpi)
		return -ENOMEM;
	error = custom_load(ndpi, &custom, 1);
	ndpi_exit_detection_module(ndpi);
	return error;
}

/* ---- detection ---- */

void dpi_set_allocator(void *(*allocate)(size_t size), void (*release)(void *pointer))
{
	set_ndpi_malloc(allocate);
	set_ndpi_free(release);
}

struct dpi_module *dpi_module_new(const struct dpi_custom *custom, uint32_t custom_count)
{
	NDPI_PROTOCOL_BITMASK all;
	struct dpi_module *module = calloc(1, sizeof(*module));

	if (!module)
		return NULL;
	module->ndpi = ndpi_init_detection_module(ndpi_no_prefs);
	if (!module->ndpi)
		goto err_free_module;
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(module->ndpi, &all);
	/* we know the direction; the library would infer it from the smaller port, packet by packet */
	ndpi_set_detection_preferences(module->ndpi, ndpi_pref_direction_detect_disable, 1);
	if (custom_load(module->ndpi, custom, custom_count))
		goto err_exit_ndpi;
	return module;

err_exit_ndpi:
	ndpi_exit_detection_module(module->ndpi);
err_free_module:
	free(module);
	return NULL;
}

void dpi_module_free(struct dpi_module *module)
{
	if (!module)
		return;
	ndpi_exit_detection_module(module->ndpi);
	free(module);
}

size_t dpi_flow_size(void)
{
	return sizeof(struct dpi_flow);
}

void dpi_flow_init(struct dpi_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
}

void dpi_flow_clear(struct dpi_flow *flow)
{
	/* with a foreign allocator ndpi_free_flow() would not give back what is inside */
	ndpi_free_flow_data(&flow->ndpi);
}

static uint8_t confidence_of(ndpi_confidence_t confidence)
{
	switch (confidence) {
	case NDPI_CONFIDENCE_MATCH_BY_PORT:
		return BH_CONFIDENCE_PORT;
	case NDPI_CONFIDENCE_MATCH_BY_IP:
		return BH_CONFIDENCE_ADDRESS;
	case NDPI_CONFIDENCE_DPI_CACHE:
		return BH_CONFIDENCE_CACHE;
	case NDPI_CONFIDENCE_DPI:
		return BH_CONFIDENCE_DPI;
	case NDPI_CONFIDENCE_UNKNOWN:
	case NDPI_CONFIDENCE_MAX:
		break;
	}
	return BH_CONFIDENCE_UNKNOWN;
}

static bool is_name_carrier(uint16_t id)
{
	switch (id) {
	case NDPI_PROTOCOL_TLS:
	case NDPI_PROTOCOL_QUIC:
	case NDPI_PROTOCOL_HTTP:
	case NDPI_PROTOCOL_MAIL_IMAPS: /* TLS by another name on the well-known ports */
	case NDPI_PROTOCOL_MAIL_POPS:
	case NDPI_PROTOCOL_MAIL_SMTPS:
		return true;
	default:
		return false;
	}
}

static void result_name(struct dpi_module *module, const struct dpi_flow *flow, struct dpi_result *result)
{
	const char *from = flow->ndpi.host_server_name;
	size_t length = strnlen(from, NAME_FULL);

	result->name_carrier = is_name_carrier(result->app) || is_name_carrier(result->master);
	if (length &&
	    result->name_carrier) /* HTTP's Host may bring a port; mostly the library has cut it off */
		length = strcspn(from, ":") < length ? strcspn(from, ":") : length;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)from[i];
		module->name[i] = c > 0x20 && c < 0x7f ? (char)tolower(c) : '?';
	}
	if (length > 1 && module->name[length - 1] == '.') /* of a fully qualified name */
		length--;
	module->name[length] = 0;
	/* not by the length: the library ends a name at its first colon after it has cut it */
	result->name_cut = from[NAME_FULL - 1] != 0;
	result->name = module->name;
}

/* After a hello no server name comes (a second ClientHello repeats the first), nor after the answer to a request. */
static bool is_name_settled(const struct dpi_flow *flow, const struct dpi_result *result)
{
	if (!result->name_carrier)
		return false;
	if (result->name[0] || result->name_cut)
		return true;
	if (result->app == NDPI_PROTOCOL_HTTP || result->master == NDPI_PROTOCOL_HTTP)
		return flow->ndpi.http.response_status_code != 0;
	return flow->ndpi.protos.tls_quic.hello_processed;
}

/* A custom rule for a port or address is told once. */
static void remember_custom(struct dpi_flow *flow, ndpi_protocol protocol)
{
	if (!flow->custom && protocol.app_protocol >= NDPI_MAX_SUPPORTED_PROTOCOLS &&
	    flow->ndpi.confidence != NDPI_CONFIDENCE_DPI)
		flow->custom = protocol.app_protocol;
}

static void result_fill(struct dpi_module *module, struct dpi_flow *flow, ndpi_protocol protocol,
			struct dpi_result *result)
{
	*result = (struct dpi_result){ .master = protocol.master_protocol,
				       .app = protocol.app_protocol,
				       .category = (uint8_t)protocol.category,
				       .confidence = confidence_of(flow->ndpi.confidence),
				       .risks = flow->ndpi.risk & ~(uint64_t)1 };
	if (flow->custom) { /* the carrier was guessed by its port: keep only one that was seen */
		result->master = flow->ndpi.detected_protocol_stack[0];
		result->app = flow->custom;
		result->confidence = BH_CONFIDENCE_CUSTOM;
	}
	if (!result->app)
		result->app = result->master;
	if (result->master == result->app)
		result->master = NDPI_PROTOCOL_UNKNOWN;
	if (!result->app)
		result->confidence = BH_CONFIDENCE_UNKNOWN;
	result_name(module, flow, result);
	result->name_settled = is_name_settled(flow, result);
	/* a cache of certificates names the application of a server that was known before */
	result->master_inspected = result->confidence == BH_CONFIDENCE_CACHE &&
				   result->master == NDPI_PROTOCOL_TLS &&
				   flow->ndpi.protos.tls_quic.hello_processed;
}

static bool is_known(const ndpi_protocol protocol)
{
	return protocol.app_protocol || protocol.master_protocol;
}

void dpi_answer(struct dpi_module *module, struct dpi_flow *flow, struct dpi_result *result)
{
	result_fill(module, flow, module->protocol, result);
	result->done = module->done;
}

bool dpi_inspect(struct dpi_module *module, struct dpi_flow *flow, const void *l3, uint16_t length,
		 uint64_t ms, bool from_initiator, struct dpi_result *result)
{
	flow->ndpi.packet_direction = !from_initiator;
	if (ms > module->last_ms)
		module->last_ms = ms;
	module->protocol =
		ndpi_detection_process_packet(module->ndpi, &flow->ndpi, l3, length, module->last_ms);
	remember_custom(flow, module->protocol);
	module->done =
		flow->custom || flow->ndpi.fail_with_unknown ||
		flow->ndpi.num_processed_pkts >= PACKETS_DISSECTED ||
		(is_known(module->protocol) && !ndpi_extra_dissection_possible(module->ndpi, &flow->ndpi));
	if (result)
		dpi_answer(module, flow, result);
	return module->done;
}

static bool is_mail(uint16_t id)
{
	return id == NDPI_PROTOCOL_MAIL_SMTP || id == NDPI_PROTOCOL_MAIL_IMAP ||
	       id == NDPI_PROTOCOL_MAIL_POP || id == NDPI_PROTOCOL_FTP_CONTROL;
}

bool dpi_may_change(uint16_t carrier)
{
	switch (carrier) {
	case NDPI_PROTOCOL_UNKNOWN:
	case NDPI_PROTOCOL_HTTP:
	case NDPI_PROTOCOL_HTTP_CONNECT:
	case NDPI_PROTOCOL_HTTP_PROXY:
	case NDPI_PROTOCOL_SOCKS:
		return true;
	default:
		return is_mail(carrier);
	}
}

/* A proxy's requests are an application of their own, whatever the library says carries them; and on the port of SOCKS it says
 * of HTTP that SOCKS does. */
static uint16_t base_of(uint16_t master, uint16_t app)
{
	return master && master != NDPI_PROTOCOL_SOCKS && app != NDPI_PROTOCOL_HTTP_PROXY ? master : app;
}

bool dpi_is_change(uint16_t master, uint16_t app, const struct dpi_result *result, bool *within)
{
	uint16_t old = base_of(master, app), now = base_of(result->master, result->app);

	*within = is_mail(old) && is_name_carrier(now) && now != NDPI_PROTOCOL_HTTP;
	if (!now || result->confidence != BH_CONFIDENCE_DPI || now == old)
		return false;
	/* what is known of the mail's application says more than that it goes on in TLS */
	if (*within && master)
		return false;
	/* the text protocols of mail look alike in their midst; and a proxy is asked for its own pages, too */
	return !(is_mail(old) && is_mail(now)) &&
	       !(old == NDPI_PROTOCOL_HTTP_PROXY && now == NDPI_PROTOCOL_HTTP);
}

bool dpi_is_collecting(const struct dpi_flow *flow)
{
	const message_t *message = &flow->ndpi.l4.tcp.tls.message;
	const uint8_t *record = message->buffer;

	if (!record || message->buffer_used < 2 || record[0] != 22 || record[1] != 3)
		return false;
	return message->buffer_used < 5 || message->buffer_used < 5u + (record[3] << 8 | record[4]);
}

/* The library calls some of its guesses by port DPI. They are taken for that only if a dissector has left its mark. */
static bool inspected_after_all(const struct dpi_flow *flow, const struct dpi_result *result)
{
	if (result->app == NDPI_PROTOCOL_TLS || result->master == NDPI_PROTOCOL_TLS)
		return flow->ndpi.protos.tls_quic.hello_processed;
	if (result->app == NDPI_PROTOCOL_STUN || result->master == NDPI_PROTOCOL_STUN)
		return flow->ndpi.stun.num_binding_requests > 0;
	return false;
}

void dpi_finish(struct dpi_module *module, struct dpi_flow *flow, struct dpi_result *result)
{
	bool known = flow->custom || flow->ndpi.detected_protocol_stack[0];
	u_int8_t guessed;
	ndpi_protocol protocol = ndpi_detection_giveup(module->ndpi, &flow->ndpi, 1, &guessed);

	remember_custom(flow, protocol);
	result_fill(module, flow, protocol, result);
	if (!known && result->confidence == BH_CONFIDENCE_DPI && !inspected_after_all(flow, result))
		result->confidence = BH_CONFIDENCE_PARTIAL;
	result->done = true;
}
