# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces of this host, so that no test touches the machine's own interfaces."""

import os
import subprocess

from .command import LocalCommand
from .machine import Machine
from .util import LabError, die_with_parent, wait_until


class Namespace(Machine):
    """
    A network namespace. A sleeping process holds it; it is gone with that. Without root it comes
    with a user namespace, whose root may do there whatever it likes, unless it shares that of
    another one, beside.
    """

    def __init__(self, name="host", beside=None):
        self.name, self.beside = name, beside
        self.holder = None

    def start(self):
        private = [] if os.geteuid() == 0 or self.beside else ["--user", "--map-root-user"]
        prefix = self.beside.prefix if self.beside else []
        self.holder = subprocess.Popen([*prefix, "unshare", "--net", *private, "sleep", "infinity"],
                                       stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
                                       start_new_session=True)
        wait_until(self._entered, 5, "a network namespace")
        self.sh("ip link set lo up")
        return self

    def _entered(self):
        if self.holder.poll() is not None:
            raise LabError("this machine allows no network namespaces")
        others = ["self", self.beside.holder.pid if self.beside else "self"]
        return (os.readlink(f"/proc/{self.holder.pid}/ns/net")
                not in [os.readlink(f"/proc/{other}/ns/net") for other in others])

    @property
    def prefix(self):
        """What, put before a command, runs it in here."""
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self.holder.pid), "--net", *user, "--"]

    def start_bg(self, line, stdin=b""):
        return LocalCommand(self.name, line, stdin, self.prefix)

    def take(self, interface, other):
        """Move an interface of namespace other into this one."""
        other.sh(f"ip link set {interface} netns {self.holder.pid}")

    # Files of /sys show the interfaces of the namespace that mounted it: ask netlink instead.

    def carrier(self, interface):
        return "LOWER_UP" in self.run(f"ip link show dev {interface}").stdout

    def mac(self, interface):
        return self.sh(f"ip -o link show dev {interface}").split("link/ether ")[1].split()[0]

    def logs(self):
        return f"--- {self.name}\n{self.run('ip -s addr').stdout}"

    def close(self):
        if self.holder:
            self.holder.kill()
            self.holder.wait()
            self.holder = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
