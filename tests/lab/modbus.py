#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""modbus.py PORT: a Modbus/TCP server whose holding registers all hold 1234."""
import socketserver
import struct
import sys


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while header := self.rfile.read(8):
            transaction, _, length, unit, function = struct.unpack(">HHHBB", header)
            count = struct.unpack(">HH", self.rfile.read(length - 2))[1]
            answer = struct.pack(">BBB", unit, function, 2 * count) + struct.pack(">H", 1234) * count
            self.wfile.write(struct.pack(">HHH", transaction, 0, len(answer)) + answer)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


Server(("", int(sys.argv[1])), Handler).serve_forever()
