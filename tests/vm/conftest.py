# SPDX-License-Identifier: BSD-3-Clause
"""
Fixtures of the tests with real guests.

    lab         the lab is there (session; every test uses it)
    crew        what makes guests, daemons, namespaces and netdevs of one test, and ends them
                after it
    module_crew the same for the tests of one file
    wired       two guests on a wire of QEMU's own, without softiov: wired.a, wired.b (module)
    pair        a daemon of one card and two machines with a VF each, up and addressed: pair.daemon,
                pair.a, pair.b (module). They are guests with the stock driver; parametrized with
                "interrupt-64" or the like they are namespaces of this host, each with a `softiov
                netdev` in that mode and with that budget: pair.netdevs. A file that wants another
                card or other guests defines PAIR_CONFIG, PAIR_FUNCTIONS or PAIR_GUESTS.

When a test fails, its report holds the end of the logs of every guest and daemon that was alive.
"""

import os
import subprocess
import tempfile
from types import SimpleNamespace

import pytest

from lab import REPO, Daemon, Guest, Namespace, Netdev, tool

_alive = []     # members whose logs a failure shows


class Crew:
    """Guests, daemons, namespaces and netdevs that end together."""

    def __init__(self):
        self.members = []

    def add(self, member, start=True):
        self.members.append(member)
        _alive.append(member)
        return member.start() if start else member

    def guest(self, *args, **kwargs):
        return self.add(Guest(*args, **kwargs))

    def daemon(self, *args, start=True, **kwargs):
        return self.add(Daemon(*args, **kwargs), start)

    def namespace(self, *args, **kwargs):
        return self.add(Namespace(*args, **kwargs))

    def netdev(self, *args, start=True, **kwargs):
        return self.add(Netdev(*args, **kwargs), start)

    def close(self):
        for member in reversed(self.members):
            _alive.remove(member)
            member.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for member in _alive:
            try:
                report.sections.append((type(member).__name__, member.logs()))
            except Exception as error:  # a dead one must not hide the failure
                report.sections.append((type(member).__name__, repr(error)))


@pytest.fixture(scope="session", autouse=True)
def lab(tmp_path_factory):
    tool("prepare")
    # Namespaces of the host use the traffic program, too.
    programs = tmp_path_factory.mktemp("programs")
    subprocess.run(["gcc", "-O2", "-std=gnu17", "-o", programs / "traffic",
                    REPO / "tests/vm/guest/traffic.c"], check=True)
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return SimpleNamespace(accel=tool("accel"), initramfs=tool("initramfs"))


@pytest.fixture(scope="module")
def module_crew():
    crew = Crew()
    yield crew
    crew.close()


@pytest.fixture
def crew():
    crew = Crew()
    yield crew
    crew.close()


@pytest.fixture(scope="module")
def wired(module_crew):
    folder = tempfile.TemporaryDirectory(prefix="softiov-w-")
    wire = f"stream,id=wire,addr.type=unix,addr.path={folder.name}/wire"

    def guest(name, options, mac):
        return module_crew.guest(name, modules="igb", extra_args=[
            "-netdev", f"{wire},{options}",
            "-device", "pcie-root-port,id=wired,chassis=9,slot=9",
            "-device", f"igb,netdev=wire,bus=wired,mac={mac},romfile="])

    pair = SimpleNamespace(a=guest("a", "server=on", "52:54:00:00:00:0a"),
                           b=guest("b", "server=off,reconnect-ms=100", "52:54:00:00:00:0b"))
    for number, guest in enumerate((pair.a, pair.b), 1):
        guest.wait_ready()
        guest.nic = guest.interface(driver="igb")
        guest.address = f"10.9.0.{number}"
        guest.up(guest.nic, f"{guest.address}/24")
    yield pair
    folder.cleanup()


# One card with the defaults of softiovd.
DEFAULT_CONFIG = """\
cards:
  - address: 0000:07
"""
DEFAULT_FUNCTIONS = ("0000:07:10.0", "0000:07:10.2")


def guest_pair(crew, daemon, functions, options):
    guests = [crew.guest(name, vfs=[daemon.socket(function)], **options)
              for name, function in zip("ab", functions)]
    for guest in guests:
        guest.wait_ready()
        guest.nic = guest.interface()
    return SimpleNamespace(daemon=daemon, a=guests[0], b=guests[1], seconds=3)


def netdev_pair(crew, daemon, functions, mode, budget):
    """Shorter runs: there is no boot in which a driver could go wrong."""
    namespaces = [crew.namespace(name) for name in "ab"]
    netdevs = [crew.netdev(daemon, function, namespace, mode=mode, budget=budget, queues=2)
               for function, namespace in zip(functions, namespaces)]
    for namespace in namespaces:
        namespace.nic = "eth0"
    return SimpleNamespace(daemon=daemon, a=namespaces[0], b=namespaces[1], netdevs=netdevs,
                           seconds=1)


@pytest.fixture(scope="module")
def pair(request):
    def option(name, default):
        return getattr(request.module, f"PAIR_{name}", default)

    crew = Crew()
    kind = getattr(request, "param", "guests")
    functions = option("FUNCTIONS", DEFAULT_FUNCTIONS)
    try:
        daemon = crew.daemon(option("CONFIG", DEFAULT_CONFIG))
        if kind == "guests":
            pair = guest_pair(crew, daemon, functions, option("GUESTS", {}))
        else:
            pair = netdev_pair(crew, daemon, functions, *kind.split("-"))
        for number, (machine, function) in enumerate(zip((pair.a, pair.b), functions), 1):
            machine.function = function
            machine.address = f"10.0.0.{number}"
            machine.up(machine.nic, f"{machine.address}/24")
        yield pair
    finally:
        crew.close()
