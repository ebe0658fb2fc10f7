# SPDX-License-Identifier: BSD-3-Clause
# V4-1: addresses that may not be on a wire (RFC 1122, 3.2.1.3), and source equal to destination (LAND); but BFD's echo comes back to its
# sender on purpose (RFC 5881, 4).
# drops:    ip-land 2, ip-martian 7
# leaves:   101>102 1
# flows:    UDP web>app allow bfd 1
from scapy.all import IP, TCP, UDP

from wire import ip_of


def frames(w):
    web, app = ip_of("web"), ip_of("app")
    for source, destination in (("127.0.0.1", app), ("0.1.2.3", app), ("0.0.0.0", app), ("224.0.0.1", app), ("255.255.255.255", app),
                                (web, "127.0.0.1"), (web, "240.0.0.1")):
        w.evil("web", "app", IP(src=source, dst=destination) / UDP(sport=1000, dport=5201) / b"x")
    w.evil("web", "app", IP(src=app, dst=app) / TCP(sport=5201, dport=5201, flags="S"))
    w.evil("web", "app", IP(src=web, dst=web) / UDP(sport=3785, dport=3784) / b"x")
    w.send("web", "app", IP(src=web, dst=web, ttl=255) / UDP(sport=49152, dport=3785) / (b"\x20\x40\x03\x18" + bytes(20)))
