# SPDX-License-Identifier: BSD-3-Clause
# L2-12: a broadcast storm from one machine is held to half of its segment's rate (a burst of a quarter of a second: 5 of 10), so
# another machine of the segment still gets the rest; and ARP has a bucket of its own.
# policy:   limits.yaml
# drops:    storm 15
# leaves:   101>100 11, 101>102 11, 101>103 11
# flows:    UDP web>- allow multicast 2
from scapy.all import ARP, IP, UDP

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    def cast(send, host):
        send(host, "app", IP(src=ip_of(host), dst="224.0.0.251", ttl=255) / UDP(sport=5353, dport=5353) / b"x",
             to="01:00:5e:00:00:fb", after=0)

    for number in range(12):
        cast(w.send if number < 5 else w.evil, "web")
    for number in range(13):
        cast(w.send if number < 5 else w.evil, "web2")
    w.send("web", "app", ARP(hwsrc=mac_of("web"), psrc=ip_of("web"), pdst=ip_of("app")), to=EVERYBODY)
