# SPDX-License-Identifier: BSD-3-Clause
# ICMP-1: .. so an error that comes after the session's own idle time finds none, however many came before it.
# drops:    icmp-no-session 1
# leaves:   101>102 1, 102>101 5
# flows:    UDP web>app allow measure 1
from scapy.all import ICMP, UDP, Raw

from wire import ip


def frames(w):
    sent = ip("web", "app") / UDP(sport=1000, dport=5201) / b"x"
    error = ip("app", "web") / ICMP(type=3, code=3) / Raw(bytes(sent))
    w.send("web", "app", sent)
    for _ in range(5):
        w.pause(10)
        w.send("app", "web", error)
    w.pause(12)
    w.evil("app", "web", error)
