# SPDX-License-Identifier: BSD-3-Clause
# L2-2: a priority tag (VLAN id 0) names no VLAN, and 4095 is reserved (802.1Q, 9.6): neither may be read as "untagged", nor
# leave again.
# drops:    priority-tag 2
# leaves:   none
# flows:    none
from scapy.all import UDP, Dot1Q, Ether

from wire import ip, mac_of


def frames(w):
    for vlan in (0, 4095):
        w.raw(Ether(src=mac_of("web"), dst=mac_of("app")) / Dot1Q(vlan=vlan, prio=5) / ip("web", "app") /
              UDP(sport=1000, dport=5201) / b"x", evil=True)
