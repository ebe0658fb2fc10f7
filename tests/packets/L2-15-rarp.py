# SPDX-License-Identifier: BSD-3-Clause
# L2-15: RARP of a vMotion goes to every segment of the network: a burst of a hundred machines passes.
# drops:    none
# leaves:   101>100 100, 101>102 100, 101>103 100
# flows:    none
from scapy.all import ARP

from wire import EVERYBODY


def frames(w):
    for number in range(100):
        mac = f"02:00:00:00:09:{number:02x}"
        w.send("web", "app", ARP(op=3, hwsrc=mac, hwdst=mac, psrc="0.0.0.0", pdst="0.0.0.0"), to=EVERYBODY, mac=mac, kind=0x8035,
               after=0)
