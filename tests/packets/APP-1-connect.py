# SPDX-License-Identifier: BSD-3-Clause
# APP-1: what a proxy is asked to carry by CONNECT is looked at when nDPI is done with the request: the rules let TLS through, and SSH
# never comes to its far end, whoever speaks first.
# policy:   tunnel.yaml
# drops:    deny 3
# leaves:   101>102 10, 102>101 6
# flows:    TCP web>app deny no-ssh application SSH 2; TCP web>app allow tls application TLS 1
# counters: sessions.application_changes=3
from tls import hello
from wire import SSH, Tcp

CONNECT = b"CONNECT db.example:22 HTTP/1.1\r\nHost: db.example:22\r\n\r\n"
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def tunnel(w, sport):
    t = Tcp(w, sport=sport, dport=3128).open()
    t.client("PA", CONNECT)
    t.server("PA", CONNECTED)
    return t


def frames(w):
    t = tunnel(w, 40000)
    t.client("PA", SSH, evil=True)
    t = tunnel(w, 40001)
    t.server("PA", SSH, evil=True)
    t.client("PA", SSH, evil=True)
    t = tunnel(w, 40002)
    t.client("PA", hello("inside.example"))
