/* SPDX-License-Identifier: BSD-3-Clause */
/* When a machine is taken to have moved (edge case L2-9). */
#include "place.h"

#include "frame.h"

static bool returns(const struct place *known, const struct sighting *s)
{
	uint64_t away = place_since(known->moved_ns, s->now_ns);

	return s->segment == known->home && away >= PLACE_RETURN_FROM_NS && away < PLACE_RETURN_UNTIL_NS;
}

enum place_verdict place_decide(const struct place *known, const struct sighting *s,
				const struct place_room *room)
{
	bool bound = room->bound != SEGMENT_NONE;

	if (bound && room->bound != s->segment)
		return PLACE_SPOOF;
	if (known && known->segment == s->segment)
		return PLACE_KNOWN;
	if (room->limit && !bound)
		return PLACE_LIMIT;
	if (!known)
		return room->full ? PLACE_FULL : PLACE_NEW;
	if (bound)
		return PLACE_MOVED;
	if (s->now_ns < known->pinned_ns)
		return PLACE_PINNED;
	if (s->announce && known->announced_ns &&
	    place_since(known->announced_ns, s->now_ns) < PLACE_REFLECTION_NS)
		return PLACE_REFLECTED;
	if (returns(known, s))
		return PLACE_RETURNED;
	if (!s->announce && place_since(known->last_ns, s->now_ns) < PLACE_SILENCE_NS)
		return PLACE_BUSY;
	if (known->rate_ns > s->now_ns + PLACE_MOVE_BURST_NS)
		return PLACE_FLAPPING;
	return PLACE_MOVED;
}

void place_apply(struct place *known, const struct sighting *s, enum place_verdict verdict, bool bound)
{
	bool doubted = place_since(known->moved_ns, s->now_ns) < PLACE_RETURN_UNTIL_NS;

	if (verdict == PLACE_FLAPPING) {
		known->pinned_ns = s->now_ns + PLACE_PIN_NS;
		return;
	}
	if (verdict == PLACE_RETURNED || bound || !s->announce)
		known->home = SEGMENT_NONE;
	else if (known->home == SEGMENT_NONE || !doubted)
		known->home = known->segment;
	if (verdict == PLACE_MOVED && !bound)
		known->rate_ns = RTE_MAX(known->rate_ns, s->now_ns) + PLACE_MOVE_COST_NS;
	known->segment = s->segment;
	known->moved_ns = s->now_ns;
	known->last_ns = s->now_ns;
	known->announced_ns = s->announce ? s->now_ns : 0;
}
