# SPDX-License-Identifier: BSD-3-Clause
# L2-16: Ethernet padding behind the IP packet is nobody's payload: filled with an SSH banner it must not make HTTP into ssh, nor
# count towards a budget.
# drops:    none
# leaves:   101>102 4, 102>101 3
# flows:    TCP web>app allow web-to-app application HTTP 1
from scapy.all import TCP, Padding

from wire import HTTP, SSH, Tcp, ip


def frames(w):
    t = Tcp(w, dport=8080).open()
    for side in ("app", "web"):
        a, b = ("app", "web") if side == "app" else ("web", "app")
        ports = (8080, 40000) if side == "app" else (40000, 8080)
        seq = t.seq[1] if side == "app" else t.seq[0]
        ack = t.seq[0] if side == "app" else t.seq[1]
        w.send(a, b, ip(a, b) / TCP(sport=ports[0], dport=ports[1], flags="A", seq=seq, ack=ack, window=64240) / Padding(SSH * 4))
    t.client("PA", HTTP)
    t.server("PA", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
