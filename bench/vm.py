# SPDX-License-Identifier: BSD-3-Clause
"""
Two guests talk TCP over three kinds of network: what throughput, and what it costs the host.

    softiov   a VF each, stock ixgbevf; softiovd with its default idle policy; registers trapped
              where guests are emulated, else shared
    igb       QEMU's igb each, over TAP interfaces and a Linux bridge
    virtio    QEMU's virtio-net each, over TAP interfaces and a Linux bridge, vhost off

All guests boot once and stand still (paused) while a pair of another kind is measured. Bridge and
TAP interfaces are in a network namespace of their own.

Cost: processor time of all threads of both QEMUs except those that are guest processors, and of
softiovd, by the kernel's accounting of each thread (work for the bridge is done, and accounted, in
the thread that writes to the TAP), divided by the data that the receiver got.
"""

import time
from contextlib import ExitStack

from lab import Daemon, Guest, Namespace, iperf3, simple_card, tool
from machine import BenchError, thread_seconds, wait_until
from series import Series

FUNCTIONS = ("0000:07:10.0", "0000:07:10.2")
SECONDS = 5
SETTLE_SECONDS = 1
ATTEMPTS = 2
NIC_BUS = "bus=wired,romfile="
KINDS = ("softiov", "igb", "virtio")


class BridgedGuest(Guest):
    """A guest whose QEMU is in a namespace and has a network card there on a TAP interface."""

    def __init__(self, name, net, device, tap, mac, modules):
        super().__init__(name, modules=modules, extra_args=[
            "-netdev", f"tap,id=wire,ifname={tap},script=no,downscript=no,vhost=off",
            "-device", "pcie-root-port,id=wired,chassis=9,slot=9",
            "-device", f"{device},netdev=wire,mac={mac},{NIC_BUS}"])
        self.net = net

    def command(self):
        return [*self.net.prefix, *super().command()]


class Pair:
    """Two guests and whatever connects them."""

    driver = None
    address = "10.0.0"

    def __init__(self):
        self.guests = []
        self.helpers = []       # processes of the host, by id, that are part of the cost

    def boot(self, stack):
        """Start everything; returns at once."""
        raise NotImplementedError

    def interface(self, guest):
        """The name of a guest's network interface."""
        return guest.interface(driver=self.driver)

    def ready(self):
        """Wait for the guests, bring their interfaces up."""
        for number, guest in enumerate(self.guests, 1):
            guest.wait_ready(120)
            guest.nic = self.interface(guest)
            guest.address = f"{self.address}.{number}"
            guest.up(guest.nic, f"{guest.address}/24", mtu=1500)
            guest.vcpus = {cpu["thread-id"] for cpu in guest.qmp("query-cpus-fast")}
        self.pause()

    def pause(self):
        for guest in self.guests:
            guest.qmp("stop")

    def resume(self):
        for guest in self.guests:
            guest.qmp("cont")

    def host_seconds(self):
        return (sum(thread_seconds(guest.process.pid, guest.vcpus) for guest in self.guests)
                + sum(thread_seconds(pid) for pid in self.helpers))

    def measure(self, seconds=SECONDS):
        """Mbit/s of TCP from the first to the second, and processor seconds per Gbit."""
        self.resume()
        try:
            time.sleep(SETTLE_SECONDS)
            used = self.host_seconds()
            receiver = self.guests[1]
            report = iperf3(receiver, self.guests[0], receiver.address, seconds)
            used = self.host_seconds() - used
        finally:
            self.pause()
        gbits = report["end"]["sum_received"]["bytes"] * 8 / 1e9
        if not gbits:
            raise BenchError(f"no data came through between the guests of {self.driver}")
        return report["mbits"], used / gbits


class Softiov(Pair):
    driver = "ixgbevf"

    def boot(self, stack):
        self.daemon = daemon = stack.enter_context(Daemon(simple_card()))
        self.helpers = [daemon.process.pid]
        self.guests = [stack.enter_context(Guest(name, vfs=[daemon.socket(function)]))
                       for name, function in zip(("vf1", "vf2"), FUNCTIONS)]


class Bridged(Pair):
    """device and driver of a child class, on TAP interfaces of a bridge."""

    device = None
    modules = None

    def boot(self, stack):
        net = stack.enter_context(Namespace(self.driver))
        net.sh("ip link add br0 type bridge && ip link set br0 up")
        for number in (1, 2):
            tap = f"tap{number}"
            net.sh(f"ip tuntap add dev {tap} mode tap vnet_hdr && "
                   f"ip link set {tap} master br0 up")
            self.guests.append(stack.enter_context(BridgedGuest(
                f"{self.modules}{number}", net, self.device, tap,
                f"52:54:00:00:00:{number:02x}", self.modules)))


class Igb(Bridged):
    device, driver, modules = "igb", "igb", "igb"


class Virtio(Bridged):
    device, driver, modules = "virtio-net-pci", "virtio_net", "virtio_net"

    def interface(self, guest):
        """It belongs to a device on the virtio bus, not to the PCI device."""
        shown = wait_until(lambda: guest.run("ls -d /sys/bus/virtio/devices/*/net/*").stdout, 10,
                           f"{guest.name}: {self.driver} interface")
        return shown.strip().split("/")[-1]


FIELDS = {"softiov": ("vm_tcp_mbps", "vm_host_cpu_per_gbit"),
          "igb": ("vm_igb_mbps", "vm_igb_host_cpu_per_gbit"),
          "virtio": ("vm_virtio_mbps", "vm_virtio_host_cpu_per_gbit")}


def one_round(pairs, series):
    """All kinds once; returns what was seen."""
    said = []
    for kind, pair in pairs.items():
        values = pair.measure()
        for field, value in zip(FIELDS[kind], values):
            series.add(field, value)
        said.append(f"{kind} {values[0]:.0f} Mbit/s, {values[1]:.2f} s/Gbit")
    return "; ".join(said)


def measure(rounds, noisy, say):
    """
    The runs of all kinds, alternating. noisy(series) names fields that vary too much: then once
    more.
    """
    tool("prepare")
    say(f"booting six guests ({tool('accel').upper()}) ...")
    pairs = dict(zip(KINDS, (Softiov(), Igb(), Virtio())))
    with ExitStack() as stack:
        for pair in pairs.values():     # one after the other: a boot takes both processors
            pair.boot(stack)
            pair.ready()
        for attempt in range(ATTEMPTS):
            series = Series()
            for number in range(1, rounds + 1):
                say(f"round {number}: {one_round(pairs, series)}")
            fields = noisy(series)
            if not fields:
                break
            if attempt + 1 < ATTEMPTS:
                say(f"too noisy: {', '.join(fields)}; measuring once more")
    return series
