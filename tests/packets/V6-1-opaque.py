# SPDX-License-Identifier: BSD-3-Clause
# V6-1: ESP and "no next header" end the walk: judged by their number; what follows is not looked at.
# drops:    deny 2
# leaves:   101>102 2
# flows:    059 web>app allow opaque 1; ESP web>app allow opaque 1; 059 web>db deny default 1; ESP web>db deny default 1
from scapy.all import Raw

from wire import ip6


def frames(w):
    for number in (50, 59):
        w.send("web", "app", ip6("web", "app", nh=number) / Raw(b"\x00\x00\x01\x00\x00\x00\x00\x01" + bytes(40)))
        w.evil("web", "db", ip6("web", "db", nh=number) / Raw(b"\x00\x00\x01\x00\x00\x00\x00\x01" + bytes(40)))
