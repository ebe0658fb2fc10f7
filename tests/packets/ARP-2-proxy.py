# SPDX-License-Identifier: BSD-3-Clause
# ARP-2: proxy ARP, a machine that answers for others in its own name: passes without a guard, and for addresses nobody has under
# `learn`; not for those of a machine that is there, nor under `strict`.
# policy:   guard.yaml
# drops:    spoof 2
# leaves:   102>101 1, 101>102 1
# flows:    none
from scapy.all import ARP

from wire import mac_of


def frames(w):
    def answer(send, sender, to, address):
        send(sender, to, ARP(op=2, hwsrc=mac_of(sender), psrc=address, hwdst=mac_of(to), pdst="10.10.0.99"))

    w.evil("web", "app", ARP(op=2, hwsrc=mac_of("web"), psrc="10.10.0.31", hwdst=mac_of("app"), pdst="10.10.0.21"))
    answer(w.send, "web", "app", "10.10.0.77")
    answer(w.send, "app", "web", "10.10.0.78")
    answer(w.evil, "db", "app", "10.10.0.79")
