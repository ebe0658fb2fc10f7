# SPDX-License-Identifier: BSD-3-Clause
# UDP-1: a length that is zero, under the header or over the packet; a checksum that is wrong, or missing where IPv6 forbids it; port 0;
# half a header. Without a checksum over IPv4 is allowed.
# drops:    l4-checksum 2, l4-length 3, l4-port 2, l4-truncated 1
# leaves:   101>102 1
# flows:    UDP web>app allow measure 1
from scapy.all import UDP, Raw

from wire import ip, ip6


def frames(w):
    for length in (0, 7, 100):
        w.evil("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201, len=length) / b"abcd")
    w.evil("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201, chksum=0x1234) / b"abcd")
    w.evil("web", "app", ip6("web", "app") / UDP(sport=1000, dport=5201, chksum=0) / b"abcd")
    w.evil("web", "app", ip("web", "app") / UDP(sport=0, dport=5201) / b"abcd")
    w.evil("web", "app", ip("web", "app") / UDP(sport=1000, dport=0) / b"abcd")
    w.evil("web", "app", ip("web", "app", proto=17) / Raw(b"\x03\xe8\x14\x51"))
    w.send("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201, chksum=0) / b"abcd")
