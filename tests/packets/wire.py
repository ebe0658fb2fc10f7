# SPDX-License-Identifier: BSD-3-Clause
"""What the packet tests send: machines, a clock, and frames that may leave or must not.

A test is a file ROW-name.py with a header that `run` reads and a function frames(w). Each call of w.send() or w.evil() is one frame,
a millisecond after the one before it. What was sent must leave, every one; what is evil must not. The machines web,
app, db and gate are bound in policy.yaml, so that their places are known; web2, app2 and db2 are not."""

import struct

from scapy.all import IP, TCP, Dot1Q, Ether, IPv6, Raw

START = 1767225600.0  # 2026-01-01T00:00:00Z
EVERYBODY = "ff:ff:ff:ff:ff:ff"

HOSTS = {
    "gate": (100, "02:00:00:00:00:01", "10.10.0.1", "2001:db8::1"),
    "web": (101, "02:00:00:00:01:01", "10.10.0.11", "2001:db8::11"),
    "web2": (101, "02:00:00:00:01:02", "10.10.0.12", "2001:db8::12"),
    "app": (102, "02:00:00:00:02:01", "10.10.0.21", "2001:db8::21"),
    "app2": (102, "02:00:00:00:02:02", "10.10.0.22", "2001:db8::22"),
    "db": (103, "02:00:00:00:03:01", "10.10.0.31", "2001:db8::31"),
    "db2": (103, "02:00:00:00:03:02", "10.10.0.32", "2001:db8::32"),
}


def vlan_of(host):
    return HOSTS[host][0]


def mac_of(host):
    return HOSTS[host][1]


def ip_of(host):
    return HOSTS[host][2]


def ip6_of(host):
    return HOSTS[host][3]


def link_local(host):
    return "fe80::" + ip6_of(host).rsplit(":", 1)[1]


def ip(sender, receiver, **fields):
    return IP(src=ip_of(sender), dst=ip_of(receiver), **fields)


def ip6(sender, receiver, **fields):
    return IPv6(src=ip6_of(sender), dst=ip6_of(receiver), **fields)


class Wire:
    def __init__(self):
        self.frames = []  # (time, bytes, evil)
        self.now = START

    def raw(self, frame, evil=False, after=0.001):
        """A frame as it stands, tag and all."""
        self.frames.append((round(self.now, 6), bytes(frame), evil))
        self.now += after

    def frame(self, sender, receiver, packet, vlan=None, to=None, mac=None, kind=None):
        """Ethernet and tag: of the sender's segment, unless said otherwise."""
        tag = Dot1Q(vlan=vlan or vlan_of(sender), prio=3)
        if kind is not None:
            tag.type = kind
        return Ether(src=mac or mac_of(sender), dst=to or mac_of(receiver)) / tag / packet

    def send(self, sender, receiver, packet, after=0.001, **ether):
        """A frame that must leave."""
        self.raw(self.frame(sender, receiver, packet, **ether), False, after)

    def evil(self, sender, receiver, packet, after=0.001, **ether):
        """A frame of which no copy may leave."""
        self.raw(self.frame(sender, receiver, packet, **ether), True, after)

    def pause(self, seconds):
        self.now += seconds

    def save(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
            for time, data, _ in self.frames:
                micros = round(time * 1e6)
                f.write(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(data), len(data)) + data)


class Tcp:
    """Two ends of a connection. Each method sends one segment; fields of it can be bent, and bent ones do not advance."""

    def __init__(self, w, client="web", server="app", sport=40000, dport=5201, v6=False, isn=(1000, 5000), scale=7):
        self.w, self.ends, self.ports, self.v6, self.scale = w, (client, server), (sport, dport), v6, scale
        self.seq = list(isn)  # next of client, of server

    def segment(self, side, flags, data=b"", evil=False, keep=False, after=0.001, ether=None, ipfields=None, **fields):
        a, b = self.ends[side], self.ends[1 - side]
        fields.setdefault("seq", self.seq[side] & 0xFFFFFFFF)
        fields.setdefault("ack", self.seq[1 - side] & 0xFFFFFFFF if "A" in flags else 0)
        fields.setdefault("window", 64240)
        fields.setdefault("sport", self.ports[side])
        fields.setdefault("dport", self.ports[1 - side])
        if "S" in flags:
            scale = [] if self.scale is None else [("WScale", self.scale)]
            fields.setdefault("options", [("MSS", 1460)] + scale)
        for number in ("seq", "ack"):
            fields[number] &= 0xFFFFFFFF
        packet = (ip6 if self.v6 else ip)(a, b, **(ipfields or {})) / TCP(flags=flags, **fields)
        (self.w.evil if evil else self.w.send)(a, b, packet / Raw(data) if data else packet, after=after, **(ether or {}))
        if not evil and not keep:
            self.seq[side] += len(data) + ("S" in flags) + ("F" in flags)

    def client(self, flags, data=b"", **fields):
        self.segment(0, flags, data, **fields)

    def server(self, flags, data=b"", **fields):
        self.segment(1, flags, data, **fields)

    def open(self):
        self.client("S")
        self.server("SA")
        self.client("A")
        return self

    def close(self):
        self.client("FA")
        self.server("FA")
        self.client("A")


HTTP = b"GET /index.html HTTP/1.1\r\nHost: app.shop.example\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
