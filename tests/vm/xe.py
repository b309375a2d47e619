# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of VMs by xe share: a daemon that starts VMs, xe's words, a VM's console."""

import contextlib
import subprocess
import time

from lab import REPO, LabError, program, tool
from lab.util import vm_lock
from shell import Shell

CONFIG = """\
cards: [{{ address: "0000:07" }}]
vms: {{ qemu: {qemu}, accel: {accel} }}
"""


def config(qemu=REPO / "tools/lab/qemu"):
    """Of a daemon that starts VMs, by default by the lab's QEMU."""
    return CONFIG.format(qemu=qemu, accel=tool("accel"))


class Xe:
    """xe as a person at a shell has it, against one daemon."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.command = [program("softiov"), "--socket", daemon.api, "xe"]

    def run(self, *words, stdin=""):
        """Returns (rc, stdout, stderr)."""
        done = subprocess.run([*self.command, *map(str, words)], input=stdin, timeout=120,
                              capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def __call__(self, *words):
        """Words that must succeed; returns what is printed, without the last line's end."""
        rc, out, err = self.run(*words)
        assert (rc, err) == (0, ""), (words, rc, out, err)
        return out[:-1] if out.endswith("\n") and "--minimal" in words else out.strip("\n")

    def start(self, *words, **kwargs):
        return subprocess.Popen([*self.command, *map(str, words)], text=True, **kwargs)

    def forget_all(self):
        for uuid in filter(None, self("vm-list", "--minimal").split(",")):
            self("vm-uninstall", f"uuid={uuid}", "--force")
        for uuid in filter(None, self("network-list", "--minimal").split(",")):
            self("network-destroy", f"uuid={uuid}")


@contextlib.contextmanager
def running(xe, *uuids):
    """Start VMs; in the end they are gone. Only one run of guests has the machine at a time."""
    vm_lock.acquire()
    try:
        for uuid in uuids:
            xe("vm-start", f"uuid={uuid}")
        yield
    finally:
        for uuid in uuids:
            xe.run("vm-shutdown", f"uuid={uuid}", "--force")
        vm_lock.release()


class Console(Shell):
    """A shell on a VM's serial console, by `xe console` with pipes."""

    def __init__(self, xe, selector):
        self.process = xe.start("console", selector, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        super().__init__(selector, self.process.stdout.fileno(), self.process.stdin.fileno())

    def login(self, prompt, timeout=90):
        """Until a shell shows its prompt; it may have done so before we came."""
        end = time.monotonic() + timeout
        while True:
            self.type("")
            try:
                self.wait_for(prompt, 1)
                return self
            except LabError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
