# SPDX-License-Identifier: BSD-3-Clause
"""Virtual machines."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .agent import Agent
from .command import STDOUT
from .machine import Machine
from .qmp import Qmp
from .util import LabError, die_with_parent, tail, tool, vm_lock, wait_until


class Guest(Machine):
    """
    A virtual machine.

    vfs         vfio-user sockets, each plugged in behind a PCIe root port of its own: of VFs or of
                a whole card
    mem, smp    memory (a QEMU size) and processors
    iommu       with an IOMMU (intel-iommu), on in the guest's kernel
    firmware    "bios" or "ovmf"
    modules     modules loaded before it is ready
    files       more files for its initramfs, as for tools/lab/initramfs
    kernel_args, extra_args   for the kernel's and QEMU's command line
    slots       root ports left empty, for hotplug()
    accel       "kvm" or "tcg" instead of what tools/lab/accel says
    shared      its memory is shared with devices, as they need it
    kernel      "stable" or "backports" instead of what SOFTIOV_KERNEL says
    """

    def __init__(self, name, vfs=(), mem="256M", smp=1, iommu=False, firmware="bios", extra_args=(),
                 modules=("ixgbevf",), files=(), kernel_args="", slots=1, accel=None,
                 shared=True, kernel=None):
        self.name, self.vfs, self.mem, self.smp = name, list(vfs), mem, smp
        self.iommu, self.firmware, self.extra_args = iommu, firmware, list(extra_args)
        self.modules = modules.split(",") if isinstance(modules, str) else list(modules)
        self.files, self.kernel_args = list(files), kernel_args
        self.slots, self.accel, self.shared, self.kernel = slots, accel, shared, kernel
        self.dir = Path(tempfile.mkdtemp(prefix=f"softiov-{name}-"))
        self.console_log, self.qemu_log = self.dir / "console.log", self.dir / "qemu.log"
        self.process = None
        self.agent = self.monitor = None
        self.plugged = 0
        self.booted = None      # seconds from start() to the first wait_ready()'s end

    # Life

    def start(self):
        self.console_log.write_bytes(b"")
        if self.kernel:
            tool("prepare", kernel=self.kernel)
        vm_lock.acquire()
        self.started = time.monotonic()
        with open(self.qemu_log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent, start_new_session=True)
        self.monitor = self._connected(lambda: Qmp(self.dir / "qmp", self._event))
        self.agent = Agent(self.name, self.dir / "agent")
        self._connected(self.agent.connect)
        return self

    def command(self):
        """QEMU's command line."""
        options = ["-o", str(self.dir / "initrd")] if self.files else []
        # no_timer_check: the kernel tries its timer against emulated clocks and panics when the
        # host was busy elsewhere for those milliseconds; under KVM it skips that by itself.
        kernel_args = ["console=ttyS0 panic=0 iomem=relaxed no_timer_check",
                       "softiov.modules=" + ",".join(self.modules),
                       "softiov.hostname=" + self.name,
                       "intel_iommu=on" if self.iommu else "",
                       self.kernel_args]
        accel = self.accel or tool("accel")
        if accel == "tcg":
            accel = "tcg,thread=multi"
        machine = "q35,memory-backend=mem" + (",kernel-irqchip=split" if self.iommu else "")
        share = "on" if self.shared else "off"
        args = tool("qemu", "--print").splitlines()
        args += ["-name", self.name, "-nodefaults", "-no-user-config", "-display", "none",
                 "-vga", "none", "-accel", accel, "-cpu", "max", "-smp", str(self.smp),
                 "-machine", machine, "-m", self.mem,
                 "-object", f"memory-backend-memfd,id=mem,size={self.mem},share={share}",
                 "-serial", f"file:{self.console_log}",
                 "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
                 "-kernel", tool("qemu", "--kernel", kernel=self.kernel),
                 "-initrd",
                 tool("initramfs", *options, *map(str, self.files), kernel=self.kernel),
                 "-append", " ".join(filter(None, kernel_args)),
                 "-device", "virtio-serial-pci,id=serial",
                 "-chardev", f"socket,id=agent,path={self.dir}/agent,server=on,wait=off",
                 "-device", "virtserialport,bus=serial.0,chardev=agent,name=softiov.agent"]
        if self.firmware == "ovmf":
            code, variables = tool("qemu", "--firmware").splitlines()
            shutil.copy(variables, self.dir / "vars.fd")
            args += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                     "-drive", f"if=pflash,unit=1,format=raw,file={self.dir}/vars.fd"]
        if self.iommu:
            args += ["-device", "intel-iommu,caching-mode=on"]
        for number in range(len(self.vfs) + self.slots):
            args += ["-device",
                     f"pcie-root-port,id=rp{number},chassis={number + 1},slot={number + 1}"]
        for number, path in enumerate(self.vfs):
            args += ["-device", json.dumps(self._device(number, path))]
        return args + self.extra_args

    @staticmethod
    def _device(number, path):
        return {"driver": "vfio-user-pci", "id": f"vf{number}", "bus": f"rp{number}",
                "socket": {"type": "unix", "path": str(path)}}

    def _connected(self, connect):
        """QEMU's sockets are there shortly after it started, or never."""
        def attempt():
            try:
                return connect() or True
            except (OSError, LabError):
                try:
                    status = self.process.wait(0.05)
                except subprocess.TimeoutExpired:
                    return None
                self.close(keep=True)
                raise LabError(f"{self.name}: QEMU ended with {status}\n"
                               f"{tail(self.qemu_log)}") from None
        return wait_until(attempt, 20, f"{self.name}: QEMU's sockets", 0.02)

    def _event(self, event):
        if event["event"] == "RESET":
            try:
                self.agent.connect()
            except OSError:
                pass

    def wait_ready(self, timeout=60):
        """Until the guest can run commands."""
        end = time.monotonic() + timeout
        while not self.agent.greeted.wait(0.1):
            self.agent.greet()
            if self.process.poll() is not None:
                raise LabError(f"{self.name}: QEMU ended with {self.process.returncode}\n"
                               f"{self.logs()}")
            if "Kernel panic" in self.console() or time.monotonic() > end:
                raise LabError(f"{self.name}: not ready within {timeout} s\n{self.logs()}")
        self.booted = self.booted or time.monotonic() - self.started
        return self

    def reboot(self, timeout=60):
        """Reboot from within; returns when it is ready again."""
        resets = self.monitor.count("RESET")
        self.agent.start("reboot -f")
        wait_until(lambda: self.monitor.count("RESET") > resets or not self.alive(), 20,
                   f"{self.name}: reset")
        wait_until(lambda: not self.agent.greeted.is_set() or not self.alive(), 5,
                   f"{self.name}: new boot", 0.001)
        return self.wait_ready(timeout)

    def poweroff(self, timeout=30):
        """Power off from within; returns QEMU's exit status."""
        self.agent.start("poweroff -f")
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name}: no power-off within {timeout} s\n{self.logs()}") from None
        self.close(keep=True)
        return status

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL to QEMU, as a host that runs out of memory does."""
        self.process.kill()
        self.process.wait()
        self.close(keep=True)

    def close(self, keep=False):
        """End it, if it lives; forget its folder unless keep."""
        if self.process:
            if self.alive():
                self.process.kill()
            self.process.wait()
            self.process = None
            vm_lock.release()
        if self.agent:
            self.agent.close()
        if self.monitor:
            self.monitor.close()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def console(self):
        return self.console_log.read_text(errors="replace") if self.console_log.exists() else ""

    def logs(self, lines=60):
        return (f"--- {self.name}: console\n{tail(self.console_log, lines)}\n"
                f"--- {self.name}: QEMU\n{tail(self.qemu_log)}")

    # Monitor

    def qmp(self, command, **arguments):
        return self.monitor.execute(command, **arguments)

    def hotplug(self, path):
        """
        Plug a function into the next empty root port; returns its device id. The guest finds it
        in its own time.
        """
        number = len(self.vfs) + self.plugged
        device = self._device(number, path)
        self.qmp("device_add", **device)
        self.plugged += 1
        return device["id"]

    # Commands

    def start_bg(self, line, stdin=b""):
        return self.agent.start(line, stdin)

    def push(self, path, data, mode=0o644):
        self.sh(f"cat >'{path}' && chmod {mode:o} '{path}'", stdin=data)

    def pull(self, path):
        command = self.start_bg(f"cat '{path}'")
        if command.wait().rc:
            raise LabError(f"{self.name}: {command.stderr}")
        return bytes(command.output[STDOUT])

    # Looking at its network

    def interfaces(self, driver=None):
        """Network interfaces of PCI devices: a list of (name, PCI address, driver)."""
        found = []
        for line in self.sh("for d in /sys/bus/pci/devices/*/net/*; do [ -e $d ] && echo $d "
                            "$(basename $(readlink $d/device/driver)); done; true").splitlines():
            path, bound = line.split()
            found.append((path.split("/")[-1], path.split("/")[-3], bound))
        return [i for i in found if driver in (None, i[2])]

    def interface(self, number=0, driver="ixgbevf"):
        """Name of the number-th interface of a driver; waits for it to appear."""
        return wait_until(lambda: self.interfaces(driver)[number:], 10,
                          f"{self.name}: {driver} interface")[0][0]

    def interrupts(self, match=""):
        """
        Interrupt counts, {name: count over all processors}, of the lines of /proc/interrupts that
        hold match.
        """
        counts = {}
        for line in self.sh("cat /proc/interrupts").splitlines()[1:]:
            words = line.split()
            if match in line:
                count = sum(int(w) for w in words[1:1 + self.smp] if w.isdigit())
                counts[words[-1]] = counts.get(words[-1], 0) + count
        return counts

    def dmesg(self):
        return self.sh("dmesg")
