# SPDX-License-Identifier: BSD-3-Clause
# L2-14: in `mode: monitor` other ethertypes pass with a notice; protocols of links still do not, nor does what is malformed.
# policy:   monitor.yaml
# drops:    ethertype 1, ip-land 1
# leaves:   101>102 2
# flows:    UDP web>app deny default 1
from scapy.all import UDP, Raw

from wire import ip


def frames(w):
    w.send("web", "app", Raw(bytes(46)), kind=0x8847)
    w.send("web", "app", ip("web", "app") / UDP(sport=1000, dport=9) / b"x")
    w.evil("web", "app", Raw(b"\x42\x42\x03" + bytes(35)), to="01:80:c2:00:00:00", kind=38)
    w.evil("web", "app", ip("web", "web") / UDP(sport=1000, dport=9) / b"x")
