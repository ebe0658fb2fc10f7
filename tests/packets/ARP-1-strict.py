# SPDX-License-Identifier: BSD-3-Clause
# ARP-1: under spoof-guard strict: sender address of another machine, a gratuitous claim to it, a reply nobody asked for, an Ethernet
# source that is not the ARP sender, a machine that is not bound at all.
# policy:   guard.yaml
# drops:    spoof 6
# leaves:   103>100 1, 103>101 1, 103>102 1
# flows:    none
from scapy.all import ARP

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    me, web = mac_of("db"), mac_of("web")
    w.send("db", "app", ARP(hwsrc=me, psrc=ip_of("db"), pdst=ip_of("app")), to=EVERYBODY)
    w.evil("db", "app", ARP(hwsrc=me, psrc=ip_of("app"), pdst=ip_of("web")), to=EVERYBODY)
    w.evil("db", "app", ARP(hwsrc=me, psrc=ip_of("gate"), pdst=ip_of("gate")), to=EVERYBODY)
    w.evil("db", "app", ARP(op=2, hwsrc=me, psrc=ip_of("gate"), hwdst=mac_of("app"), pdst=ip_of("app")))
    w.evil("db", "app", ARP(hwsrc=web, psrc=ip_of("db"), pdst=ip_of("app")), to=EVERYBODY)
    w.evil("db", "app", ARP(op=2, hwsrc=web, psrc=ip_of("db"), hwdst=mac_of("app"), pdst=ip_of("app")))
    w.evil("db2", "app", ARP(hwsrc=mac_of("db2"), psrc=ip_of("db2"), pdst=ip_of("app")), to=EVERYBODY)
