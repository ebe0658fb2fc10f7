# SPDX-License-Identifier: BSD-3-Clause
# L2-17: a large packet (LRO, jumbo) is one packet of its session; the ports of a replay have no MTU unless it is asked for one.
# drops:    none
# leaves:   101>102 4, 102>101 1
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    t = Tcp(w).open()
    t.client("PA", b"x" * 8960)
    t.client("PA", b"y" * 30000)
