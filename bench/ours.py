# SPDX-License-Identifier: BSD-3-Clause
"""
softiov itself: softiovd with one worker on the switch's processor, softiov-pktgen on the client's.

    Softiov     two VFs, frames in a closed loop of one thread, latency, TSO
    Crowd       512 VFs, and what those that are silent cost the two that are not
    Party       64 VFs, and what it costs when all of them send
    Idle        64 VFs that say nothing, default idle policy
    Mapping     a VF that maps and unmaps while two others talk

Anti-spoofing, counters and DMA translation are on, as always. The worker's cost of a frame is the
time of its busy loops over the frames it moved: how fast the client is does not matter.
"""

import json
import socket
import time
from contextlib import ExitStack
from typing import NamedTuple

from lab import Daemon, program
from machine import (BUILD, CLIENT_CPU, SWITCH_CPU, BenchError, Process, thread_seconds,
                     wait_until)

BUSY = f"workers: 1\ncpus: [{SWITCH_CPU}]\nidle: {{ always-busy: on }}\n"
MAX_FRAME = 9000
WARM_UP = 0.5
TSO_WINDOW = 4              # requests under way
COPY_BYTES = 65536
COPY_FROM = TSO_WINDOW * COPY_BYTES     # what the sender's requests are in
COPY_TO = 12 * COPY_BYTES               # 512 frames of 1514 bytes: what a ring receives
CROWD_IN_FLIGHT = 256
PARTY_IN_FLIGHT = 64
MAPPING_IN_FLIGHT = 64
MAPPING_PAUSE_US = 100      # its processor is shared with who maps, and with the device thread
QUIESCE_FIELD = "quiesce_ns_max"
IDLE_SECONDS = 10
ATTACH_TIMEOUT = 60


def card(pfs_of_port, vfs, mtu=MAX_FRAME):
    """The configuration of a card without interfaces of its own on the host."""
    pf = f"{{ vfs: {vfs}, netdev: none, mtu: {mtu} }}"
    ports = ", ".join(f"{{ pfs: [{', '.join([pf] * pfs)}] }}" for pfs in pfs_of_port)
    return f"cards: [{{ address: '0000:07', ports: [{ports}] }}]\n"


def functions(daemon, count):
    """Addresses of VFs, those of PF 0 first, once they all have sockets."""
    def found():
        pfs = [pf for port in daemon.show()["cards"][0]["ports"] for pf in port["pfs"]]
        vfs = [vf["address"] for pf in pfs for vf in pf["vfs"]]
        return vfs if len(vfs) >= count else None

    vfs = wait_until(found, 20, f"{count} VFs")[:count]
    for vf in vfs:
        daemon.socket(vf)
    return vfs


def worker(daemon):
    """Counters of the worker, by the cheapest way there is."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(daemon.api))
        sock.sendall(b"GET /v1/workers HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    return json.loads(answer.partition(b"\r\n\r\n")[2])[0]


class Bench:
    """A daemon for as long as it is entered; a child class gives config and vfs."""

    config = None
    vfs = 2
    # Only the worker, which pins itself, is on the switch's processor.
    under = ("taskset", "--cpu-list", str(CLIENT_CPU))

    def __init__(self, _huge=None):
        self.stack = ExitStack()
        self.daemon = None
        self.sockets = []

    def __enter__(self):
        try:
            self.daemon = self.stack.enter_context(Daemon(self.config, under=self.under))
            self.sockets = [self.daemon.socket(vf) for vf in functions(self.daemon, self.vfs)]
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def pktgen(self, *words, seconds):
        """The report of a run of softiov-pktgen between the first two VFs."""
        command = [program("softiov-pktgen"), *words, "--json", "--cpu", CLIENT_CPU,
                   "--warmup", WARM_UP, "--duration", seconds,
                   *(f"unix:{path}" for path in self.sockets[:2])]
        with Process(command) as process:
            return json.loads(process.wait(seconds + 20).splitlines()[-1])

    def loop(self, seconds, *words):
        report = self.pktgen("loop", *words, seconds=seconds)
        if not report["rx_packets"]:
            raise BenchError("softiov: no frame came through")
        return report


class Softiov(Bench):
    """Two VFs of a card that has no others."""

    config = BUSY + card([1], 2)

    def rate(self, size, seconds):
        """Frames per second, both directions added up."""
        return self.loop(seconds, "--size", size)["rx_mpps"] * 1e6

    def imix(self, seconds):
        return self.loop(seconds, "--imix")["rx_mpps"]

    def latency(self, seconds):
        """Median and 99 of 100, in microseconds."""
        report = self.pktgen("latency", "--size", 64, seconds=seconds)["latency"]
        return report["p50_us"], report["p99_us"]

    def tso(self, seconds):
        """Gbit/s of received frames that were sent as requests of nearly 64 KiB."""
        command = [BUILD / "bench/segments", CLIENT_CPU, round(seconds * 1000), TSO_WINDOW,
                   *self.sockets]
        with Process(command) as process:
            report = json.loads(process.wait(seconds + 20))
        return report["bytes"] * 8 / report["ns"]


def memcpy(seconds):
    """Gbit/s that the switch's processor copies."""
    command = [BUILD / "bench/copy", SWITCH_CPU, round(seconds * 1000), COPY_BYTES, COPY_FROM,
               COPY_TO]
    with Process(command) as process:
        return json.loads(process.wait(seconds + 20))["bytes_per_second"] * 8 / 1e9


class Cost(NamedTuple):
    """What a frame costs, in ns: of the worker's busy time, and of the time that went by."""

    busy: float
    wall: float


def cost(daemon, sockets, in_flight, seconds):
    """Of VFs that all send, in turn, with so many frames of each under way."""
    command = [BUILD / "bench/roundrobin", CLIENT_CPU, round(seconds * 1000), in_flight, 0,
               *sockets]
    with Process(command) as rounds:
        rounds.wait_for(lambda said: "start\n" in said, ATTACH_TIMEOUT, "start")
        began, before = time.monotonic_ns(), worker(daemon)["busy_ns"]
        time.sleep(seconds * 0.7)
        took, busy = time.monotonic_ns() - began, worker(daemon)["busy_ns"] - before
        report = json.loads(rounds.wait(seconds + 20).splitlines()[-1])
    wall = report["ns"] / report["frames"]
    return Cost(busy / took * wall, wall)


class Crowd(Bench):
    """
    8 PFs of 64 VFs. Two talk; the others come, with rings enabled and filled, say nothing, and
    leave again.
    """

    config = BUSY + card([4, 4], 64, 1500)
    vfs = 512

    def ratio(self, seconds):
        """Cost of a frame with all 512 attached over that with only two."""
        alone = cost(self.daemon, self.sockets[:2], CROWD_IN_FLIGHT, seconds)
        with Process([BUILD / "bench/silent", *self.sockets[2:]], interactive=True) as others:
            others.wait_for(lambda said: "ready" in said, ATTACH_TIMEOUT, "VFs")
            crowded = cost(self.daemon, self.sockets[:2], CROWD_IN_FLIGHT, seconds)
        return crowded, alone


class Party(Bench):
    """64 VFs of one PF that all send in turn, or only two of them."""

    config = BUSY + card([1], 64, 1500)
    vfs = 64

    def ratio(self, seconds):
        alone = cost(self.daemon, self.sockets[:2], PARTY_IN_FLIGHT, seconds)
        return cost(self.daemon, self.sockets, PARTY_IN_FLIGHT, seconds), alone


class Idle(Bench):
    """64 VFs attached, their rings enabled and filled, the idle policy the default one."""

    config = card([1], 64, 1500)
    vfs = 64
    under = ()

    def __enter__(self):
        super().__enter__()
        silent = self.stack.enter_context(
            Process([BUILD / "bench/silent", *self.sockets], interactive=True))
        silent.wait_for(lambda said: "ready" in said, ATTACH_TIMEOUT, "VFs")
        time.sleep(1)
        return self

    def cpu_percent(self, seconds=IDLE_SECONDS):
        """Of one processor, by all threads of the daemon."""
        began, used = time.monotonic(), thread_seconds(self.daemon.process.pid)
        time.sleep(seconds)
        used = thread_seconds(self.daemon.process.pid) - used
        return 100 * used / (time.monotonic() - began)


class Mapping(Bench):
    """Three VFs: two talk, the third maps and unmaps."""

    config = BUSY + card([1], 4, 1500)
    vfs = 3

    def quiesce(self, seconds):
        """
        Longest time the worker has spent on quiescing, and 99.9 of 100 of the times that a map and
        an unmap took their driver, both in microseconds.
        """
        talk = [BUILD / "bench/roundrobin", CLIENT_CPU, round(seconds * 1000),
                MAPPING_IN_FLIGHT, MAPPING_PAUSE_US, *self.sockets[:2]]
        with Process(talk) as talking:
            talking.wait_for(lambda said: "start\n" in said, ATTACH_TIMEOUT, "start")
            command = [BUILD / "bench/mapper", CLIENT_CPU, seconds * 0.8, self.sockets[2]]
            with Process(command) as mapper:
                report = json.loads(mapper.wait(seconds + 20))
            talking.wait(seconds + 20)
        return worker(self.daemon)[QUIESCE_FIELD] / 1e3, report["p999_us"]
