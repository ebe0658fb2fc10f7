# SPDX-License-Identifier: BSD-3-Clause
# OPS-5: the same addresses and ports in two networks (routed between, or simply the same twice) are two sessions, each by its own
# rules; and a frame of one is none of the other's.
# policy:   two-networks.yaml
# drops:    deny 2, tcp-no-session 1
# leaves:   101>102 3, 102>101 1, 201>202 1
# flows:    TCP web>app allow here 1; TCP web2>app2 deny default 1; UDP web>app deny default 1; UDP web2>app2 allow there 1
from scapy.all import UDP

from wire import Tcp, ip


def frames(w):
    udp = ip("web", "app") / UDP(sport=1000, dport=5201) / b"x"
    w.evil("web", "app", udp)
    w.send("web", "app", udp, vlan=201)
    t = Tcp(w)
    t.client("S")
    t.client("S", evil=True, ether=dict(vlan=201))
    t.server("SA")
    t.client("A")
    w.pause(70)
    t.server("PA", b"x", evil=True, ether=dict(vlan=202))
    t.client("PA", b"still here")
