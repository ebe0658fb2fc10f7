# SPDX-License-Identifier: BSD-3-Clause
# APP-6: with `ech: deny` the frame that shows the extension is refused, and its session with it: also when the hello comes in two
# segments, of which the first tells nothing. A rule that lets all in is no help.
# policy:   ech-deny.yaml
# drops:    ech 5
# leaves:   101>102 10, 102>101 4
# flows:    TCP web>app deny default 3; TCP web>app allow tls 1
from tls import ECH, extension, hello
from wire import Tcp


def frames(w):
    covered = hello("cover.example", extension(0xFE0D, ECH))
    t = Tcp(w, sport=40000, dport=443).open()
    t.client("PA", covered, evil=True)
    t.server("A", evil=True)
    t = Tcp(w, sport=40001, dport=443).open()
    t.client("A", covered[:120])
    t.client("PA", covered[120:], evil=True)
    t.server("A", evil=True)
    Tcp(w, sport=40002, dport=443).open().client("PA", hello("cover.example"))
    # a warning in front of it, in the same segment
    t = Tcp(w, sport=40003, dport=443).open()
    t.client("PA", b"\x15\x03\x01\x00\x02\x01\x5a" + covered, evil=True)
