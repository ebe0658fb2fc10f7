# SPDX-License-Identifier: BSD-3-Clause
"""One sample of one program in one case: start it alone, warm up, a window, and whether the frames met what they had to."""

import os
import tempfile
import time
from contextlib import contextmanager

from cases import LOOP, TAP
from measure import window
from ovs import Ovs, OvsConntrack, OvsManyRules
from policies import POLICIES
from programs import Bulkhead, Failure, Setting, Testpmd
from sources import Generator, Loop
from tap import Tap

# of the frames of a window: those under way at its two ends, and what a full ring to the source may cost
SLACK = 0.002
RING_SLACK = 0.05


def source_of(case, folder):
    if case.source == TAP:
        return Tap()
    if case.source == LOOP:
        return Loop(case.traffic, case.queues)
    return Generator(case.traffic, folder)


def setting_of(case, source, nice):
    return Setting(source.device(), mbufs=source.mbufs(), mbuf_size=2176 if case.mtu <= 1500 else 9728 + 128, mtu=case.mtu,
                   workers=case.workers, queues=case.queues, cpus=[1] if case.workers == 1 else [1, 0], nice=nice,
                   namespace=getattr(source, "namespace", None))


def bulkhead(case, setting, folder):
    policy = os.path.join(folder, "policy.yaml")
    with open(policy, "w", encoding="ascii") as file:
        file.write(POLICIES[case.policy]())
    options = case.options or ["--flows", str(max(65536, case.flows + case.flows // 4))]
    return Bulkhead(setting, folder, policy, options)


def program_of(name, case, setting, folder):
    if name == "bulkhead":
        return bulkhead(case, setting, folder)
    if name == "testpmd":
        return Testpmd(setting, folder)
    if name == "ovs":
        return Ovs(setting, folder)
    program = (OvsManyRules if case.name.startswith("setup") else OvsConntrack)(setting, folder)
    program.timeout = case.timeout
    return program


@contextmanager
def running(name, case, nice):
    """The program and its source, both started; both end with the block."""
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench.") as folder:
        source = source_of(case, folder)
        program = program_of(name, case, setting_of(case, source, nice), folder)
        try:
            source.start(program)
            began = time.monotonic()
            program.start()
            program.start_seconds = time.monotonic() - began
            yield program, source
        finally:
            program.stop()
            source.stop()


def verify(case, program, sample, drops):
    """The verdicts, by the program's own counters: what must pass passed and what must not did not."""
    counters = sample.counters
    came, went = counters["in"], counters["frames"]
    slack = 2000 + came * (SLACK if case.source == LOOP else RING_SLACK)
    if not came:
        raise Failure(f"{program.name}: no frame came in")
    if counters["missed"]:
        raise Failure(f"{program.name}: {counters['missed']} frames missed by the port")
    wrong = {reason: count for reason, count in drops.items() if count and reason not in case.may_drop}
    if wrong:
        raise Failure(f"{program.name}: dropped for reasons that the case does not have: {wrong}")
    if case.passing and counters["drops"] > case.may_lose * came + slack:
        raise Failure(f"{program.name}: dropped {counters['drops']} of {came}: {drops}")
    if case.passing and abs(came - went - counters["drops"]) > slack:
        raise Failure(f"{program.name}: all frames must pass, but of {came} {went} did")
    # what a storm limit lets pass is few
    if not case.passing and went > slack:
        raise Failure(f"{program.name}: no frame may pass, but of {came} {went} did")


def drops_of(program):
    return program.drops() if isinstance(program, Bulkhead) else {}


def warm_up(case, program, source):
    """Each flow three times, so that everything that is learned was; then the case's own time."""
    before = program.counters()["in"]
    program.wait(180, lambda: program.counters()["in"] - before >= 3 * source.frames, "the warm-up's frames")
    time.sleep(case.warm)


def take_sample(name, case, seconds, nice):
    with running(name, case, nice) as (program, source):
        source.go(program)
        warm_up(case, program, source)
        drops, pushed = drops_of(program), source.pushed()
        sample = window(program, seconds)
        sample.counted = case.counted
        drops = {reason: count - drops.get(reason, 0) for reason, count in drops_of(program).items()}
        verify(case, program, sample, drops)
        # share of the source's attempts that met a full ring: near 0, the source was the limit
        rounds, full = (b - a for a, b in zip(pushed, source.pushed()))
        if rounds:
            sample.extra["ring_full"] = round(full / rounds, 3)
        if case.passing and sample.counters["drops"]:
            sample.extra["dropped"] = round(sample.counters["drops"] / sample.counters["in"], 5)
        for counter in ("flows_created", "flows_ended", "dpi_packets", "handed_over"):
            if sample.counters.get(counter):
                sample.extra[counter] = sample.counters[counter]
        if isinstance(program, OvsConntrack):
            sample.extra["tracked"] = program.tracked()
            if program.refused() or (case.passing and not sample.extra["tracked"]):
                raise Failure(f"{program.name}: conntrack had no place for {program.refused()} sessions, "
                              f"and has {sample.extra['tracked']}")
        return sample
