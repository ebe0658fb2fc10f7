# SPDX-License-Identifier: BSD-3-Clause
# ARP-2: a flood of ARP is held to the rate of its own bucket (a burst of ten thousand), and other broadcasts do not pay for it.
# policy:   limits.yaml
# drops:    guard-rate 7
# leaves:   101>100 10001, 101>102 10001, 101>103 10001
# flows:    UDP web>- allow multicast 1
from scapy.all import ARP, IP, UDP

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    arp = bytes(w.frame("web", "app", ARP(hwsrc=mac_of("web"), psrc=ip_of("web"), pdst=ip_of("app")), to=EVERYBODY))
    for number in range(10007):
        w.raw(arp + number.to_bytes(4, "big"), evil=number >= 10000, after=0)
    w.send("web", "app", IP(src=ip_of("web"), dst="224.0.0.251") / UDP(sport=5353, dport=5353) / b"x", to="01:00:5e:00:00:fb")
