# SPDX-License-Identifier: BSD-3-Clause
"""softiovd and its command line."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from .namespace import Namespace
from .util import BUILD, LabError, die_with_parent, program, tail, tool, wait_until


def simple_card(guests=True):
    """
    Configuration of one card with one PF. An emulated guest does better with trapped registers
    (docs/performance.md); so if guests are to have its VFs, they get what suits them here.
    """
    registers = "trapped" if guests and tool("accel") == "tcg" else "shared"
    return ("cards: [{ address: '0000:07', ports: [{ pfs: "
            f"[{{ vf-defaults: {{ registers: {registers} }} }}] }}] }}]\n")


class Daemon:
    """
    A softiovd of this build with a configuration (its text) and a run directory of its own.

    Environment variables and arguments can be added; under, e.g. ["valgrind", ...], goes before
    it. Its network interfaces are in a namespace of its own, self.net, or in the one given.
    """

    def __init__(self, config, args=(), under=(), env=None, build=BUILD, net=None):
        self.config, self.args, self.under, self.env = config, list(args), list(under), env
        self.net, self.own_net = net or Namespace(), net is None
        self.build = Path(build)
        self.dir = Path(tempfile.mkdtemp(prefix="softiov-d-"))
        self.config_file, self.log = self.dir / "softiov.yaml", self.dir / "log"
        self.run_dir = self.dir / "run"
        self.api = self.run_dir / "softiov.sock"
        self.process = None

    def start(self, timeout=20):
        self.run_dir.mkdir(exist_ok=True)
        self.config_file.write_text(self.config)
        softiovd = program("softiovd", self.build)
        if self.own_net and not self.net.holder:
            self.net.start()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.net.prefix, *self.under, softiovd, "--config", self.config_file,
                 "--run-dir", self.run_dir, *self.args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent,
                start_new_session=True,
                env=None if self.env is None else {**os.environ, **self.env})
        wait_until(self._answers, timeout, lambda: f"softiovd's API\n{self.logs()}")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise LabError(f"softiovd ended with {self.process.returncode}\n{self.logs()}")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            try:
                sock.connect(str(self.api))
                sock.sendall(b"GET /v1/show HTTP/1.0\r\n\r\n")
                return bool(sock.recv(1))
            except OSError:
                return False

    def cli(self, *args, timeout=30):
        """Run softiov; returns (rc, stdout, stderr)."""
        command = [program("softiov", self.build), "--socket", self.api, *map(str, args)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def show(self):
        """What `softiov show --json` says, parsed."""
        rc, out, err = self.cli("show", "--json")
        if rc:
            raise LabError(f"softiov show: {err}{self.logs()}")
        return json.loads(out)

    def functions(self):
        """All PFs and VFs by address, as show() has them."""
        found = {}
        for card in self.show()["cards"]:
            for port in card["ports"]:
                for pf in port["pfs"]:
                    found[pf["address"]] = pf
                    found.update((vf["address"], vf) for vf in pf["vfs"])
        return found

    def function(self, address):
        return self.functions()[address]

    def vf_set(self, *words):
        """softiov vf set WORDS, which must succeed."""
        rc, _, err = self.cli("vf", "set", *words)
        if rc:
            raise LabError(f"softiov vf set {words}: {err}")

    def socket(self, function):
        """Path of a function's vfio-user socket, e.g. of "0000:07:10.0", once it is there."""
        path = self.run_dir / f"{function}.sock"
        wait_until(path.exists, 5, lambda: f"socket of {function}\n{self.logs()}")
        return path

    def card_socket(self, card="0000:07"):
        """Path of a card's own socket, by which a VM gets all of it."""
        return self.socket(f"card-{card}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def cpu_seconds(self):
        """Processor time it has used, {thread name: seconds}."""
        used = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            name, fields = re.match(r"\d+ \((.*)\) (.*)", (task / "stat").read_text(),
                                    re.S).groups()
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
        if self.own_net:
            self.net.close()
        # The sysfs tree of one that was killed is still mounted.
        subprocess.run(["umount", "--lazy", "--quiet", self.run_dir / "sys"],
                       stderr=subprocess.DEVNULL)
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
                self.cli("stop", "--force")     # guests have gone, maybe just now
                self.stop()
        finally:
            self.close()
