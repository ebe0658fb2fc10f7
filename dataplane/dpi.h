/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nDPI behind one small header; dpi.c is the only file that includes ndpi_api.h. No DPDK here: bulkheadctl
 * and bulkheadd link the same object for the catalogue of names.
 *
 * Ids: an application id is nDPI's protocol number for its own protocols. Custom applications (policy key
 * `applications`) get ids from dpi_builtin_count() upwards in the order of their first appearance in the image.
 */
#ifndef DATAPLANE_DPI_H
#define DATAPLANE_DPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bulkhead/events.h"

/* ---- the catalogue: which names there are (any process, not the way of a frame) ---- */

/* Builds the catalogue from the library itself at first use (about 25 ms). Not thread safe: call once, early. 0 or -ENOMEM */
int dpi_catalogue_init(void);
uint32_t dpi_builtin_count(void);            /* protocol ids 0..n-1; 0 is Unknown */
const char *dpi_protocol_name(uint32_t id);  /* library's spelling; NULL: no such id */
int dpi_protocol_id(const char *name);       /* case-insensitive; -ENOENT */
uint32_t dpi_protocol_category(uint32_t id); /* default category */
uint32_t dpi_category_count(void);
const char *dpi_category_name(uint32_t id); /* NULL: unused id */
int dpi_category_id(const char *name);      /* case-insensitive; -ENOENT */
uint32_t dpi_risk_count(void);
const char *dpi_risk_name(uint32_t bit); /* short name in kebab case as in policies: tls-weak-cipher */
const char *dpi_risk_text(uint32_t bit); /* the library's own text */
int dpi_risk_bit(const char *name);      /* -ENOENT */
uint64_t
dpi_catalogue_digest(void); /* of protocols, categories and risks in order: image header's app_digest */
const char *dpi_version(void);

/* Whether the library accepts a custom rule (its own syntax, see bh_custom_app.rule). 0 or -EINVAL. */
int dpi_custom_check(const char *rule);

/* ---- detection ---- */

struct dpi_module; /* one a worker; no locks: one thread at a time */
struct dpi_flow; /* detection context of one session; opaque, dpi_flow_size() bytes, from the caller's pool */

/* Allocator of everything the library asks for, per thread: set once before the first module.
 * `allocate` may return NULL at any time (arena full). */
void dpi_set_allocator(void *(*allocate)(size_t size), void (*release)(void *pointer));

struct dpi_custom {
	const char *name;
	const char *rule;
};

/* A module with the library's protocols and the custom ones. Not on a forwarding core; calls must not run in parallel.
 * NULL: no memory, or a custom rule was refused. */
struct dpi_module *dpi_module_new(const struct dpi_custom *custom, uint32_t custom_count);
void dpi_module_free(struct dpi_module *module);

size_t dpi_flow_size(void);
void dpi_flow_init(struct dpi_flow *flow); /* zeroes it */
void dpi_flow_clear(
	struct dpi_flow *flow); /* gives back what the library allocated inside; to be initialised again */

struct dpi_result {
	uint16_t master,
		app; /* app: the most specific; master 0 where only one is known; both 0: unknown so far */
	uint8_t category;
	uint8_t confidence; /* enum bh_confidence */
	bool done;          /* the library will learn no more (and extra dissection is not possible) */
	uint64_t risks;
	bool name_carrier; /* TLS, HTTP or QUIC: `name` is a server name for rules */
	bool name_cut;
	bool name_settled;     /* no other server name will come of this carrier */
	bool master_inspected; /* master was recognised by inspection, though app was not */
	const char *name;      /* lower case, "" if none; valid until the next call */
};

/* Show the library one packet from its IP header on (length by the IP header, at most 65535). ms never goes back.
 * from_initiator tells the direction as we know it. Returns result->done. `result` NULL: nobody asks yet what the library makes of
 * it; dpi_answer() tells, before anything else is shown to the module. */
bool dpi_inspect(struct dpi_module *module, struct dpi_flow *flow, const void *l3, uint16_t length,
		 uint64_t ms, bool from_initiator, struct dpi_result *result);
void dpi_answer(struct dpi_module *module, struct dpi_flow *flow, struct dpi_result *result);

/* Whether a session of this protocol may go on as another one, in a way that the library does not follow: by HTTP CONNECT or
 * Upgrade, SOCKS, STARTTLS. Id of the carrier, 0: unknown. Not of encrypted ones: nothing more is to be seen of them. */
bool dpi_may_change(uint16_t carrier);

/* A session that was (master, app), as ids of the library, shows something as if it began anew: is that another protocol? Not if it
 * is a further request. `within`: the old one is still what carries the new one, by its own rules (TLS after STARTTLS). */
bool dpi_is_change(uint16_t master, uint16_t app, const struct dpi_result *result, bool *within);

/* Whether the library has part of a TLS handshake record and will say what it is when it has the rest. */
bool dpi_is_collecting(const struct dpi_flow *flow);

/* No more packets: what would the library guess? confidence tells by what (port, address, cache, ..). */
void dpi_finish(struct dpi_module *module, struct dpi_flow *flow, struct dpi_result *result);

#endif
