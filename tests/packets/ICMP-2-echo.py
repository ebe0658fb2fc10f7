# SPDX-License-Identifier: BSD-3-Clause
# ICMP-2: replies belong to a request by identifier and direction; one without is none; two machines may ask each other under one
# identifier; a request of another type is judged for itself; smurf (a request to everybody) goes by the rules.
# drops:    deny 2, icmp-no-session 3
# leaves:   101>102 2, 102>101 2, 101>100 1, 101>103 1
# flows:    ICMP web>app allow ping 1; ICMP app>web allow ping 1; ICMP web>app deny default 2; ICMP web>- allow ping 1
from scapy.all import ICMP, IP

from wire import EVERYBODY, ip, ip_of


def frames(w):
    w.evil("app", "web", ip("app", "web") / ICMP(type=0, id=7))
    w.send("web", "app", ip("web", "app") / ICMP(type=8, id=7))
    w.evil("app", "web", ip("app", "web") / ICMP(type=0, id=8))
    w.evil("web", "app", ip("web", "app") / ICMP(type=0, id=7))
    w.send("app", "web", ip("app", "web") / ICMP(type=0, id=7))
    w.send("app", "web", ip("app", "web") / ICMP(type=8, id=7))
    w.evil("web", "app", ip("web", "app") / ICMP(type=13, id=9))
    w.evil("web", "app", ip("web", "app") / ICMP(type=17, id=9))
    w.send("web", "app", IP(src=ip_of("web"), dst="10.10.0.255") / ICMP(type=8, id=3), to=EVERYBODY)
