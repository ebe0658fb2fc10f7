# SPDX-License-Identifier: BSD-3-Clause
# V6-1: IPv6 headers that do not fit: wrong version, longer than the frame, hop limit 0, a jumbogram; addresses that may not be on a
# wire: ::1, ::, a group as source, a mapped IPv4 address; source and destination equal.
# drops:    ip-header 2, ip-land 1, ip-martian 5, ip-truncated 1, ip-ttl 1
# leaves:   none
# flows:    none
from scapy.all import UDP, IPv6, IPv6ExtHdrHopByHop, Jumbo

from wire import ip6, ip6_of


def frames(w):
    udp = UDP(sport=1000, dport=5201) / b"x"
    w.evil("web", "app", ip6("web", "app", version=5) / udp, kind=0x86DD)
    w.evil("web", "app", ip6("web", "app", plen=0) / IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]) / udp)
    w.evil("web", "app", ip6("web", "app", plen=100) / udp)
    w.evil("web", "app", ip6("web", "app", hlim=0) / udp)
    for source, destination in (("::1", ip6_of("app")), ("::", ip6_of("app")), ("ff02::1", ip6_of("app")),
                                ("::ffff:10.10.0.11", ip6_of("app")), (ip6_of("web"), "::1"), (ip6_of("web"), ip6_of("web"))):
        w.evil("web", "app", IPv6(src=source, dst=destination) / udp)
