# SPDX-License-Identifier: BSD-3-Clause
# ICMP-3: errors whose quoted packet can not be read: cut within its headers, a later fragment, an error about an error, another
# version, a header length of nonsense; extension headers that go over the end.
# drops:    icmp-bad 7
# leaves:   101>102 1
# flows:    UDP web>app allow measure 1
from scapy.all import ICMP, UDP, ICMPv6DestUnreach, IPv6ExtHdrDestOpt, Raw

from wire import ip, ip6


def frames(w):
    sent = ip("web", "app") / UDP(sport=1000, dport=5201) / b"x"
    w.send("web", "app", sent)

    def error(quoted):
        w.evil("app", "web", ip("app", "web") / ICMP(type=3, code=3) / Raw(quoted))

    error(bytes(sent)[:15])
    error(bytes(sent)[:22])
    error(bytes(ip("web", "app", frag=10, proto=17) / Raw(bytes(30))))
    error(bytes(ip("web", "app") / ICMP(type=3, code=1) / Raw(bytes(sent))))
    error(b"\x65" + bytes(sent)[1:])
    error(b"\x41" + bytes(sent)[1:])
    w.evil("app", "web", ip6("app", "web") / ICMPv6DestUnreach() /
           Raw(bytes(ip6("web", "app") / IPv6ExtHdrDestOpt(len=9) / Raw(bytes(8)))))
