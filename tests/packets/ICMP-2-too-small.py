# SPDX-License-Identifier: BSD-3-Clause
# ICMP-2: a path-MTU message that asks for less than any link has is of no router: it is to slow a session down, or to have it
# fragmented (RFC 1191, 3; RFC 8201, 4). Routers older than RFC 1191 say 0, which means `guess'.
# drops:    icmp-bad 4
# leaves:   101>102 2, 102>101 3
# flows:    UDP web>app allow measure 2
from scapy.all import ICMP, UDP, ICMPv6PacketTooBig, Raw

from wire import ip, ip6


def frames(w):
    sent = ip("web", "app", flags="DF") / UDP(sport=1000, dport=5201) / Raw(bytes(1400))
    w.send("web", "app", sent)
    for mtu, send in ((1, w.evil), (67, w.evil), (68, w.send), (0, w.send)):
        send("app", "web", ip("app", "web") / ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(bytes(sent)[:28]))
    sent = ip6("web", "app") / UDP(sport=1000, dport=5201) / Raw(bytes(1400))
    w.send("web", "app", sent)
    for mtu, send in ((0, w.evil), (1279, w.evil), (1280, w.send)):
        send("app", "web", ip6("app", "web") / ICMPv6PacketTooBig(mtu=mtu) / Raw(bytes(sent)[:1200]))
