/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a machine is: what a frame with its MAC from a segment means for what is known of it. Pure functions of what
 * is known and what was seen, so that a worker that only reads the table decides as the table's writer does.
 */
#ifndef DATAPLANE_PLACE_H
#define DATAPLANE_PLACE_H

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>

/* Idle machines are forgotten (802.1D's default); by then a switch has forgotten them too. */
#define PLACE_AGE_NS 300000000000ull
/* A machine that talks is noted as heard no more often than this: its line of the table is everybody's. */
#define PLACE_REFRESH_NS 10000000ull
/* A place is silent when nothing came from there for so long. A machine that is talking is not taken over by one that
 * only uses its MAC; a machine whose portgroup was changed and which did not announce itself is out for
 * no longer than this. */
#define PLACE_SILENCE_NS 1000000000ull
/* Our own copy of an announcement that a second uplink reflects is back within this time (L2-7); a machine does not
 * move so fast. */
#define PLACE_REFLECTION_NS 10000000ull
/* An announcement can be forged. If frames still come from the place that was announced away from, the machine is
 * taken back there: not at once, for a machine that did move may have frames under way, and not for ever. */
#define PLACE_RETURN_FROM_NS 100000000ull
#define PLACE_RETURN_UNTIL_NS 10000000000ull
/* Moves: one in 5 s, three at once (a vMotion that is taken back, teamed uplinks that settle). More is flapping, and the
 * machine is pinned where it is. */
#define PLACE_MOVE_COST_NS 5000000000ull
#define PLACE_MOVE_BURST_NS 10000000000ull
#define PLACE_PIN_NS 60000000000ull

/* Workers' clocks differ by a round: a time of another worker may lie ahead. */
static inline uint64_t place_since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/* A frame's source, as seen by the worker that has the frame. */
struct sighting {
	uint64_t now_ns;
	struct rte_ether_addr mac;
	uint16_t network, segment; /* stable ids */
	bool announce;             /* RARP, gratuitous ARP, unsolicited NA */
	bool claim;                /* address is valid: the machine uses it */
	bool spoken;               /* .. and said so by ARP or ND */
	bool of_address;           /* in the ring: a claim, not a place */
	uint8_t address[16];
};

/* What is known of a machine. */
struct place {
	uint64_t last_ns, moved_ns, announced_ns;
	uint64_t rate_ns;   /* when its moves will be forgotten */
	uint64_t pinned_ns; /* until then it does not move */
	uint16_t segment;
	uint16_t home; /* where it was before an announced move; SEGMENT_NONE */
};

enum place_verdict {
	/* the frame goes on */
	PLACE_KNOWN,
	PLACE_NEW,
	PLACE_MOVED,
	PLACE_RETURNED, /* to the place it was announced away from */
	PLACE_FULL,     /* not learned: the table is full */
	/* the frame is dropped */
	PLACE_LIMIT,     /* the segment has its share of machines */
	PLACE_SPOOF,     /* bound to another segment */
	PLACE_BUSY,      /* the other place is not silent */
	PLACE_PINNED,    /* it flapped */
	PLACE_FLAPPING,  /* it flaps: to be pinned */
	PLACE_REFLECTED, /* our own copy of its announcement */
};

static inline bool place_passes(enum place_verdict verdict)
{
	return verdict <= PLACE_FULL;
}

/* What the table and the policy say around it. */
struct place_room {
	uint16_t bound; /* segment the policy binds the MAC to; SEGMENT_NONE */
	bool limit;     /* the sighting's segment has as many machines as it may */
	bool full;      /* the table is */
};

/* known: NULL if there is none, it aged out, or its segment is not in the policy any more. */
enum place_verdict place_decide(const struct place *known, const struct sighting *s,
				const struct place_room *room);

/* `known` after a verdict that changes it (MOVED, RETURNED, FLAPPING). bound: the policy moved it, which is no
 * sign of flapping. */
void place_apply(struct place *known, const struct sighting *s, enum place_verdict verdict, bool bound);

static inline bool place_expired(uint64_t last_ns, uint64_t now_ns)
{
	return now_ns > last_ns && now_ns - last_ns >= PLACE_AGE_NS;
}

#endif
