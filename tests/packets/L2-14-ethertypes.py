# SPDX-License-Identifier: BSD-3-Clause
# L2-14: ethertypes that are not IP carry what no rule can judge: dropped.
# drops:    ethertype 9
# leaves:   none
# flows:    none
from scapy.all import Raw


def frames(w):
    # PPPoE discovery and session, MPLS, FCoE, RoCE, IPX, a local experiment, one of 0x88xx
    for kind in (0x8863, 0x8864, 0x8847, 0x8906, 0x8915, 0x8137, 0x88B5, 0x88A2):
        w.evil("web", "app", Raw(bytes(46)), kind=kind)
    w.evil("web", "app", Raw(b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + b"\x45" + bytes(37)), kind=46)  # IPv4 in SNAP
