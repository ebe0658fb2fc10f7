# SPDX-License-Identifier: BSD-3-Clause
# FR-2: a first fragment without the whole transport header, and a second one at offset 8 that would write over TCP's flags (RFC
# 1858, RFC 3128): what a filter reads there is not what arrives.
# drops:    fragment-tiny 5
# leaves:   none
# flows:    none
from scapy.all import IP, TCP, IPv6ExtHdrFragment, Raw

from wire import ip, ip6


def frames(w):
    tcp = bytes(IP(bytes(ip("web", "app") / TCP(sport=1000, dport=5201, flags="S", options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]))))[20:]
    w.evil("web", "app", ip("web", "app", id=1, proto=6, flags="MF") / Raw(tcp[:16]))
    w.evil("web", "app", ip("web", "app", id=2, proto=6, flags="MF") / Raw(tcp[:24]))  # without all of its options
    w.evil("web", "app", ip("web", "app", id=3, proto=6, frag=1) / Raw(tcp[8:]))
    w.evil("web", "app", ip6("web", "app") / IPv6ExtHdrFragment(id=4, nh=6, m=1) / Raw(tcp[:16]))
    w.evil("web", "app", ip6("web", "app") / IPv6ExtHdrFragment(id=5, nh=6, offset=1) / Raw(tcp[8:]))
