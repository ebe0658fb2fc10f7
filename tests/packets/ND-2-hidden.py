# SPDX-License-Identifier: BSD-3-Clause
# ND-2: a router advertisement behind extension headers is found by walking the whole chain (RFC 7113): the guard meets it as
# if it stood alone. Behind a header that nobody here can walk it is not let by as something else.
# drops:    ip6-chain 5, ra-guard 2
# leaves:   none
# flows:    none
from scapy.all import ICMPv6ND_RA, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN, Raw

from wire import link_local


def frames(w):
    def send(chain, nh=None):
        head = IPv6(src=link_local("web"), dst="ff02::1", hlim=255)
        if nh is not None:
            head.nh = nh
        w.evil("web", "app", head / chain, to="33:33:00:00:00:01")

    advert = IPv6(src=link_local("web"), dst="ff02::1", hlim=255) / ICMPv6ND_RA()
    bare = bytes(advert)[40:]
    send(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / ICMPv6ND_RA())
    send(IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) /
         ICMPv6ND_RA())
    for unknown in (135, 139, 140, 200, 253):  # mobility, HIP, shim6, unassigned, an experiment
        send(Raw(b"\x3a\x00" + bytes(6) + bare), nh=unknown)
