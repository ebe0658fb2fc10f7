# SPDX-License-Identifier: BSD-3-Clause
# ICMP-3: a quoted IPv6 packet with extension headers is walked within bounds: the error finds its session.
# drops:    none
# leaves:   101>102 1, 102>101 1
# flows:    UDP web>app allow measure 1
from scapy.all import UDP, ICMPv6DestUnreach, IPv6ExtHdrDestOpt, PadN, Raw

from wire import ip6


def frames(w):
    sent = ip6("web", "app") / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / UDP(sport=1000, dport=5201) / b"x"
    w.send("web", "app", sent)
    w.send("app", "web", ip6("app", "web") / ICMPv6DestUnreach(code=4) / Raw(bytes(sent)))
