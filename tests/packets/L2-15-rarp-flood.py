# SPDX-License-Identifier: BSD-3-Clause
# L2-15: .. a flood does not: ten thousand at once are the bucket's burst, the rest is dropped; ARP beside it passes.
# policy:   limits.yaml
# drops:    guard-rate 5
# leaves:   101>100 10001, 101>102 10001, 101>103 10001
# flows:    none
from scapy.all import ARP

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    mac = mac_of("web")
    rarp = bytes(w.frame("web", "app", ARP(op=3, hwsrc=mac, hwdst=mac, psrc="0.0.0.0", pdst="0.0.0.0"), to=EVERYBODY, kind=0x8035))
    for number in range(10005):
        w.raw(rarp + number.to_bytes(4, "big"), evil=number >= 10000, after=0)
    w.send("web", "app", ARP(hwsrc=mac, psrc=ip_of("web"), pdst=ip_of("app")), to=EVERYBODY)
