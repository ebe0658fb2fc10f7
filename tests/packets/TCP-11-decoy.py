# SPDX-License-Identifier: BSD-3-Clause
# TCP-11: a decoy with a wrong checksum, that the server will not take: it neither moves the window nor reaches nDPI. What follows is
# judged as if it had not been there.
# drops:    deny 1, l4-checksum 3
# leaves:   101>102 2, 102>101 1
# flows:    TCP web>app deny default application SSH 1
from wire import HTTP, SSH, Tcp


def frames(w):
    t = Tcp(w, dport=8080)
    t.client("S", chksum=1, evil=True)
    t.open()
    t.client("PA", HTTP, chksum=1, evil=True)
    t.client("R", chksum=1, evil=True)
    t.client("PA", SSH, evil=True)
