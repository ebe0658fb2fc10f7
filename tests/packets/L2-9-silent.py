# SPDX-License-Identifier: BSD-3-Clause
# L2-9: without a word of announcement a machine moves when its old place has been silent for a second.
# drops:    none
# leaves:   101>102 1, 103>102 1
# flows:    ICMP web>app allow ping 1; ICMP db>app allow ping 1
from scapy.all import ICMP

from wire import ip


def frames(w):
    w.send("web2", "app", ip("web2", "app") / ICMP(id=1))
    w.pause(20)
    w.send("web2", "app", ip("web2", "app") / ICMP(id=2), vlan=103)
