# SPDX-License-Identifier: BSD-3-Clause
# DHCP-1: messages that only a server sends (OFFER, ACK; ADVERTISE, REPLY; what a relay is sent) come from the uplink alone; requests of
# clients go there alone.
# drops:    dhcp-guard 5
# leaves:   100>101 2, 101>100 2
# flows:    none
from scapy.all import BOOTP, DHCP, IP, UDP, DHCP6_Advertise, DHCP6_Reply, DHCP6_Solicit, IPv6

from wire import EVERYBODY, ip, ip_of, link_local


def frames(w):
    def server4(send, sender, kind, dport=68):
        send(sender, "web", ip(sender, "web") / UDP(sport=67, dport=dport) / BOOTP(op=2, yiaddr=ip_of("web")) /
             DHCP(options=[("message-type", kind), "end"]))

    def server6(send, sender, message, dport=546):
        send(sender, "web", IPv6(src=link_local(sender), dst=link_local("web")) / UDP(sport=547, dport=dport) / message)

    server4(w.evil, "db", "offer")
    server4(w.evil, "db", "ack")
    server4(w.evil, "db", "ack", 67)
    server6(w.evil, "db", DHCP6_Advertise())
    server6(w.evil, "db", DHCP6_Reply())
    server4(w.send, "gate", "offer")
    server6(w.send, "gate", DHCP6_Reply())
    w.send("web", "gate", IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / BOOTP(op=1) /
           DHCP(options=[("message-type", "discover"), "end"]), to=EVERYBODY)
    w.send("web", "gate", IPv6(src=link_local("web"), dst="ff02::1:2") / UDP(sport=546, dport=547) / DHCP6_Solicit(),
           to="33:33:00:01:00:02")
