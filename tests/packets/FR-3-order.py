# SPDX-License-Identifier: BSD-3-Clause
# FR-3: fragments in any order are held until their packet is whole and judged, then the fragments themselves go out, unchanged and in
# order of arrival; those of a packet that is denied end with it.
# drops:    deny 3
# leaves:   101>102 6
# flows:    ICMP web>app allow ping 1; IPv6-ICMP web>app allow ping 1; UDP web>db deny default 1
from scapy.all import ICMP, IP, UDP, Raw, fragment, fragment6, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment

from wire import ip, ip6


def frames(w):
    pieces = fragment(IP(bytes(ip("web", "app", id=1) / ICMP(id=1) / Raw(bytes(range(256)) * 12))), fragsize=1400)
    for piece in (pieces[2], pieces[0], pieces[1]):
        w.send("web", "app", piece)
    big = ip6("web", "app") / IPv6ExtHdrFragment(id=2) / ICMPv6EchoRequest(id=1, data=b"z" * 3000)
    for piece in reversed(fragment6(IPv6(bytes(big)), 1400)):
        w.send("web", "app", piece)
    for piece in reversed(fragment(IP(bytes(ip("web", "db", id=3) / UDP(sport=1, dport=9) / Raw(bytes(3000)))), fragsize=1400)):
        w.evil("web", "db", piece)
