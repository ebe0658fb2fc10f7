/* SPDX-License-Identifier: BSD-3-Clause */
#include "upkeep.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "classify.h"
#include "denials.h"
#include "flow.h"
#include "fragment.h"
#include "listing.h"
#include "mactable.h"
#include "worker.h"

/* Of a call, how long one chore has the worker while others have something to do too. */
#define TURN_NS 5000u
/* Pieces, which nothing interrupts: at most some microseconds each. */
#define FLOW_PIECE 4u
#define DETECTION_PIECE 1u
#define FRAGMENT_PIECE 1u
#define MAC_PIECE 8u
/* Twice what a round of one queue can begin, so that ageing keeps up with any flood. */
#define FLOW_PRESSING (2u * BURST)

/* A piece of a chore; returns whether there is more to do now. */
typedef bool (*chore_function)(struct worker *w, struct listing *listing);

static bool list(struct worker *w, struct listing *listing)
{
	/* whoever asks gets an answer, be it that there is nothing */
	return listing_serve(w, listing);
}

static bool tell(struct worker *w, struct listing *unused)
{
	(void)unused;
	return denials_tell(w);
}

static bool age_flows(struct worker *w, struct listing *unused)
{
	(void)unused;
	return flow_age(w, FLOW_PIECE);
}

static bool age_detection(struct worker *w, struct listing *unused)
{
	(void)unused;
	return classifier_age(w, DETECTION_PIECE);
}

static bool age_fragments(struct worker *w, struct listing *unused)
{
	(void)unused;
	return w->policy && fragments_age(w, FRAGMENT_PIECE);
}

static bool serve_macs(struct worker *w, struct listing *unused)
{
	(void)unused;
	return w->id == 0 && mac_table_serve(w, MAC_PIECE);
}

static const chore_function chores[] = { list, tell, age_flows, age_detection, age_fragments, serve_macs };
#define CHORES (sizeof(chores) / sizeof(chores[0]))

void upkeep_init(struct upkeep *u)
{
	uint64_t per_us = rte_get_tsc_hz() / 1000000;

	*u = (struct upkeep){ .ticks = per_us * UPKEEP_NS / 1000, .turn_ticks = per_us * TURN_NS / 1000 };
}

bool upkeep(struct upkeep *u, struct worker *w, struct listing *listing)
{
	uint64_t now = rte_rdtsc(), end = now + u->ticks;
	uint32_t done = 0; /* chores on end that have nothing to do */

	if (unlikely(u->left) && flow_age_presses(w))
		flow_age(w, FLOW_PRESSING);
	while (done < CHORES && now < end) {
		uint64_t turn = RTE_MIN(now + u->turn_ticks, end);
		bool more;

		do {
			more = chores[u->next](w, listing);
			now = rte_rdtsc();
		} while (more && now < turn);
		done = more ? 0 : done + 1;
		u->next = (u->next + 1) % CHORES;
	}
	u->left = done < CHORES;
	return u->left;
}
