# SPDX-License-Identifier: BSD-3-Clause
"""Cases that are not a rate: reload under load, latency, start-up, memory, an idle worker. Each returns what bench.json says of
its programs; round after round, medians."""

import fcntl
import os
import re
import socket
import statistics
import struct
import time

from cases import LOOP, PUSH, TAP, Bar, Case
from measure import real_time, thread_cpu_ns
from policies import POLICIES
from programs import ROOT, Failure
from runner import running

ESTABLISHED = ["established", "--flows", "1000"]


def median_of(samples):
    """Key by key."""
    keys = sorted({key for sample in samples for key in sample}, key=[*samples[0], *samples[-1]].index)
    return {key: round(statistics.median(sample[key] for sample in samples if key in sample), 3) for key in keys}


# ---- reload ----

INTERVALS = 24
CONTROL_H = f"{ROOT}/include/bulkhead/control.h"
MESSAGE = struct.Struct("=IHHII")        # struct bh_message
END = struct.Struct("=iI")               # the head of struct bh_end
MAGIC = 0x4d4b4842


def control_constant(name):
    """As the header has it, so that this can not be of another version than the program."""
    with open(CONTROL_H, encoding="ascii") as file:
        return int(re.search(rf"\b{name}\s*=?\s*(\d+)", file.read()).group(1))


def ask(program, name, descriptors=()):
    """A request on the dataplane's control socket, until it is done."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.settimeout(60)
        control.connect(f"{program.run}/control")
        socket.send_fds(control, [MESSAGE.pack(MAGIC, control_constant("BH_CONTROL_VERSION"), control_constant(name), 1, 0)], list(descriptors))
        status, _ = END.unpack_from(control.recv(65536), MESSAGE.size)
    if status:
        raise Failure(f"{name} of the dataplane: {os.strerror(-status)}")


def sealed(path):
    """An image as the dataplane takes it."""
    descriptor = os.memfd_create("image", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(path, "rb") as file:
        os.write(descriptor, file.read())
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor


def two_images(program):
    """10,000 rules, of which one has another name in the second: every session is judged again."""
    descriptors = []
    for name, text in (("a", POLICIES["setup-10k"]()), ("b", POLICIES["setup-10k"]().replace("rule-0,", "rule-zero,"))):
        path = f"{program.folder}/{name}"
        with open(path + ".yaml", "w", encoding="ascii") as file:
            file.write(text)
        program.ctl("compile", path + ".yaml", "--output", path)
        descriptors.append(sealed(path))
    return descriptors


def preemptions(program):
    """How often another took the CPU from the worker."""
    with open(f"/proc/{program.pid}/task/{program.threads[0]}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("nonvoluntary")).split()[1])


def interval(program, action):
    """(longest gap in us, whether the worker was preempted) while the action ran."""
    before = preemptions(program)  # first: one between the two may be in the gap
    ask(program, "BH_REQUEST_RESET_GAP")
    action()
    gap = max(worker["longest_gap_ns"] for worker in program.status()["workers"])
    return gap / 1000, preemptions(program) > before


def reload_gaps(case, nice):
    """Intervals with and without a reload in turn, on a worker that never waits. Those in which the worker was preempted say
    nothing of it and are left out; where that are all of one kind, there is no figure."""
    gaps, preempted = {"with": [], "without": []}, 0
    with running("bulkhead", case, nice) as (program, source):
        source.go(program)
        images = two_images(program)
        before = program.drops()
        real_time(program.threads)
        for number in range(INTERVALS):
            began = time.monotonic()
            for kind, action in (("with", lambda n=number: ask(program, "BH_REQUEST_APPLY", [images[n % 2]])),
                                 ("without", lambda b=began: time.sleep((time.monotonic() - b) / 2))):
                gap, taken = interval(program, action)
                preempted += taken
                if not taken:
                    gaps[kind].append(gap)
        lost = sum(count - before.get(reason, 0) for reason, count in program.drops().items())
        for descriptor in images:
            os.close(descriptor)
    result = {"undisturbed_with": len(gaps["with"]), "undisturbed_without": len(gaps["without"]), "preempted": preempted,
              "dropped": lost}
    if gaps["with"] and gaps["without"]:
        middle = {kind: statistics.median(list_) for kind, list_ in gaps.items()}
        result.update(gap_us_with=middle["with"], gap_us_without=middle["without"], gap_us_grows=middle["with"] - middle["without"])
    return result


def reload_loss(case, nice):
    """Frames that a source at a steady rate does not get back, over reloads."""
    with running("bulkhead", case, nice) as (program, source):
        images = two_images(program)
        source.go(program, rate=50000)
        time.sleep(1)
        first, drops = source.ask("stats"), program.drops()
        for number in range(INTERVALS):
            ask(program, "BH_REQUEST_APPLY", [images[number % 2]])
        source.ask(f"send {source.ask('stats')['sent'] + 1000}")
        last = all_back(source)
        drops = {reason: count - drops.get(reason, 0) for reason, count in program.drops().items()}
        # what the source's own ring did not take, because the source was kept from its CPU, no firewall can help
        ring = drops.pop("tx-full", 0)
        lost = last["sent"] - last["received"] - (first["sent"] - first["received"]) - ring
        return {"reloads": INTERVALS, "sent": last["sent"] - first["sent"], "lost": max(lost, sum(drops.values())), "source_ring_full": ring,
                "refused": last["refused"] - first["refused"]}


def all_back(source):
    """What the source has sent is back, or nothing comes any more."""
    before = None
    while (stats := source.ask("stats"))["received"] < stats["sent"] and stats != before:
        before = stats
        time.sleep(0.5)
    return stats


def case_reload(rounds, nice):
    pull = Case("reload", "", ESTABLISHED, source=LOOP, policy="setup-10k")
    push = Case("reload", "", ESTABLISHED, source=PUSH, policy="setup-10k")
    return {"bulkhead": {**median_of([reload_gaps(pull, nice) for _ in range(rounds)]), **reload_loss(push, nice)}}


# ---- latency ----

def most_of(case, nice):
    """Frames a second that the program takes from the generator."""
    with running("bulkhead", case, nice) as (program, source):
        source.go(program)
        time.sleep(1)
        before, began = source.ask("stats")["received"], time.monotonic()
        time.sleep(1)
        return (source.ask("stats")["received"] - before) / (time.monotonic() - began)


def latency_of(name, case, rate, nice):
    """Microseconds from the generator through the program and back."""
    with running(name, case, nice) as (program, source):
        source.go(program, rate=int(rate))
        # who asks goes before who forwards, and sleeps nearly always
        real_time([source.process.pid, program.pid], 2)
        real_time([*source.threads(), *program.threads])
        time.sleep(1)
        before = source.ask("stats")
        source.ask("latency")
        time.sleep(2)
        answer, after = source.ask("latency"), source.ask("stats")
    sent, back = (after[key] - before[key] for key in ("sent", "received"))
    # of frames that do not come back there is no latency
    if not sent or back < 0.95 * sent:
        raise Failure(f"{name}: of {sent} frames {back} came back")
    return {**{f"{key}_us": answer[key] / 1000 for key in ("p50", "p90", "p99", "p999", "max")},
            "refused": round((after["refused"] - before["refused"]) / (sent + after["refused"] - before["refused"]), 4)}


def case_latency(rounds, nice):
    case = Case("latency", "", ESTABLISHED, source=PUSH)
    rate = most_of(case, nice) / 2
    samples = {"bulkhead": [], "testpmd": []}
    for _ in range(rounds):
        for name, list_ in samples.items():
            list_.append(latency_of(name, case, rate, nice))
    return {name: {"rate": round(rate), **median_of(list_)} for name, list_ in samples.items()}


# ---- start-up ----

def start_up(policy, nice):
    """Seconds from exec() until the dataplane forwards by its kept policy."""
    case = Case("start-up", "", ESTABLISHED, policy=policy)
    with running("bulkhead", case, nice) as (program, _):
        began = time.monotonic()
        program.wait(20, lambda: program.counters()["frames"] > 0, "a first frame")
        # running() timed the start itself
        return program.start_seconds + time.monotonic() - began


def case_start_up(rounds, nice):
    return {"bulkhead": {f"seconds_{policy}": round(statistics.median(start_up(policy, nice) for _ in range(rounds)), 2)
                         for policy in ("one-rule", "setup-10k")}}


# ---- memory ----

MANY, FEW = 1000000, 1000


def resident(pid):
    """Bytes in memory, but for the rings that the source shares with whoever takes from it."""
    total, counts = 0, True
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        for line in file:
            word = line.split(maxsplit=1)[0]
            if "-" in word and not word.endswith(":"):
                counts = "memif_region" not in line
            elif word == "Rss:" and counts:
                total += int(line.split()[1]) * 1024
    return total


def memory_with(flows, nice):
    """(bytes resident, sessions) with a table for so many sessions that is full of them, however much of it is taken at the start.
    Buffers, machines and rules are the same for many and few."""
    case = Case("memory", "", ["established", "--flows", str(flows)], source=PUSH, policy="setup-10k",
                options=["--flows", str(max(flows, 1024))])
    with running("bulkhead", case, nice) as (program, source):
        source.go(program)
        program.wait(60, lambda: program.status()["tables"]["flows"]["used"] >= flows * 0.999 and
                     program.counters()["in"] >= 2 * MANY, f"{flows} sessions")
        return resident(program.pid), program.status()["tables"]["flows"]["used"]


def case_memory(_, nice):
    few, few_flows = memory_with(FEW, nice)
    many, many_flows = memory_with(MANY, nice)
    return {"bulkhead": {"flows": many_flows, "bytes_per_flow": round((many - few) / (many_flows - few_flows), 1),
                         "resident_mib_few": few >> 20, "resident_mib": many >> 20}}


# ---- an idle worker ----

def idle_with(sleep, nice):
    """Per cent of a CPU that an idle worker takes, and how long the first frame after a pause waits."""
    case = Case("idle", "", ESTABLISHED, source=PUSH, options=["--idle-sleep", str(sleep)])
    with running("bulkhead", case, nice) as (program, source):
        program.wait(20, program.linked, "a link")
        time.sleep(0.5)
        idle = window_of_cpu(program, 2)
        source.go(program, rate=100)
        time.sleep(0.5)
        source.ask("latency")
        time.sleep(2)
        return {"cpu_percent": idle * 100, "first_frame_p50_us": source.ask("latency")["p50"] / 1000}


def cpu_during(program, action):
    """Share of the time that the worker had a CPU while the action ran; and what the action returned."""
    before, began = thread_cpu_ns(program.pid, program.threads[0]), time.monotonic_ns()
    result = action()
    return (thread_cpu_ns(program.pid, program.threads[0]) - before) / (time.monotonic_ns() - began), result


def window_of_cpu(program, seconds):
    return cpu_during(program, lambda: time.sleep(seconds))[0]


def tap_with(options, nice):
    """The same on a port with interrupts: trips of frames after pauses of 10 ms, and after some longer than the worker's longest wait."""
    case = Case("idle", "", [], source=TAP, options=["--flows", "65536", *options])
    with running("bulkhead", case, nice) as (program, source):
        source.go(program)
        time.sleep(0.5)
        idle = window_of_cpu(program, 2)
        paced, trips = cpu_during(program, lambda: source.pings(200, 0.01))
        return {"cpu_percent": idle * 100, "cpu_percent_100_frames": paced * 100, "trip_p50_us": statistics.median(trips),
                "long_trip_p50_us": statistics.median(source.pings(15, 0.15))}


TAP_WAYS = {"waits": [], "sleeps": ["--idle-interrupts", "0"], "never_sleeps": ["--idle-sleep", "0"]}


def idle_tap(rounds, nice):
    """What a first frame waits is what its trip takes longer than with a worker that never sleeps, in the same round: the trips of
    both have the kernel's and the sender's part in them."""
    samples = {way: [] for way in TAP_WAYS}
    for _ in range(rounds):
        sample = {way: tap_with(options, nice) for way, options in TAP_WAYS.items()}
        for way, values in sample.items():
            values["first_frame_p50_us"] = values["trip_p50_us"] - sample["never_sleeps"]["trip_p50_us"]
            samples[way].append(values)
    return {f"tap_{key}_{way}": value for way, list_ in samples.items() for key, value in median_of(list_).items()}


def case_idle(rounds, nice):
    """By the longest sleep that is set, 200 us is the default; and waiting for interrupts."""
    result = {}
    for sleep in (50, 200, 1000):
        for key, value in median_of([idle_with(sleep, nice) for _ in range(rounds)]).items():
            result[f"{key}_sleep_{sleep}"] = value
    return {"bulkhead": {**result, **idle_tap(rounds, nice)}}


class Special:
    """A case with a way of its own."""

    def __init__(self, name, about, source, run, bars=(), default=False):
        self.name, self.about, self.source, self.run = name, about, source, run
        self.bars, self.default = list(bars), default


SPECIAL = [
    Special("reload", "10,000 rules replaced under load: longest gap of the worker (us), frames lost", f"{LOOP}, {PUSH}", case_reload,
            [Bar("lost", "bulkhead", "", most=0), Bar("dropped", "bulkhead", "", most=0), Bar("gap_us_grows", "bulkhead", "", most=50)],
            True),
    Special("latency", "from the generator and back to it, at half of what Bulkhead takes", PUSH, case_latency,
            [Bar("p50_us", "bulkhead", "testpmd", most=5)], True),
    Special("start-up", "from exec() to the first frame by the kept policy", LOOP, case_start_up),
    Special("memory", "a million sessions, 10,000 rules", PUSH, case_memory,
            [Bar("bytes_per_flow", "bulkhead", "", most=192), Bar("resident_mib", "bulkhead", "", most=512)], True),
    Special("idle", "an idle worker: on a polling port, by the longest sleep (us); on a port with interrupts", f"{PUSH}, {TAP}", case_idle,
            [Bar("tap_cpu_percent_waits", "bulkhead", "", most=3), Bar("tap_first_frame_p50_us_waits", "bulkhead", "", most=200)]),
]
