# SPDX-License-Identifier: BSD-3-Clause
# L2-13: .. unless layer2.allow names it: BPDU, LACP and LLDP cross then, and nothing else of their kind.
# policy:   layer2.yaml
# drops:    ethertype 2
# leaves:   101>102 3
# flows:    none
from scapy.all import Raw


def frames(w):
    w.send("web", "app", Raw(b"\x42\x42\x03" + bytes(35)), to="01:80:c2:00:00:00", kind=38)
    w.send("web", "app", Raw(b"\x01\x01" + bytes(108)), to="01:80:c2:00:00:02", kind=0x8809)
    w.send("web", "app", Raw(b"\x02\x07\x04\x02\x00\x00\x00\x01\x01\x00\x00"), to="01:80:c2:00:00:0e", kind=0x88CC)
    w.evil("web", "app", Raw(b"\x02\x01" + bytes(50)), to="01:80:c2:00:00:02", kind=0x8809)
    w.evil("web", "app", Raw(b"\x02\x01\x00\x00"), to="01:80:c2:00:00:03", kind=0x888E)
