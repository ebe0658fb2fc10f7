# SPDX-License-Identifier: BSD-3-Clause
# APP-5: a session that begins with an HTTP request and goes on raw is http to nDPI, and stays let in: a documented limit (the
# README says so: a verdict by application is a strong hint, not a proof). What nDPI is shown as another from the start is not.
# policy:   budget.yaml
# drops:    deny 1
# leaves:   101>102 6, 102>101 3
# flows:    TCP web>app allow http application HTTP 1; TCP web>app deny default application SSH 1
from wire import HTTP, SSH, Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    t.client("PA", HTTP)
    t.server("PA", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    t.client("PA", b"\x80\x90\xa0" * 20)
    Tcp(w, sport=40001, dport=8080).open().client("PA", SSH, evil=True)
