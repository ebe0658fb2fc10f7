# SPDX-License-Identifier: BSD-3-Clause
# L2-13: what bridges and links say to each other stays on its link: a BPDU that crosses can close ports of a whole network.
# drops:    ethertype 11
# leaves:   none
# flows:    none
from scapy.all import Raw

STP, PVST, CDP, SLOW, NEAREST, PAE = ("01:80:c2:00:00:00", "01:00:0c:cc:cc:cd", "01:00:0c:cc:cc:cc", "01:80:c2:00:00:02",
                                     "01:80:c2:00:00:0e", "01:80:c2:00:00:03")


def frames(w):
    bpdu = b"\x42\x42\x03" + bytes(35)
    w.evil("web", "app", Raw(bpdu), to=STP, kind=len(bpdu))  # STP, and RSTP by its version
    w.evil("web", "app", Raw(b"\x42\x42\x03\x00\x00\x02\x02" + bytes(32)), to=STP, kind=39)
    snap = b"\xaa\xaa\x03\x00\x00\x0c\x01\x0b" + bytes(40)
    w.evil("web", "app", Raw(snap), to=PVST, kind=len(snap))
    cdp = b"\xaa\xaa\x03\x00\x00\x0c\x20\x00\x02\xb4" + bytes(30)
    w.evil("web", "app", Raw(cdp), to=CDP, kind=len(cdp))
    w.evil("web", "app", Raw(b"\x01\x01" + bytes(108)), to=SLOW, kind=0x8809)  # LACP
    w.evil("web", "app", Raw(b"\x02\x01" + bytes(50)), to=SLOW, kind=0x8809)  # marker
    w.evil("web", "app", Raw(b"\x02\x07\x04\x02\x00\x00\x00\x01\x01\x00\x00"), to=NEAREST, kind=0x88CC)  # LLDP
    w.evil("web", "app", Raw(b"\x02\x01\x00\x00"), to=PAE, kind=0x888E)  # 802.1X
    w.evil("web", "app", Raw(bytes(44)), to=NEAREST, kind=0x88F7)  # PTP
    w.evil("web", "app", Raw(bytes(44)), kind=0x88E5)  # MACsec
    w.evil("web", "app", Raw(bytes(44)), to="01:80:c2:00:00:01", kind=0x8808)  # pause
