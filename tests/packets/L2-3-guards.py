# SPDX-License-Identifier: BSD-3-Clause
# L2-3: the guards hold behind two tags: a bound machine's addresses, ARP, DHCP servers, router advertisements; and what no rule judges.
# policy:   inside.yaml
# drops:    spoof 3, dhcp-guard 1, ra-guard 1, ethertype 1, source-mac 1
# leaves:   101>102 1
# flows:    none
from scapy.all import ARP, BOOTP, DHCP, IP, UDP, Dot1Q, Ether, ICMPv6ND_RA, IPv6, Raw

from wire import EVERYBODY, ip, ip_of, mac_of


def double(packet, source=None, to=None, vlan=101):
    return Ether(src=source or mac_of("web"), dst=to or mac_of("app")) / Dot1Q(vlan=vlan) / Dot1Q(vlan=7) / packet


def frames(w):
    def arp(sender):
        return ARP(op=2, hwsrc=mac_of("web"), psrc=sender, hwdst=mac_of("app"), pdst=ip_of("app"))
    w.raw(double(arp(ip_of("web"))))
    w.raw(double(arp(ip_of("gate"))), evil=True)
    w.raw(double(ip("app2", "app") / UDP(sport=1000, dport=5201)), evil=True)
    w.raw(double(ip("web", "app") / UDP(sport=1000, dport=5201), source=mac_of("app")), evil=True)
    offer = IP(src=ip_of("web"), dst="255.255.255.255") / UDP(sport=67, dport=68)
    offer = offer / BOOTP(op=2) / DHCP(options=[("message-type", "offer"), "end"])
    w.raw(double(offer, to=EVERYBODY), evil=True)
    w.raw(double(IPv6(src="fe80::11", dst="ff02::1", hlim=255) / ICMPv6ND_RA(), to="33:33:00:00:00:01"), evil=True)
    w.raw(double(Raw(b"x" * 46), vlan=101), evil=True)
    w.raw(double(ip("web", "app") / UDP(sport=1000, dport=5201), source="01:00:5e:00:00:01"), evil=True)
