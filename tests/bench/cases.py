# SPDX-License-Identifier: BSD-3-Clause
"""The cases: what is sent, by which source, who takes part, and what the figures must hold."""

from dataclasses import dataclass, field

LOOP = "pcap-loop"  # net_pcap, infinite_rx=1: the worker pulls; can neither lose nor be paced
PUSH = "memif"      # the generator on the other CPU pushes what never repeats
TAP = "tap"         # frame by frame from the kernel's side of a tap port

ALL_PEERS = ("bulkhead", "testpmd", "ovs", "ovs-conntrack")


@dataclass
class Bar:
    """A ratio of medians, of this case's program to another program, or to CASE:PROGRAM, which ran before."""
    what: str
    of: str
    to: str
    least: float = None
    most: float = None


@dataclass
class Case:
    """One line of the table for each program."""
    name: str
    about: str
    traffic: list
    programs: tuple = ("bulkhead", "testpmd")
    source: str = LOOP
    policy: str = "one-rule"
    flows: int = 1000       # that are alive at a time
    default: bool = False   # in `make bench'
    workers: int = 1
    queues: int = 1
    mtu: int = 1500
    counted: str = "frames"  # the counter that the figures are of: those forwarded, or all that came in
    passing: bool = True     # every frame must be forwarded; else none may
    may_drop: tuple = ()     # reasons for which some may be dropped even so
    may_lose: float = 0.02   # and at most this share of all
    warm: float = 0.5        # seconds, after every flow was seen
    timeout: int = None      # of conntrack's sessions
    options: list = field(default_factory=list)  # of Bulkhead
    bars: list = field(default_factory=list)


def established(count, label, programs):
    bars = [Bar("mpps", "bulkhead", "testpmd", least=0.30 if count >= 1000000 else 0.45)]
    if "ovs-conntrack" in programs:
        bars.append(Bar("mpps", "bulkhead", "ovs-conntrack", least=7))
    return Case(f"established-{label}", f"{count:,} UDP flows both ways, 64 bytes", ["established", "--flows", str(count)],
                programs, flows=count, default=True, bars=bars)


def setup(count, label, programs=("bulkhead",), bars=()):
    # sessions of one frame end after a second, so that in the window as many end as begin
    return Case(f"setup-{label}", f"a new UDP session each frame, deleted by age, {count:,} rules; the last matches", ["new"],
                programs, source=PUSH, policy=f"setup-{label}", flows=6000000, default=True, warm=4, timeout=1,
                may_drop=("tx-full",), options=["--flows", "6000000"], bars=list(bars))


def size(length, mtu=1500):
    return Case(f"size-{length}", f"1,000 UDP flows both ways, {length} bytes", ["established", "--flows", "1000", "--size", str(length)],
                mtu=mtu)


def two_workers(name, about, queues, least, programs=("bulkhead",)):
    # nothing slows the source down: what the other worker can not take is lost, told as `dropped', and not counted as forwarded
    return Case(name, about, ["established", "--flows", "100000"], programs, flows=100000, default=True, workers=2,
                queues=queues, may_drop=("handoff-full", "tx-full"), may_lose=0.5,
                bars=[Bar("mpps", "bulkhead", "established-100k:bulkhead", least=least)])


CASES = [
    established(1000, "1k", ALL_PEERS),
    established(100000, "100k", ALL_PEERS),
    # more frames than one of OVS's pools holds
    established(1000000, "1m", ("bulkhead", "testpmd")),
    setup(10, "10"),
    setup(1000, "1k"),
    setup(10000, "10k", ("bulkhead", "ovs-conntrack"),
          [Bar("mpps", "bulkhead", "ovs-conntrack", least=3), Bar("cycles_per_frame", "bulkhead", "setup-1k:bulkhead", most=1.5)]),
    two_workers("two-workers", "100,000 flows, two workers with a queue each", 2, 1.7, ("bulkhead", "testpmd")),
    two_workers("two-workers-one-queue", "100,000 flows, two workers, one queue, handed over by software", 1, 1.4),
    Case("established-tcp-1k", "1,000 TCP connections both ways, acknowledgements", ["established", "--flows", "1000", "--tcp"], ALL_PEERS,
         policy="tcp"),
    Case("established-tcp-100k", "100,000 TCP connections both ways, acknowledgements", ["established", "--flows", "100000", "--tcp"],
         ALL_PEERS, policy="tcp", flows=100000),
    Case("established-1k-classified", "like established-1k; nDPI had looked at every session before", ["established", "--flows", "1000"],
         ("bulkhead",), policy="classified", warm=2, bars=[Bar("cycles_per_frame", "bulkhead", "established-1k:bulkhead", most=1.1)]),
    Case("pending", "new sessions of 8 frames that wait for nDPI's verdict", ["pending", "--size", "128"], ("bulkhead",), source=PUSH,
         policy="pending", flows=1000000, warm=3, may_drop=("tx-full", "deny"), may_lose=0.1, options=["--flows", "1000000"]),
    Case("mixed", "IMIX of 62,500 flows, every hundredth frame begins another", ["mixed", "--flows", "62500"], ALL_PEERS, source=PUSH,
         flows=1000000, warm=2, timeout=1, policy="short", may_drop=("tx-full",), options=["--flows", "1000000"]),
    Case("denied", "1,000 flows that the policy denies", ["denied", "--flows", "1000"], ("bulkhead", "ovs-conntrack"), counted="in",
         passing=False, may_drop=("deny",)),
    Case("unknown-destination", "1,000 flows to machines that nobody has seen", ["unknown", "--flows", "1000"], ("bulkhead",), counted="in",
         passing=False, may_drop=("storm",)),
    size(128), size(256), size(512), size(1024), size(1518), size(9000, 9000),
    Case("ipv6", "1,000 UDP flows over IPv6 both ways, 80 bytes", ["established", "--flows", "1000", "--ipv6", "--size", "80"], ALL_PEERS),
    Case("fragments", "1,000 flows both ways, each datagram in two fragments", ["fragments", "--flows", "1000", "--size", "1280"],
         source=PUSH, may_drop=("tx-full",)),
]
