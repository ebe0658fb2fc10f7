# SPDX-License-Identifier: BSD-3-Clause
# L2-3: with `layer2: { double-tags: inside }` two tags are looked behind: the outer one, of whichever kind, names the segment and is changed,
# the inner one stays. A session is of one inner VLAN: what it learned does not hold in another. Refusals are told with both
# tags. A third tag, an inner one that is none of 802.1Q or no VLAN, and one that would become the only tag are dropped.
# policy:   inside.yaml
# drops:    double-tag 2, tag-88a8 2, tag-9100 3, priority-tag 3, tcp-no-session 1, deny 1, reject 1, icmp-no-session 1
# leaves:   101>102 10, 102>101 4, made>101 1
# flows:    TCP web>app allow measure 1; UDP web>app allow measure 5; UDP web>bare allow measure 1; UDP web>app deny default 1; UDP web>app reject tell 1; ICMP web>app allow ping 1
from scapy.all import ICMP, TCP, UDP, Dot1Q, Ether, Raw

from wire import ip, mac_of, vlan_of


def double(a, b, packet, inner=7, outer=0x8100, prio=2):
    tags = Dot1Q(vlan=vlan_of(a), prio=5) / Dot1Q(vlan=inner, prio=prio)
    return Ether(src=mac_of(a), dst=mac_of(b), type=outer) / Raw(bytes(tags / packet))


def frames(w):
    for port, outer in ((1000, 0x8100), (1001, 0x88A8), (1002, 0x9100)):
        w.raw(double("web", "app", ip("web", "app") / UDP(sport=port, dport=5201) / b"x", outer=outer))
    # sessions do not mix: the same ends in another VLAN are others
    def tcp(a, b, flags, seq, ack, inner=7, evil=False):
        ports = (40000, 5201) if a == "web" else (5201, 40000)
        w.raw(double(a, b, ip(a, b) / TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq, ack=ack, window=1000), inner), evil)
    tcp("web", "app", "S", 100, 0)
    tcp("app", "web", "SA", 500, 101)
    tcp("web", "app", "A", 101, 501)
    tcp("app", "web", "FA", 501, 101, inner=8, evil=True)
    tcp("app", "web", "A", 501, 101)
    ping = ICMP(type=8, id=5, seq=1)
    w.raw(double("web", "app", ip("web", "app") / ping / b"x"))
    w.raw(double("app", "web", ip("app", "web") / ICMP(type=0, id=5, seq=1) / b"x", inner=9), evil=True)
    w.raw(double("app", "web", ip("app", "web") / ICMP(type=0, id=5, seq=1) / b"x"))
    # nor do fragments
    whole = bytes(ip("web", "app") / UDP(sport=1003, dport=5201) / (b"y" * 40))[20:]
    for inner in (7, 8):
        w.raw(double("web", "app", ip("web", "app", id=9, proto=17, flags="MF") / Raw(whole[:24]), inner=inner))
    for inner in (8, 7):
        w.raw(double("web", "app", ip("web", "app", id=9, proto=17, frag=3) / Raw(whole[24:]), inner=inner))
    # an error goes back into the VLAN of the session
    quoted = bytes(ip("web", "app") / UDP(sport=1000, dport=5201) / b"x")[:28]
    w.raw(double("app", "web", ip("app", "web") / ICMP(type=3, code=3) / Raw(quoted)))
    # refused
    w.raw(double("web", "app", ip("web", "app") / UDP(sport=1004, dport=53) / b"x"), evil=True)
    w.raw(double("web", "app", ip("web", "app") / UDP(sport=1005, dport=9) / b"x"), evil=True)
    # where the inner tag would be the only one
    w.raw(double("web", "db", ip("web", "db") / UDP(sport=1006, dport=5201) / b"x"), evil=True)
    # not two tags, or not such
    packet = ip("web", "app") / UDP(sport=1007, dport=5201) / b"x"
    w.raw(double("web", "app", Dot1Q(vlan=8) / packet), evil=True)
    for inner in (0, 4095):
        w.raw(double("web", "app", packet, inner=inner), evil=True)
    ether = Ether(src=mac_of("web"), dst=mac_of("app"))
    w.raw(ether / Dot1Q(vlan=101, type=0x88A8) / Raw(b"\x00\x66\x08\x00") / packet, evil=True)
    w.raw(ether / Dot1Q(vlan=0) / Dot1Q(vlan=7) / packet, evil=True)
    for outer in (0x88A8, 0x9100):
        w.raw(Ether(src=mac_of("web"), dst=mac_of("app"), type=outer) / Raw(b"\x00\x65\x08\x00") / packet, evil=True)
    for outer in (0x9200, 0x9300):
        w.raw(double("web", "app", packet, outer=outer), evil=True)
