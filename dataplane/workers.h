/* SPDX-License-Identifier: BSD-3-Clause */
/* Making the workers with their tables; the same for live use and for replay. */
#ifndef DATAPLANE_WORKERS_H
#define DATAPLANE_WORKERS_H

#include <rte_mempool.h>

#include "counterfile.h"
#include "event.h"
#include "options.h"
#include "tx.h"
#include "worker.h"

struct workers {
	uint16_t count;
	bool replay;
	struct worker *list[BH_MAX_WORKERS];
	struct mac_table *macs;
	struct classifier *classifiers[BH_MAX_WORKERS]; /* replay: the first is everybody's */
};

struct workers_need {
	uint16_t count;
	bool replay; /* one flow table, fragment table and classifier for all, no seed */
	const struct options *sizes;
	uint64_t seed;
	const struct owners *owners; /* NULL: count is 1 */
	const struct counterfile *counters;
	struct rte_mempool *copies;
	uint16_t port_count;
	const struct tx_port *transmit; /* port_count elements for each worker */
	uint32_t event_slots;
};

/* 0 or -ENOMEM */
int workers_open(struct workers *workers, const struct workers_need *need);
/* They have stopped. Idempotent. */
void workers_close(struct workers *workers);

#endif
