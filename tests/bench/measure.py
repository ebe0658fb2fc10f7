# SPDX-License-Identifier: BSD-3-Clause
"""What a program did in a window of time: frames by its own counters, CPU time of its forwarding threads."""

import os
import statistics
import time
from dataclasses import dataclass, field


def thread_cpu_ns(pid, tid):
    """Nanoseconds that the thread had a CPU; waiting for one does not count."""
    with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def threads_of(pid, prefix):
    """The ids of the threads of a process whose name begins so."""
    found = []
    for tid in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as file:
            if file.read().startswith(prefix):
                found.append(int(tid))
    return found


@dataclass
class Reading:
    """A moment: counters and the CPU time of each forwarding thread, read as close together as it goes."""
    wall_ns: int
    cpu_ns: list
    counters: dict


@dataclass
class Sample:
    """A window. counters are the differences over it."""
    seconds: float
    cpu_seconds: float  # of all forwarding threads
    threads: int
    counters: dict
    extra: dict = field(default_factory=dict)

    @property
    def frames(self):
        return self.counters["frames"]

    def cycles_per_frame(self, tsc_hz):
        return self.cpu_seconds * tsc_hz / self.frames

    def mpps(self):
        """Million frames a second of CPU time of the threads, all of them together: what they would forward if nothing
        else ran on their CPUs."""
        return self.frames * self.threads / self.cpu_seconds / 1e6


def read(program):
    """The middle of two looks at the clocks stands for the moment at which the counters were read."""
    def clocks():
        return time.monotonic_ns(), [thread_cpu_ns(program.pid, tid) for tid in program.threads]
    wall_before, cpu_before = clocks()
    counters = program.counters()
    wall_after, cpu_after = clocks()
    return Reading((wall_before + wall_after) // 2, [(a + b) // 2 for a, b in zip(cpu_before, cpu_after)], counters)


def window(program, seconds):
    before = read(program)
    time.sleep(seconds)
    after = read(program)
    return Sample(seconds=(after.wall_ns - before.wall_ns) / 1e9,
                  cpu_seconds=sum(b - a for a, b in zip(before.cpu_ns, after.cpu_ns)) / 1e9,
                  threads=len(after.cpu_ns),
                  counters={name: value - before.counters.get(name, 0) for name, value in after.counters.items()})


def wait_for(seconds, condition, what):
    """Until the condition holds; a failure names what was waited for."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def summary(values):
    """Median, least and greatest."""
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}
