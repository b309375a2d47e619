# SPDX-License-Identifier: BSD-3-Clause
"""
What softiov is compared with. Each is a context manager; inside it, rate(size, seconds) gives the
frames per second that one core moves, both directions added up.

    DpdkVhost   testpmd forwarding from port to port over vhost-user; looks nothing up
    OvsDpdk     Open vSwitch with DPDK, a learning switch, vhost-user ports
    Ceiling     bench/ceiling.c: one copy and nothing else
"""

import json
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from machine import BUILD, CLIENT_CPU, SWITCH_CPU, BenchError, Process, wait_until
from testpmd import BURST, MEMORY_MB, RING_SIZE, START_TIMEOUT, Client, Testpmd

MACS = ("52:54:00:00:00:01", "52:54:00:00:00:02")
OVS_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
OVS_VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"


class Peer:
    """A switch under test and its client; start() of a child class makes self.client."""

    def __init__(self, huge):
        self.huge_dir = huge.dir
        self.dir = None
        self.client = None
        self.stack = ExitStack()

    def start(self):
        raise NotImplementedError

    def rate(self, size, seconds):
        return self.client.rate(size, seconds)

    def __enter__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="softiov-peer-"))
        self.stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        try:
            self.start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()


class DpdkVhost(Peer):
    """testpmd, mode "io": what comes in at one port goes out at the other."""

    def start(self):
        sockets = [self.dir / f"{number}.sock" for number in range(2)]
        ports = [f"eth_vhost{number},iface={path},queues=1" for number, path in enumerate(sockets)]
        switch = self.stack.enter_context(Testpmd(
            "switch", SWITCH_CPU, self.huge_dir, ports, ["--forward-mode=io", "--auto-start"]))
        switch.wait_ready()
        wait_until(lambda: switch.check() and all(path.exists() for path in sockets), 5,
                   "sockets of testpmd")
        self.client = self.stack.enter_context(Client(self.huge_dir, sockets))
        self.client.wait_ready()


class OvsDpdk(Peer):
    """ovs-vswitchd and its database, in a folder of their own: none of the machine's is touched."""

    def start(self):
        self.env = {"OVS_RUNDIR": str(self.dir), "OVS_LOGDIR": str(self.dir),
                    "OVS_DBDIR": str(self.dir)}
        self.stack.callback(shutil.rmtree, "/var/run/dpdk/softiov-bench-ovs", ignore_errors=True)
        database, remote = self.dir / "conf.db", f"unix:{self.dir}/db.sock"
        subprocess.run(["ovsdb-tool", "create", database, OVS_SCHEMA], check=True)
        self._run(["ovsdb-server", database, f"--remote=p{remote}",
                   f"--unixctl={self.dir}/ovsdb.ctl", "--no-chdir"], self.dir / "db.sock")
        self.remote = remote
        self._vsctl("--no-wait", "init")
        self._vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                    f"other_config:dpdk-socket-mem={MEMORY_MB}",
                    "other_config:dpdk-extra=--no-pci --single-file-segments "
                    f"--file-prefix=softiov-bench-ovs --huge-dir={self.huge_dir}",
                    f"other_config:pmd-cpu-mask={1 << SWITCH_CPU:#x}")
        self._run([OVS_VSWITCHD, remote, f"--unixctl={self.dir}/vswitchd.ctl",
                   f"--pidfile={self.dir}/vswitchd.pid", "--no-chdir"], self.dir / "vswitchd.ctl")
        self._vsctl("add-br", "bench", "--", "set", "bridge", "bench", "datapath_type=netdev")
        ports = ["vhost0", "vhost1"]
        for port in ports:
            self._vsctl("add-port", "bench", port, "--", "set", "Interface", port,
                        "type=dpdkvhostuser")
        self.client = self.stack.enter_context(
            Client(self.huge_dir, [self.dir / port for port in ports], MACS))
        self.client.wait_ready()
        for port in ports:
            self._vsctl("wait-until", "Interface", port, "link_state=up")

    def _run(self, command, until):
        process = self.stack.enter_context(Process(command, env=self.env))
        wait_until(lambda: process.check() and until.exists(), START_TIMEOUT, f"{process.name}")

    def _vsctl(self, *words):
        done = subprocess.run(["ovs-vsctl", f"--db={self.remote}", "--timeout=20", *words],
                              capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"ovs-vsctl {' '.join(words)}: {done.stderr.strip()}")


class Ceiling(Peer):
    """No switch at all: two threads of one program."""

    def start(self):
        pass

    def rate(self, size, seconds):
        command = [BUILD / "bench/ceiling", SWITCH_CPU, CLIENT_CPU, round(seconds * 1000), size]
        with Process(command) as process:
            return json.loads(process.wait(seconds + 20))[str(size)]


__all__ = ["BURST", "RING_SIZE", "Ceiling", "DpdkVhost", "OvsDpdk"]
