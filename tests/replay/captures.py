#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make the captures that the replay tests run: the same bytes every time.

captures.py FOLDER writes tagged.pcap (four VLANs of policies/three-tier.yaml), plain.pcap (the same sessions
without tags, for --assign) and odd.pcap (frames that must be dropped, each under its own reason)."""

import random
import sys

from scapy.all import (ARP, DNS, DNSQR, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6EchoReply, ICMPv6EchoRequest,
                       ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6, Raw, fragment,
                       fragment6, IPv6ExtHdrFragment, wrpcap)

START = 1767225600.0  # 2026-01-01T00:00:00Z

HOSTS = {
    "web": (101, "02:00:00:00:01:01", "10.10.0.11", "2001:db8::11"),
    "app": (102, "02:00:00:00:02:01", "10.10.0.21", "2001:db8::21"),
    "db": (103, "02:00:00:00:03:01", "10.10.0.31", "2001:db8::31"),
    "gateway": (100, "02:00:00:00:00:01", "10.10.0.1", "2001:db8::1"),
}


class Capture:
    """Frames in order, a millisecond apart; tagged by the sender's segment or not at all."""

    def __init__(self, tagged):
        self.tagged = tagged
        self.frames = []
        self.now = START

    def put(self, sender, receiver, packet, vlan=None, destination=None):
        number, mac = HOSTS[sender][:2]
        ether = Ether(src=mac, dst=destination or HOSTS[receiver][1])
        if self.tagged:
            ether = ether / Dot1Q(vlan=vlan or number, prio=3)
        frame = Ether(bytes(ether / packet))
        frame.time = self.now
        self.now += 0.001
        self.frames.append(frame)

    def pause(self, seconds):
        self.now += seconds

    def ip(self, sender, receiver, v6=False, **fields):
        if v6:
            return IPv6(src=HOSTS[sender][3], dst=HOSTS[receiver][3], **fields)
        return IP(src=HOSTS[sender][2], dst=HOSTS[receiver][2], **fields)

    def tcp(self, client, server, sport, dport, exchange, v6=False, close=True):
        """A whole session: exchange is a list of (from_client, bytes)."""
        seq = {True: 1000 + sport, False: 500000 + dport}

        def send(from_client, flags, data=b""):
            a, b = (client, server) if from_client else (server, client)
            ports = (sport, dport) if from_client else (dport, sport)
            segment = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq[from_client],
                          ack=seq[not from_client] if "A" in flags else 0, window=64240,
                          options=[("MSS", 1460), ("WScale", 7)] if "S" in flags else [])
            self.put(a, b, self.ip(a, b, v6) / segment / Raw(data) if data else self.ip(a, b, v6) / segment)
            seq[from_client] += len(data) + ("S" in flags) + ("F" in flags)

        send(True, "S")
        send(False, "SA")
        send(True, "A")
        for from_client, data in exchange:
            send(from_client, "PA", data)
            send(not from_client, "A")
        if close:
            send(True, "FA")
            send(False, "FA")
            send(True, "A")

    def udp(self, client, server, sport, dport, query, answer, v6=False):
        self.put(client, server, self.ip(client, server, v6) / UDP(sport=sport, dport=dport) / query)
        self.put(server, client, self.ip(server, client, v6) / UDP(sport=dport, dport=sport) / answer)

    def arp(self, asker, asked):
        a, b = HOSTS[asker], HOSTS[asked]
        self.put(asker, asked, ARP(op=1, hwsrc=a[1], psrc=a[2], pdst=b[2]), destination="ff:ff:ff:ff:ff:ff")
        self.put(asked, asker, ARP(op=2, hwsrc=b[1], psrc=b[2], hwdst=a[1], pdst=a[2]))


HTTP = [(True, b"GET /index.html HTTP/1.1\r\nHost: app.shop.example\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"),
        (False, b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nhello\n")]
SSH = [(False, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), (True, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")]


def postgres():
    startup = b"\x00\x03\x00\x00user\x00postgres\x00database\x00shop\x00\x00"
    startup = (len(startup) + 4).to_bytes(4, "big") + startup
    return [(True, bytes.fromhex("0000000804d2162f")), (False, b"N"), (True, startup),
            (False, b"R\x00\x00\x00\x08\x00\x00\x00\x00"), (True, b"Q\x00\x00\x00\x0dselect 1\x00")]


def dns(name, answer=False):
    return DNS(id=77, qr=int(answer), rd=1, qd=DNSQR(qname=name))


def sessions(tagged):
    """What three machines and a gateway do in a minute."""
    c = Capture(tagged)
    if tagged:
        for pair in (("web", "app"), ("app", "db"), ("web", "gateway"), ("web", "db")):
            c.arp(*pair)
        solicited = "33:33:ff:00:00:21"
        c.put("web", "app", IPv6(src=HOSTS["web"][3], dst="ff02::1:ff00:21", hlim=255) /
              ICMPv6ND_NS(tgt=HOSTS["app"][3]) / ICMPv6NDOptSrcLLAddr(lladdr=HOSTS["web"][1]), destination=solicited)
        c.put("app", "web", IPv6(src=HOSTS["app"][3], dst=HOSTS["web"][3], hlim=255) /
              ICMPv6ND_NA(tgt=HOSTS["app"][3], R=0, S=1) / ICMPv6NDOptDstLLAddr(lladdr=HOSTS["app"][1]))
    c.tcp("web", "app", 40001, 8080, HTTP)
    c.tcp("web", "app", 40002, 8080, HTTP, v6=True)
    c.tcp("web", "app", 40003, 8080, SSH, close=False)  # refused: ssh on the HTTP port
    c.tcp("app", "db", 40004, 5432, postgres())
    c.tcp("app", "db", 40005, 5432, SSH, close=False)  # refused: ssh on the database's port
    c.tcp("web", "db", 40006, 5432, postgres(), close=False)  # refused: not from web
    c.udp("web", "gateway", 40007, 53, dns("shop.example"), dns("shop.example", True))
    for number in range(3):
        c.put("web", "app", c.ip("web", "app") / ICMP(type=8, id=9, seq=number) / Raw(b"x" * 56))
        c.put("app", "web", c.ip("app", "web") / ICMP(type=0, id=9, seq=number) / Raw(b"x" * 56))
    c.put("web", "app", c.ip("web", "app", True) / ICMPv6EchoRequest(id=9, seq=1, data=b"y" * 56))
    c.put("app", "web", c.ip("app", "web", True) / ICMPv6EchoReply(id=9, seq=1, data=b"y" * 56))
    # a large ping in fragments, the last one first; it is judged whole and leaves as it came
    big = c.ip("web", "app", id=4711) / ICMP(type=8, id=10, seq=1) / Raw(bytes(i & 255 for i in range(3000)))
    for piece in reversed(fragment(IP(bytes(big)), fragsize=1400)):
        c.put("web", "app", piece)
    big6 = IPv6(bytes(c.ip("web", "app", True) / IPv6ExtHdrFragment(id=4712) / ICMPv6EchoRequest(id=10, seq=1, data=b"z" * 3000)))
    for piece in fragment6(big6, 1400):
        c.put("web", "app", piece)
    c.pause(30)
    c.udp("web", "gateway", 40008, 53, dns("later.example"), dns("later.example", True))
    return c.frames


def odd():
    """Each frame meets a drop reason of its own."""
    c = Capture(True)
    rng = random.Random(1)
    good = c.ip("web", "app") / TCP(sport=1234, dport=8080, flags="S", seq=1)
    c.put("web", "app", good, vlan=200)  # unknown-vlan
    c.put("web", "app", IP(src="10.10.0.11", dst="10.10.0.11") / UDP(sport=1, dport=2))  # ip-land
    c.put("web", "app", IP(src="127.0.0.1", dst="10.10.0.21") / UDP(sport=1, dport=2))  # ip-martian
    c.put("web", "app", IP(src="10.10.0.11", dst="10.10.0.21", ttl=0) / UDP(sport=1, dport=2))  # ip-ttl
    c.put("web", "app", IP(src="10.10.0.11", dst="10.10.0.21", chksum=1) / UDP(sport=1, dport=2))  # ip-checksum
    c.put("web", "app", c.ip("web", "app") / TCP(sport=1234, dport=8080, flags="", seq=1))  # tcp-flags (null)
    c.put("web", "app", c.ip("web", "app") / TCP(sport=1234, dport=8080, flags="SF", seq=1))  # tcp-flags
    c.put("web", "app", c.ip("web", "app") / TCP(sport=1234, dport=8080, flags="S", chksum=1))  # l4-checksum
    c.put("web", "app", c.ip("web", "app") / TCP(sport=1235, dport=8080, flags="SA", seq=1, ack=1))  # tcp-no-session
    c.put("web", "app", c.ip("web", "app") / UDP(sport=5, dport=6, len=4) / Raw(b"abcd"))  # l4-length
    c.put("app", "web", c.ip("app", "web") / ICMP(type=0, id=99, seq=1))  # icmp-no-session
    c.put("web", "app", Raw(rng.randbytes(60)))  # made into a frame of an odd ethertype below
    c.frames[-1].getlayer(Dot1Q).type = 0x88b5  # ethertype
    return c.frames


def main():
    folder = sys.argv[1]
    tagged = sessions(True)
    wrpcap(f"{folder}/tagged.pcap", tagged)
    wrpcap(f"{folder}/plain.pcap", sessions(False))
    untagged = Ether(bytes(Ether(src=HOSTS["web"][1], dst=HOSTS["app"][1]) / IP(src="10.10.0.11", dst="10.10.0.21") / UDP(sport=1, dport=2)))
    untagged.time = START
    double = Ether(bytes(Ether(src=HOSTS["web"][1], dst=HOSTS["app"][1]) / Dot1Q(vlan=101) / Dot1Q(vlan=102) / IP(src="10.10.0.11", dst="10.10.0.21") / UDP(sport=1, dport=2)))
    double.time = START
    priority = Ether(bytes(Ether(src=HOSTS["web"][1], dst=HOSTS["app"][1]) / Dot1Q(vlan=0) / IP(src="10.10.0.11", dst="10.10.0.21") / UDP(sport=1, dport=2)))
    priority.time = START
    wrpcap(f"{folder}/odd.pcap", [untagged, double, priority] + odd())


if __name__ == "__main__":
    main()
