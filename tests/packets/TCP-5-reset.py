# SPDX-License-Identifier: BSD-3-Clause
# TCP-5: a blind RST must hit the exact sequence number (RFC 5961, 3.2): beside it, in the window and outside, it is dropped and the
# connection lives; an exact one ends it.
# drops:    tcp-rst 3, tcp-state 1
# leaves:   101>102 4, 102>101 2
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    t = Tcp(w).open()
    for off in (5000, -5000, 10000000):
        t.server("R", seq=t.seq[1] + off, evil=True)
    t.client("PA", b"still here")
    t.server("R")
    t.client("R")
    t.client("PA", b"dead", evil=True)
