/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a TCP session that nDPI is done with is looked at again. What HTTP or SOCKS carries may change (CONNECT, Upgrade), and the
 * library looks at nothing after its end. Bounded: looks cost, and a session is to be on the fast way soon.
 */
#ifndef DATAPLANE_SAMPLE_H
#define DATAPLANE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow.h"

/* Looks at one session in its life. */
#define SAMPLE_LOOKS 12u
/* Payloads that are looked at after the direction has changed: what comes first may still be the old protocol's (the proxy's
 * answer to CONNECT), or the new one may not wait for it. */
#define SAMPLE_TURN 2u
/* Packets of a session, of both directions, after which none is looked at any more. */
#define SAMPLE_PACKETS 256u

/* Payloads of one look: more than one only while the library puts a TLS record together. */
#define SAMPLE_SPAN 8u
/* flow->dpi is an account of looks, and not a context; while a look is under way the context keeps the account. */
#define SAMPLE_ACCOUNT (1u << 31)

/* The session waits for looks from now on (FLOW_SAMPLE; it must have no context). 0 looks: it does not. */
void sample_arm(struct flow *flow, uint32_t looks);
/* .. and does not any more. */
void sample_disarm(struct flow *flow);
/* Looks that are left of the account. */
uint32_t sample_left(uint32_t account);
/* Is this payload to be looked at? Of a session with FLOW_SAMPLE and its account, for each of its new payloads in order. */
bool sample_due(struct flow *flow, bool reply);
/* One look was taken; the last one disarms. */
void sample_spend(struct flow *flow);

#endif
