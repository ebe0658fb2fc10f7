# SPDX-License-Identifier: BSD-3-Clause
# L2-6: the destination is known to be where the frame came from. The switch has delivered it: filtered, under a name that
# alarms nobody.
# drops:    same-segment 1
# leaves:   101>102 1
# flows:    UDP web>app allow measure 1
# counters: ports.trunk.copies=0
from scapy.all import UDP

from wire import ip


def frames(w):
    w.send("web2", "app", ip("web2", "app") / UDP(sport=1000, dport=5201) / b"x")
    w.evil("web", "web2", ip("web", "web2") / UDP(sport=1000, dport=5201) / b"x")
