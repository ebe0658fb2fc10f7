# SPDX-License-Identifier: BSD-3-Clause
# L2-1: an untagged frame on the trunk. The switch sends none unless a native VLAN is set: without one declared nobody owns it.
# drops:    untagged 2
# leaves:   none
# flows:    none
from scapy.all import ARP, UDP, Ether

from wire import EVERYBODY, ip, mac_of


def frames(w):
    w.raw(Ether(src=mac_of("web"), dst=mac_of("app")) / ip("web", "app") / UDP(sport=1000, dport=5201) / b"x", evil=True)
    w.raw(Ether(src=mac_of("web"), dst=EVERYBODY) / ARP(psrc="10.10.0.11", pdst="10.10.0.21"), evil=True)
