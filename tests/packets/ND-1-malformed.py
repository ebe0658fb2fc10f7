# SPDX-License-Identifier: BSD-3-Clause
# ND-1: what RFC 4861 (6.1, 7.1) lets a receiver ignore goes nowhere: from afar (hop limit), with a code, with an option of no
# length or over the end, solicited to a group, without a link-local router.
# drops:    nd-bad 7
# leaves:   none
# flows:    none
from scapy.all import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, IPv6, Raw

from wire import ip6_of, link_local


def frames(w):
    def send(message, src=link_local("web"), dst=link_local("app"), hlim=255):
        w.evil("web", "app", IPv6(src=src, dst=dst, hlim=hlim) / message)

    send(ICMPv6ND_NS(tgt=ip6_of("app")), hlim=254)
    send(ICMPv6ND_NS(tgt=ip6_of("app"), code=1))
    send(ICMPv6ND_NS(tgt=ip6_of("app")) / Raw(b"\x01\x00" + bytes(6)))
    send(ICMPv6ND_NS(tgt=ip6_of("app")) / Raw(b"\x01\x02" + bytes(6)))
    send(ICMPv6ND_NS(tgt="ff02::1"))
    send(ICMPv6ND_NA(tgt=ip6_of("web"), S=1), dst="ff02::1")
    send(ICMPv6ND_RA(), src=ip6_of("web"), dst="ff02::1")
