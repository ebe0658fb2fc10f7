# SPDX-License-Identifier: BSD-3-Clause
# UDP-2: a flow without any answer, and many DNS questions on one pair of ports: one session each; after its idle time the same ports
# begin a new one, judged and classified anew.
# drops:    none
# leaves:   101>100 5, 100>101 2, 101>102 3
# flows:    UDP web>app allow measure 1; UDP web>uplink allow dns application DNS 2
from scapy.all import DNS, DNSQR, UDP

from wire import ip


def frames(w):
    for _ in range(3):
        w.send("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201) / b"one way")
    def ask(number, answer=False):
        a, b, ports = ("gate", "web", (53, 4000)) if answer else ("web", "gate", (4000, 53))
        w.send(a, b, ip(a, b) / UDP(sport=ports[0], dport=ports[1]) /
               DNS(id=number, qr=int(answer), rd=1, qd=DNSQR(qname=f"host{number}.example")))

    for number in range(4):
        ask(number)
    ask(1, True)
    ask(0, True)
    w.pause(200)
    ask(9)
