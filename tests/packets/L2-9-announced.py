# SPDX-License-Identifier: BSD-3-Clause
# L2-9: an announcement (vMotion's RARP) moves a machine at once, but its session is judged at the new place: what web was allowed
# db is not. The frame from there is dropped, and the answer still goes where the session is: nobody rides another's permission.
# drops:    session-segment 1
# leaves:   101>102 1, 103>100 1, 103>101 1, 103>102 1, 102>101 1
# flows:    UDP web>app allow measure 1
from scapy.all import ARP, UDP

from wire import EVERYBODY, ip, mac_of


def frames(w):
    w.send("web2", "app", ip("web2", "app") / UDP(sport=1000, dport=5201) / b"one")
    w.pause(2)
    w.send("web2", "app", ARP(op=3, hwsrc=mac_of("web2"), hwdst=mac_of("web2"), psrc="0.0.0.0", pdst="0.0.0.0"), to=EVERYBODY,
           vlan=103, kind=0x8035)
    w.evil("web2", "app", ip("web2", "app") / UDP(sport=1000, dport=5201) / b"two", vlan=103)
    w.send("app", "web2", ip("app", "web2") / UDP(sport=5201, dport=1000) / b"answer")
