# SPDX-License-Identifier: BSD-3-Clause
# TCP-10: `exceptions: dpi: drop` drops the second copy alone, be it the same place or half of it: what was seen first is what arrives. The
# same bytes again are a retransmission.
# policy:   dpi-drop.yaml
# drops:    tcp-conflict 3
# leaves:   101>102 5, 102>101 2
# flows:    TCP web>app allow web-to-app application HTTP 1
# counters: sessions.conflicts=3
from wire import HTTP, Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    t.client("PA", HTTP[:14])
    t.client("PA", b"SSH-2.0-x", seq=t.seq[0] - 14, evil=True)
    t.client("PA", b"S", seq=t.seq[0] - 1, evil=True)
    t.client("PA", b"lSSH-2.0", seq=t.seq[0] - 2, evil=True)
    t.client("PA", HTTP[:14], seq=t.seq[0] - 14, keep=True)
    t.client("PA", HTTP[14:])
    t.server("PA", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
