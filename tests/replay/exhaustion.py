#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Captures for the tests of what happens when a resource is spent: exhaustion.py FOLDER

spent.pcap: one of each thing that needs room. flood.pcap: a SYN flood from web over sessions between app and db. day.pcap:
24 hours of short sessions of all protocols, most of them left to their timeouts; hour.pcap: its beginning."""
import random
import socket
import struct
import sys

from scapy.all import ICMP, IP, TCP, UDP, Raw, RawPcapWriter, fragment, wrpcap

from captures import HOSTS, HTTP, START, Capture


def spent():
    """13 frames of an HTTP session, 2 of a denied one, 3 of a fragmented ping, 1 to everybody."""
    c = Capture(True)
    c.arp("web", "app")
    c.tcp("web", "app", 40001, 8080, HTTP)
    c.udp("web", "app", 40002, 9999, Raw(b"no"), Raw(b"no"))
    ping = c.ip("web", "app", id=7) / ICMP(type=8, id=10, seq=1) / Raw(b"p" * 3000)
    for piece in fragment(IP(bytes(ping)), fragsize=1400):
        c.put("web", "app", piece)
    everybody = IP(src=HOSTS["web"][2], dst="255.255.255.255") / UDP(sport=5000, dport=5000) / Raw(b"hello")
    c.put("web", "app", everybody, destination="ff:ff:ff:ff:ff:ff")
    c.tcp("web", "app", 40003, 9998, [], close=False)  # rejected
    return c.frames


# Hundreds of thousands of frames: made by hand, for scapy would take minutes. The policy says `checksums: ignore`.

def tagged(sender, receiver, protocol, payload, source=None, fragmented=False):
    ip = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0x2000 if fragmented else 0, 64, protocol, 0,
                               socket.inet_aton(source or HOSTS[sender][2]), socket.inet_aton(HOSTS[receiver][2])))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip[10:12] = struct.pack("!H", ~((total & 0xffff) + (total >> 16)) & 0xffff)
    ether = bytes.fromhex((HOSTS[receiver][1] + HOSTS[sender][1]).replace(":", ""))
    return ether + struct.pack("!HHH", 0x8100, HOSTS[sender][0], 0x0800) + bytes(ip) + payload


def tcp(source, destination, flags, seq, ack, data=b""):
    return struct.pack("!HHIIBBHHH", source, destination, seq, ack, 5 << 4, flags, 64240, 1, 0) + data


def udp(source, destination, data):
    return struct.pack("!HHHH", source, destination, 8 + len(data), 0) + data


def icmp(kind, number):
    return struct.pack("!BBHHH", kind, 0, 1, number, 1)


FIN, SYN, PUSH, ACK = 1, 2, 8, 16
# a whole connection: from the client, flags, sequence number, acknowledgement
STEPS = ((True, SYN, 0, 0), (False, SYN | ACK, 0, 1), (True, ACK, 1, 1), (True, FIN | ACK, 1, 1), (False, FIN | ACK, 1, 2),
         (True, ACK, 2, 2))


def steps(client, server, port, service, count):
    for forth, flags, seq, ack in STEPS[:count]:
        a, b = (client, server) if forth else (server, client)
        yield tagged(a, b, 6, tcp(port if forth else service, service if forth else port, flags, seq, ack))


def flood():
    """20,000 SYN of web from changing ports and addresses; between them 1,000 whole sessions of app with db and one that lasts."""
    rng = random.Random(3)
    frames = list(steps("app", "db", 30000, 5432, 3))
    for number in range(1000):
        for _ in range(20):
            syn = tcp(rng.randrange(1024, 65535), rng.randrange(1, 65535), SYN, rng.randrange(1 << 32), 0)
            frames.append(tagged("web", "app", 6, syn, f"10.10.1.{rng.randrange(1, 250)}"))
        frames += steps("app", "db", 31000 + number, 5432, 6)
        frames.append(tagged("app", "db", 6, tcp(30000, 5432, PUSH | ACK, 1 + 100 * number, 1, b"x" * 100)))
        frames.append(tagged("db", "app", 6, tcp(5432, 30000, ACK, 1, 101 + 100 * number)))
    return [(START + i * 0.0002, frame) for i, frame in enumerate(frames)]


def day():
    """Something every 6 s: connections that are left at any step, questions with and without an answer, half fragments."""
    rng = random.Random(4)
    frames = []
    for at in range(int(START), int(START) + 86400, 6):
        port = rng.randrange(1024, 65536)
        some = list(steps("web", "app", port, 8080, rng.randrange(1, 7)))
        some.append(tagged("web", "app", 17, udp(port, 53, b"question")))
        if rng.randrange(2):
            some.append(tagged("app", "web", 17, udp(53, port, b"answer")))
        some.append(tagged("web", "app", 1, icmp(8, port)))
        some.append(tagged("app", "web", 1, icmp(0, port)))
        if at % 60 == 0:
            some.append(tagged("web", "app", 47, struct.pack("!HH", 0, 0x0800)))
            some.append(tagged("web", "db", 132, struct.pack("!HHIIBBHIIHHI", port, 9, 0, 0, 1, 0, 20, 1, 65536, 1, 1, 1)))
            some.append(tagged("db", "app", 17, udp(port, 53, b"f" * 992), fragmented=True))
        frames += [(at + i * 0.01, frame) for i, frame in enumerate(some)]
    # long after all timeouts, one more
    return frames + [(START + 86400 + 7200, tagged("web", "app", 1, icmp(8, 1)))]


def write(path, frames):
    writer = RawPcapWriter(path, linktype=1)
    writer.write_header(None)
    for at, frame in frames:
        writer.write_packet(frame, sec=int(at), usec=int(at % 1 * 1e6))
    writer.close()


folder = sys.argv[1]
wrpcap(f"{folder}/spent.pcap", spent())
write(f"{folder}/flood.pcap", flood())
whole = day()
write(f"{folder}/day.pcap", whole)
write(f"{folder}/hour.pcap", whole[: len(whole) // 24])
