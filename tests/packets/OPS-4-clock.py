# SPDX-License-Identifier: BSD-3-Clause
# OPS-4: a clock that steps back an hour, and one that stands still for two seconds and goes on (stun): sessions live on, and none is
# older or younger for it. After a real pause the idle one is gone, the established one is not.
# drops:    icmp-no-session 1
# leaves:   101>102 5, 102>101 3
# flows:    TCP web>app allow measure 1; ICMP web>app allow ping 1
from scapy.all import ICMP

from wire import Tcp, ip


def frames(w):
    t = Tcp(w).open()
    w.send("web", "app", ip("web", "app") / ICMP(id=1))
    w.pause(-3600)
    t.client("PA", b"an hour ago")
    w.send("app", "web", ip("app", "web") / ICMP(type=0, id=1))
    w.pause(3602)
    t.server("PA", b"two seconds later")
    w.pause(1800)
    t.client("PA", b"half an hour later")
    w.evil("app", "web", ip("app", "web") / ICMP(type=0, id=1))
