# SPDX-License-Identifier: BSD-3-Clause
"""
VMs by src/vmm alone, with a real QEMU and real VFs: started, watched, reset, powered off, adopted,
plugged into. tests/tools/vmm.c is the daemon's part.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from lab import REPO, LabError, program, tool, wait_until
from lab.util import vm_lock
from shell import BOOTED, SocketShell

UUID = "3f0a1c52-7d0e-4b5c-9a51-8e6c2f1d0b77"


class Vmm:
    """One VM and the program that looks after it."""

    def __init__(self, **members):
        self.dir = Path(tempfile.mkdtemp(prefix="softiov-x-"))
        self.spec = {"dir": str(self.dir / "vm"), "name": "x", "uuid": UUID, "memory": 256 << 20,
                     "vcpus": 1, "kernel": tool("qemu", "--kernel"), "initrd": tool("initramfs"),
                     "kernel-args": "console=ttyS0 panic=0 softiov.shell",
                     "accel": tool("accel"), **members}
        self.pid = None
        self.process = None
        self.text = ""
        vm_lock.acquire()

    def start(self, verb="start"):
        self.process = subprocess.Popen(
            [program("vmm"), verb, REPO / "tools/lab/qemu", json.dumps(self.spec)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.text = ""
        return self

    def leave(self):
        """The program ends, QEMU stays."""
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()
        self.process = None

    def type(self, *words):
        self.process.stdin.write((" ".join(words) + "\n").encode())
        self.process.stdin.flush()

    def event(self, kind, timeout=90):
        """The next line of the program, which must be of that kind."""
        end = time.monotonic() + timeout
        while "\n" not in self.text:
            if not select.select([self.process.stdout], [], [], end - time.monotonic())[0]:
                raise LabError(f"no event {kind} within {timeout} s\n{self.logs()}")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise LabError(f"vmm ended\n{self.logs()}")
            self.text += data.decode()
        line, self.text = self.text.split("\n", 1)
        event = json.loads(line)
        assert event["event"] == kind, (event, self.logs())
        self.pid = event.get("pid", self.pid)
        return event

    def log(self):
        path = self.dir / "vm/console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def booted(self, times=1):
        wait_until(lambda: self.log().count(BOOTED) == times, 90, lambda: self.logs())

    def logs(self):
        return self.log()[-4000:]

    def sh(self, line):
        with SocketShell(self.dir / "vm/console.sock") as shell:
            return shell.sh(line)

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        if self.pid and UUID in self.command():
            os.kill(self.pid, signal.SIGKILL)
        vm_lock.release()
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self):
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_text()
        except OSError:
            return ""


@pytest.fixture
def vmm(crew):
    def start(**members):
        return crew.add(Vmm(**members))
    return start


def functions(vm):
    """Addresses that ixgbevf drives."""
    return vm.sh("echo /sys/bus/pci/drivers/ixgbevf/*:*").split()


def drives(vm, count):
    wait_until(lambda: len(functions(vm)) == count, 30, vm.logs, 0.5)


def test_log_begins_anew(vmm):
    """QEMU goes on at the beginning of a log that got long, not behind a hole."""
    vm = vmm()
    vm.event("running")
    vm.booted()
    log = vm.dir / "vm/console.log"
    with log.open("ab") as file:
        file.write(bytes(5 << 20))
    wait_until(lambda: log.stat().st_size < 1 << 20, 60)
    assert log.with_name("console.log.old").stat().st_size == 4 << 20
    assert vm.sh("echo he''llo") == "hello\n"
    assert "hello" in log.read_text() and log.stat().st_size < 1 << 20


def test_the_kernel_talks_into_a_typed_line(vmm):
    vm = vmm()
    vm.event("running")
    vm.booted()
    vm.sh("echo on >/proc/sys/kernel/printk_devkmsg")
    vm.sh("{ sleep 1; dmesg -n 8; while echo softiov ta''lks >/dev/kmsg; do :; done } & true")
    wait_until(lambda: "softiov talks" in vm.log(), 60, vm.logs)
    assert vm.sh("uname") == "Linux\n"


def test_life_of_a_vm(vmm):
    vm = vmm()
    assert UUID in (vm.event("running"), vm.command())[1]
    vm.booted()
    assert "Linux version" in vm.log() and "Memory:" in vm.log()
    assert vm.sh("uname") == "Linux\n"
    vm.type("reset")
    assert vm.event("done")["error"] == 0
    vm.booted(2)
    vm.type("powerdown")
    assert vm.event("done")["error"] == 0
    assert vm.event("ended") == {"event": "ended", "clean": True,
                                 "why": "the guest powered off"}
    assert "Preparing to enter system sleep state S5" in vm.log()
    assert vm.process.wait(10) == 0 and not vm.command()


def test_functions_come_and_the_daemon_goes(crew, vmm):
    daemon = crew.daemon('cards: [{ address: "0000:07" }]\n')

    def function(number):
        address = f"0000:07:{0x10 + number // 4:x}.{number % 4 * 2}"
        return [address, str(daemon.socket(address))]

    vm = vmm(functions=[function(0)])
    pid = vm.event("running")["pid"]
    vm.booted()
    drives(vm, 1)
    vm.type("plug", *function(1))
    assert vm.event("done", 20) == {"event": "done", "what": "plug", "error": 0}
    drives(vm, 2)
    vm.type("unplug", function(1)[0])
    refusal = vm.event("done")
    assert refusal["error"] == -95 and "QEMU 11.1" in refusal["why"]

    vm.leave()
    vm.start("adopt")
    assert vm.event("running")["pid"] == pid
    vm.type("plug", *function(1))
    assert vm.event("done")["error"] == -17
    vm.type("plug", *function(2))
    assert vm.event("done", 20)["error"] == 0
    drives(vm, 3)
    for number in (3, 4, 5):
        vm.type("plug", *function(number))
        assert vm.event("done", 20)["error"] == (0 if number < 5 else -16)  # EBUSY: 4 free ports
    drives(vm, 5)
    vm.type("kill")
    assert vm.event("ended") == {"event": "ended", "clean": True, "why": "the plug was pulled"}

    vm.start("adopt")
    assert "no QEMU runs" in vm.event("refused")["why"]


def test_what_qemu_says_last(crew, vmm):
    vm = vmm(functions=[["0000:07:10.0", "/nowhere/vf.sock"]])
    end = vm.event("ended")
    assert not end["clean"] and "/nowhere/vf.sock" in end["why"] and "status 1" in end["why"]


def test_an_adopted_vm_that_is_killed(vmm):
    vm = vmm()
    pid = vm.event("running")["pid"]
    vm.leave()
    vm.start("adopt")
    vm.event("running")
    os.kill(pid, signal.SIGKILL)
    end = vm.event("ended")
    assert not end["clean"] and "QEMU is gone" in end["why"]


def test_kvm_where_it_works(crew):
    """A processor with virtualization hardware, which QEMU's TCG is: KVM works in there."""
    root = Path(tool("prepare", "--where")) / "root"
    modules = root / "usr/lib/modules" / (root / "kernel-release").read_text().strip()
    line = next(line for line in (modules / "modules.dep").read_text().splitlines()
                if "/kvm-amd.ko" in line.split(":")[0])
    files = [modules / name.rstrip(":") for name in line.split()]
    guest = crew.guest("kvm", accel="tcg", mem="384M", kernel="stable",
                       files=[program("kvmtry"), *(f"{file}:kvm/{file.name}" for file in files)])
    guest.wait_ready()
    guest.sh("cd /kvm && for m in *.xz; do xz -d $m; done")
    assert "no: /dev/kvm" in guest.sh("kvmtry")
    for file in reversed(files):
        guest.sh(f"insmod /kvm/{file.name.removesuffix('.xz')}")
    assert guest.sh("kvmtry", 60) == "yes\n"
