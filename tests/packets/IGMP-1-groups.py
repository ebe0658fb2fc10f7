# SPDX-License-Identifier: BSD-3-Clause
# IGMP-1: multicast data goes to every segment that a rule allows (no snooping: nothing is pruned, 224.0.0.x never); IGMP and MLD go to
# all, where the querier is.
# drops:    deny 2
# leaves:   101>100 2, 101>102 4, 101>103 4
# flows:    UDP web>- allow multicast 2
from scapy.all import (IP, UDP, ICMPv6MLReport, IPOption_Router_Alert, IPv6, IPv6ExtHdrHopByHop, Raw, RouterAlert)

from wire import ip_of, link_local


def frames(w):
    for group, mac in (("224.0.0.251", "01:00:5e:00:00:fb"), ("239.1.2.3", "01:00:5e:01:02:03")):
        w.send("web", "app", IP(src=ip_of("web"), dst=group, ttl=1) / UDP(sport=5353, dport=5353) / b"x", to=mac)
    report = b"\x16\x00\x09\x04\xe0\x00\x00\xfb"  # IGMPv2, 224.0.0.251
    w.send("web", "app", IP(src=ip_of("web"), dst="224.0.0.251", ttl=1, proto=2, options=[IPOption_Router_Alert()]) / Raw(report),
           to="01:00:5e:00:00:fb")
    w.send("web", "app", IPv6(src=link_local("web"), dst="ff02::fb", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) /
           ICMPv6MLReport(mladdr="ff02::fb"), to="33:33:00:00:00:fb")
