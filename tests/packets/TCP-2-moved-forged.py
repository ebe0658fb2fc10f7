# SPDX-License-Identifier: BSD-3-Clause
# TCP-2: a move that is made up gives nothing. A new MAC of db may not scan web from a source port that a rule serves (nmap -sA -g), and
# web2, back from where a forged announcement had taken it, did not move: what db2 says is under way with it is not.
# drops:    tcp-no-session 3
# leaves:   101>100 2, 101>102 4, 101>103 2, 102>101 1, 103>100 2, 103>101 2, 103>102 2
# flows:    ICMP web>app allow ping 2; ICMP web>- allow ping 1
# policy:   moved.yaml
from scapy.all import ARP, ICMP

from wire import EVERYBODY, Tcp, ip, mac_of


def rarp(host):
    return ARP(op=3, hwsrc=mac_of(host), hwdst=mac_of(host), psrc="0.0.0.0", pdst="0.0.0.0")


def frames(w):
    w.send("web2", "app", ip("web2", "app") / ICMP(id=1, seq=1))
    w.send("app", "web2", ip("app", "web2") / ICMP(type=0, id=1, seq=1))
    w.pause(100)
    w.send("web2", "app", ip("web2", "app") / ICMP(id=1, seq=2))
    w.send("db2", "web", rarp("db2"), to=EVERYBODY, kind=0x8035)
    # what a rule would let web2 begin with db2 is no answer of db2 to it
    Tcp(w, client="web2", server="db2").server("A", evil=True)
    w.pause(2)
    w.send("web2", "app", rarp("web2"), to=EVERYBODY, vlan=103, kind=0x8035)
    w.pause(1)
    w.send("web2", "app", ip("web2", "app") / ICMP(id=1, seq=3))
    w.send("web2", "db", ip("web2", "db") / ICMP(id=2, seq=1))
    w.pause(60)
    # db2 has stayed for over a minute by now, and would be believed of a machine that moved
    Tcp(w, client="web2", server="db2").server("A", evil=True)
    Tcp(w, client="web2", server="db2", sport=40001).client("A", evil=True)
