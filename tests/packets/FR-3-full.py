# SPDX-License-Identifier: BSD-3-Clause
# FR-3: a segment that has its share of fragments gets no room for more (fragment-full; exceptions: drop); another segment's go on.
# policy:   limits.yaml
# drops:    end-of-run 3, fragment-full 4
# leaves:   103>102 2
# flows:    ICMP db>app allow ping 1
from scapy.all import ICMP, IP, UDP, Raw, fragment

from wire import ip


def frames(w):
    for number in range(7):
        w.evil("web", "app", fragment(IP(bytes(ip("web", "app", id=number) / UDP(sport=1, dport=5201) / Raw(bytes(1500)))), 1000)[0])
    for piece in fragment(IP(bytes(ip("db", "app", id=1) / ICMP(id=1) / Raw(bytes(1500)))), 1000):
        w.send("db", "app", piece)
