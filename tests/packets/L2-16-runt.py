# SPDX-License-Identifier: BSD-3-Clause
# L2-16: a frame that ends within its Ethernet header or tag, or before its IP packet does.
# drops:    ip-truncated 2, runt 2
# leaves:   none
# flows:    none
from scapy.all import UDP

from wire import ip


def frames(w):
    whole = bytes(w.frame("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201) / b"0123456789"))
    for length in (13, 16, 30, len(whole) - 1):
        w.raw(whole[:length], evil=True)
