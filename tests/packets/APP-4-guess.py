# SPDX-License-Identifier: BSD-3-Clause
# APP-4: port 22 makes no SSH: what nDPI only guesses by port is shown in the record and matches no rule.
# policy:   budget.yaml
# drops:    deny 2
# leaves:   101>102 9, 102>101 1
# flows:    TCP web>app deny default application SSH 1
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=22).open()
    for number in range(9):
        t.client("PA", bytes([200 + number, 7, 1]) * 5, evil=number >= 7)
        if number >= 7:
            t.seq[0] += 15
