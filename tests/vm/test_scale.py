# SPDX-License-Identifier: BSD-3-Clause
"""Many VFs: how fast they are there, what they cost while nothing happens."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from lab import program, wait_until

PF = "{ vfs: 64, netdev: none }"
TWO_PFS = f"""\
cards:
  - address: "0000:07"
    ports: [{{ pfs: [{PF}] }}, {{ pfs: [{PF}] }}]
"""
NAP_MAX_US = 2500
IDLE_SHARE = 0.02    # of a core, 128 VFs attached
EIGHT_PFS = f"""\
cards:
  - address: "0000:07"
    ports:
      - pfs: [{PF}, {PF}, {PF}, {PF}]
      - pfs: [{PF}, {PF}, {PF}, {PF}]
"""


def resident_mb(daemon):
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def sockets(daemon):
    """All VFs' sockets, those of one port together: even functions are PF 0's."""
    return sorted(daemon.run_dir.glob("0000:*.sock"),
                  key=lambda path: (int(path.stem[-1]) % 2, path))


@pytest.mark.parametrize("config, count, seconds, megabytes", [
    pytest.param(TWO_PFS, 128, 1, 64, id="2 PFs"),
    pytest.param(EIGHT_PFS, 512, 3, 200, id="8 PFs"),
])
def test_start_and_memory(crew, config, count, seconds, megabytes):
    started = time.monotonic()
    daemon = crew.daemon(config)
    wait_until(lambda: len(sockets(daemon)) == count, seconds + 5, f"{count} sockets", 0.01)
    elapsed = time.monotonic() - started
    assert elapsed < seconds
    assert len(daemon.functions()) == count + (count // 64)
    time.sleep(1)
    resident = resident_mb(daemon)
    print(f"{count} sockets after {elapsed:.2f} s, {resident:.1f} MB")
    assert resident < megabytes
    macs = [function["mac"] for function in daemon.functions().values()]
    assert len(set(macs)) == len(macs)


def idle_shares(daemon, load, windows, seconds, enough):
    """
    Share of a processor that the daemon uses in each window of time, until one is as small as
    expected: whatever else runs on the machine only adds, by cold caches.
    """
    shares = []
    while len(shares) < windows and not (shares and min(shares) <= enough):
        used, since = sum(daemon.cpu_seconds().values()), time.monotonic()
        time.sleep(seconds)
        used = sum(daemon.cpu_seconds().values()) - used
        shares.append(used / (time.monotonic() - since))
        assert load.poll() is None, load.stderr.read()
    return shares


def worker(daemon):
    return daemon.show()["workers"][0]


def test_128_idle_vfs_cost_nothing(crew):
    daemon = crew.daemon(TWO_PFS)
    wait_until(lambda: len(sockets(daemon)) == 128, 30, "128 sockets")
    windows, seconds, packets = 4, 10, 20
    load = subprocess.Popen([program("vfload"), str(windows * seconds + 1), str(packets),
                             *sockets(daemon)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert load.stdout.readline() == "ready\n", load.stderr.read()
        before = worker(daemon)
        shares = idle_shares(daemon, load, windows, seconds, IDLE_SHARE)
        after = worker(daemon)
        attached = [vf for vf in daemon.functions().values() if vf.get("attached")]
        assert len(attached) == 128
        assert all(vf["receive_enabled"] and vf["queues"] for vf in attached)
        out, err = load.communicate(timeout=windows * seconds + 30)
        assert load.returncode == 0, err
    finally:
        load.kill()
        load.wait()
    naps, loops = (after[name] - before[name] for name in ("naps", "loops"))
    report = json.loads(out.splitlines()[-1])
    latency = sorted(report["latency_us"])
    print("idle: " + ", ".join(f"{100 * share:.2f} %" for share in shares)
          + f" of a core; first frame after silence: {latency}")
    assert report["attached"] == 128 and len(latency) == packets
    # What the daemon does is bounded by what it is made to do: a nap of 2.5 ms, a look at each VF.
    # What that costs is the machine's: 1.5 to 2 % of a core where waking up from a nap costs 30 us,
    # more while others use its caches.
    assert naps / (len(shares) * seconds) <= 1e6 / NAP_MAX_US * 1.1
    assert loops <= naps * 1.05 + 100, "looked without napping"
    assert min(shares) <= IDLE_SHARE
    assert latency[len(latency) * 3 // 4] <= 3000
