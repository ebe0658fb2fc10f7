# SPDX-License-Identifier: BSD-3-Clause
# APP-6: under TLS ECH the outer server name is a cover: it is what can be seen, and what rules match by default. The true name is not
# known here, nor anywhere on the path.
# policy:   budget.yaml
# drops:    none
# leaves:   101>102 3, 102>101 1
# flows:    TCP web>app allow cover 1
from tls import ECH, extension, hello
from wire import Tcp


def frames(w):
    Tcp(w, dport=443).open().client("PA", hello("cover.example", extension(0xFE0D, ECH)))
