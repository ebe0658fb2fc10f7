# SPDX-License-Identifier: BSD-3-Clause
# TCP-3: what scanners send first: SYN+ACK, FIN, RST, null, Xmas, SYN+FIN, SYN+RST, FIN without ACK. No session begins.
# drops:    tcp-flags 5, tcp-no-session 4
# leaves:   none
# flows:    none
# counters: sessions.created=0
from wire import Tcp


def frames(w):
    t = Tcp(w)
    for flags in ("", "FPU", "SF", "SR", "F"):
        t.client(flags, evil=True)
    for flags in ("SA", "FA", "R", "RA"):
        t.client(flags, evil=True)
