# SPDX-License-Identifier: BSD-3-Clause
"""`softiov netdev`: a VF as a network interface of a namespace."""

import re
import signal

from .util import BUILD, LabError, program, vm_lock, wait_until


class Netdev:
    """
    A VF of a daemon as interface `name` of a namespace, run from within it. Further words of the
    command line can be added: mode="poll", budget=1 and so on.
    """

    def __init__(self, daemon, function, net, name="eth0", build=BUILD, **words):
        self.function, self.net, self.name = function, net, name
        words = "".join(f" --{word} {value}" for word, value in words.items())
        self.line = (f"exec {program('softiov', build)} --socket {daemon.api} netdev {function} "
                     f"--name {name}{words}")
        self.command = None

    def start(self, timeout=20):
        vm_lock.acquire()
        self.command = self.net.start_bg(self.line)
        self.command.wait_for(f"{self.name}: {self.function}, ", timeout)
        return self

    def counters(self):
        """What it has counted, the sum of its queues: {"sent": ..., "interrupts": ...}."""
        def fresh():
            found = self.command.stdout[seen:]
            return found.endswith("\n") and found

        seen = len(self.command.stdout)
        self.command.kill(signal.SIGUSR1)
        total = {}
        for line in wait_until(fresh, 5, f"counters of {self.line}").splitlines():
            match = re.match(r"\S+ queue \d+: (.*)", line)
            if not match:
                raise LabError(f"{self.line} said: {line}")
            for name, value in re.findall(r"([a-z ]+?) (\d+)", match[1]):
                name = name.strip()
                total[name] = total.get(name, 0) + int(value)
        return total

    def stop(self, number=signal.SIGTERM, timeout=10):
        """Signal it and wait; returns its Result."""
        return self.command.stop(number, timeout)

    def wait(self, timeout=10):
        return self.command.wait(timeout)

    def logs(self):
        if not self.command:
            return ""
        return f"--- {self.line}\n{self.command.stdout}{self.command.stderr}"

    def close(self):
        if self.command:
            if self.command.running():
                self.command.stop(signal.SIGKILL)
            self.command = None
            vm_lock.release()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()
