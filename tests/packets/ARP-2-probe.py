# SPDX-License-Identifier: BSD-3-Clause
# ARP-2: a probe (sender 0.0.0.0, RFC 5227: duplicate address detection, vMotion) claims nothing yet and passes every guard.
# policy:   guard.yaml
# drops:    none
# leaves:   101>100 1, 101>102 1, 101>103 1, 103>100 1, 103>101 1, 103>102 1
# flows:    none
from scapy.all import ARP

from wire import EVERYBODY, ip_of, mac_of


def frames(w):
    w.send("web", "app", ARP(hwsrc=mac_of("web"), psrc="0.0.0.0", pdst=ip_of("web")), to=EVERYBODY)
    w.send("db", "app", ARP(hwsrc=mac_of("db"), psrc="0.0.0.0", pdst=ip_of("db")), to=EVERYBODY)
