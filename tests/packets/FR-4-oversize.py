# SPDX-License-Identifier: BSD-3-Clause
# FR-4: a fragment that ends behind 65,535 bytes (ping of death), one of no length, one in the middle that is no multiple of 8.
# drops:    fragment-bad 5
# leaves:   none
# flows:    none
from scapy.all import IPv6ExtHdrFragment, Raw

from wire import ip, ip6


def frames(w):
    w.evil("web", "app", ip("web", "app", id=1, proto=1, frag=8189) / Raw(bytes(600)))
    w.evil("web", "app", ip("web", "app", id=2, proto=17, frag=100, flags="MF"))
    w.evil("web", "app", ip("web", "app", id=3, proto=17, frag=100, flags="MF") / Raw(bytes(77)))
    w.evil("web", "app", ip6("web", "app") / IPv6ExtHdrFragment(id=4, nh=58, offset=8189) / Raw(bytes(600)))
    w.evil("web", "app", ip6("web", "app") / IPv6ExtHdrFragment(id=5, nh=17, offset=100, m=1) / Raw(bytes(77)))
