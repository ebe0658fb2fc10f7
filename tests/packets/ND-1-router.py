# SPDX-License-Identifier: BSD-3-Clause
# ND-1: router advertisements enter from the uplink only (RFC 6105), IPv4's (ICMP router discovery, RFC 1256) too; redirects from nowhere:
# the machines of a subnet must not be led past the firewall.
# drops:    deny 3, icmp-redirect 2, ra-guard 4
# leaves:   100>101 1, 100>102 1, 100>103 1
# flows:    ICMP uplink>- deny default 1
from scapy.all import ICMP, IP, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, IPv6, Raw

from wire import ip_of, ip6_of, link_local, mac_of


def frames(w):
    def advert(send, sender):
        send(sender, "app", IPv6(src=link_local(sender), dst="ff02::1", hlim=255) / ICMPv6ND_RA() /
             ICMPv6NDOptPrefixInfo(prefix="2001:db8::", prefixlen=64) / ICMPv6NDOptSrcLLAddr(lladdr=mac_of(sender)),
             to="33:33:00:00:00:01")

    advert(w.evil, "web")
    advert(w.send, "gate")
    for sender in ("web", "gate"):
        w.evil(sender, "app", IPv6(src=link_local(sender), dst=ip6_of("app"), hlim=255) /
               ICMPv6ND_Redirect(tgt=ip6_of("db"), dst=ip6_of("db")))
        w.evil(sender, "app", IP(src=ip_of(sender), dst=ip_of("app")) / ICMP(type=5, code=1, gw=ip_of("db")) /
               Raw(bytes(IP(src=ip_of("app"), dst="192.0.2.9") / b"12345678")))
        # by the rules where routers are, and not at all elsewhere
        w.evil(sender, "app", IP(src=ip_of(sender), dst="224.0.0.1", ttl=1) / ICMP(type=9, code=0) / Raw(b"\x01\x02\x00\x1e" * 2),
               to="01:00:5e:00:00:01")
