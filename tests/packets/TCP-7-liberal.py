# SPDX-License-Identifier: BSD-3-Clause
# TCP-7: `flows.tcp: liberal` looks at no window, `checksums: ignore` at no checksum.
# policy:   liberal.yaml
# drops:    none
# leaves:   101>102 5, 102>101 1
# flows:    TCP web>app allow measure 1
from wire import Tcp


def frames(w):
    t = Tcp(w, scale=0).open()
    t.client("PA", b"far", seq=t.seq[0] + 200000, keep=True)
    t.client("PA", b"old", seq=t.seq[0] - 200000, keep=True)
    t.client("PA", b"decoy", chksum=1, keep=True)
