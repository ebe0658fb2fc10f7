# SPDX-License-Identifier: BSD-3-Clause
# TCP-3: a data offset under the header or over the packet, half a header, port 0.
# drops:    l4-length 1, l4-port 2, l4-truncated 2
# leaves:   none
# flows:    none
from scapy.all import Raw

from wire import Tcp, ip


def frames(w):
    t = Tcp(w)
    t.client("S", dataofs=4, options=[], evil=True)
    t.client("S", dataofs=15, options=[], evil=True)
    w.evil("web", "app", ip("web", "app", proto=6) / Raw(b"\x9c\x40\x14\x51" + bytes(12)))
    Tcp(w, sport=0).client("S", evil=True)
    Tcp(w, dport=0).client("S", evil=True)
