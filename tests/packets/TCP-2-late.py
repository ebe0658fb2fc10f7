# SPDX-License-Identifier: BSD-3-Clause
# TCP-2: after the minute a frame of no session is one.
# drops:    tcp-no-session 2
# leaves:   101>102 1
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    Tcp(w, sport=40001).client("S")
    w.pause(61)
    t = Tcp(w)
    t.client("PA", b"x", evil=True)
    t.server("A", evil=True)
