/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A YAML (or JSON) file as a tree of nodes that know where they were written. yaml.c makes it and is the only file
 * that knows libyaml. (This header is not called yaml.h: -Icontrol would put it before libyaml's own.)
 *
 * Aliases are supported: an alias shares the children of its anchor, and the nodes of the tree, counted as a walk
 * would meet them, are bounded, so that nothing that walks a tree can be made to walk for long.
 */
#ifndef CONTROL_DOCUMENT_H
#define CONTROL_DOCUMENT_H

#include <stdbool.h>

#include "model.h"

struct region;

#define DOCUMENT_MAX_BYTES (16u << 20)
#define DOCUMENT_MAX_NODES 3000000u /* of a policy with all its includes */
#define DOCUMENT_MAX_DEPTH 32u

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	struct place place;
	const char *key; /* in a map, else NULL */
	uint32_t key_line, key_column;
	const char *text;         /* NODE_SCALAR */
	const struct node *first; /* child of a list or map, in order */
	const struct node *next;  /* in the list or map that it is in */
	uint32_t count;           /* children */
	uint32_t weight;          /* nodes that a walk over it meets, itself included */
	uint8_t kind;
	bool quoted; /* a scalar that was written in quotes is never null, true or false */
};

struct document {
	const struct node *root; /* NULL: there were errors that leave nothing to read */
	uint64_t device, inode;  /* the file's identity, to tell loops; 0 if it could not be opened */
};

/* Read a file. *nodes_left is what a walk may still meet, and shrinks. `place` is where the file is asked for (the place of
 * an include), or its file is NULL. 0 (with problems added, if any) or -ENOMEM. */
int document_read(struct region *region, const char *path, struct place place, uint32_t *nodes_left,
		  struct problems *problems, struct document *document);

/* The value of a key, or NULL. */
const struct node *node_get(const struct node *map, const char *key);
struct place node_key_place(const struct node *node); /* where its key stands, or itself */
bool node_is_null(const struct node *node);           /* nothing was written, or null */

/* A list's elements, or anything else as the one element of a list. */
static inline const struct node *node_first(const struct node *list)
{
	return list->kind == NODE_LIST ? list->first : list;
}

static inline const struct node *node_next(const struct node *list, const struct node *item)
{
	return list->kind == NODE_LIST ? item->next : NULL;
}

#endif
