# SPDX-License-Identifier: BSD-3-Clause
# DHCP-1: an OFFER in fragments meets the same guard when its packet is whole.
# drops:    dhcp-guard 2
# leaves:   none
# flows:    none
from scapy.all import BOOTP, DHCP, IP, UDP, Raw, fragment

from wire import ip


def frames(w):
    offer = ip("db", "web", id=5) / UDP(sport=67, dport=68) / BOOTP(op=2) / DHCP(options=[("message-type", "offer"), "end"]) / Raw(bytes(200))
    for piece in fragment(IP(bytes(offer)), fragsize=256)[:2]:
        w.evil("db", "web", piece)
