# SPDX-License-Identifier: BSD-3-Clause
# TN-1: tunnels are judged by what they are: GRE, IPIP, 6in4 by their protocol, VXLAN and Teredo by their port; nDPI does not decode what is
# inside, so HTTP within GRE is not http.
# drops:    deny 3
# leaves:   101>102 5
# flows:    GRE web>app allow tunnels 1; IP web>app allow tunnels 1; IPv6 web>app allow tunnels 1; UDP web>app allow tunnels 2; GRE web>db deny default 1; IP web>db deny default 1; IPv6 web>db deny default 1
from scapy.all import GRE, IP, TCP, UDP, VXLAN, Ether, IPv6, Raw

from wire import HTTP, ip


def frames(w):
    http = IP(src="192.168.0.1", dst="192.168.0.2") / TCP(sport=1000, dport=80, flags="PA") / HTTP
    for to, send in (("app", w.send), ("db", w.evil)):
        send("web", to, ip("web", to) / GRE() / http)
        send("web", to, ip("web", to, proto=4) / http)
        send("web", to, ip("web", to, proto=41) / IPv6(src="2001:db8:1::1", dst="2001:db8:1::2") / TCP(sport=1000, dport=80, flags="S"))
    w.send("web", "app", ip("web", "app") / UDP(sport=1000, dport=4789) / VXLAN(vni=7) / Ether(src="02:00:00:00:aa:01", dst="02:00:00:00:aa:02") / http)
    w.send("web", "app", ip("web", "app") / UDP(sport=1001, dport=3544) / IPv6(src="2001::1", dst="2001:db8:1::2") / Raw(b"x"))
