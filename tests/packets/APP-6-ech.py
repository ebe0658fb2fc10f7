# SPDX-License-Identifier: BSD-3-Clause
# APP-6: under TLS ECH the outer server name is a cover: it is what can be seen, and what rules match. The true name is not known here,
# nor anywhere on the path; an option for it is not built.
# policy:   budget.yaml
# drops:    none
# leaves:   101>102 3, 102>101 1
# flows:    TCP web>app allow cover 1
from wire import Tcp


def extension(number, data):
    return number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def hello(name):
    host = name.encode()
    sni = (len(host) + 3).to_bytes(2, "big") + b"\x00" + len(host).to_bytes(2, "big") + host
    extensions = (extension(0, sni) + extension(0x002B, b"\x02\x03\x04") + extension(0x000A, b"\x00\x02\x00\x1d") +
                  extension(0x000D, b"\x00\x02\x04\x03") + extension(0xFE0D, b"\x00\x00\x01\x00\x01\x07\x00\x20" + bytes(32) +
                                                                    b"\x00\x40" + b"\xab" * 64))
    body = (b"\x03\x03" + bytes(range(32)) + b"\x20" + bytes(range(32)) + b"\x00\x04\x13\x01\x13\x02" + b"\x01\x00" +
            len(extensions).to_bytes(2, "big") + extensions)
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake


def frames(w):
    Tcp(w, dport=443).open().client("PA", hello("cover.example"))
