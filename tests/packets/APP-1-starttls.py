# SPDX-License-Identifier: BSD-3-Clause
# APP-1: STARTTLS: what begins as mail goes on in TLS. nDPI's extra dissection follows SMTP, IMAP, POP and FTP; the carrier is
# what the rule asked for, and the session stays allowed.
# policy:   budget.yaml
# drops:    none
# leaves:   101>102 5, 102>101 5
# flows:    TCP web>app allow mail 1
from wire import Tcp


def frames(w):
    t = Tcp(w, dport=25).open()
    t.server("PA", b"220 mail.shop.example ESMTP Postfix\r\n")
    t.client("PA", b"EHLO web.shop.example\r\n")
    t.server("PA", b"250-mail.shop.example\r\n250 STARTTLS\r\n")
    t.client("PA", b"STARTTLS\r\n")
    t.server("PA", b"220 2.0.0 Ready to start TLS\r\n")
    t.client("PA", b"\x16\x03\x01\x00\x10\x01\x00\x00\x0c\x03\x03" + bytes(10))
    t.server("A")
