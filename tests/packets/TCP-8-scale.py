# SPDX-License-Identifier: BSD-3-Clause
# TCP-8: window scaling holds only if both SYNs offered it (RFC 7323, 2.2), a shift over 14 is 14 (2.3), and a SYN that is sent again with
# other options counts as it was sent last.
# drops:    tcp-window 2
# leaves:   101>102 11, 102>101 6
# flows:    TCP web>app allow measure 4
from wire import Tcp


def frames(w):
    t = Tcp(w, sport=40000)
    t.client("S")
    t.server("SA", options=[("MSS", 1460)])  # does not scale: nobody does
    t.client("A")
    t.client("PA", b"x", seq=t.seq[0] + 100000, evil=True)
    t = Tcp(w, sport=40001, scale=15)  # 14: a window of 1 GiB
    t.client("S")
    t.server("SA")
    t.client("A")
    t.server("A")  # the first window that is scaled
    t.client("PA", b"x", seq=t.seq[0] + 500000000, keep=True)
    t = Tcp(w, sport=40002)
    t.client("S", keep=True)
    t.client("S", options=[("MSS", 1460)])  # again, without
    t.server("SA")
    t.client("A")
    t.client("PA", b"x", seq=t.seq[0] + 100000, evil=True)
    t = Tcp(w, sport=40003).open()
    t.server("A")
    t.client("PA", b"x", seq=t.seq[0] + 1000000, keep=True)
