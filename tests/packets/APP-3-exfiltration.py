# SPDX-License-Identifier: BSD-3-Clause
# APP-3: bytes that leave while the verdict is pending are bounded (2 KiB here) and counted; so are the sessions whose budget
# ended: the frame that goes over it is refused already.
# policy:   budget.yaml
# drops:    deny 2
# leaves:   101>102 5, 102>101 1
# flows:    TCP web>app deny default 1
# counters: sessions.pending_expired=1
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    for number in range(5):
        t.client("PA", bytes(((i * 37 + number) & 255) | 128 for i in range(600)), evil=number >= 3)
        if number >= 3:
            t.seq[0] += 600
