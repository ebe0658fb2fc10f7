# SPDX-License-Identifier: BSD-3-Clause
# TCP-2: long after the start a machine comes to web (vMotion's RARP) with connections under way to a machine that stayed: they are picked
# up for a minute whichever end speaks first, if a rule lets the machine begin them. A rule that asks for an application does not
# match: a move can be made up, and trusts nobody. After the minute nothing is picked up.
# drops:    tcp-no-session 3
# leaves:   101>102 3, 102>101 2, 102>103 1, 101>100 1, 101>103 1
# flows:    TCP web>app allow measure 2; ICMP app>db allow ping 1
from scapy.all import ARP, ICMP

from wire import EVERYBODY, Tcp, ip, mac_of


def frames(w):
    w.send("app", "db", ip("app", "db") / ICMP(id=1, seq=1))
    w.pause(100)
    w.send("web2", "app", ARP(op=3, hwsrc=mac_of("web2"), hwdst=mac_of("web2"), psrc="0.0.0.0", pdst="0.0.0.0"), to=EVERYBODY, kind=0x8035)
    t = Tcp(w, client="web2")
    t.client("PA", b"x" * 1000, window=10)
    t.server("A", window=10)
    t = Tcp(w, client="web2", sport=40001)
    t.server("PA", b"y" * 1000)
    t.client("A")
    Tcp(w, client="web2", dport=8080).client("PA", b"GET / HTTP/1.1\r\n\r\n", evil=True)
    w.pause(60)
    t = Tcp(w, client="web2", sport=40002)
    t.client("PA", b"late", evil=True)
    t.server("A", evil=True)
