# SPDX-License-Identifier: BSD-3-Clause
# TCP-10: the same bytes of the stream sent twice with different contents, while nDPI looks: who takes the second copy sees another
# protocol than was recognised. Counted, and the exception policy answers: `dpi: unknown` makes the application unknown.
# drops:    deny 1
# leaves:   101>102 3, 102>101 1
# flows:    TCP web>app deny default 1
# counters: sessions.conflicts=1
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    t.client("PA", b"GE")
    t.client("PA", b"SS", seq=t.seq[0] - 2, evil=True)
