# SPDX-License-Identifier: BSD-3-Clause
# FR-1: an exact duplicate of a fragment (teamed uplinks make them) is dropped under its own name and harms nothing, be it held still
# or gone.
# drops:    fragment-duplicate 2
# leaves:   101>102 2
# flows:    UDP web>app allow measure 1
from scapy.all import IP, UDP, Raw, fragment

from wire import ip


def frames(w):
    whole = IP(bytes(ip("web", "app", id=9) / UDP(sport=1000, dport=5201) / Raw(b"d" * 1800)))
    first, last = fragment(whole, fragsize=1000)
    w.send("web", "app", first)
    w.evil("web", "app", first)
    w.send("web", "app", last)
    w.evil("web", "app", last)
