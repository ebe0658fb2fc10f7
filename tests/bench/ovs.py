# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch with DPDK, in a run directory of its own; the system's and the lab's are not touched.

It bridges as Bulkhead does: the destination's MAC tells the segment, whose tag the frame leaves with; the 500 MACs are written
into its rules, where Bulkhead learns them. With conntrack a session of the one service may begin from the clients' side and its
frames pass both ways. There are no guards, no fragments put together, no counters for rules and applications."""

import os
import re
import subprocess

from programs import Failure, Program, driver_paths, start_process

DAEMON = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
VLANS = {101: 102, 102: 101}
HOSTS = 250  # of each VLAN, as in traffic.c


def bridge_flows(table):
    """By the destination's MAC, out with the tag of its segment."""
    return [f"table={table},priority=10,in_port=p0,dl_vlan={vlan},dl_dst=02:00:00:{other:02x}:{host >> 8:02x}:{host & 255:02x},"
            f"actions=mod_vlan_vid:{other},in_port" for vlan, other in VLANS.items() for host in range(1, HOSTS + 1)]


def conntrack_flows(services):
    """services: how many rules there are for new sessions, by port; the traffic meets the first."""
    flows = [f"table=0,priority=10,{kind},in_port=p0,dl_vlan={vlan},actions=ct(table=1,zone=1)"
             for vlan in VLANS for kind in ("ip", "ipv6")]
    flows += ["table=1,priority=20,ct_state=+trk+est,actions=resubmit(,2)"]
    flows += [f"table=1,priority=10,ct_state=+trk+new,dl_vlan=101,{kind},tp_dst={5000 + number},"
              "actions=ct(commit,zone=1),resubmit(,2)" for number in range(services) for kind in ("udp", "udp6", "tcp")]
    return flows + ["table=1,priority=0,actions=drop"] + bridge_flows(2)


class Ovs(Program):
    """Without state."""
    name = "ovs"
    spare_tx_queues = 1
    timeout = None  # of sessions; None: OVS's own
    services = 0  # rules for new sessions; 0: no conntrack

    def flows(self):
        return conntrack_flows(self.services) if self.services else bridge_flows(0)

    def environment(self):
        return {**os.environ, "OVS_RUNDIR": self.folder, "OVS_LOGDIR": self.folder, "OVS_DBDIR": self.folder,
                "OVS_SYSCONFDIR": self.folder}

    def command(self, *words):
        result = subprocess.run(words, capture_output=True, text=True, env=self.environment(), check=False)
        if result.returncode:
            raise Failure(f"{' '.join(words)}: {result.stderr.strip()}")
        return result.stdout

    def vsctl(self, *words):
        return self.command("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", "--timeout=30", *words)

    def appctl(self, *words):
        return self.command("ovs-appctl", "-t", f"{self.folder}/vswitchd.ctl", *words)

    def start_database(self):
        database = f"{self.folder}/conf.db"
        self.command("ovsdb-tool", "create", database, SCHEMA)
        self.command("ovsdb-server", database, f"--remote=punix:{self.folder}/db.sock", "--detach",
                     f"--pidfile={self.folder}/ovsdb.pid", f"--log-file={self.folder}/ovsdb.log",
                     f"--unixctl={self.folder}/ovsdb.ctl")

    def configure(self):
        s = self.setting
        drivers = " ".join(f"-d {path}" for path in driver_paths())
        # its pools are 262,144 buffers of 3 KiB and more
        memory = "--no-huge --no-shconf --legacy-mem -m 2048"
        mask = sum(1 << cpu for cpu in s.cpus)
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                   f"other_config:dpdk-extra=--no-pci --no-telemetry --file-prefix=bench-{os.getpid()} {memory} {drivers}",
                   f"other_config:dpdk-lcore-mask={1 << s.main_cpu:#x}", f"other_config:pmd-cpu-mask={mask:#x}")

    def start(self):
        s = self.setting
        self.start_database()
        self.configure()
        with self.log() as log:
            # its bridge's device is nobody else's business
            self.process = start_process(
                ["unshare", "--net", DAEMON, f"unix:{self.folder}/db.sock", f"--pidfile={self.folder}/vswitchd.pid",
                 f"--unixctl={self.folder}/vswitchd.ctl"], s.nice, stdout=log, stderr=log, env=self.environment())
        self.wait(30, lambda: os.path.exists(f"{self.folder}/vswitchd.ctl"), "its control socket")
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
        with open(f"{self.folder}/flows", "w", encoding="ascii") as file:
            file.write("".join(flow + "\n" for flow in self.flows()))
        if self.timeout:
            self.vsctl("--", "--id=@d", "create", "Datapath", "datapath_version=0", "--", "set", "Open_vSwitch", ".",
                       "datapaths:netdev=@d")
            self.vsctl("add-zone-tp", "netdev", "zone=1",
                       *(f"udp_{state}={self.timeout}" for state in ("first", "single", "multiple")))
        self.vsctl("add-port", "br0", "p0", "--", "set", "interface", "p0", "type=dpdk", "ofport_request=1",
                   f"options:dpdk-devargs={s.device.format(n=0)}", f"options:n_rxq={s.queues}")
        self.command("ovs-ofctl", "--strict", "add-flows", f"{self.folder}/br0.mgmt", f"{self.folder}/flows")
        # 3.1 does not give back the places of sessions that end by age: with its limit of 3,000,000 it begins no more after these
        if self.services:
            self.appctl("dpctl/ct-set-maxconns", "netdev@ovs-netdev", "1000000000")
        self.find_threads("pmd-c")

    def counters(self):
        text = self.appctl("dpctl/show", "-s", "netdev@ovs-netdev")
        port = re.search(r"port \d+: p0 (?s:.*?)(?=\n  port|\Z)", text).group(0)
        number = {key: int(value) for key, value in re.findall(r"(\w+ \w+):(\d+)", " ".join(
            f"{way} {pair}" for way, pairs in re.findall(r"(RX|TX) (packets:.*)", port) for pair in pairs.split()))}
        return {"in": number["RX packets"], "frames": number["TX packets"], "drops": 0,
                "missed": number["RX errors"]}

    def refused(self):
        """Sessions that conntrack had no place for."""
        found = re.search(r"conntrack_full.*total: (\d+)", self.appctl("coverage/show"))
        return int(found.group(1)) if found else 0

    def tracked(self):
        """Sessions that conntrack has."""
        return int(re.search(r"Total: (\d+)", self.appctl("dpctl/ct-stats-show", "netdev@ovs-netdev")).group(1))

    def stop(self):
        if self.process and self.process.poll() is None:
            try:
                self.appctl("exit", "--cleanup")
                self.process.wait(10)
            except Exception:  # pylint: disable=broad-except
                pass
        super().stop()
        pid = f"{self.folder}/ovsdb.pid"
        if os.path.exists(pid):
            with open(pid, encoding="ascii") as file:
                os.kill(int(file.read()), 15)


class OvsConntrack(Ovs):
    """With conntrack, and one rule for new sessions."""
    name = "ovs-conntrack"
    services = 1


class OvsManyRules(OvsConntrack):
    """With conntrack and a hundred rules for new sessions, which one megaflow covers."""
    services = 100
