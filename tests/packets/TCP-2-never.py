# SPDX-License-Identifier: BSD-3-Clause
# TCP-2: pick-up: never. A restart of the dataplane looks the same: what was under way begins anew or ends.
# policy:   mid-stream.yaml
# drops:    tcp-no-session 2
# leaves:   101>102 1
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    t = Tcp(w)
    t.client("PA", b"x", evil=True)
    t.server("A", evil=True)
    t.client("S")
