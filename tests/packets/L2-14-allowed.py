# SPDX-License-Identifier: BSD-3-Clause
# L2-14: an ethertype that layer2.allow names passes, and only that one.
# policy:   layer2.yaml
# drops:    ethertype 1
# leaves:   101>102 1
# flows:    none
from scapy.all import Raw


def frames(w):
    w.send("web", "app", Raw(bytes(46)), kind=0x88B5)
    w.evil("web", "app", Raw(bytes(46)), kind=0x88B6)
