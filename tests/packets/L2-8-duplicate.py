# SPDX-License-Identifier: BSD-3-Clause
# L2-8: a unicast frame that arrives twice within microseconds (teamed uplinks, a mirror on the wrong port) is counted and passes:
# the ends cope with duplicates. The same bytes a millisecond later are a repetition.
# drops:    none
# leaves:   101>102 3
# flows:    UDP web>app allow measure 1
# counters: duplicates=1
from scapy.all import UDP

from wire import ip


def frames(w):
    packet = ip("web", "app", id=7) / UDP(sport=1000, dport=5201) / b"x"
    w.send("web", "app", packet, after=0.00005)
    w.send("web", "app", packet, after=0.02)
    w.send("web", "app", packet)
