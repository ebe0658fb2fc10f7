# SPDX-License-Identifier: BSD-3-Clause
# ND-2: neighbour discovery in fragments, be it an atomic one (RFC 6980), and a first fragment that does not hold the whole chain (RFC
# 7112): a host would put together what no guard has seen.
# drops:    fragment-nd 3, fragment-tiny 1
# leaves:   none
# flows:    none
from scapy.all import ICMPv6ND_RA, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, ICMPv6ND_NS, Raw

from wire import ip6_of, link_local


def frames(w):
    def send(chain):
        w.evil("web", "app", IPv6(src=link_local("web"), dst="ff02::1", hlim=255) / chain, to="33:33:00:00:00:01")

    advert = bytes(IPv6(src=link_local("web"), dst="ff02::1", hlim=255) / ICMPv6ND_RA() / Raw(bytes(16)))[40:]
    send(IPv6ExtHdrFragment(id=1, m=1, nh=58) / Raw(advert[:16]))
    send(IPv6ExtHdrFragment(id=2, m=0, nh=58) / ICMPv6ND_RA())
    send(IPv6ExtHdrFragment(id=3, m=0, nh=58) / ICMPv6ND_NS(tgt=ip6_of("app")))
    # the destination header says 24 bytes, the fragment has 8 of them
    send(IPv6ExtHdrFragment(id=4, m=1, nh=60) / Raw(b"\x3a\x02\x01\x04\x00\x00\x00\x00"))
