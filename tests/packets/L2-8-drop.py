# SPDX-License-Identifier: BSD-3-Clause
# L2-8: with `layer2: { duplicates: drop }` the second copy ends here, and a third. What differs in one byte is no copy, though it has no
# checksum and differs only behind the headers; what comes later is a repetition; and over IPv6 equal acknowledgements
# are what a machine says that misses a segment.
# policy:   duplicates.yaml
# drops:    duplicate 3
# leaves:   101>102 10, 102>101 1
# flows:    UDP web>app allow measure 3; TCP web>app allow measure 1
# counters: duplicates=5
from scapy.all import IP, UDP

from wire import Tcp, ip, ip6


def frames(w):
    packet = ip("web", "app", id=7) / UDP(sport=1000, dport=5201) / b"x"
    w.send("web", "app", packet, after=0.00005)
    w.evil("web", "app", packet, after=0.00005)
    w.evil("web", "app", packet, after=0.02)
    w.send("web", "app", packet)
    bare = [ip("web", "app", id=0, flags="DF") / UDP(sport=1001, dport=5201, chksum=0) / (b"y" * 200 + end) for end in (b"1", b"2")]
    w.send("web", "app", bare[0], after=0.00005)
    w.send("web", "app", bare[1], after=0.00005)
    w.evil("web", "app", bare[1])
    w.send("web", "app", ip6("web", "app") / UDP(sport=1002, dport=5201) / b"z")
    t = Tcp(w, v6=True, sport=1003).open()
    for _ in range(3):
        t.client("A", after=0.00005)
