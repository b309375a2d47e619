#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
main.py [data|vm] [--rounds N] - measure, beside others and alternating with them.

    data    one worker against DPDK, Open vSwitch and a bare copy ("make bench")
    vm      two guests on softiov, on igb and on virtio-net ("make bench-vm")

Leaves in build/bench/: results.json (name -> median, and the spread of its runs), runs.json (every
run), table.txt and charts (SVG). Results of the other half stay in them. Ends with 0 if everything
ran; what must be reached and is not is in the table.
"""

import argparse
import json
import signal
import sys
import time

import machine
from machine import BUILD, HugePages, LabError, Others, RealTime
import ours
import peers
import plot
import report
import vm
from series import Series

OUT = BUILD / "bench"
ROUNDS = 5
SECONDS = 1.5
ATTEMPTS_UNTIL = 240        # begin no second attempt after so many seconds
MAPPING_SECONDS = 3
MICRO = {64: ("64_mpps", lambda rate: rate / 1e6),
         1500: ("1500_gbps", lambda rate: rate * 1500 * 8 / 1e9)}


def say(text):
    print(text, flush=True)


def sizes(system, name, series):
    """The two sizes that everyone is measured with."""
    said = []
    for size, (suffix, figure) in MICRO.items():
        value = figure(system.rate(size, SECONDS))
        series.add(f"{name}_{suffix}", value)
        said.append(f"{value:.1f}")
    return f"{name} {' / '.join(said)}"


def others_of_ours(system, series):
    """What only softiov is measured with."""
    series.add("vf_imix_mpps", system.imix(SECONDS))
    series.add("vf_256_mpps", system.rate(256, SECONDS) / 1e6)
    series.add("vf_9000_gbps", system.rate(9000, SECONDS) * 9000 * 8 / 1e9)
    for field, value in zip(("latency_p50_us", "latency_p99_us"), system.latency(SECONDS)):
        series.add(field, value)
    series.add("tso_gbps", system.tso(SECONDS))
    series.add("memcpy_gbps", ours.memcpy(SECONDS))


def one_round(huge, series):
    """Everybody once, one after the other; returns what was seen, in Mpps / Gbit/s."""
    said = []
    for name, system in (("vf", ours.Softiov), ("dpdk_vhost", peers.DpdkVhost),
                         ("ovs_dpdk", peers.OvsDpdk), ("ceiling", peers.Ceiling)):
        with system(huge) as under_test:
            said.append(sizes(under_test, name, series))
            if name == "vf":
                others_of_ours(under_test, series)
    return ", ".join(said)


def compare(huge, rounds, started):
    """Rounds until the peers are steady, at most twice."""
    while True:
        series = Series()
        for number in range(1, rounds + 1):
            with Others() as others, RealTime():
                seen = one_round(huge, series)
            say(f"round {number}: {seen}; {100 * others.share:.0f} % of the machine used by "
                f"others, {100 * others.stolen:.0f} % stolen")
        noisy = report.noisy_peers(report.DATA_PATH, series)
        if not noisy or time.monotonic() - started > ATTEMPTS_UNTIL:
            return series
        say(f"too noisy: {', '.join(noisy)}; measuring once more")


def scale(rounds, series):
    for name, kind in (("scale_512", ours.Crowd), ("scale_64", ours.Party)):
        with kind() as system:
            for _ in range(rounds):
                many, few = system.ratio(SECONDS)
                series.add(f"{name}_ratio", many.busy / few.busy)
                series.add(f"{name}_wall_ratio", many.wall / few.wall)
                series.add(f"{name}_ns", many.busy)
                series.add(f"{name}_alone_ns", few.busy)
        say(f"{name}: {series.median(f'{name}_ratio'):.2f}")


def quiet(rounds, series):
    for _ in range(rounds):
        with ours.Mapping() as system:
            longest, wall = system.quiesce(MAPPING_SECONDS)
        series.add("quiesce_us_max", longest)
        series.add("quiesce_wall_p999_us", wall)
        say(f"quiescing: {longest:.1f} us at most; a map and an unmap {wall:.0f} us (99.9 of 100)")
    with ours.Idle() as system:
        series.add("idle_cpu_percent", system.cpu_percent())
    say(f"idle: {series.median('idle_cpu_percent'):.2f} % of a processor")


def data(rounds):
    started = time.monotonic()
    machine.check()
    with machine.machine_lock(), HugePages() as huge:
        series = compare(huge, rounds, started)
        scale(rounds, series)
        quiet(rounds, series)
    return report.DATA_PATH, series


def guests(rounds):
    with machine.machine_lock():
        series = vm.measure(rounds, lambda runs: report.noisy_peers(report.VM, runs), say)
    return report.VM, series


def write(rows, series):
    """Results beside those of the other half; tells whether all rows are there."""
    OUT.mkdir(exist_ok=True)
    everything = Series()
    everything.load(OUT / "runs.json")
    everything.values.update(series.values)
    everything.save(OUT / "runs.json")
    results = everything.results()
    (OUT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.summary(everything)
    (OUT / "table.txt").write_text(text + "\n")
    charts = plot.draw(OUT, everything)
    say("\n" + text)
    say(f"\n{OUT}: results.json, runs.json, table.txt, {charts} charts (*.svg)")
    missing = report.missing(rows, series)
    if missing:
        say(f"bench: did not run: {', '.join(missing)}")
    return not missing


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("half", nargs="?", choices=("data", "vm"), default="data")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        rows, series = (data if options.half == "data" else guests)(options.rounds)
    except KeyboardInterrupt:
        say("\nstopped")
        return 130
    except (LabError, OSError) as error:
        say(f"bench: {error}")
        return 1
    complete = write(rows, series)
    say(f"{time.monotonic() - started:.0f} s")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
