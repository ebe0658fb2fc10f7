/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a sender is told of a frame of its own that does not arrive, in the destination's name, for a bridge has none. Never of
 * multicast, of what floods, of ICMP errors, to or from an address that no one machine has (RFC 1122 3.2.2, RFC 4443
 * 2.4); a bounded number a second. The frame stays the caller's.
 */
#ifndef DATAPLANE_REJECT_H
#define DATAPLANE_REJECT_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct worker;

/* It was refused: TCP by RST (RFC 9293 3.5.2), else ICMP or ICMPv6 administratively prohibited (RFC 1812 5.2.7.1, RFC 4443
 * 3.1). tell_far: the other end took part already and gets a RST too. Not of RSTs, nor of fragments. */
void reject_frame(struct worker *w, struct rte_mbuf *m, bool tell_far);

/* It is larger than the `mtu` (bytes of IP) of the port that it was to leave by: ICMP fragmentation needed (RFC 1191) or ICMPv6
 * packet too big (RFC 8201). Not where a router would have fragmented it (IPv4 without DF), nor of later fragments. Before
 * the frame is changed: its offsets must hold. */
void reject_too_big(struct worker *w, struct rte_mbuf *m, uint32_t mtu);

#endif
