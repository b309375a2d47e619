# SPDX-License-Identifier: BSD-3-Clause
"""
DPDK's testpmd: as the client that feeds and drains a vhost-user switch, and as such a switch.

The client works in a closed loop: "start tx_first" puts frames of one size into both ports, then it
sends what it receives. So it builds no frame while it is measured, and loses none.
"""

import re
import shutil
import time
from pathlib import Path

from machine import CLIENT_CPU, Process

RING = "packed_vq=1,mrg_rxbuf=0,in_order=1"
RING_SIZE = 1024
BURST = 64
MEMORY_MB = 512
START_TIMEOUT = 20
WARM_UP = 0.7
STARTS = 4


class Testpmd(Process):
    """One testpmd with its commands on standard input."""

    def __init__(self, role, cpu, huge_dir, devices, options=()):
        self.prefix = f"softiov-bench-{role}"
        devices = [word for device in devices for word in ("--vdev", device)]
        super().__init__([
            "stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"0@{cpu},1@{cpu}", "-m", MEMORY_MB,
            f"--file-prefix={self.prefix}", f"--huge-dir={huge_dir}", "--single-file-segments",
            "--no-pci", *devices, "--", "-i", "--nb-cores=1", f"--burst={BURST}",
            f"--rxd={RING_SIZE}", f"--txd={RING_SIZE}", *options],
            interactive=True, name="testpmd")

    def wait_ready(self):
        self.wait_for(lambda said: "testpmd>" in said, START_TIMEOUT, "prompt")
        return self

    def end(self, *args, **kwargs):
        if self.alive():
            try:
                self.say("quit")
                self.process.wait(5)
            except Exception:   # it ends, one way or the other
                pass
        super().end(*args, **kwargs)
        shutil.rmtree(Path("/var/run/dpdk") / self.prefix, ignore_errors=True)


class Client(Testpmd):
    """
    The closed loop between two vhost-user ports. With macs (of the two ports) it addresses each
    frame to the other port, as a learning switch needs.
    """

    def __init__(self, huge_dir, sockets, macs=None):
        devices = [f"virtio_user{number},path={path},queues=1,queue_size={RING_SIZE},"
                   + (f"mac={macs[number]}," if macs else "") + RING
                   for number, path in enumerate(sockets)]
        options = [f"--eth-peer={number},{macs[1 - number]}" for number in range(2)] if macs else []
        super().__init__("client", CLIENT_CPU, huge_dir, devices, options)
        self.mode = "mac" if macs else "io"
        self.running = False

    def _look(self):
        """Frames per second of both ports since the last look, by testpmd's own clock."""
        def rates():
            return [int(rate) for rate in re.findall(r"Rx-pps: +(\d+)[^#]*####", self.said())]

        seen = len(rates())
        self.say("show port stats all")
        return sum(self.wait_for(lambda _: rates()[seen + 1:] and rates()[-2:], 5, "statistics"))

    def _start(self, size):
        """Frames of a size begin to circulate; returns whether they do."""
        if self.running:
            self.say("stop")
        self.say(f"set txpkts {size}")
        self.say(f"set fwd {self.mode}")
        self.say("start tx_first 16")
        self.running = True
        self._look()
        time.sleep(WARM_UP)
        return self._look() > 0

    def rate(self, size, seconds):
        """Frames per second, both directions added up."""
        # A switch that was not ready has lost all there is in the loop: begin anew.
        if not any(self._start(size) for _ in range(STARTS)):
            self.fail(f"no frame of {size} bytes came through")
        time.sleep(seconds)
        return self._look()
