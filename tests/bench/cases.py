# SPDX-License-Identifier: BSD-3-Clause
"""The cases: what is sent, by which source, who takes part, and what the figures must hold."""

from dataclasses import dataclass, field

LOOP = "pcap-loop"  # net_pcap, infinite_rx=1: the worker pulls; can neither lose nor be paced
PUSH = "memif"      # the generator on the other CPU pushes what never repeats


@dataclass
class Bar:
    """ratio of the medians: numerator / denominator >= least (or <= most)."""
    what: str           # "mpps" or "cycles_per_frame"
    of: str             # program
    to: str             # program, or CASE:PROGRAM
    least: float = None
    most: float = None


@dataclass
class Case:
    name: str
    about: str
    traffic: list
    programs: list
    source: str = LOOP
    policy: str = "one-rule"
    flows: int = 1000       # that the tables must hold
    default: bool = False   # in `make bench'
    workers: int = 1
    queues: int = 1
    mtu: int = 1500
    verdict: str = "all"    # what becomes of the frames: all pass | none pass | few pass
    warm: float = 1.0       # seconds, after every flow was seen
    options: list = field(default_factory=list)  # of Bulkhead
    bars: list = field(default_factory=list)


def established(count, label, programs, **more):
    bars = [Bar("mpps", "bulkhead", "testpmd", least=0.30 if count >= 1000000 else 0.45)]
    if "ovs-conntrack" in programs:
        bars.append(Bar("mpps", "bulkhead", "ovs-conntrack", least=7))
    return Case(f"established-{label}", f"{count:,} UDP flows both ways, 64 bytes", ["established", "--flows", str(count)],
                programs, flows=count, default=True, bars=bars, **more)


CASES = [
    established(1000, "1k", ["bulkhead", "testpmd"]),
    established(100000, "100k", ["bulkhead", "testpmd"]),
    established(1000000, "1m", ["bulkhead", "testpmd"]),
]
