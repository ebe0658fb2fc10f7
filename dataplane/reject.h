/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_REJECT_H
#define DATAPLANE_REJECT_H

#include <stdbool.h>

struct rte_mbuf;
struct worker;

/* Tell the sender, in the destination's name, that its frame was refused: TCP by RST (RFC 9293 3.5.2), else ICMP or
 * ICMPv6 administratively prohibited (RFC 1812 5.2.7.1, RFC 4443 3.1). tell_far: the other end took part already and gets
 * a RST too. Never for multicast, ICMP errors or RSTs (RFC 1122 3.2.2). The frame stays the caller's. */
void reject_frame(struct worker *w, struct rte_mbuf *m, bool tell_far);

#endif
