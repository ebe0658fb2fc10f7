# SPDX-License-Identifier: BSD-3-Clause
# L2-9: announcements that move one MAC back and forth: three moves at once are believed, then it is pinned for a minute where it is, and
# what comes from elsewhere in its name is dropped.
# drops:    mac-move 3
# leaves:   101>100 2, 101>102 2, 101>103 2, 103>100 2, 103>101 2, 103>102 2
# flows:    none
from scapy.all import ARP

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    def announce(vlan, good):
        packet = ARP(op=1, hwsrc=mac_of("web2"), psrc=ip_of("web2"), pdst=ip_of("web2"))
        (w.send if good else w.evil)("web2", "app", packet, to=EVERYBODY, vlan=vlan)
        w.pause(0.05)

    announce(101, True)
    for vlan, good in ((103, True), (101, True), (103, True), (101, False), (101, False), (102, False)):
        announce(vlan, good)
