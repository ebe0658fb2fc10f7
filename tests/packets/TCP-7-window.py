# SPDX-License-Identifier: BSD-3-Clause
# TCP-7: data behind the window, before it, or an acknowledgement of what was never sent: the frame is dropped, the connection goes
# on. A segment of 30,000 bytes (LRO) within the window passes: the bound is its end, not an MSS.
# drops:    tcp-window 4
# leaves:   101>102 4, 102>101 2
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    t = Tcp(w, scale=0).open()
    t.client("PA", b"far", seq=t.seq[0] + 200000, evil=True)
    t.client("PA", b"old", seq=t.seq[0] - 200000, evil=True)
    t.client("A", ack=t.seq[1] + 200000, evil=True)
    t.server("PA", b"over the end", seq=t.seq[1] + 64235, evil=True)
    t.client("PA", b"x" * 30000)
    t.server("A")
    t.client("A")
