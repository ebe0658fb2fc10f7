# SPDX-License-Identifier: BSD-3-Clause
# IGMP-1: what passes without a rule must be what it says: IGMP and MLD do not come from another link (TTL or hop limit 1), MLD speaks by a
# link-local address and with a router alert (RFC 3376, 4; RFC 3810, 6.2).
# drops:    group-bad 4, ip-martian 1, l4-checksum 1, l4-truncated 1
# leaves:   none
# flows:    none
from scapy.all import IP, ICMPv6MLQuery, ICMPv6MLReport, IPv6, IPv6ExtHdrHopByHop, Raw, RouterAlert

from wire import ip6_of, ip_of, link_local

QUERY = b"\x11\x64\xee\x9b\x00\x00\x00\x00"


def frames(w):
    def igmp(data, ttl):
        w.evil("web", "app", IP(src=ip_of("web"), dst="224.0.0.1", ttl=ttl, proto=2) / Raw(data), to="01:00:5e:00:00:01")

    def mld(message, src=link_local("web"), hlim=1, alert=True):
        head = IPv6(src=src, dst="ff02::1", hlim=hlim)
        w.evil("web", "app", head / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / message if alert else head / message,
               to="33:33:00:00:00:01")

    igmp(QUERY, 64)
    igmp(QUERY[:2] + b"\x00\x00" + QUERY[4:], 1)
    igmp(QUERY[:4], 1)
    mld(ICMPv6MLQuery(), hlim=64)
    mld(ICMPv6MLQuery(), src=ip6_of("web"))
    mld(ICMPv6MLQuery(), src="::")
    mld(ICMPv6MLReport(mladdr="ff02::fb"), alert=False)
