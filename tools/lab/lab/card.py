# SPDX-License-Identifier: BSD-3-Clause
"""Guests that drive a whole card, and network namespaces within guests."""

import re
import shlex

from .guest import Guest
from .machine import Machine, traffic
from .util import LabError, wait_until

# What the kernel says of trouble, whoever is in it; and whatever a driver of the card warns of.
TROUBLE = re.compile(r"WARNING:|BUG:|Oops|Call Trace|hung_task|soft lockup|irq \d+: nobody cared|"
                     r"AER:.*rror|DMAR:.*fault|Unit Hang|NETDEV WATCHDOG|neighbor table overflow")
DRIVERS = re.compile(r"\b(ixgbe|ixgbevf|vmd|pci(eport)? 1\d{4}:)")


class GuestNamespace(Machine):
    """A network namespace within a guest, to part interfaces of one kernel."""

    def __init__(self, guest, name):
        self.guest, self.name = guest, name
        self.nics = []
        guest.sh(f"ip netns add {name} && ip -n {name} link set lo up")

    def start_bg(self, line, stdin=b""):
        return self.guest.start_bg(f"exec ip netns exec {self.name} sh -c {shlex.quote(line)}",
                                   stdin)

    def take(self, nic):
        """Move an interface in here."""
        self.guest.sh(f"ip link set {nic} netns {self.name}")
        self.nics.append(nic)
        return self

    def close(self):
        """Back to the guest's own namespace with what was taken, and forget it."""
        for nic in self.nics:
            self.run(f"ip addr flush dev {nic}; ip link set {nic} netns 1")
        self.guest.sh(f"ip netns del {self.name}")


class CardGuest(Guest):
    """
    A guest whose stock ixgbe is the PF driver of the card at a socket. Its interfaces lie in a PCI
    domain of their own, behind the VMD.
    """

    def __init__(self, name, card, vfs=(), mem="1G", smp=2, modules=("vmd", "ixgbe", "ixgbevf"),
                 kernel_args="", **options):
        super().__init__(name, vfs=[card, *vfs], mem=mem, smp=smp, modules=modules,
                         kernel_args=f"ipv6.disable_ipv6=1 {kernel_args}", **options)

    def wait_ready(self, timeout=120):
        return super().wait_ready(timeout)

    # Functions of the card

    def pfs(self, count=2):
        """(interface, PCI address) of the PFs, by address; waits for them."""
        found = wait_until(lambda: self._bound("ixgbe", count), 60,
                           lambda: f"{self.name}: {count} PFs\n{self.dmesg()[-4000:]}", 0.3)
        return sorted(found, key=lambda pf: pf[1])

    def _bound(self, driver, count):
        found = [i[:2] for i in self.interfaces(driver) if re.match("1[0-9a-f]{4}:", i[1])]
        return found if len(found) == count else None

    def numvfs(self, pf, number, timeout=180):
        """Write a PF's sriov_numvfs."""
        self.sh(f"echo {number} >/sys/bus/pci/devices/{pf[1]}/sriov_numvfs", timeout)

    def vf_addresses(self, pf):
        """PCI addresses of a PF's VFs, by number."""
        shown = self.sh(f"cd /sys/bus/pci/devices/{pf[1]} && for vf in virtfn*; do "
                        "[ -e $vf ] && echo ${vf#virtfn} $(readlink $vf); done; true")
        numbered = (line.split() for line in shown.splitlines())
        return [path.split("/")[-1] for _, path in sorted(numbered, key=lambda p: int(p[0]))]

    def vfs_of(self, pf, count):
        """(interface, PCI address) of a PF's VFs, by number; waits for their driver."""
        addresses = self.vf_addresses(pf)
        if len(addresses) != count:
            raise LabError(f"{self.name}: {len(addresses)} VFs instead of {count}")

        def bound():
            names = {address: name for name, address, _ in self.interfaces("ixgbevf")}
            return addresses and all(a in names for a in addresses) and names
        names = wait_until(bound, 120, f"{self.name}: ixgbevf on {count} VFs", 0.5)
        return [(names[address], address) for address in addresses]

    def vf_shown(self, pf, vf):
        """What `ip -s link show PF` says of a VF, in one line."""
        shown = self.sh(f"ip -s link show dev {pf[0]}")
        match = re.search(rf"^\s+vf {vf} (.*?)(?=^\s+vf \d|\Z)", shown, re.M | re.S)
        if not match:
            raise LabError(f"{self.name}: no VF {vf} in\n{shown}")
        return " ".join(match[1].split())

    def vf_stats(self, pf, vf):
        """Its counters there: {"rx_packets": ...}."""
        stats = {}
        for way, names, values in re.findall(r"([RT]X): ([a-z ]+?) ((?:\d+ ?)+)",
                                             self.vf_shown(pf, vf)):
            stats.update(zip((f"{way.lower()}_{name}" for name in names.split()),
                             map(int, values.split())))
        return stats

    def namespace(self, name):
        return GuestNamespace(self, name)

    def complaints(self, known=()):
        """What its kernel complained of, but for lines that match one of known."""
        bad = []
        for line in self.sh("dmesg -r").splitlines():
            level, _, text = line.removeprefix("<").partition(">")
            warned = level.isdigit() and int(level) & 7 <= 4 and DRIVERS.search(text)
            if (warned or TROUBLE.search(text)) and not any(re.search(k, text) for k in known):
                bad.append(text)
        return bad


def count_frames(sender, nic, receiver, what, where, seconds=2, count=50, **keys):
    """How many of count frames, sent with keys, the receiver saw by the filter what."""
    keys = " ".join(f"{key}={value}" for key, value in keys.items())
    _, report = traffic(sender, receiver, f"raw-send {nic} size=200 count={count} mark=7 {keys}",
                        f"raw-recv {where} mark=7,until={count},{what} {seconds}")
    if report["altered"]:
        raise LabError(f"{receiver.name}: {report['altered']} frames altered")
    return report["matched"]
