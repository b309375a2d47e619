# SPDX-License-Identifier: BSD-3-Clause
"""The machine that the benchmark runs on: huge pages, processors, who else is using it."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tools/lab"))

from lab import BUILD, LabError, tail, wait_until      # noqa: E402
from lab.util import die_with_parent                    # noqa: E402

SWITCH_CPU, CLIENT_CPU = 0, 1
HUGE_PAGES = 1024
NR_HUGEPAGES = Path("/proc/sys/vm/nr_hugepages")
MACHINE_LOCK = os.path.join(tempfile.gettempdir(), "softiov-bench.lock")

PRIORITY = 10               # of SCHED_RR

__all__ = ["BUILD", "BenchError", "CLIENT_CPU", "HugePages", "LabError", "Others", "Process",
           "REPO", "RealTime", "SWITCH_CPU", "check", "machine_lock", "thread_seconds",
           "wait_until"]


class BenchError(LabError):
    """Something did not run; the message says what and why."""


def check():
    """Can this machine run the benchmark at all?"""
    if os.geteuid():
        raise BenchError("needs root: huge pages and pinned processors")
    allowed = os.sched_getaffinity(0)
    if not {SWITCH_CPU, CLIENT_CPU} <= allowed:
        raise BenchError(f"needs processors {SWITCH_CPU} and {CLIENT_CPU}, may use {allowed}")


def machine_lock():
    """Two benchmarks at once would measure each other; returns the lock, to be kept."""
    lock = open(MACHINE_LOCK, "a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("waiting for another benchmark to end ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def thread_seconds(pid, without=()):
    """Processor time that the threads of a process have used, except some."""
    used = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if int(task.name) not in without:
            try:
                used += int((task / "schedstat").read_text().split()[0])
            except OSError:     # has just ended
                pass
    return used / 1e9


class HugePages:
    """Free 2-MiB pages and a file system of them at self.dir, for as long as it is entered."""

    def __init__(self, pages=HUGE_PAGES):
        self.pages = pages
        self.before = None
        self.dir = None

    @staticmethod
    def _free():
        shown = dict(re.findall(r"HugePages_(\w+): +(\d+)", Path("/proc/meminfo").read_text()))
        return int(shown["Free"]) - int(shown["Rsvd"])

    def __enter__(self):
        self.before = int(NR_HUGEPAGES.read_text())
        lacking = self.pages - self._free()
        if lacking > 0:
            NR_HUGEPAGES.write_text(str(self.before + lacking))
        if self._free() < self.pages:
            self.__exit__()
            raise BenchError(f"{self._free()} huge pages of 2 MiB to be had, {self.pages} needed")
        self.dir = tempfile.mkdtemp(prefix="softiov-huge-")
        mount = subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", self.dir],
                               capture_output=True, text=True)
        if mount.returncode:
            os.rmdir(self.dir)
            self.dir = None
            self.__exit__()
            raise BenchError(f"mount of huge pages: {mount.stderr.strip()}")
        return self

    def __exit__(self, *_):
        if self.dir:
            subprocess.run(["umount", "--lazy", self.dir], check=False)
            os.rmdir(self.dir)
            self.dir = None
        if int(NR_HUGEPAGES.read_text()) > self.before:
            NR_HUGEPAGES.write_text(str(self.before))


class Process:
    """
    A program under way; its output goes to a file. It dies with this process, and on leaving the
    with block. interactive: its standard input is a pipe.
    """

    def __init__(self, command, interactive=False, env=None, name=None):
        self.command = [str(word) for word in command]
        self.name = name or Path(self.command[0]).name
        self.dir = Path(tempfile.mkdtemp(prefix="softiov-bench-"))
        self.log, self.errors = self.dir / "log", self.dir / "errors"
        with open(self.log, "wb") as log, open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE if interactive else subprocess.DEVNULL,
                stdout=log, stderr=errors, text=True, preexec_fn=die_with_parent,
                start_new_session=True, env=None if env is None else {**os.environ, **env})

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        return self.log.read_text(errors="replace")

    def fail(self, what):
        raise BenchError(f"{self.name}: {what}\n{' '.join(self.command)}\n"
                         f"{tail(self.log, 20)}\n{tail(self.errors, 20)}")

    def alive(self):
        return self.process.poll() is None

    def check(self):
        if not self.alive():
            self.fail(f"ended with status {self.process.returncode}")
        return self

    def say(self, line):
        """A line to its standard input."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except OSError:
            self.check()
            self.fail(f"does not listen to '{line}'")

    def wait_for(self, condition, timeout, what):
        """Until condition(its output); returns its value."""
        end = time.monotonic() + timeout
        while True:
            value = condition(self.said())
            if value:
                return value
            self.check()
            if time.monotonic() > end:
                self.fail(f"no {what} within {timeout} s")
            time.sleep(0.02)

    def wait(self, timeout):
        """Until it ends, with status 0; returns its output."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"took more than {timeout} s")
        if status:
            self.fail(f"ended with status {status}")
        return self.said()

    def end(self, number=signal.SIGTERM, timeout=5):
        if self.alive():
            self.process.send_signal(number)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class RealTime:
    """
    While entered this process, and who is started by it, goes before all others on the machine.
    Among themselves they take turns (SCHED_RR), so that a thread that spins and one that answers
    commands can share a processor.
    """

    def __enter__(self):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
        return self

    def __exit__(self, *_):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Others:
    """
    How much of the machine went to others while entered: self.share, of all processor time, that
    neither this process and its children used nor was idle; self.stolen, by the hypervisor.
    """

    def __init__(self):
        self.share = self.stolen = 0.0
        self.before = None

    @staticmethod
    def _ticks():
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, fields)
        return (sum(map(int, fields)), user + nice + system + irq + softirq, steal)

    @staticmethod
    def _own():
        """Processor time of this process and of its children that have ended."""
        return sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        self.before = (*self._ticks(), self._own())
        return self

    def __exit__(self, *_):
        total, used, steal, own = (after - before for after, before in
                                   zip((*self._ticks(), self._own()), self.before))
        self.share = max(0.0, (used - own) / total) if total else 0.0
        self.stolen = steal / total if total else 0.0
