# SPDX-License-Identifier: BSD-3-Clause
"""
Fixtures of the tests with real guests.

    lab         the lab is there (session; every test uses it)
    guests      a function that makes Guests and closes them after the test
    daemon      a function that makes Daemons and closes them after the test
    wired       two guests on a wire of QEMU's own, without softiov: `wired.a`, `wired.b` (module)
    pair        a daemon of one card and two guests with a VF each: `pair.daemon`, `.a`, `.b`, up and addressed (module)

When a test fails, its report holds the end of the logs of every guest and daemon that was alive.
"""

import tempfile
from types import SimpleNamespace

import pytest

from lab import Daemon, Guest, tool

_alive = []     # guests and daemons whose logs a failure shows


class Crew:
    """Guests and daemons that end together."""

    def __init__(self):
        self.members = []

    def add(self, member):
        self.members.append(member)
        _alive.append(member)
        return member.start()

    def guest(self, *args, **kwargs):
        return self.add(Guest(*args, **kwargs))

    def daemon(self, *args, **kwargs):
        return self.add(Daemon(*args, **kwargs))

    def close(self):
        for member in reversed(self.members):
            _alive.remove(member)
            member.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for member in _alive:
            report.sections.append((type(member).__name__, member.logs()))


@pytest.fixture(scope="session", autouse=True)
def lab():
    tool("prepare")
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


@pytest.fixture
def guests(crew):
    return crew.guest


@pytest.fixture
def daemon(crew):
    return crew.daemon


@pytest.fixture(scope="module")
def wired(module_crew):
    folder = tempfile.TemporaryDirectory(prefix="softiov-w-")
    wire = f"stream,id=wire,addr.type=unix,addr.path={folder.name}/wire"

    def card(mac):
        return ["-device", "pcie-root-port,id=wired,chassis=9,slot=9",
                "-device", f"igb,netdev=wire,bus=wired,mac={mac},romfile="]

    pair = SimpleNamespace(
        a=module_crew.guest("a", modules="igb",
                            extra_args=["-netdev", f"{wire},server=on", *card("52:54:00:00:00:0a")]),
        b=module_crew.guest("b", modules="igb",
                            extra_args=["-netdev", f"{wire},server=off,reconnect-ms=100", *card("52:54:00:00:00:0b")]))
    for number, guest in enumerate((pair.a, pair.b), 1):
        guest.wait_ready()
        guest.nic = guest.interface(driver="igb")
        guest.address = f"10.9.0.{number}"
        guest.up(guest.nic, f"{guest.address}/24")
    yield pair
    folder.cleanup()


# One card with the defaults of softiovd; a module that wants another one defines PAIR_CONFIG.
DEFAULT_CONFIG = """\
cards:
  - address: 0000:07
"""


@pytest.fixture(scope="module")
def pair(request, module_crew):
    daemon = module_crew.daemon(getattr(request.module, "PAIR_CONFIG", DEFAULT_CONFIG))
    options = getattr(request.module, "PAIR_GUESTS", {})
    functions = getattr(request.module, "PAIR_FUNCTIONS", ("0000:07:10.0", "0000:07:10.2"))
    guests = [module_crew.guest(name, vfs=[daemon.socket(function)], **options)
              for name, function in zip("ab", functions)]
    for number, guest in enumerate(guests, 1):
        guest.wait_ready()
        guest.nic = guest.interface()
        guest.address = f"10.0.0.{number}"
        guest.up(guest.nic, f"{guest.address}/24")
    return SimpleNamespace(daemon=daemon, a=guests[0], b=guests[1])
