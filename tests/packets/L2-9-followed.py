# SPDX-License-Identifier: BSD-3-Clause
# L2-9: where the rules let the session pass at the new place too, it goes on there without a break, both ways.
# drops:    none
# leaves:   101>102 1, 103>100 1, 103>101 1, 103>102 2, 102>103 1
# flows:    ICMP db>app allow ping 1
from scapy.all import ARP, ICMP

from wire import EVERYBODY, ip, mac_of


def frames(w):
    w.send("web2", "app", ip("web2", "app") / ICMP(id=1, seq=1))
    w.pause(2)
    w.send("web2", "app", ARP(op=3, hwsrc=mac_of("web2"), hwdst=mac_of("web2"), psrc="0.0.0.0", pdst="0.0.0.0"), to=EVERYBODY,
           vlan=103, kind=0x8035)
    w.send("web2", "app", ip("web2", "app") / ICMP(id=1, seq=2), vlan=103)
    w.send("app", "web2", ip("app", "web2") / ICMP(type=0, id=1, seq=2))
