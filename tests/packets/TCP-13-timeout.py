# SPDX-License-Identifier: BSD-3-Clause
# TCP-13: half-open sessions live shortly: after their timeout the flood's room is free again.
# policy:   limits.yaml
# drops:    flow-quota 1
# leaves:   101>102 5
# flows:    TCP web>app allow measure 5
from wire import Tcp


def frames(w):
    for number in range(5):
        Tcp(w, sport=50000 + number).client("S", evil=number == 4)
    w.pause(130)
    Tcp(w, sport=50010).client("S")
