# SPDX-License-Identifier: BSD-3-Clause
# TN-1: the inner HTTP of GRE and IPIP does not meet a rule about http: the application is the tunnel.
# policy:   no-http.yaml
# drops:    deny 1
# leaves:   101>102 4, 102>101 1
# flows:    GRE web>app allow rest application GRE 1; IP web>app allow rest application IP_in_IP 1; TCP web>app deny no-http application HTTP 1
from scapy.all import GRE, IP, TCP

from wire import HTTP, Tcp, ip


def frames(w):
    http = IP(src="192.168.0.1", dst="192.168.0.2") / TCP(sport=1000, dport=80, flags="PA") / HTTP
    w.send("web", "app", ip("web", "app") / GRE() / http)
    w.send("web", "app", ip("web", "app", proto=4) / http)
    t = Tcp(w, dport=80).open()
    t.client("PA", HTTP, evil=True)
