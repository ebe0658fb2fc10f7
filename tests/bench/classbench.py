#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Filter sets of packet-classification literature as policies and captures.

ClassBench (Taylor, Turner: "ClassBench: A Packet Classification Benchmark", IEEE/ACM ToN 15(3), 2007) writes a filter a line,
the first that matches wins:

    @SIP/LEN DIP/LEN LO : HI LO : HI PROTO/MASK [FLAGS/MASK]

and a trace a header a line: SIP DIP SPORT DPORT PROTO [anything], all decimal.

  classbench.py policy FILTERS           the policy: two segments, rule rN for line N; TCP flags are left out
  classbench.py capture TRACE OUT.pcap   the trace's headers as frames from segment left to segment right
  classbench.py filters FAMILY COUNT [SEED]   a set with the structure of the families acl, fw or ipc
  classbench.py trace FILTERS COUNT [SEED]    headers from random corners of random filters, as ClassBench's own generator does
  classbench.py compare TRACE RULES FLOWS     flow records against RULES, the number of the filter for each header (-1: none)

What a policy can not say: a filter that asks for ports of a protocol other than TCP, UDP and SCTP. Such a filter is written for these three.
"""
import itertools
import json
import random
import re
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "replay"))
from frames import ETHERNET, Frame, write_pcap  # noqa: E402

FILTER = re.compile(
    r"@?\s*([\d.]+)/(\d+)\s+([\d.]+)/(\d+)\s+(\d+)\s*:\s*(\d+)\s+(\d+)\s*:\s*(\d+)\s+(0x[\da-fA-F]+|\d+)/(0x[\da-fA-F]+|\d+)")
TCP, UDP, SCTP = 6, 17, 132


def fail(text):
    sys.exit("classbench.py: " + text)


def address(text, where):
    parts = text.split(".")
    if len(parts) != 4 or any(not p.isdigit() or int(p) > 255 for p in parts):
        fail(f"{where}: {text} is no IPv4 address")
    return int.from_bytes(bytes(map(int, parts)), "big")


def dotted(value):
    return ".".join(map(str, value.to_bytes(4, "big")))


def prefix(text, length, where):
    length = int(length)
    if length > 32:
        fail(f"{where}: a prefix of {length} bits")
    mask = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    return address(text, where) & mask, length


def read_filters(path):
    """[(sip, slen, dip, dlen, slo, shi, dlo, dhi, protocol or None)], in order."""
    filters = []
    with open(path, encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            where = f"{path}:{number}"
            match = FILTER.match(line.strip())
            if not match:
                fail(f"{where}: expected @SIP/LEN DIP/LEN LO : HI LO : HI PROTO/MASK FLAGS/MASK")
            g = match.groups()
            ports = tuple(map(int, g[4:8]))
            if max(ports) > 65535 or ports[0] > ports[1] or ports[2] > ports[3]:
                fail(f"{where}: a range of ports is wrong")
            protocol, mask = int(g[8], 0), int(g[9], 0)
            if mask not in (0, 0xFF) or protocol > 255:
                fail(f"{where}: protocol {g[8]}/{g[9]}: the mask is 0xFF or 0x00")
            filters.append(prefix(g[0], g[1], where) + prefix(g[2], g[3], where) + ports + (protocol if mask else None,))
    if not filters:
        fail(f"{path} has no filters")
    return filters


def service(low, high, protocol):
    """The words for a destination range; None: any."""
    names = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}
    wanted = [protocol] if protocol in names else list(names)
    ports = str(low) if low == high else f"{low}-{high}"
    return [f"{names[p]}/{ports}" for p in wanted]


def rule(number, f):
    words = [f"name: r{number}"]
    for key, base, length in (("from", f[0], f[1]), ("to", f[2], f[3])):
        if length:
            words.append(f"{key}: {{ address: {dotted(base)}/{length} }}")
    any_source, any_destination = f[4:6] == (0, 65535), f[6:8] == (0, 65535)
    if not (any_source and any_destination):
        words.append("service: [%s]" % ", ".join(service(f[6], f[7], f[8])))
    elif f[8] is not None:
        words.append(f"service: [proto/{f[8]}]")
    if not any_source:
        words.append("from-port: %s" % (f[4] if f[4] == f[5] else f"{f[4]}-{f[5]}"))
    words.append("action: %s" % ("allow" if number % 2 else "deny"))
    return "  - { " + ", ".join(words) + " }"


def policy(path):
    print("version: 1\nname: classbench\nnetworks:\n  net:\n    segments:\n"
          "      left: { port: trunk, vlan: 101 }\n      right: { port: trunk, vlan: 102, uplink: true }")
    # a set is stateless: each header is judged alone, whatever TCP would say of it
    print("classification: off\nflows: { tcp: liberal, mid-stream: { pick-up: always } }\nrules:")
    for number, f in enumerate(read_filters(path), 1):
        print(rule(number, f))
    print("default: { action: deny }")


# ---- captures ----

def read_trace(path):
    with open(path, encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            fields = line.split()
            if not fields:
                continue
            try:
                header = tuple(int(f) for f in fields[:5])
            except ValueError:
                header = ()
            if len(header) != 5 or max(header[:2]) > 0xFFFFFFFF or max(header[2:4]) > 65535 or header[4] > 255 or min(header) < 0:
                fail(f"{path}:{number}: expected SIP DIP SPORT DPORT PROTO as decimal numbers")
            yield header


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport(protocol, sport, dport, pseudo):
    if protocol == TCP:
        segment = struct.pack(">HHIIBBHHH", sport, dport, 1, 0, 5 << 4, 2, 65535, 0, 0)
        at = 16
    elif protocol == UDP:
        segment = struct.pack(">HHHH", sport, dport, 12, 0) + b"\0\0\0\0"
        at = 6
    elif protocol == 1:
        return struct.pack(">BBHHH", 8, 0, ones_sum(struct.pack(">BBHHH", 8, 0, 0, sport, dport)), sport, dport)
    else:
        return struct.pack(">HH", sport, dport) + b"\0" * 16
    total = ones_sum(pseudo + struct.pack(">BBH", 0, protocol, len(segment)) + segment) or 0xFFFF
    return segment[:at] + struct.pack(">H", total) + segment[at + 2:]


def frame(header):
    source, destination, sport, dport, protocol = header
    ends = struct.pack(">II", source, destination)
    body = transport(protocol, sport, dport, ends)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + ends
    ip = ip[:10] + struct.pack(">H", ones_sum(ip)) + ip[12:]
    data = bytes.fromhex("02000000000b02000000000a8100" "0065" "0800") + ip + body
    return data + b"\0" * max(0, 64 - len(data))


def capture(path, out):
    # the machine on the right says where it is, so that a frame has one destination
    hello = bytes.fromhex("ffffffffffff" "02000000000b" "8100" "0066" "8035" "0001" "0800" "06" "04" "0003"
                          "02000000000b" "00000000" "02000000000b" "00000000")
    hello += b"\0" * (64 - len(hello))
    made = itertools.chain([hello], map(frame, read_trace(path)))
    # one a millisecond
    write_pcap(out, (Frame(1000 * 1000000 + number * 1000, ETHERNET, data, len(data)) for number, data in enumerate(made)))


def tuple_of(header):
    source, destination, sport, dport, protocol = header
    return (dotted(source), dotted(destination), protocol) + ((sport, dport) if protocol in (TCP, UDP, SCTP) else ())


def compare(trace, rules, flows):
    """Not every header can be on a wire (port 0, martian addresses, two equal ends): those have no record."""
    names = {"TCP": TCP, "UDP": UDP, "SCTP": SCTP, "ICMP": 1}
    with open(rules, encoding="ascii") as lines:
        wanted = {tuple_of(h): int(n) for h, n in zip(read_trace(trace), lines)}
    seen = wrong = 0
    with open(flows, encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            name = record["proto"]
            protocol = names.get(name) or int(re.sub(r"\D", "", name) or -1)
            key = (record["src_ip"], record["dest_ip"], protocol)
            if protocol in (TCP, UDP, SCTP):
                key += (record["src_port"], record["dest_port"])
            if key not in wanted:
                continue  # a protocol that the record has a name for
            seen += 1
            rule = "default" if wanted[key] < 0 else f"r{wanted[key] + 1}"
            if record["bulkhead"]["rule"] != rule:
                wrong += 1
                print(f"  {key}: the linear scan says {rule}, the record {record['bulkhead']['rule']}")
    print(f"  through the dataplane: {len(wanted)} headers, {seen} of them lawful packets, {wrong} wrong")
    return 1 if wrong or seen * 10 < len(wanted) else 0


# ---- sets with the structure of the published families ----

# After the seeds and tables that were published with ClassBench, rounded to per cent: the share of each protocol (None: any), of each pair of
# port classes (WC any, HI 1024 and above, LO below, AR another range, EM one port), and of each pair of prefix lengths.
FAMILIES = {
    # access lists of routers: services of known servers, the source port is never looked at
    "acl": {
        "protocols": {TCP: 87, None: 9, 1: 3, UDP: 1},
        "ports": {"WC/EM": 65, "WC/WC": 22, "WC/AR": 13},
        "prefixes": {(32, 32): 66, (23, 32): 9, (24, 32): 10, (31, 32): 5, (22, 32): 3, (16, 23): 2, (30, 32): 2, (0, 23): 1, (8, 8): 1, (0, 0): 1},
        "servers": 120, "clients": 400,
    },
    # firewalls: many wildcards on one side, ranges and exact ports on both
    "fw": {
        "protocols": {TCP: 66, UDP: 20, None: 6, 1: 4, 47: 2, 50: 1, 51: 1},
        "ports": {"WC/EM": 41, "WC/WC": 17, "WC/HI": 10, "EM/WC": 8, "HI/EM": 6, "WC/AR": 6, "EM/HI": 4, "HI/HI": 4, "EM/EM": 2, "WC/LO": 1, "HI/WC": 1},
        "prefixes": {(0, 32): 29, (32, 0): 20, (32, 32): 14, (0, 24): 9, (24, 0): 6, (16, 32): 5, (0, 0): 4, (32, 16): 4, (24, 32): 4, (0, 16): 3, (8, 32): 2},
        "servers": 150, "clients": 200,
    },
    # Linux ipchains of network address translation and access control: between the two
    "ipc": {
        "protocols": {TCP: 55, UDP: 25, 1: 9, None: 7, 47: 2, 89: 2},
        "ports": {"WC/WC": 30, "WC/EM": 35, "EM/WC": 9, "EM/EM": 8, "WC/HI": 6, "HI/EM": 5, "WC/AR": 4, "AR/WC": 2, "EM/HI": 1},
        "prefixes": {(32, 32): 34, (24, 32): 14, (32, 24): 9, (0, 32): 10, (32, 0): 8, (24, 24): 9, (16, 16): 6, (0, 24): 4, (27, 32): 4, (8, 24): 2},
        "servers": 250, "clients": 300,
    },
}
EXACT = [80, 443, 53, 22, 25, 21, 23, 110, 123, 135, 139, 161, 389, 445, 1433, 1521, 1526, 3306, 3389, 5432, 6000, 8080]
RANGES = [(1600, 1649), (1300, 1350), (7500, 7599), (2200, 2210), (1025, 65535), (137, 139), (6000, 6063), (33434, 33600), (5001, 65535), (8000, 8100)]


def chosen(rng, shares):
    keys = list(shares)
    return rng.choices(keys, [shares[k] for k in keys])[0]


def port_range(rng, kind):
    if kind == "WC":
        return 0, 65535
    if kind == "HI":
        return 1024, 65535
    if kind == "LO":
        return 0, 1023
    if kind == "AR":
        return rng.choice(RANGES)
    port = rng.choice(EXACT) if rng.random() < 0.7 else rng.randrange(1, 65536)
    return port, port


def subnets(rng, count):
    """Hosts that share networks, as those of one organisation do: prefixes nest."""
    networks = [rng.randrange(1, 224) << 24 | rng.randrange(1 << 16) << 8 for _ in range(max(count // 12, 4))]
    return [rng.choice(networks) | rng.randrange(256) for _ in range(count)]


def filters(family, count, seed):
    shape = FAMILIES.get(family)
    if not shape:
        fail(f"there is no family {family}; there are {', '.join(FAMILIES)}")
    rng = random.Random(f"{family} {count} {seed}")
    grow = max(1.0, count / 1000)
    hosts = [subnets(rng, int(shape[side] * grow ** 0.7)) for side in ("clients", "servers")]
    made = {}
    while len(made) < count:
        protocol = chosen(rng, shape["protocols"])
        source_kind, destination_kind = chosen(rng, shape["ports"]).split("/")
        if protocol not in (TCP, UDP):
            source_kind = destination_kind = "WC"
        lengths = chosen(rng, shape["prefixes"])
        ends = [(rng.choice(h) & (0xFFFFFFFF << (32 - l)) & 0xFFFFFFFF, l) for h, l in zip(hosts, lengths)]
        ports = port_range(rng, source_kind) + port_range(rng, destination_kind)
        line = "@%s/%d\t%s/%d\t%d : %d\t%d : %d\t0x%02X/0x%02X\t0x0000/0x0000\t" % (
            dotted(ends[0][0]), lengths[0], dotted(ends[1][0]), lengths[1], *ports, protocol or 0, 0 if protocol is None else 0xFF)
        made[line] = (-sum(lengths), ports[1] - ports[0] + ports[3] - ports[2], protocol is None)
    # as ClassBench: none twice, and what covers another stands below it, or most of the set would never match
    for line in sorted(made, key=made.get):
        print(line)


def trace(path, count, seed):
    rng = random.Random(f"trace {count} {seed}")
    known = read_filters(path)
    for _ in range(count):
        number = rng.randrange(len(known))
        f = known[number]
        ends = [base | rng.choice((0, (1 << (32 - length)) - 1)) for base, length in ((f[0], f[1]), (f[2], f[3]))]
        protocol = f[8] if f[8] is not None else rng.choice((0, 255))
        print(*ends, rng.choice(f[4:6]), rng.choice(f[6:8]), protocol, number, sep="\t")


def main(words):
    verbs = {"policy": (policy, 1, 1), "capture": (capture, 2, 2), "filters": (filters, 2, 3), "trace": (trace, 2, 3),
             "compare": (compare, 3, 3)}
    if not words or words[0] not in verbs or not verbs[words[0]][1] <= len(words) - 1 <= verbs[words[0]][2]:
        sys.exit(__doc__)
    function, least, most = verbs[words[0]]
    arguments = words[1:]
    if least < most:
        if not arguments[1].isdigit():
            fail(f"{arguments[1]} is no number")
        arguments[1] = int(arguments[1])
        arguments = (arguments + ["1"])[:3]
    return function(*arguments) or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
