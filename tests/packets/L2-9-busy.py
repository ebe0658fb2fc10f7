# SPDX-License-Identifier: BSD-3-Clause
# L2-9: a frame with the MAC of a machine that is talking elsewhere does not move it: the thief would get its sessions' frames.
# drops:    mac-move 1
# leaves:   101>102 2, 102>101 1
# flows:    UDP web>app allow measure 1
from scapy.all import UDP

from wire import ip


def frames(w):
    w.send("web2", "app", ip("web2", "app") / UDP(sport=1000, dport=5201) / b"one")
    w.evil("web2", "app", ip("web2", "app") / UDP(sport=2000, dport=5201) / b"thief", vlan=103)
    w.send("app", "web2", ip("app", "web2") / UDP(sport=5201, dport=1000) / b"answer")
    w.send("web2", "app", ip("web2", "app") / UDP(sport=1000, dport=5201) / b"two")
