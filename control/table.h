/* SPDX-License-Identifier: BSD-3-Clause */
/* Aligned text tables, and numbers as people read them. */
#ifndef CONTROL_TABLE_H
#define CONTROL_TABLE_H

#include <stdint.h>
#include <stdio.h>

struct table;

/* Headings are separated by '|'; one that begins with '>' makes a column of numbers, aligned right. At most 32
 * columns. NULL: no memory. */
struct table *table_new(const char *headings);
void table_free(struct table *table);

/* The next cell, row by row. What does not fit the memory is remembered and told by table_print(). */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t table_rows(const struct table *table);

/* Headings and rows; columns are two spaces apart, no line ends in a space. 0, -ENOMEM or -EIO. */
int table_print(const struct table *table, FILE *out);

/* "999 B", "1.4 MiB"; "950", "1.4k", "3.2M"; "0.4 s", "59 s", "3 m 10 s", "4 h 2 m", "5 d 3 h". `out` has 24 bytes. */
const char *table_bytes(uint64_t bytes, char out[24]);
const char *table_count(uint64_t count, char out[24]);
const char *table_duration(double seconds, char out[24]);

#endif
