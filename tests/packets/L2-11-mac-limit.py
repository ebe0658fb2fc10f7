# SPDX-License-Identifier: BSD-3-Clause
# L2-11: more machines than a segment may have: what is known stays and goes on, a bound machine always has room, the new one is
# not learned and not let in. The appliance's own table, when full, is the unit test's.
# policy:   limits.yaml
# drops:    mac-limit 2
# leaves:   101>102 4
# flows:    UDP web>app allow measure 4
from scapy.all import IP, UDP

from wire import ip_of


def frames(w):
    def talk(send, number, mac=None):
        packet = IP(src=f"10.10.0.{number}", dst=ip_of("app")) / UDP(sport=1000 + len(w.frames), dport=5201) / b"x"
        send("web", "app", packet, mac=mac or f"02:00:00:00:01:{number:02x}")

    talk(w.send, 50)
    talk(w.send, 51)
    talk(w.evil, 52)
    talk(w.send, 11, "02:00:00:00:01:01")
    talk(w.evil, 53)
    talk(w.send, 50)
