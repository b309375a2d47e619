# SPDX-License-Identifier: BSD-3-Clause
"""
Fixtures of the tests with real guests.

    lab         the lab is there (session; every test uses it)
    crew        what makes guests, daemons and namespaces of one test, and ends them after it
    module_crew the same for the tests of one file
    wired       two guests on a wire of QEMU's own, without softiov: wired.a, wired.b (module)
    pair        a daemon of one card and two guests with a VF each, up and addressed: pair.daemon,
                pair.a, pair.b (module). A file that wants another card or other guests defines
                PAIR_CONFIG, PAIR_FUNCTIONS or PAIR_GUESTS.

When a test fails, its report holds the end of the logs of every guest and daemon that was alive.
"""

import os
import subprocess
import tempfile
from types import SimpleNamespace

import pytest

from lab import REPO, Daemon, Guest, Namespace, tool

_alive = []     # members whose logs a failure shows


class Crew:
    """Guests, daemons and namespaces that end together."""

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


@pytest.fixture(scope="module")
def pair(request, module_crew):
    def option(name, default):
        return getattr(request.module, f"PAIR_{name}", default)

    daemon = module_crew.daemon(option("CONFIG", DEFAULT_CONFIG))
    functions = option("FUNCTIONS", DEFAULT_FUNCTIONS)
    guests = [module_crew.guest(name, vfs=[daemon.socket(function)], **option("GUESTS", {}))
              for name, function in zip("ab", functions)]
    for number, (guest, function) in enumerate(zip(guests, functions), 1):
        guest.wait_ready()
        guest.function = function
        guest.nic = guest.interface()
        guest.address = f"10.0.0.{number}"
        guest.up(guest.nic, f"{guest.address}/24")
    return SimpleNamespace(daemon=daemon, a=guests[0], b=guests[1])
