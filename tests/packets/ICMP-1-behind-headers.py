# SPDX-License-Identifier: BSD-3-Clause
# ICMP-1: the sequence number of a quoted TCP segment is asked for behind whatever extension headers the quotation has (RFC 5927): to put
# one in front of it lets no blind attacker in. What was sent passes, behind such a header, too.
# drops:    icmp-no-session 3
# leaves:   101>102 2, 102>101 3
# flows:    TCP web>app allow measure 1
from scapy.all import TCP, ICMPv6DestUnreach, ICMPv6PacketTooBig, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN, Raw

from wire import Tcp, ip6


def frames(w):
    Tcp(w, v6=True).open()

    def error(message, headers, seq, send):
        quoted = ip6("web", "app") / headers / TCP(sport=40000, dport=5201, flags="A", seq=seq)
        send("app", "web", ip6("app", "web") / message / Raw(bytes(quoted)))

    options = IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0\0\0\0")])
    error(ICMPv6PacketTooBig(mtu=1280), options, 3000000000, w.evil)
    error(ICMPv6DestUnreach(code=1), options, 3000000000, w.evil)
    error(ICMPv6DestUnreach(code=1), IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0\0\0\0")]) / options, 3000000000, w.evil)
    error(ICMPv6PacketTooBig(mtu=1280), options, 1001, w.send)
    error(ICMPv6DestUnreach(code=1), options, 1001, w.send)
