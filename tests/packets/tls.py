# SPDX-License-Identifier: BSD-3-Clause
"""ClientHellos, made by hand."""

ECH = b"\x00\x00\x01\x00\x01\x07\x00\x20" + bytes(32) + b"\x00\x40" + b"\xab" * 64


def extension(number, data):
    return number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def hello(name, *more):
    """A record with a ClientHello of TLS 1.3 for a server name; more: further extensions."""
    host = name.encode()
    sni = (len(host) + 3).to_bytes(2, "big") + b"\x00" + len(host).to_bytes(2, "big") + host
    extensions = (extension(0, sni) + extension(0x002B, b"\x02\x03\x04") + extension(0x000A, b"\x00\x02\x00\x1d") +
                  extension(0x000D, b"\x00\x02\x04\x03") + b"".join(more))
    body = (b"\x03\x03" + bytes(range(32)) + b"\x20" + bytes(range(32)) + b"\x00\x04\x13\x01\x13\x02" + b"\x01\x00" +
            len(extensions).to_bytes(2, "big") + extensions)
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake
