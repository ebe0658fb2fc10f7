/* SPDX-License-Identifier: BSD-3-Clause */
/* Which rules can never match because of those above them (shadowed), and which change nothing (redundant). */
#ifndef CONTROL_COVER_H
#define CONTROL_COVER_H

#include "area.h"

/* What a rule asks for, in sets. */
struct shape {
	uint32_t from, to;               /* areas */
	uint32_t services, source_ports; /* sets; keys of services are protocol << 16 | port */
	bool empty; /* an end is nothing: the rule never matches, and nobody's fault it is */
	/* Fingerprints: bits of parts of each dimension that the rule has a share of. What covers has all bits of what it
	 * covers; what meets has one in common. A dimension that is not asked for has all bits. */
	uint64_t print_from, print_to, print_services, print_rest;
};

/* The shapes of all rules; of the areas' region. */
struct shape *shapes_of(struct areas *areas);

/* Add the warnings. Pairs of rules are compared by fingerprints first; the exact comparisons have a budget in all, after
 * which nothing more is found (so the time is bounded, and no warning is ever wrong). */
void cover_check(struct areas *areas, const struct shape *shapes, struct problems *problems);

#endif
