# SPDX-License-Identifier: BSD-3-Clause
"""
Real guests for tests: start a softiovd, plug its functions into QEMU guests, run commands in them.

    with Daemon(config) as daemon, Guest("a", vfs=[daemon.socket("0000:07:10.0")]) as guest:
        guest.wait_ready()
        print(guest.sh("ethtool -i eth0"))

A guest is a stock Debian kernel with an initramfs (tools/lab) whose first process, the agent (guest/agent.c), runs
commands for `Guest.run`; see there for the frames they exchange. Nothing in here needs root.

The lab must be there (tools/lab/prepare; conftest.py sees to it). Guests of different test runs would starve each other
of processor time, so a lock is held while any guest of this process lives.
"""

import ctypes
import fcntl
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple, Optional

REPO = Path(__file__).resolve().parents[2]
TOOLS = REPO / "tools" / "lab"
BUILD = Path(os.environ.get("SOFTIOV_BUILD", REPO / "build"))
VM_LOCK = os.environ.get("SOFTIOV_VM_LOCK", os.path.join(tempfile.gettempdir(), "softiov-vm.lock"))


class LabError(Exception):
    """A guest, QEMU or the daemon did not do what was asked; the message says what and shows its log's end."""


def tool(name, *args):
    """Output of a script of tools/lab."""
    done = subprocess.run([TOOLS / name, *args], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise LabError(f"tools/lab/{name} failed (see above)")
    return done.stdout.strip()


def wait_until(condition, timeout, what="condition", interval=0.05):
    """Poll until condition() is true; return its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {timeout} s")
        time.sleep(interval)


def tail(path, lines=40):
    try:
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(nothing)"


def _die_with_parent():
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


_vm_lock = _VmLock()


class Result(NamedTuple):
    """What a command in a guest did. rc is its exit status, 128 + n after signal n, None if the guest went away."""

    rc: Optional[int]
    stdout: str
    stderr: str


class Command:
    """A command under way in a guest."""

    def __init__(self, agent, number, line):
        self.agent, self.number, self.line = agent, number, line
        self.output = {Agent.STDOUT: bytearray(), Agent.STDERR: bytearray()}
        self.rc = None
        self.ended = threading.Event()

    @property
    def stdout(self):
        return bytes(self.output[Agent.STDOUT]).decode(errors="replace")

    @property
    def stderr(self):
        return bytes(self.output[Agent.STDERR]).decode(errors="replace")

    def running(self):
        return not self.ended.is_set()

    def kill(self, number=signal.SIGTERM):
        self.agent.send(Agent.SIGNAL, self.number, struct.pack("<i", number))

    def write(self, data):
        """To its standard input; no bytes: end of file. Only if started with stdin=None."""
        for at in range(0, len(data), 32768):
            self.agent.send(Agent.STDIN, self.number, data[at:at + 32768])
        if not data:
            self.agent.send(Agent.STDIN, self.number)

    def wait(self, timeout=60):
        """Its Result. Kills it and raises if it takes longer than timeout seconds."""
        if not self.ended.wait(timeout):
            self.kill(signal.SIGKILL)
            raise LabError(f"{self.agent.name}: '{self.line}' took more than {timeout} s\n{self.stdout}{self.stderr}")
        return Result(self.rc, self.stdout, self.stderr)

    def wait_for(self, text, timeout=20):
        """Until its standard output holds text."""
        def seen():
            if text not in self.stdout and not self.running():
                raise LabError(f"{self.agent.name}: '{self.line}' ended without '{text}': {self.stdout}{self.stderr}")
            return text in self.stdout
        wait_until(seen, timeout, f"{self.agent.name}: '{text}' from '{self.line}'")
        return self

    def stop(self, number=signal.SIGTERM, timeout=10):
        """Signal it and wait."""
        self.kill(number)
        return self.wait(timeout)


class Agent:
    """Our end of a guest's agent. guest/agent.c describes the frames."""

    HELLO, RUN, STDIN, SIGNAL, STDOUT, STDERR, EXIT = range(1, 8)
    MAGIC = 0x41495453
    HEADER = struct.Struct("<IIII")

    def __init__(self, name, path):
        self.name, self.path = name, path
        self.numbers = itertools.count(1)
        self.commands = {}
        self.lock = threading.Lock()
        self.greeted = threading.Event()
        self.sock = None

    def connect(self):
        """Connect, afresh after a guest reset: what was under way is over."""
        self.close()
        self.greeted.clear()
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(self.path))
        with self.lock:
            self.sock = sock
        threading.Thread(target=self._read, args=(sock,), daemon=True).start()

    def greet(self):
        """Ask whether the agent is there. To be repeated: firmware may read the port before the agent does."""
        self.send(self.HELLO, 0)

    def close(self):
        with self.lock:
            sock, self.sock = self.sock, None
            lost, self.commands = self.commands, {}
        if sock:
            sock.shutdown(socket.SHUT_RDWR)
        for command in lost.values():
            command.ended.set()

    def send(self, kind, number, payload=b""):
        with self.lock:
            if not self.sock:
                return
            try:
                self.sock.sendall(self.HEADER.pack(self.MAGIC, kind, number, len(payload)) + payload)
            except OSError:     # the reader notices, too
                pass

    def start(self, line, stdin=b""):
        command = Command(self, next(self.numbers), line)
        with self.lock:
            if not self.sock:
                raise LabError(f"{self.name}: no guest to run '{line}'")
            self.commands[command.number] = command
        self.send(self.RUN, command.number, line.encode())
        if stdin is not None:
            if stdin:
                command.write(stdin)
            command.write(b"")
        return command

    def _read(self, sock):
        data = bytearray()
        while True:
            try:
                chunk = sock.recv(1 << 18)
            except OSError:
                chunk = b""
            if not chunk:
                break
            data += chunk
            at = 0
            while len(data) - at >= self.HEADER.size:
                magic, kind, number, length = self.HEADER.unpack_from(data, at)
                if magic != self.MAGIC:
                    at += 1
                    continue
                start = at + self.HEADER.size
                if len(data) < start + length:
                    break
                if sock is self.sock:
                    self._handle(kind, number, bytes(data[start:start + length]))
                at = start + length
            del data[:at]
        sock.close()
        if sock is self.sock:
            with self.lock:
                self.sock = None
                lost, self.commands = self.commands, {}
            for command in lost.values():
                command.ended.set()

    def _handle(self, kind, number, payload):
        command = self.commands.get(number)
        if kind == self.HELLO:
            self.greeted.set()
        elif command and kind in command.output:
            command.output[kind] += payload
        elif command and kind == self.EXIT:
            status, = struct.unpack("<i", payload)
            command.rc = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            del self.commands[number]
            command.ended.set()


class Qmp:
    """QEMU's monitor. Events are kept; on_event is called with each, on the reader's thread."""

    def __init__(self, path, on_event):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.stream = self.sock.makefile("r")
        self.on_event = on_event
        self.events = []
        self.news = threading.Condition()
        self.replies = {}
        self.closed = False
        self.numbers = itertools.count(1)
        self.stream.readline()      # the greeting
        threading.Thread(target=self._read, daemon=True).start()
        self.execute("qmp_capabilities")

    def _read(self):
        try:
            for line in self.stream:
                message = json.loads(line)
                with self.news:
                    if "event" in message:
                        self.events.append(message)
                    else:
                        self.replies[message.get("id")] = message
                    self.news.notify_all()
                if "event" in message:
                    self.on_event(message)
        except (OSError, ValueError):
            pass
        with self.news:
            self.closed = True
            self.news.notify_all()

    def execute(self, command, timeout=20, **arguments):
        number = next(self.numbers)
        request = {"execute": command, "arguments": arguments, "id": number}
        try:
            self.sock.sendall(json.dumps(request).encode())
        except OSError as error:
            raise LabError(f"QMP {command}: {error}") from error
        with self.news:
            if not self.news.wait_for(lambda: number in self.replies or self.closed, timeout):
                raise LabError(f"QMP {command}: no answer within {timeout} s")
            reply = self.replies.pop(number, None)
        if reply is None:
            raise LabError(f"QMP {command}: QEMU has gone")
        if "error" in reply:
            raise LabError(f"QMP {command}: {reply['error']['desc']}")
        return reply["return"]

    def count(self, event):
        return sum(e["event"] == event for e in self.events)

    def close(self):
        self.sock.close()


class Guest:
    """
    A virtual machine.

    vfs         vfio-user sockets, each plugged in behind a PCIe root port of its own
    mem, smp    memory (a QEMU size) and processors
    iommu       with an IOMMU (intel-iommu), on in the guest's kernel
    firmware    "bios" or "ovmf"
    modules     modules loaded before it is ready
    files       more files for its initramfs, as for tools/lab/initramfs
    kernel_args, extra_args   for the kernel's and QEMU's command line
    slots       root ports left empty, for hotplug()
    accel       "kvm" or "tcg" instead of what tools/lab/accel says
    """

    def __init__(self, name, vfs=(), mem="256M", smp=1, iommu=False, firmware="bios", extra_args=(),
                 modules=("ixgbevf",), files=(), kernel_args="", slots=1, accel=None):
        self.name, self.vfs, self.mem, self.smp = name, list(vfs), mem, smp
        self.iommu, self.firmware, self.extra_args = iommu, firmware, list(extra_args)
        self.modules = modules.split(",") if isinstance(modules, str) else list(modules)
        self.files, self.kernel_args, self.slots, self.accel = list(files), kernel_args, slots, accel
        self.dir = Path(tempfile.mkdtemp(prefix=f"softiov-{name}-"))
        self.console_log, self.qemu_log = self.dir / "console.log", self.dir / "qemu.log"
        self.process = None
        self.agent = self.monitor = None
        self.plugged = 0
        self.booted = None      # seconds from start() to the first wait_ready()'s end

    # Life

    def start(self):
        self.console_log.write_bytes(b"")
        _vm_lock.acquire()
        self.started = time.monotonic()
        with open(self.qemu_log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=_die_with_parent, start_new_session=True)
        self.monitor = self._connected(lambda: Qmp(self.dir / "qmp", self._event))
        self.agent = Agent(self.name, self.dir / "agent")
        self._connected(self.agent.connect)
        return self

    def command(self):
        """QEMU's command line."""
        initrd = tool("initramfs", *(["-o", str(self.dir / "initrd")] if self.files else []), *map(str, self.files))
        kernel_args = ["console=ttyS0 panic=0 iomem=relaxed", "softiov.modules=" + ",".join(self.modules),
                       "softiov.hostname=" + self.name, "intel_iommu=on" if self.iommu else "", self.kernel_args]
        args = tool("qemu", "--print").splitlines()
        accel = self.accel or tool("accel")
        args += ["-name", self.name, "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none",
                 "-accel", "tcg,thread=multi" if accel == "tcg" else accel, "-cpu", "max", "-smp", str(self.smp),
                 "-m", self.mem, "-object", f"memory-backend-memfd,id=mem,size={self.mem},share=on",
                 "-machine", "q35,memory-backend=mem" + (",kernel-irqchip=split" if self.iommu else ""),
                 "-serial", f"file:{self.console_log}", "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
                 "-kernel", tool("qemu", "--kernel"), "-initrd", initrd, "-append", " ".join(filter(None, kernel_args)),
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
            args += ["-device", f"pcie-root-port,id=rp{number},chassis={number + 1},slot={number + 1}"]
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
                raise LabError(f"{self.name}: QEMU ended with {status}\n{tail(self.qemu_log)}") from None
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
                raise LabError(f"{self.name}: QEMU ended with {self.process.returncode}\n{self.logs()}")
            if "Kernel panic" in self.console() or time.monotonic() > end:
                raise LabError(f"{self.name}: not ready within {timeout} s\n{self.logs()}")
        self.booted = self.booted or time.monotonic() - self.started
        return self

    def reboot(self, timeout=60):
        """Reboot from within; returns when it is ready again."""
        resets = self.monitor.count("RESET")
        self.agent.start("reboot -f")
        wait_until(lambda: self.monitor.count("RESET") > resets or not self.alive(), 20, f"{self.name}: reset")
        wait_until(lambda: not self.agent.greeted.is_set() or not self.alive(), 5, f"{self.name}: new boot", 0.001)
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
            _vm_lock.release()
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
        """Plug a function into the next empty root port; returns its device id. The guest finds it in its own time."""
        number = len(self.vfs) + self.plugged
        device = self._device(number, path)
        self.qmp("device_add", **device)
        self.plugged += 1
        return device["id"]

    # Commands

    def start_bg(self, line, stdin=b""):
        """Start a shell command; returns the Command. With stdin=None its input stays open for Command.write()."""
        return self.agent.start(line, stdin)

    def run(self, line, timeout=60, stdin=b""):
        """Run a shell command; returns its Result."""
        return self.start_bg(line, stdin).wait(timeout)

    def sh(self, line, timeout=60, stdin=b""):
        """Run a shell command that must succeed; returns its standard output."""
        result = self.run(line, timeout, stdin)
        if result.rc != 0:
            raise LabError(f"{self.name}: '{line}' ended with {result.rc}\n{result.stdout}{result.stderr}")
        return result.stdout

    def push(self, path, data, mode=0o644):
        self.sh(f"cat >'{path}' && chmod {mode:o} '{path}'", stdin=data)

    def pull(self, path):
        command = self.start_bg(f"cat '{path}'")
        if command.wait().rc:
            raise LabError(f"{self.name}: {command.stderr}")
        return bytes(command.output[Agent.STDOUT])

    # Looking at its network

    def interfaces(self, driver=None):
        """Network interfaces of PCI devices, as a list of (name, PCI address, driver), in PCI order."""
        found = []
        for line in self.sh("for d in /sys/bus/pci/devices/*/net/*; do [ -e $d ] && echo $d "
                            "$(basename $(readlink $d/device/driver)); done; true").splitlines():
            path, bound = line.split()
            found.append((path.split("/")[-1], path.split("/")[-3], bound))
        return [i for i in found if driver in (None, i[2])]

    def interface(self, number=0, driver="ixgbevf"):
        """Name of the number-th interface of a driver; waits for it to appear."""
        return wait_until(lambda: self.interfaces(driver)[number:], 10, f"{self.name}: {driver} interface")[0][0]

    def up(self, interface, address=None, mtu=None, timeout=20):
        """Bring an interface up, with an address (and prefix length) and MTU; waits for the carrier."""
        if mtu:
            self.sh(f"ip link set {interface} mtu {mtu}")
        if address:
            self.sh(f"ip addr replace {address} dev {interface}")
        self.sh(f"ip link set {interface} up")
        wait_until(lambda: self.run(f"cat /sys/class/net/{interface}/carrier").stdout.strip() == "1", timeout,
                   f"{self.name}: link of {interface}")

    def mac(self, interface):
        return self.sh(f"cat /sys/class/net/{interface}/address").strip()

    def ethtool_stats(self, interface):
        return {name: int(value) for name, value in
                re.findall(r"^\s+(.+?): (\d+)$", self.sh(f"ethtool -S {interface}"), re.M)}

    def link_stats(self, interface):
        """The kernel's counters: {"rx_packets": ..., "tx_bytes": ..., ...}."""
        shown = json.loads(self.sh(f"ip -j -s link show dev {interface}"))[0]["stats64"]
        return {f"{way}_{name}": value for way in ("rx", "tx") for name, value in shown[way].items()}

    def interrupts(self, match=""):
        """Interrupt counts, {name: count over all processors}, of the lines of /proc/interrupts that hold match."""
        counts = {}
        for line in self.sh("cat /proc/interrupts").splitlines()[1:]:
            words = line.split()
            if match in line:
                counts[words[-1]] = counts.get(words[-1], 0) + sum(int(w) for w in words[1:1 + self.smp] if w.isdigit())
        return counts

    def dmesg(self):
        return self.sh("dmesg")

    # Traffic

    def ping(self, address, count=3, size=56, interval=0.2, args="", timeout=None):
        """Ping; returns a dict: sent, received, loss (per cent) and, if any came back, min, avg, max (ms)."""
        result = self.run(f"ping -q -n -c {count} -s {size} -i {interval} -W 2 {args} {address}",
                          timeout or count * interval + 20)
        match = re.search(r"(\d+) packets transmitted, (\d+) received,.*?([\d.]+)% packet loss", result.stdout)
        if not match:
            raise LabError(f"{self.name}: ping {address}: {result.stdout}{result.stderr}")
        stats = {"sent": int(match[1]), "received": int(match[2]), "loss": float(match[3])}
        times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", result.stdout)
        if times:
            stats.update(min=float(times[1]), avg=float(times[2]), max=float(times[3]))
        return stats


def iperf3(server, client, address, seconds=5, args="", port=5201):
    """
    Run iperf3 from client to server (guests), where server has address. Returns iperf3's own report with one figure
    more, "mbits": the receiver's throughput in Mbit/s.
    """
    listener = server.start_bg(f"iperf3 -s -1 -p {port} --forceflush")
    try:
        listener.wait_for("Server listening")
        result = client.run(f"iperf3 -J -c {address} -p {port} -t {seconds} {args}", seconds + 40)
        report = json.loads(result.stdout or "{}")
        if result.rc or "error" in report or not report:
            raise LabError(f"{client.name}: iperf3: {report.get('error')}{result.stderr}")
    finally:
        if listener.running():
            listener.stop(signal.SIGKILL)
    end = report["end"]
    total = end.get("sum_received") or end["sum"]
    if "sum_bidir_reverse" in end:
        total = end["sum"]
    report["mbits"] = total["bits_per_second"] / 1e6
    return report


class Daemon:
    """
    A softiovd of this build with a configuration (its text) and a run directory of its own.

    Environment variables and arguments can be added; program, e.g. ["valgrind", ...], goes before it.
    """

    def __init__(self, config, args=(), program=(), env=None, build=BUILD):
        self.config, self.args, self.program, self.env = config, list(args), list(program), env
        self.build = Path(build)
        self.dir = Path(tempfile.mkdtemp(prefix="softiov-d-"))
        self.config_file, self.run_dir, self.log = self.dir / "softiov.yaml", self.dir / "run", self.dir / "log"
        self.api = self.run_dir / "softiov.sock"
        self.process = None

    def start(self, timeout=20):
        self.run_dir.mkdir(exist_ok=True)
        self.config_file.write_text(self.config)
        program = self.build / "softiovd"
        if not program.exists():
            raise LabError(f"no softiovd in {self.build}: build it or set SOFTIOV_BUILD")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.program, program, "--config", self.config_file, "--run-dir", self.run_dir, *self.args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent,
                env=None if self.env is None else {**os.environ, **self.env})
        wait_until(self._answers, timeout, f"softiovd's API\n{self.logs()}")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise LabError(f"softiovd ended with {self.process.returncode}\n{self.logs()}")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            try:
                sock.connect(str(self.api))
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return bool(sock.recv(1))
            except OSError:
                return False

    def cli(self, *args, timeout=30):
        """Run softiov; returns (rc, stdout, stderr)."""
        done = subprocess.run([self.build / "softiov", "--socket", self.api, *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def show(self):
        """What `softiov show --json` says, parsed."""
        rc, out, err = self.cli("show", "--json")
        if rc:
            raise LabError(f"softiov show: {err}{self.logs()}")
        return json.loads(out)

    def socket(self, function):
        """Path of a function's vfio-user socket, e.g. of "0000:07:10.0"."""
        return self.run_dir / f"{function}.sock"

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def cpu_seconds(self):
        """Processor time it has used, {thread name: seconds}."""
        used = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            name, fields = re.match(r"\d+ \((.*)\) (.*)", (task / "stat").read_text(), re.S).groups()
            ticks = sum(map(int, fields.split()[11:13]))
            used[name] = used.get(name, 0) + ticks / os.sysconf("SC_CLK_TCK")
        return used

    def stop(self, number=signal.SIGTERM, timeout=15):
        """Ask it to end; returns its exit status. Raises, after killing it, if it does not."""
        if not self.process:
            return None
        self.process.send_signal(number)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise LabError(f"softiovd did not end within {timeout} s\n{self.logs()}") from None
        finally:
            self.process = None
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.dir, ignore_errors=True)

    def logs(self, lines=60):
        return f"--- softiovd\n{tail(self.log, lines)}"

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.alive():
                self.stop()
        finally:
            self.close()
