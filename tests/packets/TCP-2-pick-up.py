# SPDX-License-Identifier: BSD-3-Clause
# TCP-2: a connection under way at the start is picked up for a minute (mid-stream's default), whichever end speaks first, with its scaled
# windows unknown; one that no rule allows in either direction is not.
# drops:    deny 1
# leaves:   101>102 2, 102>101 2
# flows:    TCP web>app allow measure 2; TCP web>db deny default 1
# counters: sessions.created=3
from wire import Tcp


def frames(w):
    t = Tcp(w, sport=40000)
    t.client("PA", b"x" * 1000, window=10)
    t.server("A", window=10)
    t = Tcp(w, sport=40001)
    t.server("PA", b"y" * 1000)
    t.client("A")
    Tcp(w, server="db").client("PA", b"z", evil=True)
