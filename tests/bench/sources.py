# SPDX-License-Identifier: BSD-3-Clause
"""Where frames come from: a capture that a net_pcap port loops, or the generator at the other end of a memif."""

import json
import os
import subprocess

from measure import threads_of
from programs import BUILD, Failure, driver_paths, start_process

BENCH = f"{BUILD}/bench"


def frames_in(path):
    """Records of a capture, by its headers."""
    count, at = 0, 24
    with open(path, "rb") as file:
        data = file.read()
    while at < len(data):
        at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
        count += 1
    return count


class Loop:
    """net_pcap with infinite_rx: every queue has the whole capture in memory. The worker pulls it as fast as it can; what
    is sent is counted and freed by the driver."""

    def __init__(self, traffic, queues):
        self.paths = [self.capture([*traffic, "--share", f"{i}/{queues}"] if queues > 1 else traffic) for i in range(queues)]
        self.frames = sum(map(frames_in, self.paths))

    @staticmethod
    def capture(traffic):
        """One loop of the traffic; made anew only when the maker is newer."""
        path = f"{BENCH}/{'-'.join(word.lstrip('-').replace('/', 'of') for word in traffic)}.pcap"
        if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(f"{BENCH}/capture"):
            subprocess.run([f"{BENCH}/capture", *traffic, path + ".new"], check=True)
            os.rename(path + ".new", path)
        return path

    def device(self):
        return "net_pcap{n}," + ",".join(f"rx_pcap={path}" for path in self.paths) + ",infinite_rx=1"

    def mbufs(self):
        """The driver keeps a buffer for each frame of each queue."""
        return self.frames + 65536

    def start(self, program):
        """The driver does, with the port."""

    def go(self, program):
        """It never waits."""

    def pushed(self):
        """Attempts to send, and those that met a full ring: there are none."""
        return 0, 0

    def stop(self):
        """With the program."""


class Generator:
    """The generator on a CPU of its own, at the server's end of a memif."""

    def __init__(self, traffic, folder, cpu=0, size=2048):
        self.traffic = traffic
        self.frames = 2 * int(traffic[traffic.index("--flows") + 1]) if "--flows" in traffic else 0
        self.socket = f"{folder}/memif.sock"
        self.cpu = cpu
        self.size = size
        self.process = None

    def device(self):
        return ("net_memif{n},role=client,id=0,socket=" + self.socket +
                f",socket-abstract=no,rsize=10,bsize={self.size}")

    def mbufs(self):
        return 65536

    def start(self, program):
        self.process = start_process(
            [f"{BENCH}/generator", *self.traffic, "--socket", self.socket, "--cpu", str(self.cpu), "--buffer", str(self.size),
             "--drivers", ",".join(driver_paths()), "--queues", str(program.setting.workers + program.spare_tx_queues)], program.setting.nice,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask("stats")

    def ask(self, command):
        """The answer to a command."""
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            raise Failure(f"generator: no answer to `{command}': {error}") from error
        if "error" in answer:
            raise Failure(f"generator: {command}: {answer['error']}")
        return answer

    def go(self, program, rate=0):
        """As fast as the other side takes it, or at a rate. The first frames wait for the link at both ends."""
        program.wait(20, lambda: self.ask("stats")["up"], "a link to the generator")
        program.wait(20, program.linked, "a link")
        self.ask(f"rate {rate}")
        self.ask("send 0")

    def threads(self):
        """Those that send."""
        return threads_of(self.process.pid, "rte-worker")

    def pushed(self):
        """Attempts to send so far, and those that met a full ring."""
        stats = self.ask("stats")
        return stats["rounds"], stats["full"]

    def stop(self):
        if not self.process:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
