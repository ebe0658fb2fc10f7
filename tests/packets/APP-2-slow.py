# SPDX-License-Identifier: BSD-3-Clause
# APP-2: .. and of time: ten seconds after its first byte the question is answered.
# policy:   budget.yaml
# drops:    deny 1
# leaves:   101>102 3, 102>101 1
# flows:    TCP web>app deny default 1
# counters: sessions.pending_expired=1
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    t.client("PA", b"XYZ")
    w.pause(11)
    t.client("PA", b"ABC", evil=True)
