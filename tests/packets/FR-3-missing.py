# SPDX-License-Identifier: BSD-3-Clause
# FR-3: a set that is never whole: the first is missing, the last, the middle. Nothing leaves; after the timeout (30 s) they are counted and
# their identification is free again.
# drops:    fragment-timeout 4
# leaves:   101>102 2
# flows:    UDP web>app allow measure 1
from scapy.all import IP, UDP, Raw, fragment

from wire import ip


def frames(w):
    pieces = fragment(IP(bytes(ip("web", "app", id=1) / UDP(sport=1000, dport=5201) / Raw(bytes(2500)))), fragsize=1000)
    w.evil("web", "app", pieces[1])
    w.evil("web", "app", pieces[2])
    for piece in fragment(IP(bytes(ip("web", "app", id=2) / UDP(sport=1000, dport=5201) / Raw(bytes(2500)))), fragsize=1000)[:2]:
        w.evil("web", "app", piece)
    w.pause(31)
    for piece in fragment(IP(bytes(ip("web", "app", id=1) / UDP(sport=1000, dport=5201) / Raw(b"n" * 1500))), fragsize=1000):
        w.send("web", "app", piece)
