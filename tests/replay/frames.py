# SPDX-License-Identifier: BSD-3-Clause
"""Captures as lists of frames, and what stands in a frame: the reading side of tests/replay/agreement.

Nothing of the dataplane is used, so that what it says of a capture can be held against something else."""

import ipaddress
import struct
from collections import namedtuple

# link type of a capture: (bytes before the ethertype or None, ethertype if there is none, bytes before layer 3)
LINKS = {
    0: (None, None, 4),  # BSD loopback: layer 3 tells its version itself
    12: (None, None, 0),  # raw IP, by four numbers
    14: (None, None, 0),
    101: (None, None, 0),
    108: (None, None, 4),
    228: (None, 0x0800, 0),
    229: (None, 0x86DD, 0),
    9: (2, None, 4),  # PPP in HDLC framing
    50: (2, None, 4),
    104: (2, None, 4),  # Cisco HDLC
    113: (14, None, 16),  # Linux "cooked"
    276: (0, None, 20),
}
ETHERNET = 1
HOST = b"\x02\0\0\0\0\x01"
PPP = {0x0021: 0x0800, 0x0057: 0x86DD}

ICMP_ERRORS = {1: {3, 4, 5, 11, 12}, 58: {1, 2, 3, 4}}
TUNNELS = {4: "IP in IP", 41: "IPv6 in IPv4", 47: "GRE", 115: "L2TP"}

Frame = namedtuple("Frame", "time link data length")  # time in microseconds; data may be shorter than length
# One IP packet found in a frame. `inside`: names of what it was wrapped in, empty for the frame's own
Packet = namedtuple("Packet", "proto src dst sport dport vlan fragment error inside seq payload")


# ---- files ----

def read_pcap(data):
    order = ">" if data[:4] in (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d") else "<"
    nano = b"\x3c\x4d" in (data[2:4], data[:2][::-1]) and data[:4] in (b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1")
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, part, kept, length = struct.unpack_from(order + "4I", data, at)
        at += 16
        if kept > len(data) - at:
            return
        yield Frame(seconds * 1000000 + (part // 1000 if nano else part), link, data[at:at + kept], length)
        at += kept


def option_resolution(data, order):
    """Units of a second in which an interface tells the time (option if_tsresol); 10^6 unless told."""
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from(order + "2H", data, at)
        if code == 9 and length >= 1:
            value = data[at + 4]
            return 2 ** (value & 127) if value & 128 else 10 ** value
        if code == 0:
            break
        at += 4 + (length + 3) // 4 * 4
    return 1000000


def read_pcapng(data):
    order, interfaces, at = "<", [], 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, size = struct.unpack_from(order + "2I", data, at)
        if size < 12 or size % 4 or at + size > len(data):
            return
        body = data[at + 8:at + size - 4]
        if kind == 1:
            interfaces.append((struct.unpack_from(order + "H", body)[0], option_resolution(body[8:], order)))
        elif kind == 6:
            which, high, low, kept, length = struct.unpack_from(order + "5I", body)
            link, units = interfaces[which]
            yield Frame((high << 32 | low) * 1000000 // units, link, body[20:20 + kept], length)
        elif kind == 3 and interfaces:
            length = struct.unpack_from(order + "I", body)[0]
            yield Frame(0, interfaces[0][0], body[4:4 + min(length, len(body) - 4)], length)
        at += size


def read_frames(path):
    with open(path, "rb") as file:
        data = file.read()
    return list((read_pcapng if data[:4] == b"\x0a\x0d\x0d\x0a" else read_pcap)(data))


def to_ethernet(frame):
    """The frame with an Ethernet header, as a port of the appliance would get it; None: it carries no IP."""
    if frame.link == ETHERNET:
        source = frame.data[6:12]
        if len(source) < 6 or any(source) and not source[0] & 1:
            return frame
        # of a loopback interface, or made anonymous: no machine has such an address
        return frame._replace(data=frame.data[:6] + HOST + frame.data[12:])
    if frame.link not in LINKS:
        return None
    type_at, ethertype, begin = LINKS[frame.link]
    packet = frame.data[begin:]
    if not packet:
        return None
    if type_at is not None:
        ethertype = int.from_bytes(frame.data[type_at:type_at + 2], "big")
        ethertype = PPP.get(ethertype, ethertype)
    elif ethertype is None:
        ethertype = {4: 0x0800, 6: 0x86DD}.get(packet[0] >> 4)
    if ethertype is None:
        return None
    header = b"\x02\0\0\0\0\x02" + HOST + struct.pack(">H", ethertype)
    return Frame(frame.time, ETHERNET, header + packet, len(header) + frame.length - begin)


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, ETHERNET))
        for frame in frames:
            file.write(struct.pack("<4I", frame.time // 1000000, frame.time % 1000000, len(frame.data), frame.length))
            file.write(frame.data)


# ---- packets ----

def address(data):
    return str(ipaddress.ip_address(data))


def read_transport(proto, data, common, fragment, inside):
    """common: source, destination and VLAN of the packet around it."""
    src, dst, vlan = common
    sport = dport = seq = payload = 0
    if proto in (6, 17, 132, 33, 136) and not fragment & 0x1FFF and len(data) >= 4:
        sport, dport = struct.unpack_from(">2H", data)
    if proto == 6 and len(data) >= 20 and not fragment & 0x1FFF:
        seq = struct.unpack_from(">I", data, 4)[0]
        payload = max(0, len(data) - (data[12] >> 4) * 4)
    error = proto in ICMP_ERRORS and bool(data) and data[0] in ICMP_ERRORS[proto]
    yield Packet(proto, src, dst, sport, dport, vlan, bool(fragment), error, inside, seq, payload)
    if fragment & 0x1FFF:
        return
    if proto in (4, 41):
        yield from read_ip(data, vlan, inside + (TUNNELS[proto],))
    elif proto == 47 and len(data) >= 4:
        flags, inner = struct.unpack_from(">2H", data)
        size = 4 + 4 * bin(flags & 0xB000).count("1") + (4 if flags & 0x0080 and flags & 7 == 1 else 0)
        yield from read_type(inner, data[size:], vlan, inside + (TUNNELS[47],))
    elif proto == 17:
        yield from read_udp_tunnel(sport, dport, data[8:], vlan, inside)


def read_udp_tunnel(sport, dport, data, vlan, inside):
    ports = {sport, dport}
    if 2152 in ports and len(data) >= 8 and data[0] >> 5 == 1 and data[1] == 0xFF:
        yield from read_ip(data[12 if data[0] & 7 else 8:], vlan, inside + ("GTP-U",))
    elif dport == 4789 and len(data) >= 22 and data[0] & 8:
        yield from read_ethernet(data[8:], inside + ("VXLAN",))
    elif dport == 37008 and len(data) >= 18:
        yield from read_ethernet(data[4:], inside + ("TZSP",))
    elif 5247 in ports and len(data) >= 24:
        at = data.find(b"\xaa\xaa\x03\0\0\0", 8, 96)
        if at > 0:
            yield from read_type(int.from_bytes(data[at + 6:at + 8], "big"), data[at + 8:], vlan, inside + ("CAPWAP",))


def read_ip(data, vlan, inside):
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= 20:
        header, length = (data[0] & 15) * 4, struct.unpack_from(">H", data, 2)[0]
        fragment = struct.unpack_from(">H", data, 6)[0] & 0x3FFF
        end = length if length >= header else len(data)
        common = (address(data[12:16]), address(data[16:20]), vlan)
        yield from read_transport(data[9], data[header:end], common, fragment, inside)
    elif version == 6 and len(data) >= 40:
        length, proto = struct.unpack_from(">HB", data, 4)
        rest, fragment = data[40:40 + length] if length else data[40:], 0
        while proto in (0, 43, 44, 60) and len(rest) >= 8:
            if proto == 44:
                word = struct.unpack_from(">H", rest, 2)[0]
                fragment = word >> 3 | (word & 1) << 13
            size = 8 if proto == 44 else 8 + rest[1] * 8
            proto, rest = rest[0], rest[size:]
        yield from read_transport(proto, rest, (address(data[8:24]), address(data[24:40]), vlan), fragment, inside)


def read_type(ethertype, data, vlan, inside):
    if ethertype in (0x8100, 0x88A8, 0x9100) and len(data) >= 4:
        tci, inner = struct.unpack_from(">2H", data)
        yield from read_type(inner, data[4:], tci & 0xFFF, inside + (("a second VLAN tag",) if vlan else ()))
    elif ethertype in (0x0800, 0x86DD):
        yield from read_ip(data, vlan, inside)
    elif ethertype in (0x8847, 0x8848):
        at = 0
        while at + 4 <= len(data) and not data[at + 2] & 1:
            at += 4
        yield from read_ip(data[at + 4:], vlan, inside + ("MPLS",))
    elif ethertype == 0x8864 and len(data) >= 8:
        kind = PPP.get(int.from_bytes(data[6:8], "big"))
        if kind:
            yield from read_type(kind, data[8:], vlan, inside + ("PPPoE",))
    elif ethertype == 0x6558:
        yield from read_ethernet(data, inside)
    elif ethertype == 0x880B and len(data) >= 4:
        yield from read_ip(data[2 if data[0] == 0 else 4:], vlan, inside + ("PPP",))


def read_ethernet(data, inside=()):
    if len(data) < 14:
        return
    ethertype = int.from_bytes(data[12:14], "big")
    if ethertype < 1536 and data[14:20] == b"\xaa\xaa\x03\0\0\0" and len(data) >= 22:
        yield from read_type(int.from_bytes(data[20:22], "big"), data[22:], 0, inside + ("LLC/SNAP",))
    else:
        yield from read_type(ethertype, data[14:], 0, inside)


def packets_of(frame):
    """Every IP packet in an Ethernet frame, outermost first; of a frame that says that it is something else, what it
    would be if it were IPv4: nDPI's reader does not ask."""
    found = list(read_ethernet(frame.data))
    if not found and len(frame.data) >= 34 and frame.data[14] >> 4 == 4:
        found = list(read_ip(frame.data[14:], 0, (f"ethertype 0x{frame.data[12:14].hex()}, which is not IP",)))
    return found
