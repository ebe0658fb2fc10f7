/* SPDX-License-Identifier: BSD-3-Clause */
/* Where frames end. Every frame that came in leaves by tx, or here, and is counted once. */
#include "flow.h"
#include "fragment.h"
#include "frame.h"
#include "worker.h"

static void count_one(struct worker *w, const struct rte_mbuf *m, enum bh_drop reason)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);

	w->counters->ports[m->port].drops[reason]++;
	if (f->segment < BH_SEGMENT_IDS)
		w->counters->segments[f->segment].drops++;
	if (f->flow) {
		struct flow_cold *cold = flow_cold(w->flows, f->flow);

		if (cold->dropped != UINT32_MAX)
			cold->dropped++;
	}
}

void count_drop(struct worker *w, const struct rte_mbuf *m, enum bh_drop reason)
{
	const struct frame *f = frame_of((struct rte_mbuf *)(uintptr_t)m);

	if (f->flags & FRAME_REASSEMBLED) {
		for (uint16_t i = 0; i < f->set->count; i++)
			count_one(w, f->set->frames[i], reason);
		return;
	}
	count_one(w, m, reason);
}

/* What became of a reassembled packet becomes of each of its fragments. */
void free_frame(struct worker *w, struct rte_mbuf *m)
{
	struct frame *f = frame_of(m);

	if (f->flags & FRAME_REASSEMBLED) {
		for (uint16_t i = 0; i < f->set->count; i++)
			rte_pktmbuf_free(f->set->frames[i]);
		fragment_set_free(w, f->set);
	}
	rte_pktmbuf_free(m);
}

void drop_frame(struct worker *w, struct rte_mbuf *m, enum bh_drop reason)
{
	count_drop(w, m, reason);
	free_frame(w, m);
}

void consume_frame(struct worker *w, struct rte_mbuf *m)
{
	const struct frame *f = frame_of(m);

	w->counters->ports[m->port].consumed += frame_units(f);
	free_frame(w, m);
}
