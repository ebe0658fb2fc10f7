# SPDX-License-Identifier: BSD-3-Clause
# TCP-10: what the far end has acknowledged it has taken: another copy of it is late, changes nothing there, and is no conflict. What it
# has not acknowledged still is.
# policy:   dpi-drop.yaml
# drops:    tcp-conflict 1
# leaves:   101>102 5, 102>101 3
# flows:    TCP web>app allow web-to-app application HTTP 1
# counters: sessions.conflicts=1
from wire import HTTP, Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    t.client("PA", HTTP[:14])
    t.server("A")
    t.client("PA", b"SSH-2.0-x", seq=t.seq[0] - 14, keep=True)
    t.client("PA", HTTP[14:])
    t.client("PA", b"SSH-2.0-x", seq=t.seq[0] - 9, evil=True)
    t.server("PA", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
