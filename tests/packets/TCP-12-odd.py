# SPDX-License-Identifier: BSD-3-Clause
# TCP-12: odd and lawful: sequence numbers that wrap, keep-alives (one back), probes of a closed window, urgent data, a RST that
# answers a SYN and acknowledges it.
# drops:    none
# leaves:   101>102 9, 102>101 7
# flows:    TCP web>app allow measure 3
from wire import Tcp


def frames(w):
    t = Tcp(w, sport=40000, isn=(0xFFFFFFF0, 0xFFFFFFFE)).open()
    t.client("PA", b"over the end of the numbers")
    t.server("PA", b"here too")
    t.client("A", b"\0", seq=t.seq[0] - 1, keep=True)
    t.server("A")
    t = Tcp(w, sport=40001).open()
    t.server("A", window=0)
    t.client("A", b"?", keep=True)
    t.server("A", window=0)
    t.client("PAU", b"urgent", urgptr=3)
    t = Tcp(w, sport=40002)
    t.client("S")
    t.server("RA", seq=0)
