# SPDX-License-Identifier: BSD-3-Clause
# APP-1: what a session becomes within its first packets is judged again at once: an SSH banner on the mail port ends the
# session, and its later frames with it.
# policy:   budget.yaml
# drops:    deny 2
# leaves:   101>102 2, 102>101 1
# flows:    TCP web>app deny default application SSH 1
from wire import SSH, Tcp


def frames(w):
    t = Tcp(w, dport=25).open()
    t.server("PA", SSH, evil=True)
    t.client("PA", SSH, evil=True)
