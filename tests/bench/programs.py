# SPDX-License-Identifier: BSD-3-Clause
"""The programs under measurement, each started alone, with one port, on CPUs of its own.

A program has: start(), threads (ids of those that forward), counters() -> {"in", "frames" (forwarded), "drops", ...}, stop().
The port is a DPDK device that is the same for all of them."""

import fcntl
import glob
import json
import os
import re
import shutil
import subprocess

from measure import threads_of, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
RSS_KEY = "6d5a"  # by which a traffic is split to queues: TRAFFIC_RSS_KEY
DRIVERS = ("mempool_ring", "bus_vdev", "net_pcap", "net_memif")


class Failure(Exception):
    """A program did not do what it was started for; the message says what."""


def driver_paths():
    """The plug-ins that are needed, so that nobody loads all of them."""
    found = {name: glob.glob(f"/usr/lib/*/dpdk/pmds-*/librte_{name}.so.*") for name in DRIVERS}
    missing = [name for name, paths in found.items() if not paths]
    if missing:
        raise Failure(f"DPDK's drivers {' '.join(missing)} are not installed (make deps)")
    return [min(paths, key=len) for paths in found.values()]


def start_process(arguments, nice=0, **more):
    """In a session of its own, whose share of the CPUs the kernel weighs as a whole (sched_autogroup), and in it."""
    process = subprocess.Popen(arguments, start_new_session=True, **more)
    if nice:
        os.setpriority(os.PRIO_PROCESS, process.pid, nice)
        try:
            with open(f"/proc/{process.pid}/autogroup", "w", encoding="ascii") as file:
                file.write(str(nice))
        except OSError:
            pass  # a kernel without
    return process


class Setting:
    """What a case gives every program alike."""

    def __init__(self, device, **more):
        self.device = device      # with "{n}" for the number of the port
        self.mbufs = more.get("mbufs", 65536)
        self.mbuf_size = more.get("mbuf_size", 2176)
        self.mtu = more.get("mtu", 1500)
        self.workers = more.get("workers", 1)
        self.queues = more.get("queues", 1)
        self.cpus = more.get("cpus", [1])  # of the workers
        self.main_cpu = more.get("main_cpu", 0)
        self.nice = more.get("nice", 0)
        self.namespace = more.get("namespace")  # of the network, for Bulkhead


class Program:
    """What the programs have in common: a folder, a process, its log."""
    name = ""
    spare_tx_queues = 0  # that it opens on its port, beside one for each worker

    def __init__(self, setting, folder):
        self.setting = setting
        self.folder = folder
        self.process = None
        self.threads = []
        self.start_seconds = None  # how long start() took

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return open(os.path.join(self.folder, self.name + ".log"), "wb")

    def log_tail(self):
        with open(os.path.join(self.folder, self.name + ".log"), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-8:])

    def alive(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with status {self.process.returncode}:\n{self.log_tail()}")
        return True

    def wait(self, seconds, condition, what):
        """An end of the program is told as that, not waited for."""
        try:
            return wait_for(seconds, lambda: self.alive() and condition(), f"{self.name}: {what}")
        except TimeoutError as error:
            raise Failure(f"{error}\n{self.log_tail()}") from error

    def find_threads(self, prefix):
        def found():
            threads = threads_of(self.pid, prefix)
            return threads if len(threads) == self.setting.workers else None
        self.threads = self.wait(20, found, f"{self.setting.workers} threads `{prefix}*'")

    def linked(self):
        """Whether it knows that its port is up; the others look at every burst, or not at all."""
        return True

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Bulkhead(Program):
    """bulkhead-dataplane with a kept policy, so that the first frame is judged by it."""
    name = "bulkhead"

    def __init__(self, setting, folder, policy, options=()):
        super().__init__(setting, folder)
        self.policy = policy
        self.options = list(options)
        self.run = os.path.join(folder, "run")
        self.state = os.path.join(folder, "state")

    def ctl(self, *words):
        """bulkheadctl's answer; status 1 may be an answer too."""
        result = subprocess.run([f"{BUILD}/bulkheadctl", "--run", self.run, *words], capture_output=True, text=True,
                                check=False)
        if result.returncode > 1 or (result.returncode and not result.stdout):
            raise Failure(f"bulkheadctl {' '.join(words)}: {result.stderr.strip()}")
        return result.stdout

    def keep_policy(self):
        shutil.rmtree(self.state, ignore_errors=True)
        for folder in (self.run, self.state):
            os.makedirs(folder, exist_ok=True)
        path = os.path.join(self.state, "image.kept")
        result = subprocess.run([f"{BUILD}/bulkheadctl", "compile", self.policy, "--output", path], capture_output=True, text=True,
                                check=False)
        if result.returncode:
            raise Failure(f"bulkheadctl compile {self.policy}: {result.stderr.strip()}")
        os.chmod(path, 0o600)

    def start(self):
        s = self.setting
        self.keep_policy()
        rss = f";rss={RSS_KEY}" if s.queues > 1 else ""
        arguments = [f"{BUILD}/bulkhead-dataplane", "--run", self.run, "--state", self.state,
                     "--port", f"trunk={s.device.format(n=0)};mtu={s.mtu};queues={s.queues}{rss}", "--workers", str(s.workers),
                     "--cpus", ",".join(map(str, s.cpus)), "--mbufs", str(s.mbufs), "--probes", "0",
                     "--huge", "never", *self.options]
        if s.namespace:
            arguments = ["ip", "netns", "exec", s.namespace, *arguments]
        with self.log() as log:
            self.process = start_process(arguments, s.nice, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.find_threads("rte-worker")
        self.wait(120, self.up, "forwarding")

    def up(self):
        try:
            return self.status()["dataplane"]["forwarding"]
        except (Failure, ValueError, KeyError):
            return False

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def linked(self):
        return self.status()["ports"][0]["link"]

    def drops(self):
        return {name: count for name, count in json.loads(self.ctl("drops", "--all", "--json"))["drops"].items() if count}

    def counters(self):
        status = self.status()
        port = status["ports"][0]
        workers = status["workers"]
        total = {"in": port["in"], "frames": port["tx"], "drops": port["drops"], "missed": port["missed"]}
        for name in ("bursts", "polls", "sleeps", "handed_over", "flows_created", "flows_ended", "dpi_packets", "evaluations"):
            total[name] = sum(worker[name] for worker in workers)
        return total


class Testpmd(Program):
    """DPDK's own forwarder, told what to do by its standard input; it swaps the addresses and looks at nothing else."""
    name = "testpmd"
    text = ""  # what it said since the last command

    def start(self):
        s = self.setting
        # without huge pages no buffer crosses a page; and what is outside the pool
        page = 2 ** 12 if s.mbuf_size < 2 ** 12 - 256 else 2 ** 14
        memory = ["-m", str(s.mbufs * page // 2 ** 20 + 256), "--no-huge", "--no-shconf"]
        lcores = ",".join([f"0@{s.main_cpu}"] + [f"{i + 1}@{cpu}" for i, cpu in enumerate(s.cpus)])
        drivers = [word for path in driver_paths() for word in ("-d", path)]
        # what it prints must not wait in a buffer
        arguments = ["stdbuf", "-oL", "dpdk-testpmd", f"--lcores={lcores}", *memory, *drivers, "--no-pci", "--no-telemetry",
                     f"--file-prefix=bench-{os.getpid()}", f"--vdev={s.device.format(n=0)}", "--", "--interactive",
                     "--forward-mode=macswap", "--port-topology=loop", "--no-lsc-interrupt",
                     f"--total-num-mbufs={s.mbufs}", f"--mbuf-size={s.mbuf_size}", f"--rxq={s.queues}", f"--txq={s.queues}",
                     f"--nb-cores={s.workers}"]
        if s.mtu > 1500:
            arguments.append(f"--max-pkt-len={s.mtu + 22}")
        self.process = start_process(arguments, s.nice, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        output = self.process.stdout.fileno()
        fcntl.fcntl(output, fcntl.F_SETFL, fcntl.fcntl(output, fcntl.F_GETFL) | os.O_NONBLOCK)
        self.text = ""
        self.await_text(120, r"testpmd> ")
        self.say("start")
        self.await_text(20, r"testpmd> ")
        self.find_threads("rte-worker")

    def say(self, line):
        self.text = ""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def log_tail(self):
        return "\n".join(self.text.splitlines()[-8:])

    def await_text(self, seconds, pattern):
        def seen():
            while piece := os.read(self.process.stdout.fileno(), 65536):
                self.text += piece.decode(errors="replace")
                if re.search(pattern, self.text):
                    return True
            return False

        def look():
            try:
                return seen()
            except BlockingIOError:
                return False
        self.wait(seconds, look, f"`{pattern}' from it")

    def counters(self):
        self.say("show port stats 0")
        self.await_text(10, r"TX-packets: *\d+(?s:.)*testpmd> ")
        number = {key: int(re.search(rf"{key}: *(\d+)", self.text).group(1))
                  for key in ("RX-packets", "RX-missed", "TX-packets", "RX-nombuf")}
        return {"in": number["RX-packets"], "frames": number["TX-packets"], "drops": 0, "missed": number["RX-missed"] + number["RX-nombuf"]}

    def stop(self):
        if self.process and self.process.poll() is None:
            try:
                self.say("quit")
                self.process.wait(10)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                pass
        super().stop()

