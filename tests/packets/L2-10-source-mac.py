# SPDX-License-Identifier: BSD-3-Clause
# L2-10: a group address, or none, as source: no machine has it, and a switch would learn it.
# drops:    source-mac 3
# leaves:   none
# flows:    none
from scapy.all import UDP

from wire import EVERYBODY, ip


def frames(w):
    for mac in ("01:00:5e:00:00:01", EVERYBODY, "00:00:00:00:00:00"):
        w.evil("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201) / b"x", mac=mac)
