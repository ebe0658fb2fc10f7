# SPDX-License-Identifier: BSD-3-Clause
# APP-7: QUIC is recognised by its Initial packets alone: a 5-tuple that begins in the midst of a connection (a migrated one) is not
# QUIC but unknown. Denying both is what makes a browser fall back to TCP.
# policy:   budget.yaml
# drops:    deny 3
# leaves:   101>102 7
# flows:    UDP web>app deny not-quic 1
from scapy.all import UDP

from wire import ip


def frames(w):
    for number in range(10):
        send = w.send if number < 7 else w.evil
        send("web", "app", ip("web", "app") / UDP(sport=1000, dport=443) /
             (bytes([0x40 | number & 3]) + bytes((number * 91 + i * 57 + 13) & 255 for i in range(80))))
