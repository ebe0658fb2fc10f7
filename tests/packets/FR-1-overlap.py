# SPDX-License-Identifier: BSD-3-Clause
# FR-1: overlapping fragments, in the middle, of the first, of the last, or with two ends (RFC 5722): the whole set dies, and what
# is still to come of it within the timeout; a set of another identification is not touched.
# drops:    fragment-bad 3, fragment-overlap 11
# leaves:   101>102 2
# flows:    UDP web>app allow measure 1
from scapy.all import IP, UDP, Raw

from wire import ip


def frames(w):
    whole = bytes(IP(bytes(ip("web", "app") / UDP(sport=1000, dport=5201) / Raw(bytes(72)))))[20:]

    def piece(send, number, start, end, more=True, data=None):
        send("web", "app", ip("web", "app", id=number, proto=17, frag=start // 8, flags="MF" if more else 0) /
             Raw(data or whole[start:end]))

    for start, end, more in ((0, 32, True), (24, 56, True), (56, 80, False)):  # partly
        piece(w.evil, 1, start, end, more)
    for start, end, more in ((0, 48, True), (16, 32, True), (48, 80, False)):  # within
        piece(w.evil, 2, start, end, more)
    piece(w.evil, 3, 0, 40)  # the same place, other bytes
    piece(w.evil, 3, 0, 40, data=b"\xff" * 40)
    piece(w.evil, 3, 40, 80, False)
    piece(w.evil, 4, 40, 80, False)  # the last one, covered again
    piece(w.evil, 4, 32, 48)
    piece(w.evil, 5, 40, 72, False)
    piece(w.evil, 5, 72, 80)  # data behind the end
    piece(w.evil, 5, 0, 40)
    piece(w.send, 6, 0, 40)
    piece(w.send, 6, 40, 80, False)
