# SPDX-License-Identifier: BSD-3-Clause
"""What the lab's parts share: where things are, how to wait, and one run of guests at a time."""

import ctypes
import fcntl
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]
REPO = TOOLS.parents[1]
BUILD = Path(os.environ.get("SOFTIOV_BUILD", REPO / "build"))
VM_LOCK = os.environ.get("SOFTIOV_VM_LOCK", os.path.join(tempfile.gettempdir(), "softiov-vm.lock"))


class LabError(Exception):
    """A guest, QEMU or the daemon did not do what was asked; the message says what and why."""


def tool(name, *args, kernel=None):
    """Output of a script of tools/lab, run for a kernel ("stable", "backports")."""
    env = {**os.environ, "SOFTIOV_KERNEL": kernel} if kernel else None
    done = subprocess.run([TOOLS / name, *args], stdout=subprocess.PIPE, text=True, env=env)
    if done.returncode:
        raise LabError(f"tools/lab/{name} failed (see above)")
    return done.stdout.strip()


def program(name, build=BUILD):
    """Path of a program of the build."""
    places = [build / name, *build.glob(f"src/*/{name}"), *build.glob(f"tests/*/{name}")]
    for place in places:
        if place.is_file():
            return place
    raise LabError(f"no {name} in {build}: build it or set SOFTIOV_BUILD")


def wait_until(condition, timeout, what="condition", interval=0.05):
    """Poll until condition() is true; return its value. what may be a function that tells."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"{what() if callable(what) else what}: not within {timeout} s")
        time.sleep(interval)


def tail(path, lines=40):
    try:
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(nothing)"


def die_with_parent():
    """In a new child: no test run, however it ends, leaves processes behind."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class _VmLock:
    """Held while any guest of this process lives. SOFTIOV_VM_LOCK= (empty) switches it off."""

    def __init__(self):
        self.holders = 0
        self.file = None

    def acquire(self):
        if not self.holders and VM_LOCK:
            self.file = open(VM_LOCK, "a")
            fcntl.flock(self.file, fcntl.LOCK_EX)
        self.holders += 1

    def release(self):
        self.holders -= 1
        if not self.holders and self.file:
            self.file.close()
            self.file = None


vm_lock = _VmLock()
