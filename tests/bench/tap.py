# SPDX-License-Identifier: BSD-3-Clause
"""A tap port in a network namespace of its own, and frames from the kernel's side of it: the port of the bench that can interrupt."""

import ctypes
import os
import socket
import struct
import subprocess
import time

from programs import Failure

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_AUXDATA = 263, 8
AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata
VLAN_CLIENT, VLAN_SERVER = 101, 102
CLIENT, SERVER = bytes.fromhex("0200000000c1"), bytes.fromhex("0200000000d1")
MARK = b"bench of an idle worker"


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(vlan, ends, addresses, ports, payload):
    """A UDP datagram with its tag; its checksum left out, as IPv4 allows."""
    udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, *map(socket.inet_aton, addresses))
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return ends[1] + ends[0] + struct.pack(">HHH", 0x8100, vlan, 0x0800) + ip + udp


class Tap:
    """As a source: the driver makes the device with the port. One VLAN's frames go in, and come back with the other's tag."""
    name = "bench0"

    def __init__(self):
        self.namespace = f"bench-{os.getpid()}"
        self.socket = None

    def device(self):
        return "net_tap{n},iface=" + self.name

    def mbufs(self):
        return 16384

    def start(self, _):
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        # the kernel would greet the new device's neighbours
        subprocess.run(["ip", "netns", "exec", self.namespace, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"], check=True)

    def go(self, program):
        """Both ends are known to the program when it returns."""
        program.wait(20, program.linked, "a link")
        self.socket = self.open_socket()
        self.socket.settimeout(0.2)
        for _ in range(20):
            self.socket.send(frame(VLAN_SERVER, (SERVER, CLIENT), ("10.10.2.1", "10.10.1.1"), (5000, 4000), b"here I am"))
            if self.round_trip():
                return
        raise Failure("tap: no frame came back")

    def open_socket(self):
        """A packet socket inside the namespace; this thread is there only for as long."""
        with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{self.namespace}", "rb") as there:
            if LIBC.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                packets.bind((self.name, 3))
                packets.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            finally:
                LIBC.setns(home.fileno(), CLONE_NEWNET)
        return packets

    def round_trip(self):
        """Microseconds from a frame's sending to its coming back with the other tag; None: it did not."""
        out = frame(VLAN_CLIENT, (CLIENT, SERVER), ("10.10.1.1", "10.10.2.1"), (4000, 5000), MARK)
        began = time.perf_counter_ns()
        self.socket.send(out)
        try:
            while True:
                data, extra, _, address = self.socket.recvmsg(2048, 256)
                took = time.perf_counter_ns() - began
                if address[2] != socket.PACKET_OUTGOING and data.endswith(MARK):
                    break
        except TimeoutError:
            return None
        tags = [AUXDATA.unpack(value)[5] & 0xfff for level, kind, value in extra if (level, kind) == (SOL_PACKET, PACKET_AUXDATA)]
        if tags != [VLAN_SERVER]:
            raise Failure(f"tap: a frame came back with tag {tags}")
        return took / 1000

    def pings(self, count, pause):
        """Round trips, a pause before each."""
        list_ = []
        for _ in range(count):
            time.sleep(pause)
            if (took := self.round_trip()) is not None:
                list_.append(took)
        if len(list_) < 0.95 * count:
            raise Failure(f"tap: of {count} frames {len(list_)} came back")
        return list_

    def stop(self):
        if self.socket:
            self.socket.close()
        subprocess.run(["ip", "netns", "delete", self.namespace], check=False)
