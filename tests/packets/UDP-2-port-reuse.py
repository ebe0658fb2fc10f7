# SPDX-License-Identifier: BSD-3-Clause
# UDP-2: the second user of the ports is not let in for what the first one was: after the idle time SIP on the DNS
# port is judged for itself.
# drops:    deny 1
# leaves:   101>100 1, 100>101 1
# flows:    UDP web>uplink allow dns application DNS 1; UDP web>uplink deny default 1
from scapy.all import DNS, DNSQR, UDP

from wire import ip


def frames(w):
    w.send("web", "gate", ip("web", "gate") / UDP(sport=4000, dport=53) / DNS(id=1, rd=1, qd=DNSQR(qname="host.example")))
    w.send("gate", "web", ip("gate", "web") / UDP(sport=53, dport=4000) / DNS(id=1, qr=1, qd=DNSQR(qname="host.example")))
    w.pause(200)
    w.evil("web", "gate", ip("web", "gate") / UDP(sport=4000, dport=53) / b"REGISTER sip:shop.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.0.11\r\n\r\n")
