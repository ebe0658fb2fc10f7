/* SPDX-License-Identifier: BSD-3-Clause */
/* From nodes to fields, with one quality of messages for policies and for bulkhead.yaml. */
#ifndef CONTROL_DECODE_H
#define CONTROL_DECODE_H

#include "region.h"
#include "document.h"
#include "index.h"

struct decoder {
	struct region *region;
	struct problems *problems;
	uint32_t
		suggestions; /* nearest names that may still be looked for: bounds the time of a hopeless file */
};

#define DECODE_SUGGESTIONS 500u

/* A key of a map and what reads its value into `target`. */
struct decode_key {
	const char *name;
	void (*read)(struct decoder *decoder, const struct node *value, void *target);
	bool required;
};

/* Read a map by a table of its keys, in the table's order, and complain of keys that are not in it. `what` names the map in
 * messages: "a rule". False: it is no map. */
bool decode_map(struct decoder *decoder, const struct node *node, const char *what,
		const struct decode_key *keys, size_t count, void *target);
/* The complaints alone, for what reads its map itself. */
void decode_unknown_keys(struct decoder *decoder, const struct node *map, const char *what,
			 const char *const *known, size_t count);

void decode_error(struct decoder *decoder, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "KEY: expected EXPECTED, found what is there". */
void decode_expected(struct decoder *decoder, const struct node *node, const char *expected);
/* ": the nearest is X" or "", of the region. */
const char *decode_nearest(struct decoder *decoder, const char *word, const char *const *names, size_t count);

/* The text of a scalar that is not null; else NULL and a problem. */
const char *decode_text(struct decoder *decoder, const struct node *node, const char *expected);
/* The text of a name (value_is_name()). */
const char *decode_name(struct decoder *decoder, const struct node *node, bool spaces);
/* Whether a key (of a map of names) can be a name; complains if not. */
bool decode_key_is_name(struct decoder *decoder, const struct node *node);

bool decode_bool(struct decoder *decoder, const struct node *node, uint8_t *value);
bool decode_unsigned(struct decoder *decoder, const struct node *node, uint64_t least, uint64_t most,
		     uint64_t *value);
/* One of the words; its number, or -1 and a problem. */
int decode_choice(struct decoder *decoder, const struct node *node, const char *const *words, size_t count);
/* A duration within bounds, in microseconds. */
bool decode_duration(struct decoder *decoder, const struct node *node, uint64_t least, uint64_t most,
		     uint64_t *us);
bool decode_size(struct decoder *decoder, const struct node *node, uint64_t least, uint64_t most,
		 uint64_t *bytes);

#define DECODE_COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif
