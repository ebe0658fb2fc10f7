# SPDX-License-Identifier: BSD-3-Clause
# OPS-3: web's quota is spent, app's is not: what app answers to a session of web that has no state is judged as an answer, and not refused
# as a session of app's own. What is no answer is refused as ever, and what app may begin begins.
# policy:   stateless.yaml
# drops:    deny 1
# leaves:   101>102 4, 102>101 3
# flows:    UDP web>app allow measure 2; UDP app>web deny default 1; UDP app>web allow back 1
from scapy.all import UDP

from wire import ip


def frames(w):
    for number in range(4):
        w.send("web", "app", ip("web", "app") / UDP(sport=1000 + number, dport=5201) / b"question")
    w.send("app", "web", ip("app", "web") / UDP(sport=5201, dport=1002) / b"answer")
    w.send("app", "web", ip("app", "web") / UDP(sport=5201, dport=1003) / b"answer")
    w.evil("app", "web", ip("app", "web") / UDP(sport=5202, dport=1002) / b"nobody's answer")
    w.send("app", "web", ip("app", "web") / UDP(sport=5201, dport=7000) / b"my own")
