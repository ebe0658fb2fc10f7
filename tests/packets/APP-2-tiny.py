# SPDX-License-Identifier: BSD-3-Clause
# APP-2: a request in segments of one byte, and a response never: the budget is of packets too. At its end the application is unknown, and
# no rule lets that in.
# policy:   budget.yaml
# drops:    deny 5
# leaves:   101>102 9, 102>101 1
# flows:    TCP web>app deny default 1
# counters: sessions.pending_expired=1
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    for number, byte in enumerate(b"XYZABCDEFGHI"):
        t.client("PA", bytes([byte]), evil=number >= 7)
        if number >= 7:
            t.seq[0] += 1
