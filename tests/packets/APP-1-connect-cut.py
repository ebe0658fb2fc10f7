# SPDX-License-Identifier: BSD-3-Clause
# APP-1: .. also if its ClientHello comes in two segments: the one that shows the name is subject to the answer.
# policy:   tunnel.yaml
# drops:    deny 2
# leaves:   101>102 4, 102>101 2
# flows:    TCP web>app deny default application TLS 1
# counters: sessions.application_changes=1
from tls import hello
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=3128).open()
    t.client("PA", b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n")
    t.server("PA", b"HTTP/1.1 200 Connection established\r\n\r\n")
    message = hello("other.example")
    t.client("A", message[:100])
    t.client("PA", message[100:], evil=True)
    t.server("A", evil=True)
