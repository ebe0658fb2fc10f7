# SPDX-License-Identifier: BSD-3-Clause
# ICMP-1: an error that quotes a packet of a session is RELATED and passes without a rule, from the far end or a router on its
# segment, to the quoted packet's sender. It does not prolong the session.
# drops:    none
# leaves:   101>102 1, 102>101 2
# flows:    UDP web>app allow measure 1
from scapy.all import ICMP, IP, UDP, Raw

from wire import ip, ip_of


def frames(w):
    sent = ip("web", "app") / UDP(sport=1000, dport=5201) / b"x"
    w.send("web", "app", sent)
    w.send("app", "web", ip("app", "web") / ICMP(type=3, code=3) / Raw(bytes(sent)))
    w.pause(30)
    w.send("app", "web", IP(src="10.10.9.9", dst=ip_of("web")) / ICMP(type=11) / Raw(bytes(sent)[:28]))
