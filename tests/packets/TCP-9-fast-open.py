# SPDX-License-Identifier: BSD-3-Clause
# TCP-9: data in a SYN (Fast Open, RFC 7413) passes and nDPI sees it: what it says is judged, whether the server takes it or not.
# drops:    deny 1
# leaves:   101>102 2, 102>101 2
# flows:    TCP web>app allow web-to-app application HTTP 1; TCP web>app deny default application SSH 1
from wire import HTTP, SSH, Tcp


def frames(w):
    t = Tcp(w, sport=40000, dport=8080)
    t.client("S", HTTP)
    t.server("SA")
    t.client("A")
    t.server("PA", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    t = Tcp(w, sport=40001, dport=8080)
    t.client("S", SSH, evil=True)
