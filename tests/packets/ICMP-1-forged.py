# SPDX-License-Identifier: BSD-3-Clause
# ICMP-1: errors without a session; quoting what was never sent; to another than the quoted sender; from a third segment; with a TCP
# sequence number out of every window (RFC 5927).
# drops:    icmp-no-session 5
# leaves:   101>102 3, 102>101 1
# flows:    TCP web>app allow measure 1; UDP web>app allow measure 1
from scapy.all import ICMP, TCP, UDP, Raw

from wire import Tcp, ip


def frames(w):
    sent = ip("web", "app") / UDP(sport=1000, dport=5201) / b"x"

    def error(quoted, a="app", b="web"):
        w.evil(a, b, ip(a, b) / ICMP(type=3, code=3) / Raw(bytes(quoted)))

    error(sent)
    w.send("web", "app", sent)
    error(ip("web", "app") / UDP(sport=1001, dport=5201) / b"x")
    error(sent, "app", "db")
    error(sent, "db", "web")
    Tcp(w).open()
    error(ip("web", "app") / TCP(sport=40000, dport=5201, flags="PA", seq=3000000000))
