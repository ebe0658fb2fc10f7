# SPDX-License-Identifier: BSD-3-Clause
# ND-1: neighbour advertisements and solicitations for addresses of others, under strict and learn, and with a link-layer
# option that is not the frame's source.
# policy:   guard.yaml
# drops:    spoof 4
# leaves:   103>102 1, 101>102 1
# flows:    none
from scapy.all import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6

from wire import ip6_of, link_local, mac_of


def frames(w):
    def advert(send, sender, target, mac=None):
        send(sender, "app", IPv6(src=link_local(sender), dst=link_local("app"), hlim=255) /
             ICMPv6ND_NA(tgt=target, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac or mac_of(sender)))

    advert(w.send, "db", ip6_of("db"))
    advert(w.evil, "db", ip6_of("web"))
    advert(w.evil, "db", ip6_of("db"), mac_of("web"))
    advert(w.send, "web", ip6_of("web"))
    advert(w.evil, "web2", ip6_of("web"))
    w.evil("db", "app", IPv6(src=ip6_of("web"), dst=ip6_of("app"), hlim=255) / ICMPv6ND_NS(tgt=ip6_of("app")) /
           ICMPv6NDOptSrcLLAddr(lladdr=mac_of("db")))
