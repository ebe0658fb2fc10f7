# SPDX-License-Identifier: BSD-3-Clause
# APP-1: an HTTP connection that is upgraded goes on as what it then is, also after some ordinary requests.
# policy:   tunnel.yaml
# drops:    deny 1
# leaves:   101>102 6, 102>101 5
# flows:    TCP web>app deny no-ssh application SSH 1
# counters: sessions.application_changes=1
from wire import HTTP, SSH, Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    for _ in range(3):
        t.client("PA", HTTP)
        t.server("PA", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
    t.client("PA", b"GET /shell HTTP/1.1\r\nHost: app.shop.example\r\nConnection: Upgrade\r\nUpgrade: ssh\r\n\r\n")
    t.server("PA", b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ssh\r\n\r\n")
    t.client("PA", SSH, evil=True)
