# SPDX-License-Identifier: BSD-3-Clause
# L2-7: a gratuitous ARP is flooded and comes back from a segment it was flooded to: the machine did not move there.
# drops:    reflected 2
# leaves:   101>100 1, 101>102 1, 101>103 1
# flows:    none
from scapy.all import ARP

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    packet = ARP(op=1, hwsrc=mac_of("web2"), psrc=ip_of("web2"), pdst=ip_of("web2"))
    w.send("web2", "app", packet, to=EVERYBODY)
    w.evil("web2", "app", packet, to=EVERYBODY, vlan=102)
    w.evil("web2", "app", packet, to=EVERYBODY, vlan=103)
