/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tables of bulkheadctl have in common: fields of JSON answers as cells. */
#ifndef CONTROL_CTL_SHOW_H
#define CONTROL_CTL_SHOW_H

#include <jansson.h>
#include <stdbool.h>

#include "table.h"

/* A field that is not there is "", 0 or false: an answer of another version still makes a table. */
const char *show_text(const json_t *object, const char *key);
json_int_t show_number(const json_t *object, const char *key);
bool show_flag(const json_t *object, const char *key);
void show_cell_number(struct table *table, const json_t *object, const char *key);
void show_cell_bytes(struct table *table, const json_t *object, const char *key);

/* table_new() and table_print() with their errors told; show_end() frees the table and returns an exit status. */
struct table *show_begin(const char *headings);
int show_end(struct table *table);

int show_catalogue(bool json); /* applications --all */

#endif
