# SPDX-License-Identifier: BSD-3-Clause
# L2-7: our own copy of a frame comes back on the segment it was sent to (a second uplink, a mirror). It must neither move the
# sender nor go round again.
# drops:    reflected 3
# leaves:   101>102 3
# flows:    UDP web>app allow measure 1
from scapy.all import UDP

from wire import ip


def frames(w):
    for data in (b"a", b"b", b"c"):
        packet = ip("web2", "app", id=7) / UDP(sport=1000, dport=5201) / data
        w.send("web2", "app", packet)
        w.evil("web2", "app", packet, vlan=102)
