# SPDX-License-Identifier: BSD-3-Clause
# L2-4: a VLAN that no segment owns. Nothing is learned of it, and the counters say which VLANs they were.
# drops:    unknown-vlan 6
# leaves:   none
# flows:    none
# counters: unknown_vlans.0.vlan=200 unknown_vlans.0.frames=3 unknown_vlans.1.vlan=7 unknown_vlans.1.frames=2 unknown_vlans.2.vlan=4094
from scapy.all import UDP

from wire import ip


def frames(w):
    for vlan in (200, 7, 200, 4094, 7, 200):
        w.evil("web", "app", ip("web", "app") / UDP(sport=1000, dport=5201) / b"x", vlan=vlan)
