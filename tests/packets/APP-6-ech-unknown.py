# SPDX-License-Identifier: BSD-3-Clause
# APP-6: with `ech: unknown` the cover name matches no allow and every deny that asks for a name; without the extension it is believed.
# policy:   ech-unknown.yaml
# drops:    deny 2
# leaves:   101>102 7, 102>101 3
# flows:    TCP web>app deny default 1; TCP web>app deny not-there 1; TCP web>app allow cover 1
from tls import ECH, extension, hello
from wire import Tcp


def frames(w):
    covered = hello("cover.example", extension(0xFE0D, ECH))
    Tcp(w, sport=40000, dport=443).open().client("PA", covered, evil=True)
    Tcp(w, sport=40001, dport=8443).open().client("PA", covered, evil=True)
    Tcp(w, sport=40002, dport=443).open().client("PA", hello("cover.example"))
