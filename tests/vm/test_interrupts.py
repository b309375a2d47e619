# SPDX-License-Identifier: BSD-3-Clause
"""
Interrupts: every one that the card signals is one that the guest counts; few under load, at most
as many as moderation allows, hardly any without traffic.
"""

import time

import pytest

from lab import iperf3, traffic, wait_until

STROBE_S = 2    # ixgbevf fires all its queue vectors itself, this often


def signalled(pair, guest):
    """Interrupts signalled by vector (0: the queue pair, 1: mailbox), as the daemon counts."""
    return {irq["vector"]: irq["signalled"]
            for irq in pair.daemon.function(guest.function)["interrupts"][:2]}


def grown(old, new):
    return {name: new[name] - old.get(name, 0) for name in new}


@pytest.fixture(scope="module")
def quiet(pair):
    """The pair, without what a guest sends by itself."""
    for guest in (pair.a, pair.b):
        guest.sh("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1")
    return pair


def test_the_guest_sees_every_interrupt_signalled(quiet):
    guest = quiet.b

    def counted():
        by_name = guest.interrupts(guest.nic)
        return {0: by_name[f"{guest.nic}-TxRx-0"], 1: by_name[guest.nic]}

    def both():
        """Counts of guest and daemon of one moment: nothing happened around it."""
        before = signalled(quiet, guest)
        seen = counted()
        return (before, seen) if signalled(quiet, guest) == before else None

    start = wait_until(both, 20, "a quiet moment")
    assert iperf3(guest, quiet.a, guest.address, 2)["mbits"] > 0
    quiet.daemon.vf_set(guest.function, "state", "disable")     # mailbox interrupts
    time.sleep(3)
    quiet.daemon.vf_set(guest.function, "state", "auto")
    guest.up(guest.nic)
    end = wait_until(both, 20, "a quiet moment")
    assert grown(start[0], end[0]) == grown(start[1], end[1])
    assert all(count > 0 for count in grown(start[0], end[0]).values())


def test_causes_are_held_or_signalled(quiet):
    iperf3(quiet.b, quiet.a, quiet.b.address, 1)
    for irq in quiet.daemon.function(quiet.b.function)["interrupts"]:
        assert irq["causes"] >= irq["signalled"]
        assert irq["causes"] >= irq["held_by_mask"] + irq["held_by_moderation"]
    queue = quiet.daemon.function(quiet.b.function)["interrupts"][0]
    assert queue["causes"] > queue["signalled"] and queue["held_by_mask"] > 0


def test_bulk_raises_few_interrupts(quiet):
    def counts(guest):
        vf = quiet.daemon.function(guest.function)
        return (sum(irq["signalled"] for irq in vf["interrupts"]),
                vf["stats"]["rx_packets"] + vf["stats"]["tx_packets"], vf["stats"]["rx_packets"])

    before = [counts(guest) for guest in (quiet.a, quiet.b)]
    iperf3(quiet.b, quiet.a, quiet.b.address, 4)
    after = [counts(guest) for guest in (quiet.a, quiet.b)]
    for old, new in zip(before, after):
        assert new[1] - old[1] > 10000
        assert new[0] - old[0] <= (new[1] - old[1]) / 10
    assert after[1][0] - before[1][0] <= (after[1][2] - before[1][2]) / 10, "receiver alone"


def paced_rate(quiet, usecs, rate=20000, seconds=4):
    """Interrupts per second of b's queue vector under a paced flow, at rx-usecs."""
    quiet.b.sh(f"ethtool -C {quiet.b.nic} rx-usecs {usecs}")
    mac = quiet.a.mac(quiet.a.nic)
    listener = quiet.b.start_bg(f"traffic raw-recv {quiet.b.nic} src={mac} {seconds + 2}")
    listener.wait_for("listening")
    start, started = signalled(quiet, quiet.b), time.monotonic()
    quiet.a.sh(f"traffic raw-send {quiet.a.nic} dst={quiet.b.mac(quiet.b.nic)} src={mac} "
               f"rate={rate} count={rate * seconds}", 60)
    elapsed = time.monotonic() - started
    end = signalled(quiet, quiet.b)
    listener.wait()
    assert elapsed < 1.5 * seconds, "the sender could not keep the pace"
    return (end[0] - start[0]) / elapsed


def test_moderation_bounds_the_rate(quiet):
    rates = {usecs: paced_rate(quiet, usecs) for usecs in (20, 200, 1000)}
    print(f"interrupts per second by rx-usecs: {rates}")
    for usecs, rate in rates.items():
        assert 0 < rate <= 1.05e6 / usecs
    assert rates[1000] < rates[20] / 5


def test_an_idle_vf_raises_only_the_driver_s_own_strobe(quiet):
    seconds = 12
    wait_until(lambda: quiet.a.ping(quiet.b.address, 1)["loss"] == 0, 5, "a first ping")
    time.sleep(6)       # ARP has nothing left to ask
    before = [signalled(quiet, guest) for guest in (quiet.a, quiet.b)]
    time.sleep(seconds)
    for guest, old in zip((quiet.a, quiet.b), before):
        for vector, count in grown(old, signalled(quiet, guest)).items():
            assert count <= seconds / STROBE_S + 1, f"vector {vector} of {guest.name}"


def test_traffic_still_flows(quiet):
    rc, report = traffic(quiet.a, quiet.b, f"paced-send {quiet.b.address} 7000 1000 1000",
                         "paced-recv 7000")
    assert rc == 0 and report["received"] == 1000
