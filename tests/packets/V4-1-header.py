# SPDX-License-Identifier: BSD-3-Clause
# V4-1: IPv4 headers that lie: version, header length, total length over the frame or under the header, checksum, TTL 0.
# drops:    ip-checksum 1, ip-header 4, ip-truncated 2, ip-ttl 1
# leaves:   none
# flows:    none
from scapy.all import UDP, Raw

from wire import ip


def frames(w):
    udp = UDP(sport=1000, dport=5201) / b"x"
    for fields in (dict(version=6), dict(ihl=4), dict(len=19), dict(ihl=15, len=40), dict(len=200), dict(chksum=0x1234), dict(ttl=0)):
        w.evil("web", "app", ip("web", "app", **fields) / udp, kind=0x0800)
    w.evil("web", "app", Raw(b"\x45\x00\x00\x1c"), kind=0x0800)
