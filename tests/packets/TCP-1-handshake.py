# SPDX-License-Identifier: BSD-3-Clause
# TCP-1: simultaneous open and split handshake: a server's SYN in answer to a SYN turns client and server round for a filter that
# believes it. Only SYN, SYN+ACK, ACK makes a connection.
# drops:    tcp-state 2, tcp-window 1
# leaves:   101>102 3, 102>101 1
# flows:    TCP web>app allow measure 2
from wire import Tcp


def frames(w):
    t = Tcp(w, sport=40000)
    t.client("S")
    t.server("S", evil=True)
    t.server("A", evil=True)  # the split: ACK first, SYN then
    t = Tcp(w, sport=40001)
    t.client("S")
    t.server("SA", ack=4711, evil=True)  # acknowledges another SYN
    t.server("SA")
    t.client("A")
