/* SPDX-License-Identifier: BSD-3-Clause */
#include "denials.h"

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <string.h>

#include "event.h"
#include "flow.h"

/* One more than the kinds: the last is for what finds no place. */
#define OTHERS DENIALS_KINDS

/* What is told together. */
struct kind {
	uint32_t rule_id;
	uint16_t segment[2];
	uint16_t network;
	uint8_t protocol, verdict;
};

struct denials {
	struct bucket alone;
	uint64_t since_ns; /* of the oldest that is counted here; 0: nothing is */
	uint32_t told;     /* kinds before this one are told, */
	uint64_t next_ns;  /* but for what was counted among them since: of the oldest; 0: nothing was */
	struct kind kinds[DENIALS_KINDS];
	bool used[DENIALS_KINDS];                    /* the place is that kind's until all were told */
	struct bh_denials counts[DENIALS_KINDS + 1]; /* count 0: none since it was told */
};

struct denials *denials_new(uint16_t workers, int socket)
{
	struct denials *d = rte_zmalloc_socket("denials", sizeof(*d), RTE_CACHE_LINE_SIZE, socket);

	if (d)
		bucket_init(&d->alone, RTE_MAX(DENIALS_RATE / workers, 1u),
			    RTE_MAX(DENIALS_BURST / workers, 1u));
	return d;
}

void denials_free(struct denials *denials)
{
	rte_free(denials);
}

static bool same_kind(const struct kind *a, const struct kind *b)
{
	return a->rule_id == b->rule_id && a->segment[0] == b->segment[0] && a->segment[1] == b->segment[1] &&
	       a->network == b->network && a->protocol == b->protocol && a->verdict == b->verdict;
}

/* Where a kind's chain begins. */
static uint32_t home_of(const struct kind *kind)
{
	uint64_t words[2] = { (uint64_t)kind->rule_id << 32 | kind->segment[0] << 16 | kind->segment[1],
			      (uint64_t)kind->network << 16 | kind->protocol << 8 | kind->verdict };

	return (uint32_t)flow_mix(words[0], words[1]) % DENIALS_KINDS;
}

/* The place of a kind, or a free one; OTHERS: there is none. A place that is given up closes its hole: forget(). */
static uint32_t place_of(const struct denials *d, const struct kind *kind)
{
	uint32_t start = home_of(kind);

	for (uint32_t i = 0; i < DENIALS_KINDS; i++) {
		uint32_t place = (start + i) % DENIALS_KINDS;

		if (!d->used[place] || same_kind(&d->kinds[place], kind))
			return place;
	}
	return OTHERS;
}

/* A place is free again: what stands behind it in its chain moves up. */
static void forget(struct denials *d, uint32_t hole)
{
	for (uint32_t i = 1; i < DENIALS_KINDS; i++) {
		uint32_t place = (hole + i) % DENIALS_KINDS;

		if (!d->used[place])
			break;
		/* one that is at home, or on its way from a home behind the hole, stays */
		if ((place - home_of(&d->kinds[place])) % DENIALS_KINDS < (place - hole) % DENIALS_KINDS)
			continue;
		d->kinds[hole] = d->kinds[place];
		d->counts[hole] = d->counts[place];
		hole = place;
		i = 0;
	}
	d->used[hole] = false;
	d->counts[hole].count = 0;
}

/* All were told: kinds of which nothing was counted since give up their places. */
static void forget_told(struct denials *d)
{
	if (!d->next_ns) {
		memset(d->used, 0, sizeof(d->used));
		return;
	}
	/* what moved up into a place is asked about too */
	for (uint32_t i = 0; i < DENIALS_KINDS; i++)
		while (d->used[i] && !d->counts[i].count)
			forget(d, i);
}

/* The first of its kind is the example that is shown. */
static void begin(struct worker *w, const struct flow *flow, struct bh_denials *told, bool others)
{
	struct bh_flow_record record;

	flow_record(w, flow, BH_FLOW_END_LIVE, &record);
	*told = (struct bh_denials){
		.first_us = worker_unix_us(w),
		.source_port = record.source_port,
		.destination_port = record.destination_port,
		.icmp = record.icmp,
		.protocol = record.protocol,
		.verdict = record.verdict,
		.monitored = record.monitored,
		.others = others,
	};
	memcpy(told->source, record.source, sizeof(told->source));
	memcpy(told->destination, record.destination, sizeof(told->destination));
	if (others)
		return;
	memcpy(told->network, record.network, sizeof(told->network));
	memcpy(told->segment, record.segment, sizeof(told->segment));
	memcpy(told->rule, record.rule, sizeof(told->rule));
}

bool denials_alone(struct worker *w, const struct flow *flow)
{
	const struct kind kind = { .rule_id = flow->rule_id,
				   .segment = { flow->segment[0], flow->segment[1] },
				   .network = flow->key.network,
				   .protocol = flow->key.protocol,
				   .verdict = flow->verdict };
	struct denials *d = w->denials;
	uint32_t place;

	if (!d || bucket_take(&d->alone, 1, w->now_ns))
		return true;
	place = place_of(d, &kind);
	if (!d->counts[place].count) {
		begin(w, flow, &d->counts[place], place == OTHERS);
		if (place != OTHERS) {
			d->kinds[place] = kind;
			d->used[place] = true;
		}
	}
	d->counts[place].count++;
	d->counts[place].last_us = worker_unix_us(w);
	if (!d->since_ns)
		d->since_ns = w->now_ns;
	if (place < d->told && !d->next_ns)
		d->next_ns = w->now_ns;
	return false;
}

bool denials_tell(struct worker *w)
{
	struct denials *d = w->denials;
	struct bh_event *event;

	if (!d || !d->since_ns || w->now_ns - d->since_ns < NS_PER_S)
		return false;
	while (d->told <= OTHERS && !d->counts[d->told].count)
		d->told++;
	if (d->told > OTHERS) {
		forget_told(d);
		d->since_ns = d->next_ns;
		d->next_ns = 0;
		d->told = 0;
		return false;
	}
	event = event_begin(w, BH_EVENT_DENIALS);
	if (!event)
		return false;
	event->denials = d->counts[d->told];
	event_commit(w);
	d->counts[d->told++].count = 0;
	return true;
}
