# SPDX-License-Identifier: BSD-3-Clause
# V6-1: routing header type 0 is dead (RFC 5095), and any with segments left leads elsewhere than the destination that was judged; one that
# is used up passes.
# drops:    ip6-routing 2
# leaves:   101>102 1
# flows:    UDP web>app allow measure 1
from scapy.all import UDP, IPv6ExtHdrRouting

from wire import ip6, ip6_of


def frames(w):
    udp = UDP(sport=1000, dport=5201) / b"x"
    w.evil("web", "app", ip6("web", "app") / IPv6ExtHdrRouting(type=0, segleft=0, addresses=[ip6_of("db")]) / udp)
    w.evil("web", "app", ip6("web", "app") / IPv6ExtHdrRouting(type=2, segleft=1, addresses=[ip6_of("db")]) / udp)
    w.send("web", "app", ip6("web", "app") / IPv6ExtHdrRouting(type=2, segleft=0, addresses=[ip6_of("app")]) / udp)
