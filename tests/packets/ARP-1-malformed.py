# SPDX-License-Identifier: BSD-3-Clause
# ARP-1: what no machine may say of itself, guard or not: a group address or nobody as its MAC, a group's IP address, other
# hardware, other protocols, an unknown operation, half a message.
# drops:    arp-bad 9
# leaves:   none
# flows:    none
from scapy.all import ARP, Raw

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    good = dict(hwsrc=mac_of("web"), psrc=ip_of("web"), pdst=ip_of("app"))
    for change in (dict(hwsrc=EVERYBODY), dict(hwsrc="00:00:00:00:00:00"), dict(psrc="224.0.0.1"), dict(psrc="127.0.0.1"),
                   dict(hwtype=6), dict(ptype=0x86DD), dict(hwlen=8), dict(op=9)):
        w.evil("web", "app", ARP(**{**good, **change}), to=EVERYBODY)
    w.evil("web", "app", Raw(bytes(ARP(**good))[:27]), to=EVERYBODY, kind=0x0806)
