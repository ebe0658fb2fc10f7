# SPDX-License-Identifier: BSD-3-Clause
# L2-9: a MAC that the policy binds to a segment does not move, announced or not.
# drops:    spoof 3
# leaves:   none
# flows:    none
from scapy.all import ARP, UDP

from wire import EVERYBODY, ip, ip_of, mac_of


def frames(w):
    w.evil("web", "app", ARP(op=1, hwsrc=mac_of("web"), psrc=ip_of("web"), pdst=ip_of("web")), to=EVERYBODY, vlan=103)
    w.evil("web", "app", ARP(op=3, hwsrc=mac_of("web"), hwdst=mac_of("web"), psrc="0.0.0.0", pdst="0.0.0.0"), to=EVERYBODY,
           vlan=102, kind=0x8035)
    w.evil("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201) / b"x", vlan=103)
