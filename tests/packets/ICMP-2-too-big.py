# SPDX-License-Identifier: BSD-3-Clause
# ICMP-2: path-MTU messages of a session pass (without them its packets end in a black hole), of both families.
# drops:    none
# leaves:   101>102 2, 102>101 2
# flows:    UDP web>app allow measure 2
from scapy.all import ICMP, UDP, ICMPv6PacketTooBig, Raw

from wire import ip, ip6


def frames(w):
    sent = ip("web", "app", flags="DF") / UDP(sport=1000, dport=5201) / Raw(bytes(1400))
    w.send("web", "app", sent)
    w.send("app", "web", ip("app", "web") / ICMP(type=3, code=4, nexthopmtu=1280) / Raw(bytes(sent)[:28]))
    sent = ip6("web", "app") / UDP(sport=1000, dport=5201) / Raw(bytes(1400))
    w.send("web", "app", sent)
    w.send("app", "web", ip6("app", "web") / ICMPv6PacketTooBig(mtu=1280) / Raw(bytes(sent)[:1200]))
