# SPDX-License-Identifier: BSD-3-Clause
# ND-1: IPv4's router advertisement in fragments meets the same guard when its packet is whole.
# policy:   monitor.yaml
# drops:    ra-guard 2
# leaves:   none
# flows:    none
from scapy.all import ICMP, IP, Raw, fragment

from wire import ip


def frames(w):
    advert = ip("web", "app", id=5) / ICMP(type=9, code=0) / Raw(b"\x01\x02\x00\x1e" * 16)
    for piece in fragment(IP(bytes(advert)), fragsize=40):
        w.evil("web", "app", piece)
