# SPDX-License-Identifier: BSD-3-Clause
# APP-8: a fully encrypted protocol is no application: unknown, and the rules say what that means (here a port of its own lets it in).
# policy:   budget.yaml
# drops:    deny 1
# leaves:   101>102 19, 102>101 2
# flows:    TCP web>app allow unknown 1; TCP web>app deny default 1
import random

from wire import Tcp


def frames(w):
    noise = random.Random(8)
    for port, last in ((9000, 8), (8080, 7)):
        t = Tcp(w, sport=30000 + port, dport=port).open()
        for number in range(8):
            t.client("PA", noise.randbytes(60), evil=number >= last)
