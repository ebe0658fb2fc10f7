# SPDX-License-Identifier: BSD-3-Clause
# TCP-6: after a FIN the other direction goes on (half-close); data behind one's own FIN is none; after a RST nothing passes and the
# connection is not picked up again as one under way.
# drops:    tcp-state 4
# leaves:   101>102 6, 102>101 4
# flows:    TCP web>app allow measure 2
from wire import Tcp


def frames(w):
    t = Tcp(w).open()
    t.client("FA")
    t.server("PA", b"half-closed")
    t.client("PA", b"behind my FIN", evil=True)
    t.server("PA", b"still talking")
    t = Tcp(w, sport=40001).open()
    t.client("RA")
    w.pause(2)
    t.client("PA", b"again", evil=True)
    t.server("PA", b"again", evil=True)
    t.server("A", evil=True)
