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


def real_time(threads, priority=1):
    """Nothing else gets the CPUs of these threads (0: of the caller's), but for a twentieth of the time, which the kernel keeps
    for others."""
    for tid in threads:
        os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(priority))


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
    cpu_seconds: list  # of each forwarding thread
    counters: dict
    counted: str = "frames"                    # the counter that is the case's figure
    extra: dict = field(default_factory=dict)  # what else bench.json says of it

    @property
    def frames(self):
        return self.counters[self.counted]

    def cycles_per_frame(self, tsc_hz):
        return sum(self.cpu_seconds) * tsc_hz / self.frames

    def mpps(self):
        """Million frames a second of CPU time of the busiest thread: what would be forwarded if nothing else ran on the
        CPUs."""
        return self.frames / max(self.cpu_seconds) / 1e6


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
                  cpu_seconds=[(b - a) / 1e9 for a, b in zip(before.cpu_ns, after.cpu_ns)],
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
