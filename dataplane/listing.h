/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's mailbox for `flows`: the main thread asks, the worker walks its table in slices between its rounds and puts
 * records into a ring. One listing at a time. */
#ifndef DATAPLANE_LISTING_H
#define DATAPLANE_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "bulkhead/control.h"
#include "worker.h"

struct listing;
struct waiter;

/* waiter: where the worker sleeps, woken when it is asked; NULL: it does not. NULL: no memory */
struct listing *listing_new(int socket, struct waiter *waiter);
void listing_free(struct listing *l);

/* ---- main thread ---- */

/* -EBUSY: one is under way */
int listing_begin(struct listing *l, const struct bh_flow_filter *filter);
/* Oldest record or NULL; listing_consume() gives its slot back. */
const struct bh_flow_record *listing_peek(struct listing *l);
void listing_consume(struct listing *l);
/* The worker has come to the end and every record was taken: the mailbox is free again. */
bool listing_finished(struct listing *l);
/* The asker is gone: keep calling listing_finished() until it is. */
void listing_cancel(struct listing *l);

/* ---- worker ---- */

/* Is there something to do, or will be when the main thread has taken records? */
bool listing_asked(const struct listing *l);
/* A slice, if there is something to do; bounded. Returns whether there is more that has room. */
bool listing_serve(struct worker *w, struct listing *l);

/* Whether a record is what the filter asks for; but for `limit`. */
bool listing_matches(const struct bh_flow_filter *filter, const struct bh_flow_record *record);

#endif
