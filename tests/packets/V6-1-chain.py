# SPDX-License-Identifier: BSD-3-Clause
# V6-1: extension headers that hide something: hop-by-hop not first, one twice, unknown ones, more than 256 bytes of them,
# options over their end.
# drops:    ip6-chain 9
# leaves:   none
# flows:    none
from scapy.all import UDP, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN, Raw

from wire import ip6


def frames(w):
    pad, udp = [PadN(optdata=b"\0" * 4)], UDP(sport=1000, dport=5201) / b"x"

    def send(chain, **fields):
        w.evil("web", "app", ip6("web", "app", **fields) / chain)

    send(IPv6ExtHdrDestOpt(options=pad) / IPv6ExtHdrHopByHop(options=pad) / udp)
    send(IPv6ExtHdrHopByHop(options=pad) / IPv6ExtHdrHopByHop(options=pad) / udp)
    send(IPv6ExtHdrDestOpt(options=pad) / IPv6ExtHdrDestOpt(options=pad) / IPv6ExtHdrDestOpt(options=pad) / udp)
    send(IPv6ExtHdrFragment(id=1) / IPv6ExtHdrFragment(id=1) / udp)
    send(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 250)]) / IPv6ExtHdrHopByHop(options=pad) / udp)
    send(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 200)]) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 100)]) / udp)
    send(Raw(b"\x11\x00\x01\x09\x00\x00\x00\x00") / udp, nh=60)
    for unknown in (140, 255):
        send(Raw(b"\x11\x00" + bytes(6)) / udp, nh=unknown)
