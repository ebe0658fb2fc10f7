# SPDX-License-Identifier: BSD-3-Clause
# FR-4: an IPv6 atomic fragment (RFC 6946) is a whole packet, also while a set of the same identification is collected; an identification
# that is used again a while after its packet left begins a new one.
# drops:    end-of-run 1
# leaves:   101>102 6
# flows:    UDP web>app allow measure 2
from scapy.all import IP, UDP, IPv6, IPv6ExtHdrFragment, Raw, fragment, fragment6

from wire import ip, ip6


def frames(w):
    big = fragment6(IPv6(bytes(ip6("web", "app") / IPv6ExtHdrFragment(id=7) / UDP(sport=1000, dport=5201) / Raw(bytes(2000)))), 1400)
    w.evil("web", "app", big[0])
    w.send("web", "app", ip6("web", "app") / IPv6ExtHdrFragment(id=7) / UDP(sport=1000, dport=5201) / b"whole")
    w.send("web", "app", ip6("web", "app") / IPv6ExtHdrFragment(id=8) / UDP(sport=1000, dport=5201) / b"whole too")
    for letter, size in ((b"a", 1500), (b"b", 1700)):
        for piece in fragment(IP(bytes(ip("web", "app", id=9) / UDP(sport=1000, dport=5201) / Raw(letter * size))), 1000):
            w.send("web", "app", piece)
        w.pause(0.2)
