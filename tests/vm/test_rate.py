# SPDX-License-Identifier: BSD-3-Clause
"""
max_tx_rate: what a VF with a limit sends, what the others do meanwhile, and where the limit comes
from. How exact it is over time is in tests/unit/ixgbe/test_rate.c; a machine with other things to
do sends less, but never more.
"""

import subprocess
import time
from types import SimpleNamespace

import pytest

from lab import iperf3, program, wait_until

VFS = A, B, C, D = "0000:07:10.0", "0000:07:10.2", "0000:07:10.4", "0000:07:10.6"
CONFIG = """\
cards:
  - address: "0000:07"
    ports:
      - pfs: [{ vfs: 6, netdev: none, vf-defaults: { max_tx_rate: 9000 }, vf: { 0: {},
                5: { max_tx_rate: 10 } } }]
"""
FCS = 4
SECONDS = 2
CATCH_UP = 0.05     # seconds that a worker without processor may make up for
BURST = 4096 + 2 * 9728


@pytest.fixture(scope="module")
def daemon(module_crew):
    daemon = module_crew.daemon(CONFIG)
    for function in VFS:
        daemon.socket(function)
        daemon.vf_set(function, "max_tx_rate", "0")
    return daemon


class Flood:
    """softiov-pktgen from one VF to another, as fast as it goes."""

    def __init__(self, daemon, source, sink, *args):
        self.daemon, self.source = daemon, source
        sent = self.sent()
        self.process = subprocess.Popen(
            [program("softiov-pktgen"), "--run-dir", daemon.run_dir, "--pages", "small", "tx",
             source, sink, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        wait_until(lambda: self.sent() > sent, 20, "traffic")

    def sent(self):
        """Bytes on the wire, as the limit counts them."""
        stats = self.daemon.function(self.source)["stats"]
        return stats["tx_bytes"] + FCS * stats["tx_packets"]

    def measure(self, seconds=SECONDS):
        """Bytes in at most so many seconds; returns both."""
        begin, sent = time.monotonic(), self.sent()
        time.sleep(seconds)
        sent = self.sent() - sent
        return sent, time.monotonic() - begin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def most(mbits, elapsed):
    return mbits * 1e6 / 8 * (elapsed + CATCH_UP) * 1.03 + BURST


@pytest.mark.parametrize("size", [60, 1514, 9000])
@pytest.mark.parametrize("mbits", [10, 100, 1000])
def test_the_rate_is_kept(daemon, mbits, size):
    daemon.vf_set(A, "max_tx_rate", mbits)
    with Flood(daemon, A, B, "--size", str(size), "--ring", "4096") as flood:
        sent, elapsed = flood.measure()
    assert sent <= most(mbits, elapsed)
    if mbits <= 100:
        assert sent >= mbits * 1e6 / 8 * elapsed / 2


def test_requests_count_as_what_they_become(daemon):
    daemon.vf_set(A, "max_tx_rate", 100)
    with Flood(daemon, A, B, "--proto", "tcp4", "--tso", "60000") as flood:
        sent, elapsed = flood.measure()
    assert 100e6 / 8 * elapsed / 2 <= sent <= most(100, elapsed) + 65536


def test_changes_hold_at_once(daemon):
    with Flood(daemon, A, B, "--size", "1514") as flood:
        for mbits in (10, 1000, 50):
            daemon.vf_set(A, "max_tx_rate", mbits)
            sent, elapsed = flood.measure(1)
            assert sent <= most(mbits, elapsed)
            assert sent >= min(mbits, 50) * 1e6 / 8 * elapsed / 2
        daemon.vf_set(A, "max_tx_rate", 0)
        sent, elapsed = flood.measure(1)
        assert sent > most(50, elapsed)


def test_nobody_else_notices(daemon):
    """A's frames wait in A's ring, whoever else sends to whomever, and to the same receiver."""
    daemon.vf_set(A, "max_tx_rate", 10)
    with Flood(daemon, A, B) as limited, Flood(daemon, C, D) as free:
        sent, _ = limited.measure()
        others, elapsed = free.measure()
    assert sent < others / 4
    assert others > most(100, elapsed)


def test_the_worker_naps_meanwhile(daemon):
    """Frames that wait for their time keep nobody awake."""
    daemon.vf_set(A, "max_tx_rate", 10)
    with Flood(daemon, A, B, "--size", "1514") as flood:
        before = daemon.show()["workers"][0]
        _, elapsed = flood.measure()
        after = daemon.show()["workers"][0]
    assert after["naps"] > before["naps"] + 10 * elapsed
    assert after["nap_ns"] - before["nap_ns"] > elapsed * 1e9 / 4


@pytest.fixture
def site(crew, daemon):
    """Namespaces a and b with a netdev of one queue pair each."""
    site = SimpleNamespace(a=crew.namespace("a"), b=crew.namespace("b"))
    for number, (net, function) in enumerate(((site.a, A), (site.b, B)), 1):
        crew.netdev(daemon, function, net)
        net.address = f"10.0.0.{number}"
        net.up("eth0", f"{net.address}/24")
    return site


def test_tcp(site, daemon):
    """Only what the VF sends is limited, not what it receives."""
    daemon.vf_set(A, "max_tx_rate", 100)
    assert 40 < iperf3(site.b, site.a, site.b.address, 3, "-P 4")["mbits"] < 110
    assert iperf3(site.a, site.b, site.a.address, 2)["mbits"] > 150
    daemon.vf_set(A, "max_tx_rate", 0)
    assert iperf3(site.b, site.a, site.b.address, 2)["mbits"] > 150


def test_where_it_comes_from_and_is_shown(module_crew):
    with_limits = module_crew.daemon(CONFIG)
    assert [with_limits.function(vf)["max_tx_rate"] for vf in (A, B, "0000:07:11.2")] == [
        9000, 9000, 10]
    rc, out, _ = with_limits.cli("show")
    assert rc == 0 and out.count("max_tx_rate 9000 Mbit/s") == 5
    assert out.count("max_tx_rate 10 Mbit/s") == 1
    with_limits.vf_set("0000:07:00.0", "vf", "3", "max_tx_rate", "100", "qos", "3")
    assert with_limits.function(D)["max_tx_rate"] == 100
    for words in (["9"], ["10001"], ["-1"], ["fast"]):
        rc, _, err = with_limits.cli("vf", "set", D, "max_tx_rate", *words)
        assert rc and "10 to 10000" in err or "0 to 10000" in err, err
    with_limits.vf_set(D, "max_tx_rate", 0)
    assert with_limits.function(D)["max_tx_rate"] == 0
