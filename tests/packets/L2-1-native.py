# SPDX-License-Identifier: BSD-3-Clause
# L2-1: the same frame where a segment is declared `vlan: untagged` belongs to it, gets a tag on its way to another, and loses
# it on the way back.
# policy:   native.yaml
# drops:    none
# leaves:   untagged>102 1, 102>untagged 1
# flows:    UDP native>app allow measure 1
from scapy.all import UDP, Ether

from wire import ip, mac_of


def frames(w):
    w.raw(Ether(src=mac_of("web"), dst=mac_of("app")) / ip("web", "app") / UDP(sport=1000, dport=5201) / b"there")
    w.send("app", "web", ip("app", "web") / UDP(sport=5201, dport=1000) / b"back")
