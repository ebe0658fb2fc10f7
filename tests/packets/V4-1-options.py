# SPDX-License-Identifier: BSD-3-Clause
# V4-1: source routing (LSRR, SSRR) turns a judged destination into another; options over their end. Record route and router alert do
# no harm.
# drops:    ip-options 4
# leaves:   101>102 2
# flows:    UDP web>app allow measure 1
from scapy.all import UDP, IPOption_LSRR, IPOption_Router_Alert, IPOption_RR, IPOption_SSRR, Raw

from wire import ip, ip_of


def frames(w):
    def send(how, options):
        how("web", "app", ip("web", "app", options=options) / UDP(sport=1000, dport=5201) / b"x")

    send(w.evil, [IPOption_LSRR(routers=[ip_of("db")])])
    send(w.evil, [IPOption_SSRR(routers=[ip_of("db")])])
    send(w.evil, [Raw(b"\x07\x0f\x04\x00")])
    send(w.evil, [Raw(b"\x44\x01\x00\x00")])
    send(w.send, [IPOption_RR(routers=["0.0.0.0"])])
    send(w.send, [IPOption_Router_Alert()])
