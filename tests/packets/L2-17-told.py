# SPDX-License-Identifier: BSD-3-Clause
# L2-17: with `layer2: { too-big: tell }` a sender learns that its packet does not fit the way out, in the destination's name: of IPv4 with DF
# and of IPv6 (the first fragment too), not of IPv4 that a router would have fragmented. What fits, to the byte, leaves.
# policy:   too-big.yaml
# options:  --mtu 1500
# drops:    tx-size 5
# leaves:   101>102 3, made>101 4
# flows:    UDP web>app allow measure 7
from scapy.all import UDP, IPv6ExtHdrFragment

from wire import ip, ip6


def frames(w):
    for number, (size, flags) in enumerate(((1472, "DF"), (1473, "DF"), (1473, 0), (4000, "DF"))):
        packet = ip("web", "app", flags=flags) / UDP(sport=1000 + number, dport=5201) / (b"x" * size)
        (w.send if size == 1472 else w.evil)("web", "app", packet)
    for number, size in enumerate((1452, 1453)):
        packet = ip6("web", "app") / UDP(sport=2000 + number, dport=5201) / (b"x" * size)
        (w.send if size == 1452 else w.evil)("web", "app", packet)
    whole = bytes(ip6("web", "app") / UDP(sport=3000, dport=5201) / (b"x" * 1600))[40:]
    first = ip6("web", "app") / IPv6ExtHdrFragment(nh=17, id=7, m=1) / whole[:1456]
    last = ip6("web", "app") / IPv6ExtHdrFragment(nh=17, id=7, offset=182) / whole[1456:]
    w.evil("web", "app", first)
    w.send("web", "app", last)
