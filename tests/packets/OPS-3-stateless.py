# SPDX-License-Identifier: BSD-3-Clause
# OPS-3: sessions and fragments beyond their quota under `exceptions: stateless`: each frame is judged alone, by what a session in either
# direction would be allowed. What depends on an application is not; a later fragment has no port to be allowed by.
# policy:   stateless.yaml
# drops:    deny 4, end-of-run 2
# leaves:   101>102 6, 102>101 1
# flows:    UDP web>app allow measure 2; TCP app>web deny default 1
# counters: sessions.created=3
from scapy.all import IP, UDP, Raw, fragment

from wire import Tcp, ip


def frames(w):
    for number in range(3):
        w.send("web", "app", ip("web", "app") / UDP(sport=1000 + number, dport=5201) / b"x")
    t = Tcp(w)
    t.client("S")
    t.server("SA")
    t.client("A")
    w.evil("web", "app", ip("web", "app") / UDP(sport=1003, dport=8080) / b"GET / HTTP/1.1\r\n\r\n")
    t.server("PA", b"nobody's answer", dport=40001, sport=5202, evil=True)

    def pieces(number, dport):
        return fragment(IP(bytes(ip("web", "app", id=number) / UDP(sport=1000, dport=dport) / Raw(bytes(2500)))), 1000)

    w.evil("web", "app", pieces(1, 5201)[0])
    w.evil("web", "app", pieces(2, 5201)[0])
    w.send("web", "app", pieces(3, 5201)[0])
    w.evil("web", "app", pieces(3, 5201)[1])
    w.evil("web", "app", pieces(4, 9)[0])
