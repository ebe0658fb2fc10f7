# SPDX-License-Identifier: BSD-3-Clause
# TCP-4: the ports of a closed connection are used again by a SYN with a higher sequence number: a new session, judged and classified
# anew (http first, then ssh, which is refused). An old SYN is no new connection.
# drops:    deny 1, tcp-state 1
# leaves:   101>102 8, 102>101 4
# flows:    TCP web>app allow web-to-app application HTTP 1; TCP web>app deny default application SSH 1
from wire import HTTP, SSH, Tcp


def frames(w):
    t = Tcp(w, dport=8080).open()
    t.client("PA", HTTP)
    t.server("PA", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    t.close()
    t.client("S", seq=500, evil=True)
    t = Tcp(w, dport=8080, isn=(90000, 700000)).open()
    t.client("A")
    t.server("PA", SSH, evil=True)
