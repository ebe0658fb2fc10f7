# SPDX-License-Identifier: BSD-3-Clause
# TCP-1: data before the handshake's end: a client that does not wait for the SYN+ACK, or acknowledges what was not sent.
# drops:    tcp-state 1, tcp-window 1
# leaves:   101>102 2, 102>101 1
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    t = Tcp(w)
    t.client("S")
    t.client("PA", b"early", ack=1, evil=True)
    t.server("SA")
    t.client("A", ack=t.seq[1] + 100000, evil=True)
    t.client("A")
