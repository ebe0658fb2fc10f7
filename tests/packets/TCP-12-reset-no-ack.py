# SPDX-License-Identifier: BSD-3-Clause
# TCP-12: a RST with acknowledgement number 0 and no ACK flag is what a closed port's host sends for an ACK: exact, it passes.
# drops:    none
# leaves:   101>102 3, 102>101 2
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    t = Tcp(w).open()
    t.client("A")
    t.server("R", ack=0)
