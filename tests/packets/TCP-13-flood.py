# SPDX-License-Identifier: BSD-3-Clause
# TCP-13: a SYN flood is held to the segment's half-open sessions (4 here); an established session of the segment goes on, and another
# segment begins new ones. None of it gets a context of nDPI.
# policy:   limits.yaml
# drops:    flow-quota 46
# leaves:   101>102 7, 102>101 1, 103>102 1
# flows:    TCP web>app allow measure 5; TCP db>app allow other 1
from wire import Tcp


def frames(w):
    t = Tcp(w).open()
    for number in range(50):
        Tcp(w, sport=50000 + number).client("S", evil=number >= 4)
    t.client("PA", b"I go on")
    Tcp(w, client="db").client("S")
