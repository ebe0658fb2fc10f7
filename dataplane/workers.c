/* SPDX-License-Identifier: BSD-3-Clause */
#include "workers.h"

#include <errno.h>
#include <rte_malloc.h>

#include "bulkhead/sizes.h"
#include "classify.h"
#include "denials.h"
#include "environment.h"
#include "flow.h"
#include "fragment.h"
#include "layer2.h"
#include "mactable.h"
#include "owner.h"

#define SERVER_NAMES 65536u
/* Rejects and packets too big that are told, a second, of all workers: enough for people, too few to be used as an amplifier. Replay has no limit, so that its
 * result does not depend on the number of workers. */
#define REJECTS 1000u

static int socket_of(const struct workers_need *need, uint16_t id)
{
	return need->replay ? SOCKET_ID_ANY : (int)rte_lcore_to_socket_id(environment_lcore(id));
}

/* classifier_new() */
static_assert(BH_DPI_MEMORY_LEAST / BH_MAX_WORKERS >= 1u << 20);

static struct classifier *classifier_for(struct workers *workers, const struct workers_need *need,
					 const struct worker *w, int socket)
{
	const struct options *sizes = need->sizes;

	if (!need->replay || w->id == 0)
		workers->classifiers[w->id] = classifier_new((uint32_t)worker_share(w, sizes->detecting),
							     worker_even(w, sizes->dpi_memory),
							     (uint32_t)worker_share(w, SERVER_NAMES), socket);
	return workers->classifiers[need->replay ? 0 : w->id];
}

static int make_worker(struct workers *workers, const struct workers_need *need, uint16_t id)
{
	int socket = socket_of(need, id);
	/* replay: one thread drives all, and what a full table means may not depend on their number */
	const struct worker *shared = need->replay && id ? workers->list[0] : NULL;
	struct worker *w = rte_zmalloc_socket("worker", sizeof(*w), RTE_CACHE_LINE_SIZE, socket);

	if (!w)
		return -ENOMEM;
	workers->list[id] = w;
	workers->count = id + 1;
	w->id = id;
	w->worker_count = need->count;
	w->replay = need->replay;
	w->seed = need->seed;
	w->owners = need->owners;
	w->part = need->owners ? owner_part(need->owners, id) : 0;
	if (!need->replay)
		bucket_init(&w->rejects, RTE_MAX(REJECTS / need->count, 1u), REJECTS / need->count);
	w->counters = counterfile_worker(need->counters, id);
	w->directory = need->counters->counters;
	w->macs = workers->macs;
	w->flows =
		shared ? shared->flows
		       : flow_table_new((uint32_t)worker_share(w, need->sizes->flows), socket, !need->replay);
	w->tx = tx_new(need->transmit + id * need->port_count, need->port_count, need->copies, socket);
	w->fragments = shared ? shared->fragments
			      : fragments_new((uint32_t)worker_share(w, need->sizes->fragments), socket, id);
	w->layer2 = layer2_new(id, socket);
	w->memo = rte_zmalloc_socket("memo", sizeof(*w->memo), RTE_CACHE_LINE_SIZE, socket);
	w->events = event_ring_new(need->event_slots, socket);
	w->classifier = classifier_for(workers, need, w, socket);
	if (!need->replay)
		w->denials = denials_new(need->count, socket);
	return w->flows && w->tx && w->fragments && w->layer2 && w->memo && w->events && w->classifier &&
			       (w->denials || need->replay)
		       ? 0
		       : -ENOMEM;
}

int workers_open(struct workers *workers, const struct workers_need *need)
{
	int error = 0;

	*workers = (struct workers){ .replay = need->replay };
	workers->macs = mac_table_new(need->sizes->macs, need->count, SOCKET_ID_ANY);
	if (!workers->macs)
		return -ENOMEM;
	for (uint16_t id = 0; id < need->count && !error; id++)
		error = make_worker(workers, need, id);
	for (uint16_t id = 1; need->replay && id < need->count && !error; id++)
		layer2_share(workers->list[id]->layer2, workers->list[0]->layer2);
	if (error)
		workers_close(workers);
	return error;
}

/* shared: its sessions and fragments are worker 0's. */
static void free_worker(struct worker *w, bool shared)
{
	denials_free(w->denials);
	event_ring_free(w->events);
	rte_free(w->memo);
	layer2_free(w->layer2);
	tx_free(w->tx);
	if (!shared) {
		fragments_free(w->fragments);
		flow_table_free(w->flows);
	}
	rte_free(w);
}

void workers_close(struct workers *workers)
{
	/* the first one's tables may be shared by the others */
	for (uint16_t id = workers->count; id-- > 0;)
		free_worker(workers->list[id], workers->replay && id);
	for (uint16_t id = 0; id < workers->count; id++)
		classifier_free(workers->classifiers[id]);
	mac_table_free(workers->macs);
	*workers = (struct workers){ 0 };
}
