# SPDX-License-Identifier: BSD-3-Clause
# L2-3: two tags, by default. Whichever switch takes the outer one off would follow the inner one into a segment that no rule was asked for
# (VLAN hopping). Counted by the ethertype that told it.
# drops:    double-tag 2, tag-88a8 2, tag-9100 3
# leaves:   none
# flows:    none
from scapy.all import UDP, Dot1Q, Ether, Raw

from wire import ip, mac_of


def frames(w):
    inner = ip("web", "app") / UDP(sport=1000, dport=5201) / b"x"
    ether = Ether(src=mac_of("web"), dst=mac_of("app"))
    w.raw(ether / Dot1Q(vlan=101) / Dot1Q(vlan=102) / inner, evil=True)
    w.raw(ether / Dot1Q(vlan=101) / Dot1Q(vlan=102) / Dot1Q(vlan=103) / inner, evil=True)
    w.raw(ether / Dot1Q(vlan=101, type=0x88A8) / Raw(b"\x00\x66\x08\x00") / inner, evil=True)
    for outer in (0x88A8, 0x9100, 0x9200, 0x9300):
        w.raw(Ether(src=mac_of("web"), dst=mac_of("app"), type=outer) / Raw(b"\x00\x65\x81\x00\x00\x66\x08\x00") / inner, evil=True)
