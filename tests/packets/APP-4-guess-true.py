# SPDX-License-Identifier: BSD-3-Clause
# APP-4: .. unless the policy says `guess: true`.
# policy:   guess.yaml
# drops:    none
# leaves:   101>102 11, 102>101 1
# flows:    TCP web>app allow ssh application SSH 1
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=22).open()
    for number in range(9):
        t.client("PA", bytes([200 + number, 7, 1]) * 5)
