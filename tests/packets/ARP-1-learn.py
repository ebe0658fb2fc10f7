# SPDX-License-Identifier: BSD-3-Clause
# ARP-1: under spoof-guard learn the first who uses an address has it: another machine that claims it, by ARP or as the source of a
# packet, is dropped; so is who claims what the policy binds, or names another MAC than its frame's.
# policy:   guard.yaml
# drops:    spoof 5
# leaves:   101>100 2, 101>102 3, 101>103 2
# flows:    UDP web>app allow measure 1
from scapy.all import ARP, UDP

from wire import EVERYBODY, ip, ip_of, mac_of


def frames(w):
    w.send("web", "app", ARP(hwsrc=mac_of("web"), psrc=ip_of("web"), pdst=ip_of("app")), to=EVERYBODY)
    w.send("web2", "app", ARP(hwsrc=mac_of("web2"), psrc=ip_of("web2"), pdst=ip_of("app")), to=EVERYBODY)
    w.evil("web2", "app", ARP(hwsrc=mac_of("web2"), psrc=ip_of("web"), pdst=ip_of("web")), to=EVERYBODY)
    w.evil("web2", "app", ARP(op=2, hwsrc=mac_of("web2"), psrc=ip_of("web"), hwdst=mac_of("app"), pdst=ip_of("app")))
    w.evil("web2", "app", ip("web", "app") / UDP(sport=1, dport=5201) / b"x")
    w.evil("web2", "app", ARP(hwsrc=mac_of("web2"), psrc=ip_of("gate"), pdst=ip_of("app")), to=EVERYBODY)
    w.evil("web2", "app", ARP(hwsrc=mac_of("web"), psrc=ip_of("web2"), pdst=ip_of("app")), to=EVERYBODY)
    w.send("web", "app", ip("web", "app") / UDP(sport=1, dport=5201) / b"x")
