# SPDX-License-Identifier: BSD-3-Clause
# L2-2: where there is an untagged segment, a priority tag still does not get into it.
# policy:   native.yaml
# drops:    priority-tag 1
# leaves:   none
# flows:    none
from scapy.all import UDP, Dot1Q, Ether

from wire import ip, mac_of


def frames(w):
    w.raw(Ether(src=mac_of("web"), dst=mac_of("app")) / Dot1Q(vlan=0) / ip("web", "app") / UDP(sport=1000, dport=5201) / b"x",
          evil=True)
