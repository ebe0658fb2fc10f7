# SPDX-License-Identifier: BSD-3-Clause
# FR-5: fragments and whole packets of one session belong to one worker, named by their two addresses: eight pairs of machines, each
# with both. (Every test here is run once more with three workers and must come out the same.)
# drops:    none
# leaves:   101>102 24
# flows:    UDP web>app allow measure 8
from scapy.all import IP, UDP, Raw, fragment

from wire import ip_of


def frames(w):
    for number in range(8):
        source = f"10.10.1.{number + 1}"
        big = IP(src=source, dst=ip_of("app"), id=number) / UDP(sport=1000, dport=5201) / Raw(bytes(1500))
        w.send("web", "app", IP(src=source, dst=ip_of("app")) / UDP(sport=1000, dport=5201) / b"whole")
        for piece in reversed(fragment(IP(bytes(big)), 1000)):
            w.send("web", "app", piece)
